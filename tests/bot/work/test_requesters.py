"""Where an admin wants calls asked about, nobody approves what they wanted themselves."""

import dataclasses

from bot import people
from bot.events import ApprovalAsked, Call, ModelTurned
from bot.work import calls, runs
from storage import database
from tests.fakes.asking import ASKING, PUSH, asked, begins, facts, wanted
from tests.fakes.core import NOON, Core, held

OTHER = Call(id="2", tool="terminal", args={"command": "git push origin dev"})


async def approves(core: Core, name: str, approval: str = "A-1") -> bool:
    """Whether somebody may approve; a refusal says why not."""
    reply = await core.does(f"task approve {approval}", getattr(core, name))
    assert reply.ok or "so" in reply.text
    return reply.ok


async def working(core: Core) -> None:
    """A task of Mel's, whose pushes Ada wants asked about."""
    await core.does('agent tools ask coder terminal "git push *"', core.ada)
    await core.opens()


async def test_who_began_it_anew_wants_it_too(core: Core) -> None:
    """Whoever retries another's task may deny its calls, and not approve them; the one before may again."""
    await working(core)
    for name in ("ada", "ben"):
        await core.does("task cancel T-1", core.mel)
        await core.does("task retry T-1", getattr(core, name))
    assert (await begins(await held())).course == "stop"
    refused = await core.does("task approve A-1", core.ben)
    assert refused.text.startswith("You had a say in T-1, so A-1 is for somebody else to approve.")
    assert not await approves(core, "mel")
    assert await approves(core, "ada")


async def test_who_steers_may_deny(core: Core) -> None:
    """A no needs nobody else."""
    await working(core)
    await core.does("task say T-1 push it", core.ben)
    await begins(await held())
    assert (await core.does("task deny A-1", core.ben)).ok


async def test_who_told_it_what_to_do_wants_it_too(core: Core) -> None:
    """Whoever has told the agent something since the last decision may not approve what comes of it."""
    await working(core)
    await core.does("task say T-1 push it", core.ben)
    claim = await held()
    await database.run(runs.commit, claim, [ModelTurned(step=1, calls=(PUSH,))], NOON)
    await begins(claim)
    assert not await approves(core, "ben")
    assert await approves(core, "ada")
    await begins(await held("w2"), OTHER)
    assert await approves(core, "ben", "A-2")


async def test_what_is_said_while_it_waits_counts_for_the_next_call(core: Core) -> None:
    """A decision settles what its turn knew of; whoever spoke after that steers what comes next."""
    await asked(core)
    await core.does("task say T-1 then push dev", core.ben)
    assert await approves(core, "ada")
    await begins(await held("w2"), OTHER)
    assert not await approves(core, "ben", "A-2")


async def test_where_the_configuration_asks_they_may(core: Core) -> None:
    """The rule is an admin's: what is asked by default may be approved by whoever wanted it."""
    await core.opens()
    await core.does("task say T-1 push it", core.ben)
    by_default = dataclasses.replace(wanted(), default="ask")
    await database.run(calls.begin, await held(), [], by_default, ASKING, NOON)
    assert await approves(core, "ben")


async def test_one_person_at_two_doors_is_one(core: Core) -> None:
    """Whoever told the agent by an address that became theirs is known for it."""
    await working(core)
    await core.does("task notify T-1 eve@example.org", core.mel)
    await core.does("task say T-1 push it", core.eve)
    await begins(await held())
    await database.run(people.vouch, core.ben.id, "eve@example.org", core.ada, NOON)
    assert not await approves(core, "ben")


async def test_who_may_not_approve_is_not_asked_by_mail(core: Core) -> None:
    """Of the members who hear of a task by mail, those are asked who did not steer it."""
    await working(core)
    for address, person in (("ben@example.org", core.ben), ("ada@example.org", core.ada)):
        await database.run(people.vouch, person.id, address, core.ada, NOON)
        await core.does(f"task notify T-1 {address}", core.mel)
    await core.does("task say T-1 push it", core.ben)
    await begins(await held())
    (told,) = [fact for fact in await facts() if isinstance(fact, ApprovalAsked)]
    assert told.addresses == ("ada@example.org",)


async def test_the_only_approver_who_steers_leaves_it_to_an_admin(core: Core) -> None:
    """A task does not wait for somebody who may not: admins are asked in their place."""
    await working(core)
    await core.does("agent edit coder --approvers <@U0BEN>", core.ada)
    await core.does("task say T-1 push it", core.ben)
    await begins(await held())
    assert not await approves(core, "ben")
    assert await approves(core, "ada")
