"""Who people are, and what an address is."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot import people
from bot.actors import Actor, Role
from bot.errors import UserMistake
from storage import database
from storage import people as rows
from storage.tables import People
from tests.fakes.core import NOON, Core, after

GOOD = {
    "dana@example.org": "dana@example.org",
    " Dana@Example.ORG\n": "dana@example.org",
    "<dana@example.org>": "dana@example.org",
    "mailto:dana@example.org": "dana@example.org",
    "<mailto:dana@example.org>": "dana@example.org",
    "root@localhost": "root@localhost",
    "first.last+tag@a.b-c.example": "first.last+tag@a.b-c.example",
    "o'brien!#$%&*/=?^_`{|}~-@x.org": "o'brien!#$%&*/=?^_`{|}~-@x.org",
    "x@xn--mller-kva.example": "x@xn--mller-kva.example",
    "1@2.3": "1@2.3",
    f"{'a' * 64}@x.org": f"{'a' * 64}@x.org",
    f"a@{'b' * 63}.org": f"a@{'b' * 63}.org",
}
BAD = [
    "",
    " ",
    "dana",
    "@",
    "dana@",
    "@example.org",
    "dana@@example.org",
    "a@b@example.org",
    "dana @example.org",
    "dana@exam ple.org",
    "dana@example.org,eve@example.org",
    "dana@example.org\neve@example.org",
    "dana@example.org\r\nBcc: eve@example.org",
    "dana\0@example.org",
    "Dana <dana@example.org>",
    '"dana"@example.org',
    "dana@[127.0.0.1]",
    ".dana@example.org",
    "dana.@example.org",
    "da..na@example.org",
    "dana@.example.org",
    "dana@example..org",
    "dana@example.org.",
    "dana@-example.org",
    "dana@example-.org",
    "dana@exa_mple.org",
    "d\u00e4na@example.org",
    "dana@ex\u00e4mple.org",
    "dana@\u212aelvin.example",
    f"{'a' * 65}@x.org",
    f"a@{'b' * 64}.org",
    f"a@{'b.' * 130}org",
]


@pytest.mark.parametrize(("text", "stored"), GOOD.items())
def test_good_addresses_have_one_form(text: str, stored: str) -> None:
    """However an address is written, one form of it is stored; and that form is its own."""
    assert people.address(text) == stored
    assert people.address(stored) == stored


@pytest.mark.parametrize("text", BAD)
def test_bad_addresses_are_refused(text: str) -> None:
    """What no mail can be sent to is refused, and named, cut where it is long."""
    with pytest.raises(ValueError, match="is no email address") as refusal:
        people.address(text)
    assert len(str(refusal.value)) < 300


ALMOST = st.text("ab.-+@ <>\u212a\n:'A0_", max_size=30)
LIKELY = st.builds("{}@{}".format, st.text("ab.-+'A0_", min_size=1), st.text("ab.-A0", min_size=1))


@given(st.text() | ALMOST | LIKELY)
@example("a@b\x85")
@example("a@b\u2028")
def test_whatever_is_accepted_can_be_mailed(text: str) -> None:
    """Any text is an address or a ValueError; an address is one printable word and fits a header."""
    try:
        stored = people.address(text)
    except ValueError:
        return
    assert people.address(stored) == stored == stored.lower()
    assert stored.isascii()
    assert stored.isprintable()
    assert len(stored.split()) == 1
    mail = EmailMessage(policy=SMTP)
    mail["To"] = Address(addr_spec=stored)
    assert mail["To"].addresses[0].addr_spec == stored


def test_a_long_text_is_refused_at_once() -> None:
    """A hundred thousand characters take no noticeable time."""
    for text in ("a" * 100_000, "a." * 50_000 + "@", "a@" + "b-" * 50_000, "<" * 100_000):
        with pytest.raises(ValueError, match="is no email address"):
            people.address(text)


def test_each_role_includes_the_ones_before_it() -> None:
    """A stakeholder may least, an admin all."""
    included = {role: {other for other in Role if role.includes(other)} for role in Role}
    assert included == {
        Role.STAKEHOLDER: {Role.STAKEHOLDER},
        Role.MEMBER: {Role.STAKEHOLDER, Role.MEMBER},
        Role.ADMIN: set(Role),
    }


async def test_first_roles(core: Core) -> None:
    """In Slack one is a member, by mail a stakeholder, at the machine an admin."""

    def act() -> list[Actor]:
        return [
            people.from_slack("U1", "Ann", (), NOON),
            people.from_address("ann@example.org", (), NOON),
            people.local_operator("ann", NOON),
        ]

    slack, mail, local = await database.run(act)
    assert (slack.name, slack.role) == ("Ann", Role.MEMBER)
    assert (mail.name, mail.role) == ("ann", Role.STAKEHOLDER)
    assert (local.name, local.role) == ("ann", Role.ADMIN)
    assert len({slack.id, mail.id, local.id, core.dana.id}) == 4


@pytest.mark.usefixtures("core")
async def test_a_person_is_known_again() -> None:
    """The second time finds the same person, name and day of the first kept."""

    def act() -> tuple[Actor, Actor, People]:
        first = people.from_slack("U1", "Ann", (), NOON)
        again = people.from_slack("U1", "Renamed", (), after(60))
        return first, again, People.get_by_id(first.id)

    first, again, row = await database.run(act)
    assert first == again
    assert row.since == NOON


@pytest.mark.usefixtures("core")
async def test_the_settings_name_admins() -> None:
    """Who the settings name is an admin while they do, known before or not."""

    def act() -> list[Role]:
        admins = ("U1", "boss@example.org")
        before = people.from_slack("U1", "Ann", (), NOON)
        return [
            before.role,
            people.from_slack("U1", "Ann", admins, NOON).role,
            people.from_slack("U1", "Ann", (), NOON).role,
            people.from_slack("U2", "U1", admins, NOON).role,
            people.from_address("boss@example.org", admins, NOON).role,
            people.from_address("u1", admins, NOON).role,
        ]

    assert await database.run(act) == [
        Role.MEMBER,
        Role.ADMIN,
        Role.MEMBER,
        Role.MEMBER,
        Role.ADMIN,
        Role.STAKEHOLDER,
    ]


@pytest.mark.usefixtures("core")
@pytest.mark.parametrize(("name", "shown"), [("", "U1"), ("x" * 200, "x" * 80)])
async def test_everyone_is_called_something(name: str, shown: str) -> None:
    """Without a name people are called by their id; a name has at most 80 characters."""
    actor = await database.run(people.from_slack, "U1", name, (), NOON)
    assert actor.name == shown


async def test_addresses_of_a_person(core: Core) -> None:
    """A person's addresses are those they are known by."""
    assert await database.run(people.addresses, core.dana) == ("dana@example.org",)
    assert await database.run(people.addresses, core.mel) == ()


async def test_a_person_is_renamed(core: Core) -> None:
    """What they are called changes, and nothing else."""
    await database.run(rows.rename, core.mel.id, "Melanie")
    mel = await database.run(people.from_slack, "U0MEL", "Mel", (), NOON)
    assert (mel.id, mel.name, mel.role) == (core.mel.id, "Melanie", Role.MEMBER)


async def test_whoever_is_looked_up_is_not_added(core: Core) -> None:
    """A typo makes nobody: it is said what to do."""
    assert (await database.run(people.known_by, "dana@example.org", ())) == core.dana
    admin = await database.run(people.known_by, "dana@example.org", ("dana@example.org",))
    assert admin.role == Role.ADMIN
    before = await database.run(rows.everyone)
    with pytest.raises(
        UserMistake, match=r"Nobody is known by typo@example.org\. .* add them first: legwork do"
    ):
        await database.run(people.known_by, "typo@example.org", ())
    assert await database.run(rows.everyone) == before
