"""What stays from one call of the terminal to the next, and what the agent is told of it."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import egress
from bot.events import Ending
from bot.sandbox import Handle, kill
from bot.tools import shell
from bot.tools.base import Bench, Result
from bot.tools.files import FilesArguments, FilesTool
from bot.tools.shell import ENDED, GONE, KILLED, PRINTED, Shell
from bot.tools.terminal import ITSELF, Terminal, TerminalArguments

SLEEPER = "sleep 100 > /dev/null 2>&1 &"


async def run(bench: Bench, command: str) -> Result:
    return await Terminal().run(TerminalArguments(command=command), bench)


def dead(handle: Handle) -> bool:
    """Whether it is; its parent may not have heard of it yet."""
    try:
        return Path(f"/proc/{handle.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def until_over(bench: Bench) -> None:
    assert bench.shell._session
    async with asyncio.timeout(20):
        while bench.shell._session.alive:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.01)


async def test_programs_in_the_background_serve_the_next_calls(
    boxed: Bench, started: list[Handle], ended: list[Handle]
) -> None:
    """One sandbox for all calls; it is noted before, and struck out when it is dead."""
    await run(boxed, "mkdir site; cd site; echo hello > index.html; python3 -m http.server > log 2>&1 &")
    got = await run(boxed, "until curl -sf localhost:8000; do sleep 0.05; done")
    assert (got.ok, got.output) == (True, "hello\n")
    await boxed.shell.close()
    assert len(started) == 1
    assert ended == started
    assert dead(started[0])


async def test_what_was_printed_meanwhile_comes_first(boxed: Bench) -> None:
    """The agent can tell it from what the call itself printed."""
    await run(boxed, "(until [ -e go ]; do sleep 0.01; done; echo late; touch gone) &")
    told = await run(boxed, "touch go; until [ -e gone ]; do sleep 0.01; done; echo mine")
    assert told.output == f"{PRINTED}\nlate\n{ITSELF}\nmine\n"
    assert (await run(boxed, "echo mine")).output == "mine\n"


async def test_output_that_comes_after_the_end_of_the_script_is_kept(boxed: Bench) -> None:
    """A program in the background may print while the script ends; neither hides the other."""
    for _ in range(5):
        first = await run(boxed, "cd /tmp; for n in $(seq 200); do echo x; done & echo end")
        second = await run(boxed, "wait; sleep 0.1; pwd")
        printed = first.output + second.output
        assert printed.count("x\n") == 200
        assert "end\n" in first.output
        assert second.output.endswith("/tmp\n")


@pytest.mark.parametrize(
    ("bomb", "limit"),
    [
        ("python3 -c 'import time; hog = bytearray(300 << 20); time.sleep(20)'", "memory"),
        ("yes", "output"),
        ("bash -c 'for n in $(seq 100); do sleep 100 & done; wait'", "processes"),
    ],
)
async def test_a_limit_that_was_passed_between_calls_is_told(
    bench: Bench, boxed: Bench, bomb: str, limit: Ending
) -> None:
    """The next call runs in a new sandbox, and begins with what became of the old one; once."""
    small = dataclasses.replace(boxed.limits, memory_bytes=200 << 20, output_bytes=1 << 20, processes=64)
    bench.shell._limits = small
    await run(boxed, f"{bomb} &")
    await until_over(boxed)
    told = (await run(boxed, "echo on")).output
    assert ENDED.format(limit=limit) in told
    assert told.endswith(f"{ITSELF}\non\n")
    assert (await run(boxed, "echo on")).output == "on\n"


async def test_a_call_that_passes_a_limit_tells_of_the_others_it_ended(boxed: Bench) -> None:
    """Time is each call's own, but its end is everybody's."""
    await run(boxed, SLEEPER)
    boxed.shell._limits = dataclasses.replace(boxed.limits, timeout_s=3)
    await boxed.shell.close()
    assert (await run(boxed, SLEEPER)).output == f"{GONE}\n{ITSELF}\n"
    ended = await run(boxed, "echo begun; sleep 100")
    assert (ended.ok, ended.ended_by) == (False, "timeout")
    assert ended.output == f"{ENDED.format(limit='timeout')}\n{ITSELF}\nbegun\n"
    alone = await run(boxed, "sleep 100")
    assert (alone.ended_by, alone.output) == ("timeout", "")


async def test_another_worker_tells_what_is_gone(boxed: Bench, make_shell: Callable[[], Shell]) -> None:
    """After a break the first call says that programs were left and are gone; if there were none, nothing."""
    await run(boxed, SLEEPER)
    other = dataclasses.replace(boxed, shell=make_shell())  # the first one was killed, and noted nothing more
    assert (await run(other, "cd /tmp; echo on")).output == f"{GONE}\n{ITSELF}\non\n"
    await other.shell.close()
    third = dataclasses.replace(boxed, shell=make_shell())
    assert (await run(third, "pwd")).output == "/tmp\n"
    await third.shell.close()


async def test_programs_that_ended_by_themselves_are_not_missed(boxed: Bench) -> None:
    """What had ended before the break is not told of."""
    await run(boxed, "sleep 0.2 > /dev/null 2>&1 &")
    session = boxed.shell._session
    assert session
    async with asyncio.timeout(20):
        while session.background:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.02)
    await boxed.shell.close()
    assert (await run(boxed, "echo on")).output == "on\n"


async def test_a_sandbox_that_somebody_ended_is_told(boxed: Bench, started: list[Handle]) -> None:
    """Whoever did it, the agent hears that its programs are gone, and goes on."""
    await run(boxed, SLEEPER)
    assert await asyncio.to_thread(kill, started[0])
    await until_over(boxed)
    assert (await run(boxed, "echo on")).output == f"{KILLED}\n{ITSELF}\non\n"
    assert len(started) == 2


async def test_a_search_has_its_turn_in_the_same_sandbox(boxed: Bench, started: list[Handle]) -> None:
    """Two commands at once have their turns; what goes on in the background is told to the terminal."""
    await run(boxed, "echo needle > f; (until [ -e go ]; do sleep 0.01; done; echo late) &")
    arguments = FilesArguments(action="search", pattern="needle")
    found, ran = await asyncio.gather(FilesTool().run(arguments, boxed), run(boxed, "touch go; sleep 0.3"))
    assert found.output == "f:1: needle"
    assert (ran.ok, ran.output) == (True, f"{PRINTED}\nlate\n{ITSELF}\n")
    assert len(started) == 1


async def test_a_shell_that_did_nothing_costs_nothing(
    boxed: Bench, home: Path, started: list[Handle]
) -> None:
    """Without a command there is no sandbox and no note."""
    await boxed.shell.close()
    assert started == []
    assert not (home / "place").exists()


async def test_searches_do_not_pile_up_what_the_background_prints(boxed: Bench) -> None:
    """What nobody has asked for yet stays in bounds, however many commands go by meanwhile."""
    boxed.shell._limits = dataclasses.replace(boxed.limits, kept_output_bytes=1000)
    await run(boxed, "while sleep 0.005; do echo 12345678901234567890; done &")
    search = FilesArguments(action="search", pattern="needle")
    session = boxed.shell._session
    assert session
    for _ in range(8):
        printed = session._meanwhile.total
        await FilesTool().run(search, boxed)
        async with asyncio.timeout(20):
            while session._meanwhile.total < printed + 400:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.01)
    assert len((await run(boxed, "echo mine")).output) < 3000


async def test_a_host_that_is_taken_away_is_closed_in_mid_call(
    boxed: Bench, make_shell: Callable[[], Shell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is open when its host is taken away ends soon, whether the command does or not."""
    monkeypatch.setattr(shell, "RULES_EVERY_S", 0.05)
    talking: list[asyncio.StreamWriter] = []
    allowed = ["localhost"]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegun\n")
        talking.append(writer)
        allowed.clear()
        await reader.read()

    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        private = egress.Private.parse(f"127.0.0.1:{port}")

        async def rules() -> egress.Rules:
            return egress.Rules(egress.Allowlist.parse(allowed), private)

        one = dataclasses.replace(boxed, shell=make_shell())
        one.shell._rules = rules
        told = await run(one, f"curl -sN --noproxy '' http://localhost:{port}/; echo on")
        asked = one.shell.asked(1)
        await one.shell.close()
        for writer in talking:
            writer.transport.abort()
    assert told.output.startswith("begun\non\n")
    assert [(fact.host, fact.outcome, "taken away" in fact.why) for fact in asked] == [
        ("localhost", "allowed", True)
    ]
