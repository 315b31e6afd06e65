"""Who sees which task: every role, every kind of task, every place."""

import pytest

from bot import permissions
from bot.actors import Actor, Door, Origin, Role
from storage import database, tasks
from tests.fakes.core import BACK_ROOM, CLI, GENERAL, Core

ELSEWHERE = Origin(Door.SLACK, "C0ELSEWHERE")
OTHER_BACK_ROOM = Origin(Door.SLACK, "C0OTHER", private=True)

OWN, PUBLIC, PRIVATE, MAILED, PLACELESS = "own", "public", "private", "mailed", "placeless"
ALL = {OWN, PUBLIC, PRIVATE, MAILED, PLACELESS}


async def shown(core: Core, actor: Actor, origin: Origin) -> set[str]:
    """Which of five tasks someone sees; they opened the first, and hear of one by mail."""
    mailed = ["dana@example.org"] if actor == core.dana else []
    numbers = {
        await core.opens(asker=actor, origin=OTHER_BACK_ROOM): OWN,
        await core.opens(asker=core.ben, origin=GENERAL): PUBLIC,
        await core.opens(asker=core.ben, origin=BACK_ROOM): PRIVATE,
        await core.opens(asker=core.ben, origin=OTHER_BACK_ROOM, notify=mailed): MAILED,
        await core.opens(asker=core.ben, origin=CLI): PLACELESS,
    }

    def look() -> set[str]:
        eyes = permissions.eyes(actor, origin)
        listed = {numbers[task.id] for task in tasks.newest(eyes, 10)}
        assert {name for number, name in numbers.items() if tasks.find(number, eyes)} == listed
        return listed

    return await database.run(look)


@pytest.mark.parametrize(
    ("origin", "sees"),
    [
        (CLI, {OWN, PUBLIC, PLACELESS}),
        (GENERAL, {OWN, PUBLIC, PLACELESS}),
        (ELSEWHERE, {OWN, PUBLIC, PLACELESS}),
        (BACK_ROOM, {OWN, PUBLIC, PLACELESS, PRIVATE}),
        (OTHER_BACK_ROOM, {OWN, PUBLIC, PLACELESS, MAILED}),
        (Origin(Door.EMAIL, BACK_ROOM.place), {OWN, PUBLIC, PLACELESS}),
    ],
)
async def test_a_member_sees_what_is_public_theirs_or_here(
    core: Core, origin: Origin, sees: set[str]
) -> None:
    """A private discussion's tasks show to a member where they were asked for, and nowhere else."""
    assert await shown(core, core.mel, origin) == sees


@pytest.mark.parametrize("origin", [CLI, GENERAL, BACK_ROOM, OTHER_BACK_ROOM])
async def test_a_stakeholder_sees_what_they_take_part_in(core: Core, origin: Origin) -> None:
    """A stakeholder sees what they asked for and what is mailed to them, wherever they stand."""
    assert await shown(core, core.dana, origin) == {OWN, MAILED}


@pytest.mark.parametrize("origin", [CLI, GENERAL, BACK_ROOM])
async def test_another_stakeholder_sees_only_their_own(core: Core, origin: Origin) -> None:
    """Mail to one stakeholder shows nothing to another."""
    assert await shown(core, core.eve, origin) == {OWN}


@pytest.mark.parametrize("origin", [CLI, GENERAL, BACK_ROOM])
async def test_an_admin_sees_all(core: Core, origin: Origin) -> None:
    """Nothing is hidden from an admin."""
    assert await shown(core, core.ada, origin) == ALL


async def test_a_channel_that_becomes_private_hides_its_tasks(core: Core) -> None:
    """What counts is whether the discussion is private now, for old tasks too."""
    await core.opens(asker=core.ben, origin=GENERAL)
    now_private = Origin(Door.SLACK, GENERAL.place, private=True)
    await core.opens(asker=core.ben, origin=now_private)
    assert await database.run(lambda: tasks.newest(permissions.eyes(core.mel, ELSEWHERE), 9)) == []
    assert len(await database.run(lambda: tasks.newest(permissions.eyes(core.mel, now_private), 9))) == 2


async def test_the_newest_come_first_and_no_more_than_asked(core: Core) -> None:
    """A list begins with the newest task and is cut to its limit."""
    numbers = [await core.opens() for _ in range(4)]
    found = await database.run(lambda: tasks.newest(permissions.eyes(core.mel, CLI), 3))
    assert [task.id for task in found] == numbers[:0:-1]


def test_may_follows_the_role(core: Core) -> None:
    """Someone may do what their role includes."""
    assert permissions.may(core.mel, Role.MEMBER)
    assert not permissions.may(core.mel, Role.ADMIN)
    assert not permissions.may(core.dana, Role.MEMBER)
