"""What is told to people, and what comes from them."""

from typing import Literal

from peewee import (
    AutoField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from storage.tables.base import InstantField, Table
from storage.tables.house import Discussions, People
from storage.tables.work import Tasks

Cadence = Literal["all", "milestones", "daily", "result", "asked", "called", "none"]


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
    cadence: "CharField[Cadence]" = CharField(default="all")  # type: ignore[assignment]  # no other is stored

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


class Notices(Table):
    """Things said once to one address, beside the tasks it hears of; `only_for` sees it alone in a place.

    What a task's `report` holds may go with it, or its `diff` alone, as that stands then: it `encloses` it.
    Whoever holds `token` until `leased_until` says it; nobody else.
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
    encloses = CharField(default="report")


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


class Inbox(Table):
    """Requests from outside that were acted on, so that a replay is not."""

    key = CharField(primary_key=True)
    at = InstantField(index=True)
