"""Draws the report that every ended task is owed, in a child process, one at a time."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from bot import stream
from bot.artifacts import Artifacts
from bot.errors import LegworkError
from bot.events import AnyFact, ReportFailed
from bot.reports import summary
from bot.reports.child import draw_pdf
from bot.reports.summary import Report
from bot.stream import bell
from bot.work import tasks as work
from storage import database, tasks

log = structlog.get_logger()


class Reporter:
    """Settles what is owed, until cancelled.

    Two workers may draw the same report; the first to commit it counts.

    Args:
        artifacts: Where reports are kept.
        now: The clock.
        only: The one task to report on; any if None.
    """

    def __init__(self, artifacts: Artifacts, now: Callable[[], datetime], only: int | None = None) -> None:
        self._artifacts = artifacts
        self._now = now
        self._only = only

    async def drive(self) -> None:
        """Draw whatever is owed, until cancelled."""
        heard = 0
        while True:
            while owed := await database.insist(self._owed):
                task_id, report = owed
                await database.insist(work.settle_report, task_id, await self._draw(report), self._now())
            heard = await bell.wait(heard)

    def _owed(self) -> tuple[int, Report] | None:
        task = tasks.report_due(self._only)
        if task is None:
            return None
        return task.id, summary.read(work.key(task.id), stream.replay(task.stream_id))

    async def _draw(self, report: Report) -> AnyFact:
        try:
            pdf = await draw_pdf(report)
        except LegworkError as error:
            log.warning("report not drawn", task=report.key, why=str(error))
            return ReportFailed(why=str(error))
        name = f"{report.key}-report.pdf"
        return await asyncio.to_thread(
            self._artifacts.save, report.key, name, pdf, "application/pdf", "report"
        )
