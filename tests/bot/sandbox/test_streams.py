"""The bot's end of a command's pipes, while whoever holds the other end does what it likes with it."""

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.streams import Streams


@pytest.mark.parametrize("ends", [False, True])
async def test_what_a_program_takes_back_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """A program can open its own output to read: what is gone between a count and a read holds up nobody."""
    count = fcntl.ioctl
    streams = Streams(None, merged=True, keep=1000, on_output=lambda _: None)
    thief = os.open(Path("/proc/self/fd") / str(streams.theirs[1]), os.O_RDONLY | os.O_NONBLOCK)

    def count_and_lose(*arguments: Any) -> Any:
        found = count(*arguments)
        assert os.read(thief, 100) == b"mine"
        if ends:
            streams.pass_on()
        return found

    try:
        os.write(streams.theirs[1], b"mine")
        monkeypatch.setattr(fcntl, "ioctl", count_and_lose)
        streams.read_on()
        assert (streams.kept[0].text(), streams.open) == ("", not ends)
    finally:
        os.close(thief)
        streams.close()
