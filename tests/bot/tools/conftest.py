"""A bench with a real sandbox, for the tests of every tool."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.artifacts import Artifacts
from bot.sandbox import Handle, Limits, Sandbox, SandboxUnavailable, owner_for_this_process
from bot.sandbox.availability import find_bwrap
from bot.tools.base import Bench
from bot.workspaces import Files


@pytest.fixture
def started() -> list[Handle]:
    """The sandboxes that were told of."""
    return []


@pytest.fixture
def bench(home: Path, started: list[Handle]) -> Iterator[Bench]:
    """A workspace; its sandbox may be missing on this machine."""
    owner = owner_for_this_process()
    workspace = home / "workspace"
    workspace.mkdir()
    if owner:
        os.chown(workspace, owner.uid, owner.gid)

    async def on_start(handle: Handle) -> None:
        started.append(handle)

    box = Sandbox(home / "scratch", owner)
    yield Bench(
        workspace, box, Limits(timeout_s=20), on_start, 1, Artifacts(home / "artifacts"), home / "place"
    )
    shutil.rmtree(home / "scratch", ignore_errors=True)


@pytest.fixture
def boxed(bench: Bench) -> Bench:
    """The same, with a sandbox that works."""
    try:
        find_bwrap(None, bench.sandbox.owner)
    except SandboxUnavailable as missing:
        pytest.skip(str(missing))
    return bench


@pytest.fixture
def files(bench: Bench) -> Files:
    """The files of the workspace, as the bot handles them."""
    return Files(bench.workspace, bench.sandbox.owner, bench.limits)
