"""The pdf tool: Markdown with tables and pictures of the workspace, for people."""

import io
import os
import time

import pytest
from PIL import Image
from pypdf import PdfReader

from bot.events import ArtifactSaved
from bot.reports.parts import Grid, Heading, Shown, parts
from bot.tools.base import Bench, Result
from bot.tools.pdf import Pdf, PdfArguments
from bot.workspaces import Files

TABLE = "| Who | Sum |\n|---|---:|\n| Ana \\| Ben | 1,200 |\n| Cid |\n"


def png(width: int = 8, height: int = 6) -> bytes:
    """A picture with a hole in it."""
    held = io.BytesIO()
    Image.new("RGBA", (width, height), (255, 0, 0, 128)).save(held, "PNG")
    return held.getvalue()


async def make(bench: Bench, text: str, title: str = "Sales / 2026") -> Result:
    return await Pdf().run(PdfArguments(title=title, text=text), bench)


def kept(bench: Bench, result: Result) -> tuple[str, PdfReader]:
    (fact,) = result.facts
    assert isinstance(fact, ArtifactSaved)
    assert (fact.purpose, fact.media_type) == ("file", "application/pdf")
    return fact.name, PdfReader(io.BytesIO(bench.artifacts.read("T-1", fact)))


async def test_text_tables_and_pictures_are_drawn(bench: Bench, files: Files) -> None:
    """People get one file, named after the title."""
    files.write("charts/a.png", png())
    text = f"# First\n\nSome **words**.\n\n{TABLE}\n![The chart](charts/a.png)\n\n```\n![no](gone.png)\n```\n"
    name, pdf = kept(bench, await make(bench, text))
    assert name == "Sales - 2026.pdf"
    said = pdf.pages[0].extract_text()
    assert all(
        words in said for words in ("Sales / 2026", "First", "Some words.", "Ana | Ben", "1,200", "The chart")
    )
    assert "![no](gone.png)" in said
    assert len(pdf.pages[0].images) == 1


@pytest.mark.parametrize("kind", ["gone", "link", "pipe", "hard", "text", "bomb", "torn", "up", "web"])
async def test_a_picture_that_cannot_be_shown_is_told(bench: Bench, files: Files, kind: str) -> None:
    """Nothing outside of the workspace is read, nothing is fetched, and no decoder is believed."""
    secret = bench.workspace.parent / "secret.png"
    secret.write_bytes(png())
    path = bench.workspace / "p.png"
    match kind:
        case "link":
            path.symlink_to(secret)
        case "hard":
            path.hardlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "text":
            files.write("p.png", b"hello")
        case "torn":
            files.write("p.png", png(400, 300)[:60])
        case "bomb":
            Image.new("1", (30_000, 30_000)).save(path)
    named = {"up": "../secret.png", "web": "https://example.org/p.png"}.get(kind, "p.png")
    result = await make(bench, f"![x]({named})")
    assert (result.ok, result.facts) == (False, ())
    assert result.output.count(". ") or result.output.endswith(".")


@pytest.mark.parametrize(
    "text", ["word\n\n" * 30_000, "| a |\n|---|\n" + "| b |\n" * 30_000], ids=["prose", "table"]
)
async def test_a_long_document_ends(bench: Bench, text: str) -> None:
    """It is cut, and says so."""
    _, pdf = kept(bench, await make(bench, text))
    assert 50 < len(pdf.pages) < 70
    if text.startswith("word"):
        assert "left out" in pdf.pages[-1].extract_text()


def test_a_document_is_read_into_parts() -> None:
    """Headings, tables and pictures stand out; code and everything else stays as it was written."""
    text = f"Hello\n## Next #\n{TABLE}![a](b.png)\n```\n# no\n| a |\n|---|\n```\nend"
    assert list(parts(text)) == [
        "Hello",
        Heading(2, "Next"),
        Grid(("Who", "Sum"), (False, True), (("Ana | Ben", "1,200"), ("Cid", ""))),
        Shown("a", "b.png"),
        "```\n# no\n| a |\n|---|\n```\nend",
    ]


@pytest.mark.parametrize(
    "line", ["word", "", "```", "|", "| a |", "|---|", "![", "![a](b", "#" * 9, "- " * 50]
)
def test_no_text_takes_long_to_read(line: str) -> None:
    """Time grows with the length alone: this is read on the bot's own loop."""
    began = time.process_time()
    assert list(parts(f"{line}\n" * (200_000 // (len(line) + 1))))
    assert time.process_time() - began < 3
