"""The host that attempts reach for, and what must hold of each."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.sandbox import Outcome

MIB = 1 << 20
# Bombs are judged by the same rule at a lower limit.
LOWER: Mapping[str, dict[str, Any]] = {
    "mem-many": {"memory_bytes": 256 * MIB},
    "mem-kernel": {"memory_bytes": 200 * MIB},
    "disk-one": {"disk_bytes": 32 * MIB},
    "disk-many": {"disk_bytes": 64 * MIB},
    "disk-inodes": {"inodes": 2000},
    "disk-tmp-shm": {"disk_bytes": 64 * MIB},
    "chmod-hide": {"disk_bytes": 64 * MIB},
    "disk-wide": {"disk_bytes": 64 * MIB},
    "close-stdout-live": {"timeout_s": 1},
}
ENDINGS = {"host-memory": "memory"}
CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


class Host:
    """What an attempt reaches for: a home, a database, another workspace, sockets, an environment."""

    def __init__(self, room: Path) -> None:
        self.room = room
        self.name = f"botctl-{room.name}"
        for folder, file, canary in (
            ("home/.ssh", "id_ed25519", "CANARY-KEY"),
            ("botdata", "bot.db", "CANARY-DB"),
            ("ws_other", "secret.txt", "CANARY-OTHER"),
            ("run", "placeholder", ""),
        ):
            (room / folder).mkdir(parents=True)
            (room / folder / file).write_text(canary)

    def fill(self, text: str) -> str:
        """Put real names where the corpus has placeholders."""
        for name, value in {
            "@HOME@": self.room / "home",
            "@DATA@": self.room / "botdata",
            "@OTHER@": self.room / "ws_other",
            "@RUN@": self.room / "run",
            "@ROOT@": self.room,
            "@BOTPID@": os.getpid(),
            "botctl": self.name,
        }.items():
            text = text.replace(name, str(value))
        return text

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The sockets listen, and a process of the bot has a secret and a telling command line."""

        def greet(canary: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
            def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                writer.write(canary)
                writer.close()

            return answer

        docker = await asyncio.start_unix_server(greet(b"CANARY-UDS"), self.room / "run/docker.sock")
        abstract = await asyncio.start_unix_server(greet(b"CANARY-ABS"), f"\0{self.name}")
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "import sys; sys.stdin.read()", self.room),
            env={"SECRET": "CANARY-ENV"},
            stdin=subprocess.PIPE,
        )
        try:
            yield
        finally:
            worker.kill()
            await worker.wait()
            docker.close()
            abstract.close()


def check(attempt: dict[str, Any], outcome: Outcome, host: Host) -> None:
    wanted: dict[str, Any] = {
        name: host.fill(value) if isinstance(value, str) else value
        for name, value in attempt["check"].items()
    }
    printed = outcome.stdout + outcome.stderr
    if attempt["control"]:
        assert host.fill(attempt["control"]) not in printed
    if "out_has" in wanted:
        assert wanted["out_has"].lower() in printed.lower()
    if "out_lacks" in wanted:
        assert wanted["out_lacks"] not in printed
    if "why" in wanted:
        assert outcome.ended_by == ENDINGS.get(wanted["why"], wanted["why"])
    if wanted.get("rc") == "zero":
        assert outcome.exit_code == 0
    if wanted.get("no_ctrl"):
        assert not CONTROL_CHARACTERS.search(printed)
    assert outcome.peak_processes <= wanted.get("procs_le", 300)
