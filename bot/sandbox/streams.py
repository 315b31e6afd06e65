"""The three streams of one command: its ends to be passed on, ours on the running loop."""

import asyncio
import contextlib
import fcntl
import os
import sys
import termios
from collections.abc import Callable

from bot.sandbox.output import HeadAndTail
from bot.sandbox.terms import KIB

_CHUNK = 64 * KIB


class Streams:
    """What one command reads and prints.

    Attributes:
        theirs: Standard input, output and error for the command, as descriptors; good until `pass_on`.
        kept: What it printed, and unless merged what it printed on standard error.

    Args:
        stdin: What the command reads; nothing by default.
        merged: Whether standard error goes where standard output goes.
        keep: Bytes to keep of each stream.
        on_output: Told how many bytes were printed, whenever some were.
    """

    def __init__(
        self, stdin: bytes | None, *, merged: bool, keep: int, on_output: Callable[[int], None]
    ) -> None:
        self.kept = [HeadAndTail(keep) for _ in range(1 if merged else 2)]
        self._writer: _Writer | None = None
        self._readers: list[_Reader] = []
        self._theirs = contextlib.ExitStack()
        with contextlib.ExitStack() as made:
            made.callback(self.close)
            if stdin is None:
                reads = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            else:
                reads, end = os.pipe()
                self._writer = _Writer(end, stdin)
            self._theirs.callback(os.close, reads)
            prints = []
            for kept in self.kept:
                end, written = os.pipe()
                self._theirs.callback(os.close, written)
                prints.append(written)
                self._readers.append(_Reader(end, kept, on_output))
            self.theirs = (reads, prints[0], prints[-1])
            made.pop_all()

    def pass_on(self) -> None:
        """The command has its ends now: let go of ours."""
        self._theirs.close()

    @property
    def open(self) -> bool:
        """Whether more may be printed."""
        return any(reader.open for reader in self._readers)

    def read_on(self) -> None:
        """Read what was printed until this moment."""
        for reader in self._readers:
            reader.read_on()

    def keep_in(self, kept: HeadAndTail) -> None:
        """The command is over: what it left running has nothing more to read, and prints to here."""
        if self._writer is not None:
            self._writer.close()
        for reader in self._readers:
            reader.kept = kept

    def close(self) -> None:
        """Let go of all ends."""
        self.pass_on()
        for end in (self._writer, *self._readers):
            if end is not None:
                end.close()


class _End:
    """Our end of a pipe."""

    def __init__(self, pipe: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._pipe = pipe
        os.set_blocking(pipe, False)

    @property
    def open(self) -> bool:
        """Whether it was closed by neither side."""
        return self._pipe >= 0

    def close(self) -> None:
        """Take it off the loop and close it, once."""
        if self.open:
            self._loop.remove_reader(self._pipe)
            self._loop.remove_writer(self._pipe)
            os.close(self._pipe)
            self._pipe = -1


class _Reader(_End):
    def __init__(self, pipe: int, kept: HeadAndTail, on_output: Callable[[int], None]) -> None:
        super().__init__(pipe)
        self.kept = kept
        self._on_output = on_output
        self._loop.add_reader(pipe, self._read)

    def read_on(self) -> None:
        """Read what lies in the pipe now, and no more: its other end may write for ever, or take it back."""
        if self.open:
            waiting = int.from_bytes(fcntl.ioctl(self._pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
            while (taken := self._read()) and waiting > 0:  # the last time for its end, where that has come
                waiting -= taken

    def _read(self) -> int:
        try:
            chunk = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return 0
        if chunk:
            self.kept.add(chunk)
            self._on_output(len(chunk))
        else:
            self.close()
        return len(chunk)


class _Writer(_End):
    def __init__(self, pipe: int, data: bytes) -> None:
        super().__init__(pipe)
        self._left = memoryview(data)
        self._loop.add_writer(pipe, self._write)

    def _write(self) -> None:
        try:
            written = os.write(self._pipe, self._left[:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:  # the command does not want the rest
            written = len(self._left)
        self._left = self._left[written:]
        if not self._left:
            self.close()
