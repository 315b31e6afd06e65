"""A sandbox that stays: what goes on between its commands, what comes back from inside, how it ends."""

import asyncio
import contextlib
import os
import socket
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UserMistake
from bot.sandbox import Handle, Limits, Outcome, Sandbox, Session, kill, session
from bot.sandbox.policy import PROXY_PORT

PATIENCE_S = 20

Open = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture
def opened(sandbox: Sandbox, workspace: Path) -> Open:
    """Opens sessions, and closes them."""

    @asynccontextmanager
    async def open_one(limits: Limits | None = None, **options: Any) -> AsyncIterator[Session]:
        one = await sandbox.open(workspace, limits or Limits(timeout_s=PATIENCE_S), **options)
        try:
            yield one
        finally:
            await one.close()

    return open_one


async def shell(one: Session, script: str, **options: Any) -> Outcome:
    return await one.run(["bash", "-c", script], merge_stderr=True, **options)


async def until_over(one: Session) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while one.alive:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.01)


def descriptors(kind: str = "") -> int:
    """How many this process has open; a meter's own come and go."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            found += target.startswith(kind) and not target.startswith("/proc/")
    return found


async def test_a_server_in_the_background_is_reached_by_the_next_command(opened: Open) -> None:
    """What one command leaves running serves the next one, over the sandbox's own loopback."""
    async with opened() as one:
        started = await shell(one, "echo hello > index.html; python3 -m http.server 8000 > log 2>&1 &")
        assert (started.exit_code, one.background) == (0, True)
        fetch = "until curl -sf localhost:8000; do sleep 0.05; done"
        assert (await shell(one, fetch)).stdout == "hello\n"
        assert (await shell(one, "pkill -x python3; echo gone")).stdout == "gone\n"


async def test_everything_dies_with_its_session(
    opened: Open, survivors: Callable[[], list[int]], scratch: Path
) -> None:
    """However it was started, nothing is left of it, and /tmp is cleared away."""
    async with opened() as one:
        await shell(
            one, "trap '' HUP TERM; touch /tmp/x; (setsid sleep 100 &); nohup sleep 100 & sleep 100 &"
        )
        assert len(survivors()) > 3
    assert survivors() == []
    assert list(scratch.iterdir()) == []


async def test_commands_share_tmp_but_not_their_streams(opened: Open) -> None:
    """Files stay where they are; both outputs, the input and the exit code are each command's own."""
    async with opened() as one:
        first = await one.run(
            ["sh", "-c", "cat > /tmp/f; echo out; echo err >&2; exit 7"], stdin=b"kept" * 50_000
        )
        assert (first.stdout, first.stderr, first.exit_code) == ("out\n", "err\n", 7)
        assert (await shell(one, "cat /tmp/f | wc -c; echo err >&2")).stdout == "200000\nerr\n"
        assert (await shell(one, "cat")).stdout == ""
        assert (await shell(one, "kill -9 $$")).exit_code == 137
        missing = await one.run(["no-such-program"])
        assert (missing.exit_code, missing.stderr) == (127, "no-such-program: No such file or directory\n")
        assert (await one.run(["/etc/passwd"])).exit_code == 126


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"], ["echo", "\ud800"], ["echo", "x" * 131_072]])
async def test_an_impossible_command_is_the_askers_mistake(opened: Open, argv: list[str]) -> None:
    """It is told as a sentence, and the session goes on."""
    async with opened() as one:
        with pytest.raises(UserMistake):
            await one.run(argv)
        assert (await one.run(["echo", "x" * 131_071])).exit_code == 0
        assert (await one.run(["true", *["x" * 100_000] * 30])).exit_code == 126  # more than the kernel takes


async def test_what_is_printed_in_the_background_is_told_apart(opened: Open) -> None:
    """A command's output is its own; what an earlier one left running prints is kept for whoever asks."""
    async with opened() as one:
        first = await shell(one, "echo mine; (until [ -e go ]; do sleep 0.01; done; echo late; touch gone) &")
        assert first.stdout == "mine\n"
        second = await shell(one, "touch go; until [ -e gone ]; do sleep 0.01; done; echo also mine")
        assert second.stdout == "also mine\n"
        assert one.printed_meanwhile() == "late\n"
        assert one.printed_meanwhile() == ""


async def test_what_a_command_printed_last_is_its_own(opened: Open) -> None:
    """More than is read at once, printed at the very end, with the pipe held open by another program."""
    async with opened() as one:
        for _ in range(20):
            outcome = await shell(one, "sleep 100 & head -c 60000 /dev/zero | tr '\\0' '\\n'; echo end")
            assert outcome.stdout == "\n" * 60_000 + "end\n"


async def test_nothing_inside_can_kill_or_stop_the_keeper(opened: Open) -> None:
    """It is process 1 of the sandbox: signals from inside do not reach it, whatever they are."""
    async with opened() as one:
        script = "for n in $(seq 64); do kill -$n 1; done; kill -9 -1; pkill -9 python3; echo still here"
        assert (await shell(one, script)).stdout.endswith("still here\n")
        assert (await shell(one, "echo on")).stdout == "on\n"


