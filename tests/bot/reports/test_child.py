"""Drawing in a child process."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import LegworkError
from bot.reports import child
from bot.reports.child import draw_pdf
from bot.reports.pdf import draw
from bot.reports.report import Report

Maker = Callable[[], Report]


def children() -> set[int]:
    """The processes that this one has begun and that are still there."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


async def until(what: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ["success", "torture"])
async def test_the_child_draws_what_we_would(samples: dict[str, Maker], name: str) -> None:
    """A report comes back from the child byte for byte as drawn here, hostile text or not."""
    report = samples[name]()
    assert await draw_pdf(report) == draw(report)


async def test_a_cancelled_call_leaves_no_child(samples: dict[str, Maker]) -> None:
    """Whoever stops waiting stops the drawing."""
    before = children()
    task = asyncio.create_task(draw_pdf(samples["many"]()))
    await until(lambda: bool(children() - before))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() <= before


async def test_a_drawing_that_takes_too_long_is_given_up(samples: dict[str, Maker]) -> None:
    """Past its time the child is gone, and the error says what to do."""
    before = children()
    with pytest.raises(LegworkError, match=r"The PDF of T-12 was not ready after 0.01 s .* ask for it again"):
        await draw_pdf(samples["success"](), timeout_s=0.01)
    assert children() <= before


async def test_a_failing_child_is_told_in_a_sentence(samples: dict[str, Maker]) -> None:
    """What the child cannot read is an error of the house, with the reason."""
    broken = replace(samples["single"](), state="nonsense")  # type: ignore[arg-type]  # which is the point
    with pytest.raises(LegworkError, match=r"could not be drawn \(.*\)\. The thread"):
        await draw_pdf(broken)


async def test_the_child_sees_nothing_of_where_we_are(
    samples: dict[str, Maker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the working directory nor the environment reaches the child's imports."""
    for name in ("fpdf.py", "json.py", "bot.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('imported from a workspace')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert (await draw_pdf(samples["single"]())).startswith(b"%PDF-")


def test_the_child_steps_back() -> None:
    """It runs at a low priority and with bounded memory."""
    assert child.NICENESS > 0
    assert child.MOST_MEMORY <= 4 * 1024**3
