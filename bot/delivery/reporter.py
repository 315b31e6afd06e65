"""Draws the report that every ended task is owed, in a child process, one at a time."""

import asyncio
import errno
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from bot import stream
from bot.artifacts import Artifacts
from bot.delivery.attaching import with_diff
from bot.errors import LegworkError
from bot.events import AnyFact, ReportFailed
from bot.reports import summary
from bot.reports.child import draw_pdf
from bot.reports.summary import Report
from bot.stream import bell
from bot.work import tasks as work
from storage import database, tasks
from storage.tables import Tasks

log = structlog.get_logger()

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
WAIT_S = 60.0


class Reporter:
    """Settles what is owed, until cancelled.

    Two workers may draw the same report; the first to commit it counts. One that finds no room on the disk
    waits, and lets others go first.

    Args:
        artifacts: Where reports are kept.
        now: The clock.
        only: The one task to report on; any if None.
    """

    def __init__(self, artifacts: Artifacts, now: Callable[[], datetime], only: int | None = None) -> None:
        self._artifacts = artifacts
        self._now = now
        self._only = only
        self._waiting: dict[int, float] = {}  # by task, until when

    async def drive(self) -> None:
        """Draw whatever is owed, until cancelled."""
        heard = 0
        while True:
            while task := await database.insist(self._owed):
                if fact := await self._settle(task):
                    await database.insist(work.settle_report, task.id, task.ended_at, fact, self._now())
            heard = await bell.wait(heard)

    def _owed(self) -> Tasks | None:
        now = time.monotonic()
        self._waiting = {task_id: until for task_id, until in self._waiting.items() if until > now}
        return tasks.report_due(self._only, but=self._waiting)

    async def _settle(self, task: Tasks) -> AnyFact | None:
        """The report, or why there is none; None while there is no room for it."""
        key = work.key(task.id)
        try:
            return await self._draw(await database.insist(_read, task))
        except LegworkError as error:
            log.warning("report not drawn", task=key, why=str(error))
            return ReportFailed(why=str(error))
        except OSError as error:
            log.warning("report not kept", task=key, why=str(error))
            if error.errno in PASSING:
                self._waiting[task.id] = time.monotonic() + WAIT_S
                return None
            return ReportFailed(why=_sentence(key, error.strerror or str(error)))
        except Exception as error:
            log.exception("report failed in a way that nobody foresaw", task=key)
            return ReportFailed(why=_sentence(key, type(error).__name__))

    async def _draw(self, report: Report) -> AnyFact:
        pdf = await draw_pdf(await with_diff(report, self._artifacts))
        return await asyncio.to_thread(
            self._artifacts.save, report.key, report.file_name, pdf, "application/pdf", "report"
        )


def _read(task: Tasks) -> Report:
    return summary.read(work.key(task.id), stream.replay(task.stream_id))


def _sentence(key: str, why: str) -> str:
    return (
        f"The PDF of {key} could not be made ({why}). The thread and the mail tell the same; an admin can "
        f"report this with the task's key."
    )