async def test_nothing_inside_can_reach_into_the_keeper(opened: Open) -> None:
    """Its memory, its descriptors and its environment are shut, and its socket has no other door."""
    code = """
import os
for name in ("mem", "fd", "environ", "maps", "map_files", "cwd", "root", "exe", "auxv"):
    try:
        if os.path.isdir(f"/proc/1/{name}"): os.listdir(f"/proc/1/{name}")
        else: open(f"/proc/1/{name}", "rb").read(1)
        print("reached", name)
    except OSError: pass
print(sorted(os.listdir("/proc/self/fd")))
"""
    async with opened() as one:
        assert (await one.run(["python3", "-c", code])).stdout == "['0', '1', '2', '3']\n"


async def test_the_dead_are_buried_between_commands(opened: Open) -> None:
    """Orphans that end while no command is under way do not stay as zombies."""
    async with opened() as one:
        await shell(one, "for n in $(seq 50); do (sleep 0.2 &); done")
        await asyncio.sleep(0.5)
        assert (await shell(one, "grep -l '^State:.Z' /proc/[0-9]*/status")).stdout == ""


async def test_a_session_that_was_killed_from_outside_says_so(
    opened: Open, survivors: Callable[[], list[int]]
) -> None:
    """Another worker ends it by its handle; a command that was under way ended with SIGKILL."""
    heard: list[Handle] = []

    async def on_start(handle: Handle) -> None:
        heard.append(handle)

    async with opened(on_start=on_start) as one:
        assert heard == [one.handle]
        under_way = asyncio.create_task(shell(one, "touch up; sleep 100"))
        assert await asyncio.to_thread(kill, heard[0])
        outcome = await under_way
        assert (outcome.exit_code, outcome.ended_by, one.alive) == (137, None, False)
        assert survivors() == []


async def test_a_session_whose_start_cannot_be_noted_is_not_opened(
    sandbox: Sandbox, workspace: Path, survivors: Callable[[], list[int]], scratch: Path
) -> None:
    """Where the lease is lost, nothing is run, and nothing stays."""

    async def on_start(_: Handle) -> None:
        raise LookupError("the lease is lost")

    with pytest.raises(LookupError):
        await sandbox.open(workspace, on_start=on_start)
    assert survivors() == []
    assert list(scratch.iterdir()) == []


async def test_cancelling_a_command_ends_the_session(
    opened: Open, workspace: Path, survivors: Callable[[], list[int]]
) -> None:
    """Whoever is cancelled in mid-call leaves nothing running once the session is closed."""
    os.mkfifo(workspace / "up")
    (workspace / "up").chmod(0o666)
    async with opened() as one:
        await shell(one, "sleep 100 &")
        under_way = asyncio.create_task(shell(one, "trap '' TERM; echo > up; sleep 100"))
        await asyncio.to_thread((workspace / "up").read_text)
        under_way.cancel()
        with pytest.raises(asyncio.CancelledError):
            await under_way
        assert not one.alive
    assert survivors() == []


@pytest.mark.parametrize("after_ms", range(0, 60, 6))
async def test_cancelling_while_it_opens_leaves_nothing(
    sandbox: Sandbox, workspace: Path, scratch: Path, survivors: Callable[[], list[int]], after_ms: int
) -> None:
    """At whatever moment, even twice: no process, no folder, no descriptor."""
    await sandbox.wall()
    before = descriptors()
    task = asyncio.create_task(sandbox.open(workspace))
    await asyncio.wait({task}, timeout=after_ms / 1000)
    task.cancel()
    await asyncio.wait({task}, timeout=0.001)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await (await task).close()
    assert survivors() == []
    assert not scratch.exists() or list(scratch.iterdir()) == []
    assert descriptors() == before


async def test_no_descriptor_is_lost(opened: Open, sandbox: Sandbox, workspace: Path) -> None:
    """Commands with programs in the background hold some, up to a bound; closing gives all of them back."""
    await sandbox.run(["true"], workspace=workspace)
    before = descriptors()
    async with opened() as one:
        await shell(one, "true")
        idle = descriptors("pipe:")
        for _ in range(5):
            await one.run(["cat"], stdin=b"x" * 1000)
        assert descriptors("pipe:") == idle
        for _ in range(40):
            await shell(one, "sleep 100 &")
        assert descriptors("pipe:") == idle + 32
        with pytest.raises(UserMistake):
            await one.run(["a\0"])
    assert descriptors() == before


@given(packet=st.binary(max_size=40))
def test_only_a_number_is_an_answer(packet: bytes) -> None:
    """Three digits at most, nothing around them; anything else is nobody's exit code."""
    if session._ANSWER.fullmatch(packet):
        assert packet.isdigit()
        assert len(packet) <= 3


