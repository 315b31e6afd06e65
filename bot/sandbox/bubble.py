"""One running sandbox: named, let go, killed."""

import asyncio
import contextlib
import json
import os
import select
from collections.abc import Callable

from bot.sandbox import pidfd
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
        finished: Done when every process inside is dead.
        exit_code: Of the command, once finished; None where it never ran.

    Args:
        spawned: What was started.
    """

    def __init__(self, spawned: Spawned) -> None:
        self._loop = asyncio.get_running_loop()
        self.handle: Handle | None = None
        self.named: asyncio.Future[None] = self._loop.create_future()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self.exit_code: int | None = None
        self._process = spawned.process
        self._status, self._said = spawned.status, b""
        self._gate = spawned.gate
        self._first = -1
        self._outer = pidfd.open_process(self._process.pid)
        self._descriptors = {self._status, self._gate, self._outer}
        self._heard: set[int] = set()
        os.set_blocking(self._status, False)
        self._listen(self._status, self._read_status)
        self._listen(self._outer, self._see_outer_dead)

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
            if self._first >= 0:  # without namespaces it is the outer one that sees the others dead
                pidfd.wait_dead(self._outer, _PATIENCE_S)
            pidfd.send_kill(self._outer)
            self._process.wait(_PATIENCE_S)
            self._bury()
        finally:
            for descriptor in self._descriptors:
                os.close(descriptor)

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
