"""What the bot does after the ack: names are learned, messages marked, and nobody waits for it."""

import asyncio
from collections.abc import Callable

from storage.tables import Identities, Tasks
from tests.fakes.team import Team, until
from tests.handlers.slack.talk import kept, noted, rows

HELLO = "@Legwork assign @coder Say hello"


async def test_a_name_is_learned_before_anything_is_done(desk: Team) -> None:
    """Somebody new has a name in the first task they open; two events of it ask for it once."""
    said = await desk.room.say(HELLO)
    assert len(said.deliveries) == 2
    assert await kept() == [("alice", "assign @coder Say hello")]
    assert await rows(lambda: Tasks.get().asker.name) == "alice"
    await desk.room.say("@Legwork list")
    assert len(desk.room.slack.calls_of("users.info")) == 1


async def test_a_name_that_comes_late_is_learned_all_the_same(desk: Team) -> None:
    """Where Slack does not tell in time people are called by their ids at first."""
    desk.room.slack.fail("users.info", error="internal_error", times=1)
    await desk.room.say("@Legwork list")
    assert (await kept())[0] == ("U0ALICE", "list")
    await desk.room.say("@Legwork agents")

    def name() -> str:
        return Identities.get(Identities.value == "U0ALICE").person.name

    await desk.room.wait_for(lambda: desk.room.slack.calls_of("users.info"), 10)
    async with asyncio.timeout(10):
        await _comes_true(name, "alice")
    await desk.room.say("@Legwork list")
    assert (await kept())[-1] == ("alice", "list")


async def _comes_true(read: Callable[[], str], wanted: str) -> None:
    """Look into the database until it says so; it rings no bell."""
    while await rows(read) != wanted:  # noqa: ASYNC110  each look waits for the database
        await asyncio.sleep(0.01)


async def test_a_name_that_is_not_told_does_no_harm(desk: Team) -> None:
    """Where Slack tells no name people are called by their ids, and asked for again when they speak."""
    desk.room.slack.fail("users.info", error="missing_scope", times=1)
    await desk.room.say("@Legwork list")
    await desk.room.wait_for(lambda: desk.room.slack.calls_of("users.info"), 10)
    await desk.room.say("@Legwork list")
    assert len(await noted()) == 2


async def test_what_an_agent_will_see_is_marked(desk: Team) -> None:
    """A message that became a task or an instruction gets 👀, and one that did not gets none."""
    root = (await desk.room.say(HELLO)).ts
    said = await desk.room.say("hurry", thread_ts=root)
    listed = await desk.room.say("@Legwork list")
    slack = desk.room.slack
    await until(lambda: len(slack.calls_of("reactions.add")) == 2)
    marked = {call.arguments["timestamp"] for call in slack.calls_of("reactions.add")}
    assert marked == {root, said.ts}
    assert listed.ts not in marked


async def test_an_ack_waits_for_slack_a_second_at_most(desk: Team) -> None:
    """It waits for the name of somebody new, once; nothing else of Slack's own slowness delays it."""
    for method in ("users.info", "reactions.add"):
        desk.room.slack.fail(method, how="hang", times=5)
    first = await desk.room.say(HELLO)
    assert max(one.seconds for one in first.deliveries) < 2.0
    assert await kept() == [("U0ALICE", "assign @coder Say hello")]
    second = await desk.room.say(HELLO)
    assert max(one.seconds for one in second.deliveries) < 1.0
