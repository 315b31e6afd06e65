"""The words that both views of a report use for the same facts."""

from bot.events import Change, Ending
from bot.reports.humane import counted, duration, moment, size
from bot.reports.report import Report, State, StepState, StepView

STATE: dict[State, str] = {
    "queued": "Queued",
    "running": "Running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
STEP: dict[StepState, str] = {
    "running": "running",
    "ok": "ok",
    "failed": "failed",
    "interrupted": "interrupted",
}
LIMIT: dict[Ending, str] = {
    "timeout": "out of time",
    "memory": "out of memory",
    "disk": "out of disk space",
    "inodes": "too many files",
    "output": "too much output",
    "processes": "too many processes",
}
DOOR = {"slack": "in Slack", "email": "by email", "http": "through the API", "cli": "on the command line"}


def headline(report: Report) -> str:
    """The report in one line, of figures alone: `Done in 12 s: 3 steps, 2 files changed`."""
    return f"{STATE[report.state]} {course(report)}"


def course(report: Report) -> str:
    """What follows the word for the state: `in 12 s: 3 steps, 2 files changed`."""
    states = [step.state for step in report.steps]
    parts = [counted(len(states), "step"), *_bad(states)]
    if report.state in ("done", "failed"):
        parts.append(f"{counted(report.files_changed, 'file')} changed")
    tail, took = ", ".join(parts), duration(report.seconds)
    match report.state:
        case "queued":
            return "until a worker is free"
        case "running":
            return f"for {took} so far: {tail}"
        case "done":
            return f"in {took}: {tail}"
        case "failed" | "cancelled":
            return f"after {took}: {tail}"


def facts(report: Report) -> list[tuple[str, str]]:
    """The key facts, each with its name, in the order in which people ask for them."""
    door = DOOR.get(report.door, report.door)
    found = [
        ("Asked by", ", ".join(part for part in (report.asked_by, door) if part)),
        ("Agent", f"@{report.agent}" if report.agent else ""),
        ("Opened", moment(report.opened) if report.opened else ""),
        ("Duration", _duration(report)),
        ("Steps", _steps(report)),
        ("Files changed", f"{report.files_changed:,}" if report.state in ("done", "failed") else ""),
    ]
    if report.runs:
        last = report.runs[-1]
        found.append(("Model", last.model))
        found.append(("Worker", last.worker))
    if len(report.runs) > 1:
        found.append(("Runs", _runs(report)))
    return [(name, value) for name, value in found if value]


def _runs(report: Report) -> str:
    lost = report.lost_workers
    how = f"taken over from {counted(lost, 'lost worker')}" if lost else "handed over"
    return f"{len(report.runs):,}: {how}"


def _duration(report: Report) -> str:
    if not report.started:
        return ""
    waited = (report.started - report.opened).total_seconds() if report.opened else 0.0
    return duration(report.seconds) + (f", after {duration(waited)} in the queue" if waited >= 1 else "")


def _steps(report: Report) -> str:
    bad = _bad([step.state for step in report.steps])
    return f"{len(report.steps):,}" + (f" ({', '.join(bad)})" if bad else "")


def _bad(states: list[StepState]) -> list[str]:
    bad: tuple[StepState, ...] = ("failed", "interrupted")
    return [f"{states.count(state):,} {STEP[state]}" for state in bad if state in states]


def step(view: StepView) -> list[str]:
    """How a step went: its state, then what was measured of it."""
    parts = [STEP[view.state]]
    if view.ended_by:
        parts.append(LIMIT[view.ended_by])
    if view.exit_code is not None:
        parts.append(f"exit code {view.exit_code}")
    if view.state != "running":
        parts.append(duration(view.seconds))
    if view.peak_rss_bytes:
        parts.append(f"{size(view.peak_rss_bytes)} memory")
    if view.attempts > 1:
        parts.append(counted(view.attempts, "attempt"))
    return parts


def file_size(change: Change) -> str:
    """How large a file is now; nothing where it is gone."""
    return "" if change.how == "deleted" else size(change.size)


def lines(change: Change) -> str:
    """Lines added and removed, as `+12` and `3` after a minus sign; empty where the file is no text."""
    added = f"+{change.added:,}" if change.added else ""
    removed = f"\N{MINUS SIGN}{change.removed:,}" if change.removed else ""
    return " ".join(part for part in (added, removed) if part)
