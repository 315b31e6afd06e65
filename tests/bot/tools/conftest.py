"""A bench with a real sandbox, for the tests of every tool."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bot.artifacts import Artifacts
from bot.sandbox import Handle, Limits, Sandbox, SandboxUnavailable, owner_for_this_process
from bot.sandbox.availability import find_bwrap
from bot.tools.base import Bench
from bot.tools.shell import Ledger, Shell
from bot.workspaces import Files

LIMITS = Limits(timeout_s=20)


@pytest.fixture
def started() -> list[Handle]:
    """The sandboxes that were noted."""
    return []


@pytest.fixture
def ended() -> list[Handle]:
    """Those that were struck out again."""
    return []


@pytest.fixture
def make_shell(home: Path, started: list[Handle], ended: list[Handle]) -> Callable[[], Shell]:
    """What runs a task's commands, as each worker makes it anew."""

    async def note(handle: Handle) -> None:
        started.append(handle)

    async def strike(handle: Handle) -> None:
        ended.append(handle)

    box = Sandbox(home / "scratch", owner_for_this_process())
    return lambda: Shell(box, home / "workspace", LIMITS, Ledger(note, strike), home / "place")


@pytest.fixture
async def bench(home: Path, make_shell: Callable[[], Shell]) -> AsyncIterator[Bench]:
    """A workspace; its sandbox may be missing on this machine."""
    owner = owner_for_this_process()
    workspace = home / "workspace"
    workspace.mkdir()
    if owner:
        os.chown(workspace, owner.uid, owner.gid)
    shell = make_shell()
    yield Bench(workspace, owner, LIMITS, shell, 1, Artifacts(home / "artifacts"))
    await shell.close()
    shutil.rmtree(home / "scratch", ignore_errors=True)


@pytest.fixture
def boxed(bench: Bench) -> Bench:
    """The same, with a sandbox that works."""
    try:
        find_bwrap(None, bench.owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    return bench


@pytest.fixture
def files(bench: Bench) -> Files:
    """The files of the workspace, as the bot handles them."""
    return Files(bench.workspace, bench.owner, bench.limits)
