"""A sandbox that stays: one command after the other, and in between whatever they left running.

Process 1 inside is `bot.sandbox.keeper`; it is told of each command through a socket of packets. What comes
back is read as a stranger's: a short packet with a number, or the session is over.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import time
from array import array
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.errors import UserMistake
from bot.events import Ending
from bot.sandbox import policy
from bot.sandbox.box import Box, explained
from bot.sandbox.output import HeadAndTail
from bot.sandbox.spawn import NO_COMMAND, TOO_LONG, UNFIT
from bot.sandbox.streams import Streams
from bot.sandbox.terms import KIB, Handle, Outcome, Problem, SandboxUnavailable

_READY_S = 20.0  # for its start, on a machine under heavy load
_ANSWER = re.compile(rb"\d{1,3}")
_ANSWER_BYTES = 16  # longer than any that is one
_LONGEST_WORD = 128 * KIB  # what one argument takes with its NUL: MAX_ARG_STRLEN, execve(2)
_KILLED = 128 + signal.SIGKILL
_HELD = 32  # commands whose pipes may be held open by what they left running
_DESCRIPTOR = 4  # bytes in a packet
_LISTENS_ON = ("127.0.0.1", policy.PROXY_PORT)


class Session:
    """A sandbox that was opened, for one command at a time. Whatever happens, `close` it.

    Attributes:
        listener: Listens inside, at 127.0.0.1 and `policy.PROXY_PORT`; None unless it was asked for. It does
            not block, and is closed with the session.

    Args:
        box: The started sandbox.
        control: Our end of the keeper's socket.
        listen: Whether a listener comes with its first packet.
    """

    def __init__(self, box: Box, control: socket.socket, *, listen: bool) -> None:
        self.listener: socket.socket | None = None
        self._box, self._control, self._listens = box, control, listen
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[int] = self._loop.create_future()
        self._held: deque[Streams] = deque()
        self._meanwhile = self._new_keep()
        control.settimeout(0)
        self._loop.add_reader(control, self._hear)

    @property
    def alive(self) -> bool:
        """Whether it takes another command."""
        return not self._box.over.done()

    @property
    def handle(self) -> Handle | None:
        """Who it is; None where bubblewrap failed."""
        return self._box.bubble.handle

    @property
    def ended_by(self) -> Ending | None:
        """The limit that was passed, where that ended it."""
        return self._box.over.result() if not self.alive else None

    @property
    def background(self) -> bool:
        """Whether programs were left running when the last command ended, or at a later look."""
        return self._box.watch.processes > 0

    async def begin(self, on_start: Callable[[Handle], Awaitable[None]] | None) -> None:
        """Wait until it takes commands.

        Raises:
            SandboxUnavailable: It could not be set up; nothing was run.
        """
        box = self._box
        if not await box.begin(on_start):
            await box.dead()
            raise SandboxUnavailable(box.why_it_failed())
        await self._wait_for_answer(_READY_S)
        if not self._answer.done() or (self._listens and self.listener is None):
            box.end(None)
            await box.dead()
            said = box.streams.kept[-1].text().strip().rpartition("\n")[2] or "it said nothing"
            raise SandboxUnavailable(
                Problem(f"Its first program does not start ({said}).", "Install it: `apt install python3`.")
            )
        await box.in_thread(box.watch.leave_out)
        box.busy = False

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float | None = None,
        stdin: bytes | None = None,
        merge_stderr: bool = False,
    ) -> Outcome:
        """Run a command in /workspace until it ends; what it leaves running goes on. One at a time.

        A limit that is passed ends the session with everything inside, and so does cancelling.

        Args:
            argv: The program, looked up in the sandbox's PATH, and its arguments.
            timeout_s: Wall time in seconds; as the session's limits say by default.
            stdin: What it reads; nothing by default.
            merge_stderr: Whether standard error goes to `stdout`, in the order it was printed.

        Raises:
            UserMistake: The command cannot be passed on.
        """
        words = _packed(argv)
        box = self._box
        await box.make_room()
        with explained():
            streams = box.make_streams(stdin, merged=merge_stderr)
        began = time.monotonic()
        try:
            ended_by = await self._play(words, streams, timeout_s or box.order.limits.timeout_s)
            wall_s = time.monotonic() - began
            said = [kept.text() for kept in streams.kept]
        except BaseException:
            box.end(None)
            streams.close()
            raise
        self._leave(streams)
        exit_code = None if ended_by else _KILLED
        return Outcome(
            exit_code=self._answer.result() if self._answer.done() else exit_code,
            stdout=said[0],
            stderr="" if merge_stderr else said[1],
            ended_by=ended_by,
            wall_s=wall_s,
            peak_rss_bytes=box.watch.peak_memory,
            peak_processes=box.watch.peak_processes,
            disk_bytes=box.watch.disk_bytes,
        )

    def printed_meanwhile(self) -> str:
        """What programs in the background printed since it was last asked."""
        for streams in self._held:
            streams.read_on()
        text, self._meanwhile = self._meanwhile.text(), self._new_keep()
        for streams in self._held:
            streams.keep_in(self._meanwhile)
        return text

    async def close(self) -> None:
        """End it with everything inside, and wait for its death."""
        self._loop.remove_reader(self._control)
        self._control.close()
        for streams in self._held:
            streams.close()
        if self.listener is not None:
            self.listener.close()
        await self._box.close()

    async def _play(self, words: bytes, streams: Streams, timeout_s: float) -> Ending | None:
        """Have a command run, and hold it to its limits until it ends; the one that was passed."""
        box = self._box
        box.begin_call()
        began = time.monotonic()
        self._answer = self._loop.create_future()
        with explained():
            self._tell(words, streams)
        await self._wait_for_answer(timeout_s)
        if not self._answer.done() and self.alive:
            box.end("timeout")
        elif passed := await box.in_thread(box.watch.look_after_call, time.monotonic() - began):
            box.end(passed)
        if not self.alive:
            await box.dead()
        streams.read_on()
        box.busy = False
        return self.ended_by

    def _tell(self, words: bytes, streams: Streams) -> None:
        """Pass a command to the keeper."""
        file = os.memfd_create("words")
        try:
            os.write(file, words)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it is over: that is heard
                socket.send_fds(self._control, [b"\n"], [file, *streams.theirs])
        finally:
            os.close(file)
            streams.pass_on()

    async def _wait_for_answer(self, seconds: float) -> None:
        ends: list[asyncio.Future[Any]] = [self._answer, self._box.over]
        await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _leave(self, streams: Streams) -> None:
        """A command is over; what it left running may print on."""
        streams.keep_in(self._meanwhile)
        self._held.append(streams)
        self._held = deque(held for held in self._held if held.open and self.alive)
        while len(self._held) > _HELD:
            self._held.popleft().close()

    def _hear(self) -> None:
        """Take a packet from inside; one that was not to come, or is no number, ends the session."""
        try:
            packet = self._receive()
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        if _ANSWER.fullmatch(packet) and not self._answer.done():
            self._answer.set_result(int(packet))
        else:
            self._loop.remove_reader(self._control)
            self._box.end(None)

    def _receive(self) -> bytes:
        if not self._listens or self.listener is not None:
            return self._control.recv(_ANSWER_BYTES)  # and the kernel closes whatever comes with it
        space = socket.CMSG_SPACE(_DESCRIPTOR)
        packet, carried, _, _ = self._control.recvmsg(_ANSWER_BYTES, space, socket.MSG_CMSG_CLOEXEC)
        self.listener = _listener([end for *_, data in carried for end in array("i", data)])
        return packet

    def _new_keep(self) -> HeadAndTail:
        return HeadAndTail(self._box.order.limits.kept_output_bytes)


def _listener(ends: Sequence[int]) -> socket.socket | None:
    """The one listener that was to come; whatever else came is closed."""
    try:
        (end,) = ends
        found = socket.socket(fileno=end)
    except (ValueError, OSError):
        for end in ends:
            os.close(end)
        return None
    with contextlib.suppress(OSError):
        kind = found.family, found.type, found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if kind == (socket.AF_INET, socket.SOCK_STREAM, 1) and found.getsockname() == _LISTENS_ON:
            found.settimeout(0)
            return found
    found.close()
    return None


def _packed(argv: Sequence[str]) -> bytes:
    """A command as the keeper reads it.

    Raises:
        UserMistake: It cannot be passed on.
    """
    if not argv:
        raise UserMistake(NO_COMMAND)
    try:
        words = [os.fsencode(word) for word in argv]
    except UnicodeEncodeError as fault:
        raise UserMistake(UNFIT) from fault
    if any(b"\0" in word for word in words):
        raise UserMistake(UNFIT)
    if max(map(len, words)) >= _LONGEST_WORD:
        raise UserMistake(TOO_LONG)
    return b"".join(word + b"\0" for word in words)
