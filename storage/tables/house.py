"""Who there is, and what holds for them: people, agents, places, rules."""

from peewee import AutoField, BooleanField, CharField, CompositeKey, ForeignKeyField, IntegerField, TextField

from storage.tables.base import InstantField, Table


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


class Agents(Table):
    """Named workers.

    `own_approval` says whether who asked may approve: `yes`, `no` or by the rule; `hosts` what an agent may
    reach on the network, separated by commas.
    """

    id = AutoField()
    name = CharField(unique=True)
    about = TextField()
    model = CharField(null=True)
    status = CharField(default="active")
    instructions = TextField(default="")
    workspace = CharField(default="")
    open_to_stakeholders = BooleanField(default=False)
    own_approval = CharField(default="")
    hosts = TextField(default="")


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


class Runbooks(Table):
    """Named tasks with parameters, from the configuration; `parameters` is JSON."""

    name = CharField(primary_key=True)
    about = TextField()
    agent = CharField()
    text = TextField()
    parameters = TextField()
