"""Who is meant, what they may do, and that somebody always may."""

from collections.abc import Iterator

import pytest

from bot import people, stream
from bot.actors import Actor, Role
from bot.errors import UserMistake
from bot.events import RoleChanged
from storage import database
from storage import people as rows
from storage.people import Known
from tests.fakes.core import NOON, Core


@pytest.fixture(autouse=True)
def _nobody_named() -> Iterator[None]:
    """The settings of one test are not those of the next."""
    yield
    people.settings_name(())


async def becomes(person: Actor, role: Role, by: Actor) -> None:
    await database.run(lambda: people.change_role(rows.get(person.id), role, by, NOON))


async def role(person: Actor) -> Role:
    return await database.run(lambda: Role(rows.get(person.id).role))


async def test_a_role_is_changed_and_recorded(core: Core) -> None:
    """The row and the house's log say the same."""
    await becomes(core.dana, Role.MEMBER, core.ada)
    assert await role(core.dana) == Role.MEMBER
    (event,) = await database.run(stream.replay, stream.HOUSE)
    assert event.fact == RoleChanged(person="dana (dana@example.org)", role="member", by="Ada")


async def test_the_last_admin_stays_one(core: Core) -> None:
    """Nobody locks the house from inside: someone else must be an admin first."""
    await becomes(core.mel, Role.ADMIN, core.ada)
    with pytest.raises(UserMistake, match="You are the last admin"):
        await becomes(core.mel, Role.MEMBER, core.mel)
    await becomes(core.ben, Role.ADMIN, core.mel)
    await becomes(core.mel, Role.MEMBER, core.mel)
    assert await role(core.mel) == Role.MEMBER


async def test_who_the_settings_name_is_an_admin_that_counts(core: Core) -> None:
    """Where they name another, or oneself, nobody is locked out; a machine's operator is no such comfort."""
    await becomes(core.mel, Role.ADMIN, core.ada)
    await database.run(people.local_operator, "root", NOON)
    with pytest.raises(UserMistake, match="You are the last admin"):
        await becomes(core.mel, Role.MEMBER, core.mel)
    people.settings_name(("U0ADA",))
    await becomes(core.mel, Role.MEMBER, core.mel)


async def test_settings_are_not_stored(core: Core) -> None:
    """Who they name is an admin while they do, by that identity."""
    people.settings_name(("dana@example.org",))
    dana = await database.run(rows.get, core.dana.id)
    assert people.role_of(dana) == (Role.ADMIN, "dana@example.org")
    people.settings_name(("dana",))
    assert people.role_of(dana) == (Role.STAKEHOLDER, "")


async def test_an_operator_is_an_admin_always(core: Core) -> None:
    """Their role is not changed, and what is stored does not matter at the machine."""
    operator = await database.run(people.local_operator, "root", NOON)
    with pytest.raises(UserMistake, match="and so is an admin always"):
        await becomes(operator, Role.MEMBER, core.ada)
    await database.run(rows.set_role, operator.id, "stakeholder")
    assert (await database.run(people.local_operator, "root", NOON)).role == Role.ADMIN


async def meant(**words: str) -> Known:
    return await database.run(lambda: people.meant(NOON, **words))


async def test_people_are_meant_by_id_address_or_name(core: Core) -> None:
    """An id decides; a name is found in any case, and an id may stand for it."""
    assert (await meant(slack="U0MEL", name="Ben")).id == core.mel.id
    assert (await meant(address="dana@example.org")).id == core.dana.id
    assert (await meant(name="mEL")).id == core.mel.id
    assert (await meant(name="U0MEL")).id == core.mel.id


@pytest.mark.usefixtures("core")
async def test_a_name_alone_means_nobody_new() -> None:
    """Who was never seen cannot be meant by a name, which anybody could take."""
    with pytest.raises(UserMistake, match="Nobody is known as @zoe\\."):
        await meant(name="zoe")


@pytest.mark.usefixtures("core")
async def test_an_id_or_an_address_means_somebody_new() -> None:
    """Slack's own mention and an address are proof enough of who is meant: they are added as who they are."""
    mentioned, written = await meant(slack="U9", name="zoe"), await meant(address="zoe@x.org")
    assert (mentioned.name, mentioned.role) == ("zoe", Role.MEMBER)
    assert (written.name, written.role) == ("zoe", Role.STAKEHOLDER)


@pytest.mark.usefixtures("core")
async def test_a_name_of_two_is_nobodys() -> None:
    """Several people of one name are told apart by what else they are known by."""
    await database.run(people.from_slack, "U1", "Änne", (), NOON)
    await database.run(people.from_address, "änne@x.org".replace("ä", "a"), (), NOON)
    assert (await meant(name="ÄNNE")).identities == (("slack", "U1"),)
    await database.run(people.from_slack, "U2", "änne", (), NOON)
    with pytest.raises(UserMistake, match=r"Several people are called @Änne: U1; U2. Name one by id"):
        await meant(name="Änne")


async def test_everyone_is_listed_by_name(core: Core) -> None:
    """With all that they are known by."""
    await database.run(rows.identify, core.mel.id, "email", "mel@x.org")
    everyone = await database.run(rows.everyone)
    assert [one.name for one in everyone] == ["Ada", "Ben", "dana", "eve", "Mel"]
    assert everyone[-1].identities == (("slack", "U0MEL"), ("email", "mel@x.org"))
