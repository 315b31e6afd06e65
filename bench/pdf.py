"""How long a report of 50 pages takes to draw, next to an empty document of the same library.

Both run in a child process of their own, begun in the same run, in turns.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.reports.child import draw_pdf
from bot.reports.report import Report, RunView, StepView

PAGES = 50
ROUNDS = 5
EMPTY = "import fpdf, sys; pdf = fpdf.FPDF(); pdf.add_page(); sys.stdout.buffer.write(pdf.output())"


def report(steps: int = 82) -> Report:
    """A task whose report takes about 50 pages: each step prints 32 lines, some of them not in ASCII."""
    begin = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
    output = "\n".join(
        f"{line:4} compiling module_{line} → build/module_{line}.o  ✓ {line * 37} µs" for line in range(32)
    )
    views = tuple(
        StepView(
            number=number,
            tool="terminal",
            what=f"make -C services/svc-{number:03} build",
            state="ok",
            output=output,
            exit_code=0,
            started=begin + timedelta(seconds=12 * number),
            seconds=9.5,
            peak_rss_bytes=48_000_000,
        )
        for number in range(1, steps + 1)
    )
    end = begin + timedelta(seconds=12 * steps + 12)
    return Report(
        key="T-1",
        title="Build every service",
        text="Build every service.",
        agent="coder",
        asked_by="Ana",
        door="slack",
        state="done",
        opened=begin,
        started=begin,
        ended=end,
        as_of=end,
        outcome="All services were built.",
        steps=views,
        runs=(RunView(1, "bench", "runbook", begin),),
    )


def rows() -> list[dict[str, Any]]:
    """Measure.

    Returns:
        One row a figure: `name`, `value`, `unit`, `peer` (the floor's figure) and `ratio` to it.
    """
    whole = report()
    ours, floor, pdf = [], [], b""
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        pdf = asyncio.run(draw_pdf(whole))
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-c", EMPTY], check=True, stdout=subprocess.DEVNULL)
        floor.append(time.perf_counter() - begun)
    pages = pdf.count(b"/Type /Page\n")
    value, peer = statistics.median(ours), statistics.median(floor)
    return [
        {
            "name": f"PDF of {pages} pages in a child process (peer: an empty fpdf2 document in one)",
            "value": round(value, 3),
            "unit": "s",
            "peer": round(peer, 3),
            "ratio": round(value / peer, 2),
        },
        {"name": "its size", "value": round(len(pdf) / 1000), "unit": "kB", "peer": None, "ratio": None},
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
