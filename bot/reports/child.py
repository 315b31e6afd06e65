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
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter

import bot
from bot.errors import LegworkError, UserMistake
from bot.reports.report import Report

MOST_MEMORY = 2 * 1024**3  # bytes of address space
NICENESS = 10
MISTAKE = 3  # exit code of a child that was given what cannot be drawn

_ROOT = str(Path(bot.__file__).parents[1])
# -I keeps the environment and the working directory out; so the place of this very package is named.
_SCRIPT = f"import sys; sys.path.append({_ROOT!r}); from bot.reports import child; child."

_reports: TypeAdapter[Report] = TypeAdapter(Report)


@dataclass(frozen=True, slots=True)
class Document:
    """What an agent wrote, to be drawn.

    Attributes:
        title: Stands above it.
        text: Markdown, see `bot.reports.document`.
        foot: Stands at the foot of each page.
        pictures: Files that it shows, by their paths.
    """

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    title: str
    text: str
    foot: str
    pictures: dict[str, bytes]


_documents: TypeAdapter[Document] = TypeAdapter(Document)


async def draw_pdf(report: Report, *, timeout_s: float = 60) -> bytes:
    """Draw a report as a PDF, in a child process that ends with this call however it ends.

    Args:
        report: Any; see `bot.reports.pdf.draw`.
        timeout_s: Seconds that it may take.

    Raises:
        LegworkError: It could not be drawn, or took too long.
    """
    code, pdf, complaint = await _drawn("main()", _reports.dump_json(report), timeout_s)
    if code is None:
        raise LegworkError(
            f"The PDF of {report.key} was not ready after {timeout_s:g} s and was given up. The thread and "
            f"the mail tell the same; ask for it again when the machine is less busy."
        )
    if code != 0 or not pdf.startswith(b"%PDF-"):
        raise LegworkError(
            f"The PDF of {report.key} could not be drawn ({complaint or f'exit code {code}'}). The thread "
            f"and the mail tell the same; an admin can report this with the task's key."
        )
    return pdf


async def draw_document(document: Document, *, timeout_s: float = 60) -> bytes:
    """Draw an agent's document as a PDF, in the same way.

    Raises:
        UserMistake: It cannot be drawn; says what to change.
    """
    code, pdf, complaint = await _drawn("document()", _documents.dump_json(document), timeout_s)
    if code is None:
        raise UserMistake(
            f"The PDF was not ready after {timeout_s:g} s. Make it shorter, or its pictures fewer."
        )
    if code == MISTAKE:
        raise UserMistake(complaint)
    if code != 0 or not pdf.startswith(b"%PDF-"):
        raise UserMistake(
            f"The PDF could not be drawn ({complaint or f'exit code {code}'}). Try it with less in it."
        )
    return pdf


async def _drawn(call: str, given: bytes, timeout_s: float) -> tuple[int | None, bytes, str]:
    """Exit code (None where it took too long), standard output and the last line of complaint of a child."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-c", _SCRIPT + call),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C.UTF-8"},
        cwd="/",
    )
    try:
        async with asyncio.timeout(timeout_s):
            pdf, complaint = await child.communicate(given)
    except TimeoutError:
        return None, b"", ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    lines = complaint.decode(errors="replace").strip().splitlines() or [""]
    return child.returncode, pdf, lines[-1][:300]


def main() -> None:
    """What the child does for a report: JSON from standard input, PDF to standard output."""
    _be_modest()
    from bot.reports.pdf import draw

    report = _reports.validate_json(sys.stdin.buffer.read())
    sys.stdout.buffer.write(draw(report))


def document() -> None:
    """The same for a document; a mistake in it is the last line of standard error."""
    _be_modest()
    from bot.reports.document import draw
    from bot.reports.pictures import decoded

    given = _documents.validate_json(sys.stdin.buffer.read())
    try:
        pictures = decoded(given.pictures)
    except UserMistake as mistake:
        sys.stderr.write(f"{mistake}\n")
        sys.exit(MISTAKE)
    sys.stdout.buffer.write(draw(given.title, given.text, given.foot, pictures))


def _be_modest() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
