"""The tables, as peewee models. Migrations create them; nothing here does.

Times are whole microseconds since 1970 in UTC: exact on every database, and read back as aware datetimes.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

from storage.database import proxy

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def instant(stored: int) -> datetime:
    """A moment, from how it is stored."""
    return EPOCH + stored * MICROSECOND


class InstantField(BigIntegerField):
    """A moment, to the microsecond."""

    def db_value(self, value: datetime | None) -> int | None:
        """Microseconds since 1970."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def python_value(self, value: Any) -> datetime | None:
        """An aware datetime in UTC."""
        return None if value is None else instant(int(value))


class Table(Model):
    """What all tables share."""

    class Meta:
        """One database for all, named when the process opens it."""

        database = proxy
        legacy_table_names = False


class People(Table):
    """Who acts; one who became one with another leads to them, and is never deleted."""

    id = AutoField()
    name = CharField()
    role = CharField()
    since = InstantField()
    merged_into = ForeignKeyField("self", null=True)
    merged_into_id: int | None


class Identities(Table):
    """How a person is recognised: `slack` ids, `email` addresses, `local` operators."""

    kind = CharField()
    value = CharField()
    person = ForeignKeyField(People)

    class Meta:
        """An identity belongs to one person."""

        primary_key = CompositeKey("kind", "value")


class Agents(Table):
    """Named workers; `own_approval` says whether who asked may approve: `yes`, `no` or by the rule."""

    id = AutoField()
    name = CharField(unique=True)
    about = TextField()
    model = CharField(null=True)
    status = CharField(default="active")
    instructions = TextField(default="")
    workspace = CharField(default="")
    open_to_stakeholders = BooleanField(default=False)
    own_approval = CharField(default="")


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


class Discussions(Table):
    """A place where people talk with agents: a Slack channel."""

    id = AutoField()
    door = CharField()
    place = CharField()
    private = BooleanField(default=False)
    agent = ForeignKeyField(Agents, null=True)
    agent_id: int | None
    workspace = CharField(default="")

    class Meta:
        """A place is mapped once."""

        indexes = ((("door", "place"), True),)


class Approvers(Table):
    """Who decides on the calls of an agent, or on those of the tasks of a discussion."""

    id = AutoField()
    agent = ForeignKeyField(Agents, null=True)
    discussion = ForeignKeyField(Discussions, null=True)
    person = ForeignKeyField(People)
    person_id: int


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
    """Pieces of work; a waiting one waits for an `approval` or a `reply`, to the call named by `question`."""

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


class Subscriptions(Table):
    """Who hears of a task: `cursor` is the last event they were told of, `thread` their first message.

    Whoever holds `token` until `leased_until` tells them; nobody else. `attempts` counts the failed tries
    since the last success, and `failing_since` is when the first of them was. `cadence` is what they want to
    hear of: `all`, `milestones`, `daily`, `result`, `asked` (only what they are to decide), `called` (the
    same, for somebody who was called to decide and has no other part in the task) or `none`.
    """

    id = AutoField()
    task = ForeignKeyField(Tasks)
    task_id: int
    outlet = CharField()
    address = CharField()
    cursor = IntegerField(default=0)
    thread = CharField(default="")
    token = CharField(null=True)
    leased_until = InstantField(null=True)
    not_before = InstantField(null=True)
    attempts = IntegerField(default=0)
    failing_since = InstantField(null=True)
    cadence = CharField(default="all")

    class Meta:
        """An address hears of a task once."""

        indexes = (
            (("task", "outlet", "address"), True),
            (("outlet", "thread"), False),
            (("address",), False),
        )


class Deliveries(Table):
    """One event sent to one subscription: `sending`, then `sent` or `dead`."""

    subscription = ForeignKeyField(Subscriptions)
    seq = IntegerField()
    part = CharField()
    state = CharField()
    remote_id = CharField(default="")
    maybe_twice = BooleanField(default=False)
    error = TextField(default="")
    at = InstantField()

    class Meta:
        """A part of an event is sent to a subscription once."""

        primary_key = CompositeKey("subscription", "seq", "part")


class Inbox(Table):
    """Requests from outside that were acted on, so that a replay is not."""

    key = CharField(primary_key=True)
    at = InstantField(index=True)


class Messages(Table):
    """What people said in discussions; `remote_id` is how the place calls it, `thread` what it answers."""

    id = AutoField()
    discussion = ForeignKeyField(Discussions)
    remote_id = CharField()
    thread = CharField(default="")
    author = CharField()
    person = ForeignKeyField(People, null=True)
    text = TextField()
    at = InstantField()
    task = ForeignKeyField(Tasks, null=True)
    task_id: int | None

    class Meta:
        """A message is kept once."""

        indexes = ((("discussion", "remote_id"), True),)


class Policies(Table):
    """What an agent may do with a tool: `allow`, `ask` or `deny`. An empty agent, tool or pattern is any."""

    id = AutoField()
    agent = CharField(default="")
    tool = CharField(default="")
    pattern = CharField(default="")
    effect = CharField()
    by = CharField()
    at = InstantField()
    until = InstantField(null=True)
    built_in = BooleanField(default=False)


class Approvals(Table):
    """Questions about one exact call: `open`, then `approved` and `used` once, `denied` or `withdrawn`.

    `own` says whether the rule lets who asked for the task approve; `digest` is that of the call; `asked_of`
    are the people who were called to decide, as numbers.
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


class Runbooks(Table):
    """Named tasks with parameters, from the configuration; `parameters` is JSON."""

    name = CharField(primary_key=True)
    about = TextField()
    agent = CharField()
    text = TextField()
    parameters = TextField()


class Letters(Table):
    """Mail as it came: `new`, then `done`, `ignored` or `quarantined`, and why."""

    id = AutoField()
    content = BlobField()
    mail_from = CharField()
    rcpt = CharField()
    at = InstantField()
    state = CharField(default="new", index=True)
    message_key = CharField(null=True, unique=True)
    task = ForeignKeyField(Tasks, null=True)
    outcome = TextField(default="")


class Notices(Table):
    """Things said once to one address, beside the tasks it hears of; `only_for` sees it alone in a place.

    The report of a task may go with it, as that stands then. Whoever holds `token` until `leased_until` says
    it; nobody else.
    """

    id = AutoField()
    outlet = CharField()
    address = CharField()
    thread = CharField(default="")
    only_for = CharField(default="")
    subject = CharField(default="")
    text = TextField()
    reply_to = CharField(default="")
    report = ForeignKeyField(Tasks, null=True)
    report_id: int | None
    at = InstantField()
    state = CharField(default="waiting", index=True)
    token = CharField(null=True)
    leased_until = InstantField(null=True)
    not_before = InstantField(null=True)
    attempts = IntegerField(default=0)
    failing_since = InstantField(null=True)
    error = TextField(default="")


class LinkCodes(Table):
    """Proofs that were asked for: whoever can read mail to `address` knows the code with this digest."""

    person = ForeignKeyField(People)
    address = CharField()
    digest = CharField()
    expires = InstantField()
    tries = IntegerField(default=0)

    class Meta:
        """A person proves an address once at a time."""

        primary_key = CompositeKey("person", "address")
