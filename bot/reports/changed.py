"""The files that changed: by name, and line by line as far as there is room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.reports import phrases
from bot.reports.flow import CODE, CODE_INDENT, SMALL, Column, heading, note, table
from bot.reports.fonts import Face
from bot.reports.humane import counted, size
from bot.reports.patch import Kind, lines
from bot.reports.report import Report
from bot.reports.sheet import MUTED, PANEL, TINT, Color, Sheet, Style
from bot.reports.wrap import wrap_code

MOST_FILES = 400
LONGEST_PATH = 300
DIFF_ROWS = 700

_PATH = Style(Face.CODE, 7.6, 11)
_FILE = Style(Face.CODE_BOLD, 7.8, 12)
_ASIDE = replace(CODE, color=MUTED)
_PAD = 4.0
_LOOKS: dict[Kind, tuple[Color, Style]] = {
    "file": (TINT, _FILE),
    "note": (PANEL, replace(_ASIDE, face=Face.CODE)),
    "place": (PANEL, _ASIDE),
    "same": (PANEL, CODE),
    "added": ((222, 243, 229), CODE),
    "removed": ((252, 227, 229), CODE),
}
_BARS: dict[Kind, Color] = {"added": (58, 150, 96), "removed": (176, 42, 55)}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a diff on paper; a long line takes several."""

    kind: Kind
    text: str


def changes(sheet: Sheet, report: Report, last: int) -> None:
    """Draw a table of the files that changed, then what changed in them.

    Args:
        sheet: Where it is drawn.
        report: Its texts are shown ones.
        last: The number of the last page that it may begin to fill.
    """
    heading(sheet, "Files changed", keep=40)
    columns = [
        Column("File", 0, _PATH),
        Column("What", 58),
        Column("Lines", 84, _PATH, to_right=True),
        Column("Size", 66, SMALL, to_right=True),
    ]
    rows = (
        (_short(change.path), change.how, phrases.lines(change), phrases.file_size(change))
        for change in report.changes
    )
    shown = fitting(sheet, columns, rows, last)
    if shown < report.files_changed:
        note(sheet, f"… and {report.files_changed - shown:,} more.")
    if report.diff.text and sheet.page < last:
        _diff(sheet, report, last)


def artifacts(sheet: Sheet, report: Report, last: int) -> None:
    """Draw a table of the files that were kept."""
    heading(sheet, "Files kept", keep=40)
    columns = [Column("File", 0, _PATH), Column("Type", 150), Column("Size", 66, SMALL, to_right=True)]
    rows = ((_short(kept.name), _short(kept.media_type), size(kept.size)) for kept in report.artifacts)
    shown = fitting(sheet, columns, rows, last)
    if shown < len(report.artifacts):
        note(sheet, f"… and {len(report.artifacts) - shown:,} more.")


def fitting(sheet: Sheet, columns: Sequence[Column], rows: Iterator[Sequence[str]], last: int) -> int:
    """Draw the rows of a table that there are pages for; how many those were."""
    shown = 0

    def few() -> Iterator[Sequence[str]]:
        nonlocal shown
        for row in rows:
            full = sheet.page > last or (sheet.page == last and sheet.y > sheet.bottom - 120)
            if shown == MOST_FILES or full:
                return
            shown += 1
            yield row

    table(sheet, columns, few())
    return shown


def _diff(sheet: Sheet, report: Report, last: int) -> None:
    heading(sheet, "What changed in them", keep=80)
    drawn = 0
    told = list(lines(report.diff.text))
    for number, line in enumerate(told):
        broken = wrap_code(line.text, sheet.width - 2 * CODE_INDENT, _LOOKS[line.kind][1], sheet.fonts)
        keep = 5 if line.kind == "file" else 2 if line.kind == "place" else 1
        if drawn + len(broken) > DIFF_ROWS or (sheet.page >= last and not _fits(sheet, keep + 3)):
            _left_out(sheet, report, len(told) - number + report.diff.more)
            return
        if line.kind == "file":
            sheet.gap(8 if number else 0)
        sheet.need(keep * CODE.leading + 2 * _PAD)
        for text in broken:
            _draw(sheet, _Row(line.kind, text))
        drawn += len(broken)
    if report.diff.more:
        _left_out(sheet, report, report.diff.more)


def _fits(sheet: Sheet, rows: int) -> bool:
    return sheet.y + rows * CODE.leading + 2 * _PAD <= sheet.bottom


def _draw(sheet: Sheet, row: _Row) -> None:
    fill, style = _LOOKS[row.kind]
    height = style.leading + (_PAD if row.kind == "file" else 0)
    sheet.need(height)
    sheet.box(sheet.left, sheet.y, sheet.width, height, fill)
    if row.kind in _BARS:
        sheet.box(sheet.left, sheet.y, 2.4, height, _BARS[row.kind])
    sheet.text(sheet.left + CODE_INDENT, sheet.y + height - style.leading * 0.26 - 0.6, row.text, style)
    sheet.y += height


def _left_out(sheet: Sheet, report: Report, count: int) -> None:
    where = f": {report.patch.name} has them all." if report.patch else "."
    note(sheet, f"… {counted(count, 'more line')} left out of this PDF{where}")


def _short(path: str) -> str:
    """A path on few lines: what is too long loses its middle."""
    half = LONGEST_PATH // 2
    return path if len(path) <= LONGEST_PATH else f"{path[:half]} … {path[-half:]}"
