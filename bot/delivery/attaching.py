"""What people ask to have sent: the report of a task, or what it changed, as that stands now."""

import asyncio
from dataclasses import dataclass, replace

from bot import stream
from bot.artifacts import Artifacts
from bot.delivery.outlet import Attachment
from bot.errors import LegworkError
from bot.events import Change
from bot.reports import phrases, summary
from bot.reports.child import draw_pdf
from bot.reports.humane import counted
from bot.reports.patch import excerpt
from bot.reports.report import Excerpt, Report
from bot.work.keys import key
from bot.workspaces import Workspaces
from bot.workspaces.names import shown
from storage import database, tasks

PATCH = "changes.diff"
NAMED_FILES = 15


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What goes with a notice, and what is said of it."""

    text: str
    file: Attachment | None


async def with_diff(report: Report, artifacts: Artifacts) -> Report:
    """A report with the beginning of what was changed, where that was kept."""
    if report.patch is None:
        return report
    try:
        patch = await asyncio.to_thread(artifacts.read, report.key, report.patch)
    except LegworkError as error:
        return replace(report, diff=Excerpt(str(error)))
    return replace(report, diff=excerpt(patch))


class Attaching:
    """Makes what goes with notices.

    Args:
        artifacts: Where files of tasks are kept.
        workspaces: Where tasks work.
    """

    def __init__(self, artifacts: Artifacts, workspaces: Workspaces) -> None:
        self._artifacts = artifacts
        self._workspaces = workspaces

    async def enclosed(self, task_id: int, what: str) -> Enclosed:
        """Make it.

        Args:
            task_id: Of which task.
            what: `report` or `diff`.

        Raises:
            LegworkError: It cannot be made; says what to do.
        """
        report, workspace = await database.insist(_read, task_id)
        if what == "diff":
            return await self._diff(report, workspace)
        pdf = await draw_pdf(await with_diff(report, self._artifacts))
        return Enclosed("", Attachment(report.file_name, "application/pdf", pdf))

    async def _diff(self, report: Report, workspace: str) -> Enclosed:
        """What was kept at the end, else what differs now."""
        if report.state in ("done", "failed"):
            told = _told(report.changes, report.more_changes)
            if report.patch is None:
                return Enclosed(told, None)
            patch = await asyncio.to_thread(self._artifacts.read, report.key, report.patch)
            return Enclosed(told, Attachment(report.patch.name, report.patch.media_type, patch))
        if not await asyncio.to_thread(self._workspaces.knows, workspace, report.key):
            return Enclosed("It has not begun to work, or what it found is not known any more.", None)
        left = await asyncio.to_thread(self._workspaces.difference, workspace, report.key)
        file = Attachment(PATCH, "text/x-diff", left.patch) if left.patch else None
        return Enclosed(_told(left.changes, left.more), file)


def _told(changes: tuple[Change, ...], more: int) -> str:
    """How many files differ, and the first of them by name."""
    rows = [
        f"- `{shown(change.path).replace('`', chr(0x2CB))}` · {change.how} {phrases.lines(change)}".rstrip()
        for change in changes[:NAMED_FILES]
    ]
    if unnamed := more + len(changes) - len(rows):
        rows.append(f"- and {counted(unnamed, 'more file')}")
    head = phrases.changed(changes, more).capitalize()
    return "\n".join((head, "", *rows)) if rows else head  # a list of Markdown begins after a blank line


def _read(task_id: int) -> tuple[Report, str]:
    task = tasks.get(task_id)
    return summary.read(key(task_id), stream.replay(task.stream_id)), task.workspace.name
