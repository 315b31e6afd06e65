"""The small nouns: inbox, discussions, agents, workspaces' names."""

import pytest
from peewee import IntegrityError

from storage import agents, database, discussions, inbox, people, tasks, workspaces
from tests.fakes.core import NOON, Core, after

pytestmark = pytest.mark.usefixtures("core")


async def test_a_request_is_new_once() -> None:
    """A key is new the first time and never again, until it is forgotten."""

    def act() -> None:
        assert inbox.first_time("slack:1", NOON)
        assert not inbox.first_time("slack:1", after(1))
        assert inbox.first_time("slack:2", after(1))
        assert inbox.forget_before(after(1)) == 1
        assert inbox.first_time("slack:1", after(2))
        assert not inbox.first_time("slack:2", after(2))

    await database.run(act)


async def test_a_place_is_one_discussion() -> None:
    """A place is mapped once for each door, and keeps up with whether it is private."""

    def act() -> None:
        first = discussions.ensure("slack", "C1", private=False)
        assert discussions.ensure("slack", "C1", private=True).id == first.id
        assert discussions.ensure("slack", "C1", private=True).private
        assert not discussions.ensure("slack", "C1", private=False).private
        assert discussions.ensure("email", "C1", private=False).id != first.id

    await database.run(act)


async def test_names_are_given_once() -> None:
    """Two agents or two workspaces of one name cannot be."""
    for add in (lambda: agents.add("coder", ""), lambda: workspaces.add("w") and workspaces.add("w")):
        with pytest.raises(IntegrityError):
            await database.run(add)
    assert [agent.name for agent in await database.run(agents.everyone)] == ["analyst", "coder"]
    assert await database.run(agents.find, "nobody") is None


async def test_a_person_is_found_by_each_identity(core: Core) -> None:
    """People are found by kind and value together, and by nothing else."""
    found = await database.run(people.find, "email", "dana@example.org")
    assert found is not None
    assert found.id == core.dana.id
    assert await database.run(people.find, "slack", "dana@example.org") is None
    assert await database.run(people.values, core.dana.id, "email") == ["dana@example.org"]
    assert await database.run(people.values, core.dana.id, "slack") == []


async def test_an_ended_task_owes_one_report(core: Core) -> None:
    """A task ends once, owes its report from then on, and it is settled once; the longest owed is first."""
    first, second = await core.opens(), await core.opens()

    def act() -> None:
        assert tasks.report_due() is None
        assert tasks.end(second, "done", after(1))
        assert tasks.end(first, "failed", after(2))
        assert not tasks.end(first, "done", after(3))
        assert tasks.get(first).state == "failed"
        owed = tasks.report_due()
        assert owed is not None
        assert owed.id == second
        assert tasks.settle_report(second, owed.ended_at)
        assert not tasks.settle_report(second, owed.ended_at)
        assert tasks.report_due(second) is None
        owed = tasks.report_due()
        assert owed is not None
        assert owed.id == first
        assert tasks.last() == second

    await database.run(act)
