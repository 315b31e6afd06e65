"""The tables of the main job: people, agents, tasks, runs, events, subscriptions, deliveries."""

from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


def up(_migrator: Any, db: Database) -> None:
    """Create them, and the stream of the house."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class People(Table):
        id = AutoField()
        name = CharField()
        role = CharField()
        since = BigIntegerField()

    class Identities(Table):
        kind = CharField()
        value = CharField()
        person = ForeignKeyField(People)

        class Meta:
            primary_key = CompositeKey("kind", "value")

    class Agents(Table):
        id = AutoField()
        name = CharField(unique=True)
        about = TextField()
        model = CharField(null=True)
        status = CharField()

    class Streams(Table):
        id = AutoField()
        seq = IntegerField()
        head = BlobField()

    class Events(Table):
        stream = ForeignKeyField(Streams)
        seq = IntegerField()
        body = BlobField(null=True)
        digest = BlobField()
        mac = BlobField()
        key = CharField()

        class Meta:
            primary_key = CompositeKey("stream", "seq")

    class Discussions(Table):
        id = AutoField()
        door = CharField()
        place = CharField()
        private = BooleanField()

        class Meta:
            indexes = ((("door", "place"), True),)

    class Workspaces(Table):
        id = AutoField()
        name = CharField(unique=True)
        held_by = IntegerField(null=True)

    class Tasks(Table):
        id = AutoField()
        title = CharField()
        text = TextField()
        state = CharField(index=True)
        agent = ForeignKeyField(Agents)
        asker = ForeignKeyField(People)
        discussion = ForeignKeyField(Discussions, null=True)
        workspace = ForeignKeyField(Workspaces)
        stream = ForeignKeyField(Streams)
        report_due = BooleanField(index=True)
        opened_at = BigIntegerField()
        ended_at = BigIntegerField(null=True)

    class Runs(Table):
        id = AutoField()
        task = ForeignKeyField(Tasks)
        open = BooleanField(index=True)
        attempt = IntegerField()
        worker = CharField()
        token = CharField(null=True)
        lease_until = BigIntegerField(null=True)
        sandbox_host = CharField(null=True)
        sandbox_pid = IntegerField(null=True)
        sandbox_started = BigIntegerField(null=True)

    class Subscriptions(Table):
        id = AutoField()
        task = ForeignKeyField(Tasks)
        outlet = CharField()
        address = CharField()
        cursor = IntegerField()
        thread = CharField()
        token = CharField(null=True)
        leased_until = BigIntegerField(null=True)
        not_before = BigIntegerField(null=True)
        attempts = IntegerField()
        failing_since = BigIntegerField(null=True)

        class Meta:
            indexes = ((("task", "outlet", "address"), True),)

    class Deliveries(Table):
        subscription = ForeignKeyField(Subscriptions)
        seq = IntegerField()
        part = CharField()
        state = CharField()
        remote_id = CharField()
        maybe_twice = BooleanField()
        error = TextField()
        at = BigIntegerField()

        class Meta:
            primary_key = CompositeKey("subscription", "seq", "part")

    class Inbox(Table):
        key = CharField(primary_key=True)
        at = BigIntegerField(index=True)

    db.create_tables(
        [
            People,
            Identities,
            Agents,
            Streams,
            Events,
            Discussions,
            Workspaces,
            Tasks,
            Runs,
            Subscriptions,
            Deliveries,
            Inbox,
        ]
    )
    Streams.create(id=1, seq=0, head=b"")
