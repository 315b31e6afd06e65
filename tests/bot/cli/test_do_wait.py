"""`do --wait` ends when its task does, whoever works on it and whoever dies meanwhile."""

import asyncio
from pathlib import Path

import pytest

from bot.cli.do import plain
from tests.fakes.team import until
from tests.fakes.terminal import Legwork, end

PATIENCE_S = 60
LOOPS = "agent assign @coder Loop\n```sh\ntouch up\nwhile :; do sleep 0.05; done\n```"
SECOND_TIME = "agent assign @coder Again\n```sh\n[ -e up ] || { touch up; sleep 600; }\n```"
QUICK = {"LEGWORK_LEASE_SECONDS": "1", "LEGWORK_TICK_SECONDS": "0.1"}


async def test_it_ends_beside_another_that_waits(legwork: Legwork, home: Path) -> None:
    """One that cares for its own task alone is no worker that another could count on."""
    first = await legwork.start("do", "--wait", LOOPS, **QUICK)
    await until((home / "workspaces" / "t-1" / "up").exists)
    async with asyncio.timeout(PATIENCE_S):
        second = await legwork("do", "--wait", "agent assign @coder Say hello\n```sh\necho hello\n```")
        assert second.code == 0, second.err
        assert "T-2 is done." in second.out
        await legwork("do", "task cancel T-1")
        ended = await end(first)
    assert ended.code == 1
    assert "T-1 is cancelled. Cancelled by " in ended.out


async def test_it_works_itself_once_the_worker_is_dead(legwork: Legwork, home: Path) -> None:
    """A worker that dies while it is followed is replaced for the one task."""
    worker = await legwork.start("worker", **QUICK)
    assert worker.stderr
    while b"working" not in await worker.stderr.readline():
        pass
    waiting = await legwork.start("do", "--wait", SECOND_TIME, **QUICK)
    await until((home / "workspaces" / "t-1" / "up").exists)
    worker.kill()
    await worker.communicate()
    async with asyncio.timeout(PATIENCE_S):
        ended = await end(waiting)
    assert ended.code == 0, ended.err
    assert "T-1 is done." in ended.out


async def test_a_retried_task_is_followed_from_there_on(legwork: Legwork) -> None:
    """What was shown of the attempt before is not shown again; the steps go on counting."""
    text = "Count\n```sh\necho first >> log\ncat log\n```\n```sh\nexit 3\n```"
    first = await legwork("do", "--wait", f"agent assign @coder {text}")
    assert (first.code, first.out.count("✗"), first.out.count("✓")) == (1, 1, 1)
    for attempt in (2, 3):
        again = await legwork("do", "--wait", "task retry T-1")
        assert (again.code, again.out.count("✗"), again.out.count("✓")) == (1, 1, 1)
        assert f"✓ {2 * attempt - 1}. " in again.out
        assert again.out.count("first\n") == attempt


async def test_words_are_printed_as_they_are(legwork: Legwork) -> None:
    """What looks like a picture's name, or like markup, is text: in a step, what it printed, and the end."""
    said = "openai:a: [bold]no[/bold] :x:"
    shown = await legwork("do", "--wait", f"agent assign @coder Say {said}\n```sh\necho '{said}'\n```")
    assert f"T-1 is queued for @coder: Say {said}\n" in shown.out
    assert f"✓ 1. echo '{said}' " in shown.out
    assert f"\n{said}\n" in shown.out


async def test_there_is_nothing_to_wait_for(legwork: Legwork) -> None:
    """A number in an answer that names no task is not taken for one."""
    async with asyncio.timeout(PATIENCE_S):
        ended = await legwork("do", "--wait", "agent people role dana@example.org member")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("dana (dana@example.org) has the role member now.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("**T-1** is queued", "T-1 is queued"),
        ("It says:\n```text\n2**3 = 8\n```\n**Done**", "It says:\n2**3 = 8\nDone"),
        ("````\n```\nin\n```\n````", "```\nin\n```"),
        ("```sh\nnever closed", "```sh\nnever closed"),
    ],
)
def test_a_terminal_shows_code_without_fences(text: str, shown: str) -> None:
    """Code is shown as it is, prose without its stars."""
    assert plain(text) == shown
