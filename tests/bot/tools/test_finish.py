"""The finish tool: a summary, and files that are safe to hand to people."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.mail_of_task import ATTACHED_BYTES, attached
from bot.events import ArtifactSaved
from bot.reports.report import Report
from bot.tools.base import Bench, Result
from bot.tools.finish import FILE_BYTES, MOST_FILES, Finish, FinishArguments
from bot.tools.keeping import fit, keep
from bot.workspaces import Files


async def finish(bench: Bench) -> Result:
    return await Finish().run(FinishArguments(summary="All **done**."), bench)


def saved(result: Result) -> dict[str, tuple[str, int]]:
    return {f.name: (f.media_type, f.size) for f in result.facts if isinstance(f, ArtifactSaved)}


async def test_a_task_ends_with_a_summary(bench: Bench) -> None:
    """Without an outbox there is nothing to hand over."""
    result = await finish(bench)
    assert (result.ok, result.finished, result.facts) == (True, "All **done**.", ())


async def test_what_lies_in_the_outbox_is_kept(bench: Bench, files: Files) -> None:
    """Folders become part of the name; each file is a fact of the task."""
    files.write("outbox/figures.csv", b"a,b\n")
    files.write("outbox/deep/page.html", b"<p>")
    files.write("other.txt", b"not this")
    result = await finish(bench)
    assert saved(result) == {"figures.csv": ("text/csv", 4), "deep-page.html": ("text/html", 3)}
    for fact in result.facts:
        assert isinstance(fact, ArtifactSaved)
        assert bench.artifacts.read("T-1", fact)
    assert "deep-page.html, figures.csv" in result.output


async def test_what_is_no_file_keeps_the_task_open(bench: Bench, files: Files) -> None:
    """Links, pipes and hard links are told to the agent; nothing that they lead to is handed out."""
    files.write("outbox/good", b"x")
    bad = bench.workspace / "outbox" / "bad"
    outside = bench.workspace.parent / "secret"
    outside.write_text("CANARY")
    for make in (
        lambda: bad.symlink_to(outside),
        lambda: os.mkfifo(bad),
        lambda: bad.hardlink_to(outside),
    ):
        make()
        result = await finish(bench)
        assert (result.ok, result.finished, result.facts) == (False, None, ())
        assert "outbox/bad" in result.output
        bad.unlink()
    assert (await finish(bench)).ok


async def test_an_outbox_that_is_a_link_is_refused(bench: Bench) -> None:
    """It could lead anywhere."""
    (bench.workspace / "outbox").symlink_to("/etc")
    assert (await finish(bench)).finished is None


async def test_too_much_is_refused(bench: Bench, files: Files) -> None:
    """Too large a file, sparse or not, and too many of them; the agent is told the limits."""
    files.write("outbox/f0", b"x")
    with (bench.workspace / "outbox" / "huge").open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    result = await finish(bench)
    assert (result.finished, "20 MB" in result.output) == (None, True)
    (bench.workspace / "outbox" / "huge").unlink()
    for number in range(MOST_FILES):
        files.write(f"outbox/g{number}", b"x")
    result = await finish(bench)
    assert (result.finished, f"{MOST_FILES + 1} files" in result.output) == (None, True)


def test_files_of_one_name_are_kept_beside_each_other(bench: Bench) -> None:
    """The same file once more is the same; another one gets another name."""
    names = [
        keep(bench.artifacts, "T-1", "a.txt", content).name for content in (b"1", b"2", b"1", b"2", b"3")
    ]
    assert names == ["a.txt", "a-2.txt", "a.txt", "a-2.txt", "a-3.txt"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("T-1-report.pdf", "file-T-1-report.pdf"),
        ("t-1-REPORT-2.pdf", "file-t-1-REPORT-2.pdf"),
        (".hidden", "hidden"),
        ("...", "file"),
        ("", "file"),
        ("a\nb\u202e.txt", "a_b_.txt"),
        ("Ergebnis für Zoë (2).csv", "Ergebnis für Zoë (2).csv"),
        ("x" * 300 + ".csv", "x" * 146 + ".csv"),
        ("\u4fee" * 300, "\u4fee" * 50),
    ],
)
def test_a_name_is_one_that_every_system_takes(asked: str, name: str) -> None:
    """Nothing leads elsewhere, hides, or takes the place of the report."""
    assert fit("T-1", asked) == name


@given(st.text(max_size=300))
def test_any_name_can_be_made_to_fit(asked: str) -> None:
    """It is short, and final."""
    name = fit("T-1", asked)
    assert 0 < len(name.encode()) <= 160
    assert "/" not in name
    assert not name.startswith(".")
    assert fit("T-1", name) in (name, f"file-{name}")


def test_a_mail_takes_what_fits() -> None:
    """Of files with the same name the last, and no more than servers take."""

    def file(name: str, size: int) -> ArtifactSaved:
        return ArtifactSaved(name=name, purpose="file", media_type="text/csv", size=size, sha256="")

    kept = (file("a", 10), file("a", 20), file("huge", ATTACHED_BYTES), file("b", 30))
    assert attached(Report("T-1", artifacts=kept)) == (kept[1], kept[3])
