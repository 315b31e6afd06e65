"""The commands of the corpus, each inside the sandbox and, where it is safe, outside as a control."""

import asyncio
import dataclasses
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Limits, Sandbox
from tests.fakes.escapes import attempts
from tests.fakes.host import LOWER, Host, check

ATTEMPTS = attempts("cmd")
CONTROLLED = [
    attempt
    for attempt in ATTEMPTS
    if attempt["control"]
    and attempt["id"] != "bot-db"  # it searches the whole host; symlink-read has its canary
]


@pytest.fixture
def host(room: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("SECRET", "CANARY-ENV")
    return Host(room)


@pytest.mark.parametrize("way", ["alone", "in a session"])
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: str(attempt["id"]))
async def test_an_escape_attempt_fails_inside(
    attempt: dict[str, Any],
    way: str,
    host: Host,
    sandbox: Sandbox,
    workspace: Path,
    scratch: Path,
    survivors: Callable[[], list[int]],
) -> None:
    """Each attempt of the corpus ends as its line says, and leaves no process and no scratch folder."""
    limits = dataclasses.replace(Limits(timeout_s=attempt.get("timeout", 30)), **LOWER.get(attempt["id"], {}))
    began = time.monotonic()
    async with host.alive():
        argv = ["bash", "-c", host.fill(attempt["run"])]
        if way == "alone":
            outcome = await sandbox.run(argv, workspace=workspace, limits=limits)
        else:
            session = await sandbox.open(workspace, limits)
            try:
                outcome = await session.run(argv)
            finally:
                await session.close()
    check(attempt, outcome, host)
    assert survivors() == []
    assert list(scratch.iterdir()) == []
    assert time.monotonic() - began < attempt["check"].get("wall_lt", 30)


@pytest.mark.parametrize("attempt", CONTROLLED, ids=lambda attempt: str(attempt["id"]))
async def test_the_same_attempt_reaches_its_canary_outside(
    attempt: dict[str, Any], host: Host, workspace: Path
) -> None:
    """Without a sandbox the attempt succeeds: the test above would notice a sandbox that does not hold."""
    async with host.alive():
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'bash -c "$1"; true', "sh", host.fill(attempt["run"])),
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    if attempt["control"] in {"uid=0", "NEWUSER-OK"} and b"not permitted" in printed.lower():
        pytest.skip("this machine refuses user namespaces by itself")
    assert host.fill(attempt["control"]).encode() in printed