@contextlib.contextmanager
def forged(one: Session) -> Iterator[socket.socket]:
    """The keeper's end of the socket, in a stranger's hands; the keeper itself waits at another."""
    kept, (ours, theirs) = one._control, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(0)
    loop = asyncio.get_running_loop()
    loop.remove_reader(kept)
    loop.add_reader(ours, one._hear)
    one._control = ours
    with kept, theirs:
        yield theirs


@pytest.mark.parametrize(
    "packet", [b"-1", b"0 ", b"1" * 4, b"1" * 500, b"{}", b"\0", "²".encode(), b"0\n", b"9" * 65_000]
)
async def test_a_forged_answer_ends_the_session(
    opened: Open, packet: bytes, survivors: Callable[[], list[int]]
) -> None:
    """Whoever says anything but a number is believed nothing any more, and dies."""
    async with opened() as one:
        with forged(one) as end:
            under_way = asyncio.create_task(one.run(["true"]))
            await asyncio.to_thread(end.recv, 100)
            end.send(packet)
            outcome = await under_way
        assert (outcome.exit_code, one.alive, survivors()) == (137, False, [])


async def test_an_answer_that_nobody_waits_for_ends_the_session(opened: Open) -> None:
    """A number at the wrong time is no answer either, and cannot become that of the next command."""
    async with opened() as one:
        with forged(one) as end:
            end.send(b"0")
            await until_over(one)


async def test_descriptors_from_inside_are_not_taken(opened: Open) -> None:
    """What comes along with an answer is closed by the kernel, unseen."""
    async with opened() as one:
        ends = os.pipe()
        with forged(one) as end:
            before = descriptors("pipe:")
            under_way = asyncio.create_task(one.run(["true"]))
            await asyncio.to_thread(end.recv, 100)
            socket.send_fds(end, [b"5"], ends)
            assert (await under_way).exit_code == 5
            assert descriptors("pipe:") == before
        for one_end in ends:
            os.close(one_end)


async def test_the_listener_is_reached_from_inside(opened: Open) -> None:
    """What listens inside is answered from outside, and programs are led to it by their variables."""
    async with opened(listen=True) as one:
        assert one.listener is not None

        async def answer() -> bytes:
            loop = asyncio.get_running_loop()
            accepted, _ = await loop.sock_accept(one.listener)
            with accepted:
                accepted.settimeout(0)
                asked = await loop.sock_recv(accepted, 1000)
                await loop.sock_sendall(accepted, b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")
                return asked

        answering = asyncio.create_task(answer())
        outcome = await shell(one, "curl -s http://example.com/x; echo $https_proxy $ALL_PROXY $NO_PROXY")
        proxy = f"http://127.0.0.1:{PROXY_PORT}"
        assert outcome.stdout == f"hi\n{proxy} {proxy} localhost,127.0.0.1,::1\n"
        assert (await answering).startswith(b"GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\n")
        taken = await shell(one, f"python3 -m http.server -b 127.0.0.1 {PROXY_PORT}")
        assert "Address already in use" in taken.stdout


async def test_without_asking_there_is_no_listener(opened: Open) -> None:
    """The port is nobody's, and no variable speaks of a proxy."""
    async with opened() as one:
        assert one.listener is None
        assert (await shell(one, f"env | grep -i proxy; curl -s http://127.0.0.1:{PROXY_PORT}/")).stdout == ""


def listening(family: int, address: Any, kind: int = socket.SOCK_STREAM, *, listen: bool = True) -> int:
    made = socket.socket(family, kind)
    made.bind(address)
    if listen:
        made.listen()
    return made.detach()


@pytest.mark.parametrize("case", ["none", "two", "file", "elsewhere", "unix", "datagram", "silent"])
def test_a_listener_that_is_none_is_closed(case: str) -> None:
    """Exactly one, of TCP, that listens at the very address; whatever else came is not kept open."""
    before = descriptors()
    loopback = ("127.0.0.1", 0)
    ends = {
        "none": list,
        "two": lambda: [listening(socket.AF_INET, loopback) for _ in range(2)],
        "file": lambda: [os.open("/dev/null", os.O_RDONLY)],
        "elsewhere": lambda: [listening(socket.AF_INET, loopback)],
        "unix": lambda: [listening(socket.AF_UNIX, f"\0legwork-{os.getpid()}")],
        "datagram": lambda: [listening(socket.AF_INET, loopback, socket.SOCK_DGRAM, listen=False)],
        "silent": lambda: [listening(socket.AF_INET, loopback, listen=False)],
    }[case]()
    assert session._listener(array("i", ends)) is None
    assert descriptors() == before


async def test_a_system_without_python_is_told(
    workspace: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper needs the system's Python; without it there is a sentence that says so."""
    monkeypatch.setattr("bot.sandbox.policy.interpreter", lambda: "/usr/bin/no-python")
    with pytest.raises(session.SandboxUnavailable, match=r"no-python.*apt install python3"):
        await sandbox.open(workspace)
