"""Follow one task to its end, as `legwork do --wait` does."""

import asyncio
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from bot import stream
from bot.events import TaskRetried
from bot.reports import summary
from bot.reports.humane import duration
from bot.reports.summary import Report, StepView
from bot.stream import bell
from bot.work import tasks as work
from storage import database, subscriptions, tasks

LOOK_S = 0.2
SAYING_CHARS = 60
SIGNS = {"ok": "[green]✓[/]", "failed": "[red]✗[/]", "interrupted": "[yellow]![/]", "refused": "[red]⊘[/]"}


async def follow(
    task_id: int, console: Console, at_each_look: Callable[[], Awaitable[None]] | None = None
) -> Report:
    """Show each step as it ends, until the task is over; of one that was retried, those since then.

    Args:
        task_id: Which task.
        console: Where to show it.
        at_each_look: Called as long as the task is not over.

    Returns:
        The task's report.
    """
    shown = await database.run(_earlier, task_id)
    asked: set[str] = set()
    with console.status("queued") as status:
        while True:
            report = await database.run(_read, task_id)
            ended = _ended(report)
            for step in ended[shown:]:
                _show(step, console)
            shown = len(ended)
            _ask(report, console, asked)
            _tell(report, status)
            if report.ended:
                return report
            if at_each_look:
                await at_each_look()
            await _look_again()


async def settled(task_id: int, outlets: list[str]) -> None:
    """Wait until a task's report is drawn and everyone was told, or has to be waited for."""
    while not await database.run(_settled, task_id, outlets):
        await _look_again()


async def _look_again() -> None:
    """Wait for news; what another process does rings no bell here."""
    try:
        await asyncio.wait_for(bell.wait(bell.rung), LOOK_S)
    except TimeoutError:
        return


def _read(task_id: int) -> Report:
    return summary.read(work.key(task_id), stream.replay(tasks.get(task_id).stream_id))


def _earlier(task_id: int) -> int:
    """How many steps there were when the task was last begun anew."""
    events = stream.replay(tasks.get(task_id).stream_id)
    retries = [place for place, event in enumerate(events) if isinstance(event.fact, TaskRetried)]
    return len(_ended(summary.read(work.key(task_id), events[: retries[-1]]))) if retries else 0


def _ended(report: Report) -> list[StepView]:
    return [step for step in report.steps if step.state in SIGNS]


def _settled(task_id: int, outlets: list[str]) -> bool:
    return not tasks.get(task_id).report_due and subscriptions.all_told(task_id, outlets)


def _show(step: StepView, console: Console) -> None:
    console.print(f"{SIGNS[step.state]} {step.number}. {escape(step.label)} [dim]{duration(step.seconds)}[/]")
    if step.output.strip():
        console.print(escape(step.output.strip("\n")), style="dim", highlight=False)


def _ask(report: Report, console: Console, asked: set[str]) -> None:
    """Show once what the task waits for, and how it is answered."""
    for approval in report.approvals:
        if approval.state == "open" and approval.key not in asked:
            asked.add(approval.key)
            console.print(f"\n{approval.key}: {approval.rule}", markup=False, highlight=False)
            console.print(approval.does, markup=False, style="bold", highlight=False)
            console.print(
                f'Answer: legwork do "task approve {approval.key}", or "task deny {approval.key} why"'
            )
    for question in report.questions:
        if question.open and question.call_id not in asked:
            asked.add(question.call_id)
            options = "".join(f"\n- {option}" for option in question.options)
            console.print(f"\n{question.text}{options}", markup=False, highlight=False)
            console.print(f'Answer: legwork do "task say {report.key} …"')


def _tell(report: Report, status: Status) -> None:
    running = next((step for step in report.steps if step.state == "running"), None)
    doing = f"step {running.number}" if running else report.state
    if report.saying:
        doing = escape(" ".join(report.saying.split())[-SAYING_CHARS:])
    status.update(f"{report.key} {escape(report.title)}: {doing}")
