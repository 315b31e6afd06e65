"""One running sandbox: named, let go, read from, killed."""

import asyncio
import contextlib
import json
import os
import select
from collections.abc import Callable, Sequence

from bot.sandbox import pidfd
from bot.sandbox.output import HeadAndTail
from bot.sandbox.spawn import Spawned
from bot.sandbox.terms import KIB, Handle

_CHUNK = 64 * KIB
_SETUP_FAILED = 1  # what bubblewrap exits with when it gives up; a command's own code is reported besides
_PATIENCE_S = 20.0  # for the kernel to end processes, on a machine under heavy load


class Bubble:
    """Listens to a started bubblewrap on the running loop.

    Attributes:
        handle: Who it is, as soon as `named` is done; None where bubblewrap failed before.
        named: Done when the sandbox has a first process, or never will.
        finished: Done when every process inside is dead and everything printed has been read.
        exit_code: Of the command, once finished; None where it never ran.

    Args:
        spawned: What was started.
        outputs: What keeps standard output and, unless merged, standard error.
        on_output: Called whenever something was printed.
        stdin: What the command reads.
    """

    def __init__(
        self,
        spawned: Spawned,
        outputs: Sequence[HeadAndTail],
        on_output: Callable[[], None],
        stdin: bytes | None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.handle: Handle | None = None
        self.named: asyncio.Future[None] = self._loop.create_future()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self.exit_code: int | None = None
        self._process = spawned.process
        self._status, self._said = spawned.status, b""
        self._gate = spawned.gate
        self._first = -1
        self._on_output = on_output
        self._left = memoryview(stdin or b"")
        self._outer = pidfd.open_process(self._process.pid)
        self._descriptors = {self._status, self._gate, self._outer}
        self._heard: set[int] = set()
        os.set_blocking(self._status, False)
        self._listen(self._status, self._read_status)
        self._listen(self._outer, self._see_outer_dead)
        for pipe, kept in zip((self._process.stdout, self._process.stderr), outputs, strict=False):
            if pipe is not None:
                self._listen_to_output(pipe.fileno(), kept)
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
            self._loop.add_writer(self._process.stdin.fileno(), self._write)

    def let_go(self) -> None:
        """Let the command run."""
        with contextlib.suppress(BrokenPipeError):  # bubblewrap has failed; its end tells why
            os.write(self._gate, b"\n")

    def kill(self) -> None:
        """SIGKILL to the sandbox's first process: the kernel ends everything inside with it."""
        if self._first >= 0:
            pidfd.send_kill(self._first)

    def detach(self) -> None:
        """Take everything off the loop; what is left to do blocks."""
        for descriptor in list(self._heard):
            self._deafen(descriptor)
        self._close_stdin()
        for future in (self.named, self.finished):
            future.cancel()

    def destroy(self) -> None:
        """Kill what still runs, wait for its death and let go of everything. Blocks; call `detach` before.

        Raises:
            TimeoutError: The kernel did not end it in time.
        """
        try:
            self._learn_name()
            self.kill()
            if self._first >= 0 and not pidfd.wait_dead(self._first, _PATIENCE_S):
                raise TimeoutError(
                    f"The sandbox's process {self.handle} does not die; look at it on the host."
                )
            pidfd.send_kill(self._outer)
            self._process.wait(_PATIENCE_S)
            self._bury()
        finally:
            for descriptor in self._descriptors:
                os.close(descriptor)
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()

    def _learn_name(self) -> None:
        """Wait for the first process's name: bubblewrap killed before it tells would leave that behind."""
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        while self._first < 0 and poll.poll(_PATIENCE_S * 1000) and self._take_status():
            pass

    def _listen(self, descriptor: int, callback: Callable[[], None]) -> None:
        self._heard.add(descriptor)
        self._loop.add_reader(descriptor, callback)

    def _deafen(self, descriptor: int) -> None:
        self._loop.remove_reader(descriptor)
        self._heard.discard(descriptor)
        if not self._heard and not self.finished.done():
            self.finished.set_result(None)

    def _read_status(self) -> None:
        more = self._take_status()
        if self._first >= 0 and not self.named.done():
            self._listen(self._first, self._see_first_dead)
            self.named.set_result(None)
        if not more:
            if not self.named.done():
                self.named.set_result(None)
            self._deafen(self._status)

    def _take_status(self) -> bool:
        """Read more of bubblewrap's report; False at its end."""
        try:
            chunk = os.read(self._status, _CHUNK)
        except BlockingIOError:
            return True
        *lines, self._said = (self._said + chunk).split(b"\n")
        for line in lines:
            report = json.loads(line)
            self.exit_code = report.get("exit-code", self.exit_code)
            if "child-pid" in report:
                self._meet(report["child-pid"])
        return bool(chunk)

    def _meet(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # dead already: bubblewrap failed at once
            first = pidfd.open_process(pid)
            self._descriptors.add(first)
            self.handle = Handle(pid, pidfd.started(pid))
            self._first = first

    def _see_first_dead(self) -> None:
        self._deafen(self._first)

    def _see_outer_dead(self) -> None:
        ended = self._process.wait()
        self._take_status()  # its last word is in the pipe
        if self.exit_code is None and ended != _SETUP_FAILED:  # killed from elsewhere
            self.exit_code = ended if ended >= 0 else 128 - ended
        self._deafen(self._outer)

    def _bury(self) -> None:
        """Where the bot is a container's first process, orphans become its children and wait for it."""
        if self.handle is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.handle.pid, os.WNOHANG)

    def _listen_to_output(self, pipe: int, kept: HeadAndTail) -> None:
        def read() -> None:
            chunk = os.read(pipe, _CHUNK)
            kept.add(chunk)
            if chunk:
                self._on_output()
            else:
                self._deafen(pipe)

        self._listen(pipe, read)

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            written = os.write(self._process.stdin.fileno(), self._left[:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:  # the command does not want the rest
            written = len(self._left)
        self._left = self._left[written:]
        if not self._left:
            self._close_stdin()

    def _close_stdin(self) -> None:
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._loop.remove_writer(self._process.stdin.fileno())
            self._process.stdin.close()
