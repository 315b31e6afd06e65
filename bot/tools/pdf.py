"""Make a PDF of Markdown, with tables and pictures, for the task's people."""

import asyncio
from pathlib import PurePosixPath

from pydantic import Field

from bot.errors import UserMistake
from bot.permissions import Effect
from bot.reports.child import Document, draw_document
from bot.reports.humane import size
from bot.reports.parts import pictures
from bot.tools.base import Arguments, Bench, Result
from bot.tools.keeping import fit, keep
from bot.work.keys import key
from bot.workspaces import Files

MOST_PICTURES = 20
PICTURE_BYTES = 5_000_000


class PdfArguments(Arguments):
    """Arguments of `pdf`.

    Attributes:
        title: Stands above the text.
        text: The text in Markdown: headings, lists, code, tables; a picture of the workspace in a line of its
            own, as `![what it shows](charts/sales.png)`.
        name: What the file is called; after the title unless told.
    """

    title: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=200_000)
    name: str = Field(default="", max_length=200)


class Pdf:
    """Make a PDF of a text in Markdown with tables and pictures; the task's people get it as a file."""

    name = "pdf"
    arguments = PdfArguments
    default: Effect = "allow"

    def does(self, args: PdfArguments) -> str:
        """The title, and all of the text."""
        return f"Make a PDF: {args.title}\n{args.text}"

    def subjects(self, args: PdfArguments) -> tuple[str, ...]:
        """The title."""
        return (args.title,)

    def from_text(self, text: str) -> PdfArguments:
        """The first line is the title."""
        title, _, rest = text.strip().partition("\n")
        return PdfArguments(title=title, text=rest.strip() or title)

    def reads(self, args: PdfArguments) -> bool:  # noqa: ARG002  whatever it is about
        """Files are kept one at a time."""
        return False

    async def run(self, args: PdfArguments, bench: Bench) -> Result:
        """Read the pictures as the workspace's owner, draw in a child process, keep the file."""
        task = key(bench.task_id)
        try:
            shown = await asyncio.to_thread(_read, pictures(args.text), bench)
            pdf = await draw_document(Document(args.title, args.text, task, shown))
            name = fit(task, f"{PurePosixPath(args.name or args.title.replace('/', '-')).stem}.pdf")
            kept = await asyncio.to_thread(keep, bench.artifacts, task, name, pdf)
        except UserMistake as error:
            return Result(ok=False, output=str(error))
        return Result(
            ok=True, output=f"{kept.name} is made ({size(kept.size)}), and people get it.", facts=(kept,)
        )


def _read(paths: tuple[str, ...], bench: Bench) -> dict[str, bytes]:
    """The pictures, as they lie in the workspace."""
    if len(paths) > MOST_PICTURES:
        raise UserMistake(
            f"The text shows {len(paths)} pictures, and {MOST_PICTURES} are the most. Make several PDFs."
        )
    files = Files(bench.workspace, bench.owner, bench.limits)
    found = {}
    for path in paths:
        content, in_all = files.read(path.removeprefix("/workspace/"), PICTURE_BYTES)
        if in_all > PICTURE_BYTES:
            raise UserMistake(f"{path} is larger than {size(PICTURE_BYTES)}. Make the picture smaller.")
        found[path] = content
    return found
