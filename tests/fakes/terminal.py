"""`legwork …` as a person runs it in a terminal: a real process."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Ended:
    """What a process left."""

    code: int
    out: str
    err: str


class Legwork:
    """Runs `legwork …` with a data folder of its own.

    Args:
        home: The data folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    async def start(self, *words: str, **environment: str) -> asyncio.subprocess.Process:
        """Start it."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            env=self._environment(environment),
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *words: str, **environment: str) -> Ended:
        """Run it to its end."""
        return await end(await self.start(*words, **environment))

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        home = str(self._home)
        return {"PATH": os.environ["PATH"], "LEGWORK_HOME": home, "HOME": home, **more}


async def end(process: asyncio.subprocess.Process) -> Ended:
    """Wait for a process's end."""
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())
