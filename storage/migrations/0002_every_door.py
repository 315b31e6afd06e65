"""The tables of every door: approvals, policies, messages, letters, notices, runbooks; and new columns."""

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
from playhouse.migrate import migrate


def up(migrator: Any, db: Database) -> None:
    """Create the tables and add the columns."""

    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class People(Table):
        id = AutoField()

    class Agents(Table):
        id = AutoField()

    class Discussions(Table):
        id = AutoField()

    class Tasks(Table):
        id = AutoField()

    class Approvers(Table):
        id = AutoField()
        agent = ForeignKeyField(Agents, null=True)
        discussion = ForeignKeyField(Discussions, null=True)
        person = ForeignKeyField(People)

    class Messages(Table):
        id = AutoField()
        discussion = ForeignKeyField(Discussions)
        remote_id = CharField()
        thread = CharField()
        author = CharField()
        person = ForeignKeyField(People, null=True)
        text = TextField()
        at = BigIntegerField()
        task = ForeignKeyField(Tasks, null=True)

        class Meta:
            indexes = ((("discussion", "remote_id"), True),)

    class Policies(Table):
        id = AutoField()
        agent = CharField()
        tool = CharField()
        pattern = CharField()
        effect = CharField()
        by = CharField()
        at = BigIntegerField()
        until = BigIntegerField(null=True)
        built_in = BooleanField()

    class Approvals(Table):
        id = AutoField()
        task = ForeignKeyField(Tasks)
        call_id = CharField()
        digest = CharField()
        own = BooleanField()
        asked_of = CharField()
        state = CharField()
        by = CharField()
        door = CharField()
        note = TextField()
        asked_at = BigIntegerField()
        decided_at = BigIntegerField(null=True)
        remind_at = BigIntegerField(null=True)

    class Runbooks(Table):
        name = CharField(primary_key=True)
        about = TextField()
        agent = CharField()
        text = TextField()
        parameters = TextField()

    class Letters(Table):
        id = AutoField()
        content = BlobField()
        mail_from = CharField()
        rcpt = CharField()
        at = BigIntegerField()
        state = CharField(index=True)
        message_key = CharField(null=True, unique=True)
        task = ForeignKeyField(Tasks, null=True)
        outcome = TextField()

    class Notices(Table):
        id = AutoField()
        outlet = CharField()
        address = CharField()
        thread = CharField()
        only_for = CharField()
        subject = CharField()
        text = TextField()
        reply_to = CharField()
        report = ForeignKeyField(Tasks, null=True)
        at = BigIntegerField()
        state = CharField(index=True)
        token = CharField(null=True)
        leased_until = BigIntegerField(null=True)
        not_before = BigIntegerField(null=True)
        attempts = IntegerField()
        failing_since = BigIntegerField(null=True)
        error = TextField()

    class LinkCodes(Table):
        person = ForeignKeyField(People)
        address = CharField()
        digest = CharField()
        expires = BigIntegerField()
        tries = IntegerField()

        class Meta:
            primary_key = CompositeKey("person", "address")

    db.create_tables([Approvers, Messages, Policies, Approvals, Runbooks, Letters, Notices, LinkCodes])
    empty = CharField(default="")
    migrate(
        migrator.add_column("agents", "instructions", TextField(default="")),
        migrator.add_column("agents", "workspace", empty),
        migrator.add_column("agents", "open_to_stakeholders", BooleanField(default=False)),
        migrator.add_column("agents", "own_approval", empty),
        migrator.add_column("discussions", "agent_id", ForeignKeyField(Agents, field=Agents.id, null=True)),
        migrator.add_column("discussions", "workspace", empty),
        migrator.add_column("tasks", "waiting_for", empty),
        migrator.add_column("tasks", "question", empty),
        migrator.add_column("tasks", "priority", IntegerField(default=0)),
        migrator.add_column("tasks", "budget", empty),
        migrator.add_column("workspaces", "named", BooleanField(default=False, index=True)),
        migrator.add_column(
            "workspaces", "discussion_id", ForeignKeyField(Discussions, field=Discussions.id, null=True)
        ),
        migrator.add_column("runs", "parked", BooleanField(default=False)),
        migrator.add_column("subscriptions", "cadence", CharField(default="all")),
        migrator.add_index("subscriptions", ("outlet", "thread")),
        migrator.add_index("subscriptions", ("address",)),
    )
