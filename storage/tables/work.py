"""Tasks, what happened to them, where and by whom they are done."""

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from storage.tables.base import InstantField, Table
from storage.tables.house import Agents, Discussions, People


class Streams(Table):
    """A chain of events: one for each task, and number 1 for the house."""

    id = AutoField()
    seq = IntegerField(default=0)
    head = BlobField(default=b"")


class Events(Table):
    """What happened; `body` may be erased, its `digest` stays."""

    stream = ForeignKeyField(Streams)
    seq = IntegerField()
    body = BlobField(null=True)
    digest = BlobField()
    mac = BlobField()
    key = CharField()

    class Meta:
        """A stream counts its events without gaps."""

        primary_key = CompositeKey("stream", "seq")


class Workspaces(Table):
    """A directory that tasks work in; `held_by` is the run that has it to itself.

    One that people `named` may be shared: by the tasks of one private discussion, or by all.
    """

    id = AutoField()
    name = CharField(unique=True)
    held_by = IntegerField(null=True)
    named = BooleanField(default=False, index=True)
    discussion = ForeignKeyField(Discussions, null=True)
    discussion_id: int | None


class Tasks(Table):
    """Pieces of work; a waiting one waits for an `approval` or a `reply`, to the call named by `question`.

    `model` decides on the steps, whichever agent takes them; where it is empty the agent's does.
    """

    id = AutoField()
    title = CharField()
    text = TextField()
    state = CharField(index=True)
    agent = ForeignKeyField(Agents)
    agent_id: int
    asker = ForeignKeyField(People)
    asker_id: int
    discussion = ForeignKeyField(Discussions, null=True)
    discussion_id: int | None
    workspace = ForeignKeyField(Workspaces)
    workspace_id: int
    stream = ForeignKeyField(Streams)
    stream_id: int
    report_due = BooleanField(default=False, index=True)
    opened_at = InstantField()
    ended_at = InstantField(null=True)
    waiting_for = CharField(default="")
    question = CharField(default="")
    priority = IntegerField(default=0)
    budget = CharField(default="")
    model = CharField(default="")


class Runs(Table):
    """Executions of tasks. Whoever holds `token` until `lease_until` may act; nobody else.

    A `parked` run waits with its task, and is claimed by nobody.
    """

    id = AutoField()
    task = ForeignKeyField(Tasks)
    task_id: int
    open = BooleanField(default=True, index=True)
    attempt = IntegerField(default=0)
    worker = CharField(default="")
    token = CharField(null=True)
    lease_until = InstantField(null=True)
    sandbox_host = CharField(null=True)
    sandbox_pid = IntegerField(null=True)
    sandbox_started = BigIntegerField(null=True)
    parked = BooleanField(default=False)


class Approvals(Table):
    """Questions about one exact call: `open`, then `approved` and `used` once, `denied` or `withdrawn`.

    `own` says whether the rule lets who wanted the call approve: who asked for the task, and `steered_by`,
    who began it anew or told the agent what to do. `digest` is that of the call; `asked_of` are the people
    who were called to decide. People are numbers, between commas.
    """

    id = AutoField()
    task = ForeignKeyField(Tasks)
    task_id: int
    call_id = CharField()
    digest = CharField()
    own = BooleanField()
    asked_of = CharField(default="")
    state = CharField(default="open")
    by = CharField(default="")
    door = CharField(default="")
    note = TextField(default="")
    asked_at = InstantField()
    decided_at = InstantField(null=True)
    remind_at = InstantField(null=True)
    steered_by = CharField(default="")
