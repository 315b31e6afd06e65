"""The commands of the corpus where Landlock keeps them in; test_escapes.py has their controls."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox import Limits, Sandbox
from tests.fakes.escapes import attempts
from tests.fakes.host import LOWER, Host, check

ATTEMPTS = attempts("cmd")
# What their lines look for is not there without namespaces; the tests of test_landlock.py that hold the same.
ASKED_OTHERWISE = {
    "setuid": "its proof is read from /proc, which is shut: test_no_rights_are_gained",
    "caps": "the same",
    "oom-adj": "there is no /proc to write to: test_the_host_is_out_of_reach",
    "disk-tmp-shm": "there is no /tmp and no /dev/shm to write to: test_scratch_is_in_tmpdir",
    "rlimit-raise": "the kernel counts a user's processes here, not a run's: test_limits_cannot_be_raised",
}
HELD = [attempt for attempt in ATTEMPTS if attempt["id"] not in ASKED_OTHERWISE]


@pytest.fixture
def host(room: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("SECRET", "CANARY-ENV")
    return Host(room)


def test_every_attempt_is_held_or_asked_otherwise() -> None:
    """No line of the corpus is left out without a word."""
    assert set(ASKED_OTHERWISE) <= {attempt["id"] for attempt in ATTEMPTS}


@pytest.mark.parametrize("attempt", HELD, ids=lambda attempt: str(attempt["id"]))
async def test_an_escape_attempt_fails_in_landlock(
    attempt: dict[str, Any], host: Host, landlocked: Sandbox, workspace: Path, scratch: Path
) -> None:
    """Each attempt ends as its line says, and leaves no scratch folder."""
    limits = dataclasses.replace(Limits(timeout_s=attempt.get("timeout", 30)), **LOWER.get(attempt["id"], {}))
    began = time.monotonic()
    async with host.alive():
        argv = ["bash", "-c", host.fill(attempt["run"])]
        outcome = await landlocked.run(argv, workspace=workspace, limits=limits)
    check(attempt, outcome, host)
    assert list(scratch.iterdir()) == []
    assert time.monotonic() - began < attempt["check"].get("wall_lt", 30)
