"""Drawing a PDF in a process of its own.

Drawing holds the interpreter for a second or so. In a thread that made every other command ten times
slower; in a child process of low priority it does not. The child gets the report as JSON, and answers with
the PDF's bytes.
"""

import asyncio
import contextlib
import os
import resource
import sys
from pathlib import Path

from pydantic import TypeAdapter

import bot
from bot.errors import LegworkError
from bot.reports.report import Report

MOST_MEMORY = 2 * 1024**3  # bytes of address space
NICENESS = 10

_ROOT = str(Path(bot.__file__).parents[1])
# -I keeps the environment and the working directory out; so the place of this very package is named.
_SCRIPT = f"import sys; sys.path.append({_ROOT!r}); from bot.reports.child import main; main()"

_reports: TypeAdapter[Report] = TypeAdapter(Report)


async def draw_pdf(report: Report, *, timeout_s: float = 60) -> bytes:
    """Draw a report as a PDF, in a child process that ends with this call however it ends.

    Args:
        report: Any; see `bot.reports.pdf.draw`.
        timeout_s: Seconds that it may take.

    Raises:
        LegworkError: It could not be drawn, or took too long.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-c", _SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
    )
    try:
        async with asyncio.timeout(timeout_s):
            pdf, complaint = await child.communicate(_reports.dump_json(report))
    except TimeoutError:
        raise LegworkError(
            f"The PDF of {report.key} was not ready after {timeout_s:g} s and was given up. The thread and "
            f"the mail tell the same; ask for it again when the machine is less busy."
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    if child.returncode != 0 or not pdf.startswith(b"%PDF-"):
        why = (complaint.decode(errors="replace").strip().splitlines() or [f"exit code {child.returncode}"])[
            -1
        ]
        raise LegworkError(
            f"The PDF of {report.key} could not be drawn ({why[:300]}). The thread and the mail tell the "
            f"same; an admin can report this with the task's key."
        )
    return pdf


def main() -> None:
    """What the child does: JSON from standard input, PDF to standard output."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    from bot.reports.pdf import draw

    report = _reports.validate_json(sys.stdin.buffer.read())
    sys.stdout.buffer.write(draw(report))
