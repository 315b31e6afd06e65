"""What the benchmarks of the whole bot share: its processes as an operator starts them, in a room."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from bot.cli.demo import practice_room
from bot.practice import PracticeRoom

T = TypeVar("T")
FOLDER = Path(__file__).parent
READY_S = 20.0
STOP_S = 10.0


def row(
    name: str, unit: str, ours: float, peer: str, theirs: float, goal: float | None = None
) -> dict[str, Any]:
    """One figure beside its floor or peer.

    Args:
        name: What was measured.
        unit: Of both figures.
        ours: The figure.
        peer: What it is measured against.
        theirs: The peer's figure.
        goal: The highest ratio that is wanted.
    """
    figures = {"value": round(ours, 3), "unit": unit, "peer": f"{peer}, {theirs:.3g} {unit}"}
    wanted = {} if goal is None else {"goal": goal}
    return {"name": name, **figures, "ratio": round(ours / theirs, 3), **wanted}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGTERM ends it in order, as Ctrl-C does."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    return asyncio.run(main())


class Site:
    """A practice room, and the processes that are measured in it.

    Attributes:
        room: Slack and the mailbox.
        home: A folder for data, which the sandbox's user can pass through.
    """

    def __init__(self, room: PracticeRoom, home: Path, stack: contextlib.AsyncExitStack) -> None:
        self.room = room
        self.home = home
        self._stack = stack

    async def start(self, *program: str, home: Path | None = None, address: str = "") -> None:
        """Start a Python program that knows only the room; it is ended with the site.

        Args:
            *program: As after `python`.
            home: Legwork's data folder.
            address: Where it listens: wait until it does.
        """
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FOLDER.parent),
            "LEGWORK_HOME": str(home or self.home),
            "LEGWORK_HTTP": address,
            "LEGWORK_LOG_FORMAT": "json",
            "SLACK_API_URL": self.room.api_url,
            "SLACK_BOT_TOKEN": self.room.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.room.slack.signing_secret,
        }
        log = self._stack.enter_context((self.home / "log").open("ab"))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program),
            env=environment,
            cwd=self.home,  # no .env lies there
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the benchmark, which ends them in order
        )
        self._stack.push_async_callback(_end, process)
        if address:
            await self._until_listening(process, address)

    async def _until_listening(self, process: asyncio.subprocess.Process, address: str) -> None:
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(READY_S):
            while process.returncode is None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
                    return
                await asyncio.sleep(0.02)
        raise SystemExit(f"A process ended before it listened: {(self.home / 'log').read_text()[-2000:]}")

    async def load(
        self, address: str, command: str, text: str, *, clients: int = 1, requests: int = 1, expect: str = ""
    ) -> Any:
        """Type a slash command again and again, in a process of its own; what `_load.play` saw."""
        host, _, port = address.rpartition(":")
        order = {
            "host": host,
            "port": int(port),
            "secret": self.room.slack.signing_secret,
            "command": command,
            "text": text,
            "clients": clients,
            "requests": requests,
            "expect": expect,
        }
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(FOLDER / "_load.py")), stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            seen, complaint = await child.communicate(json.dumps(order).encode())
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if child.returncode:
            raise SystemExit(f"{complaint.decode()}\n{(self.home / 'log').read_text()[-2000:]}")
        return json.loads(seen)


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A practice room in a folder of its own; at the end the processes are dead and the folder is gone."""
    async with contextlib.AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="legwork-bench-")))
        home.chmod(0o711)
        room = await stack.enter_async_context(practice_room(home / "practice", 0))
        processes = await stack.enter_async_context(contextlib.AsyncExitStack())
        yield Site(room, home, processes)


def free_address() -> str:
    """An address on loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process as an operator does, and kill it if it does not."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
