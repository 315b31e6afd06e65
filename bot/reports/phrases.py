"""The words that both views of a report use for the same facts."""

from datetime import datetime

from bot.events import Change, Ending, Usage
from bot.reports.humane import counted, duration, minute, moment, size
from bot.reports.report import ApprovalView, Decision, QuestionView, Report, State, StepState, StepView

STATE: dict[State, str] = {
    "queued": "Queued",
    "running": "Running",
    "waiting": "Waiting",
    "paused": "Paused",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
HOW: dict[str, str] = {"failed": "has failed"}  # the others are what the task is
STEP: dict[StepState, str] = {
    "waiting": "waiting",
    "running": "running",
    "ok": "ok",
    "failed": "failed",
    "refused": "refused",
    "interrupted": "interrupted",
}
DECIDED: dict[Decision, str] = {
    "open": "Waiting",
    "approve": "Approved",
    "deny": "Denied",
    "withdrawn": "Withdrawn",
}
PLAN = {"todo": "to do", "doing": "doing", "done": "done"}
LIMIT: dict[Ending, str] = {
    "timeout": "out of time",
    "memory": "out of memory",
    "disk": "out of disk space",
    "inodes": "too many files",
    "output": "too much output",
    "processes": "too many processes",
}
OUTCOME = {"allowed": "reached", "refused": "refused", "failed": "not reached"}
REACHED = ("Host", "Outcome", "Connections", "Sent", "Received")
CENT = 0.01
DOOR = {"slack": "in Slack", "email": "by email", "http": "through the API", "cli": "on the command line"}


def standing(report: Report) -> str:
    """How the task stands, after its key: `is done`, `has failed`."""
    return HOW.get(report.state, f"is {report.state}")


def headline(report: Report) -> str:
    """The report in one line: `Done in 12 s: 3 steps, 2 files changed`.

    Beside figures it may hold the name of who paused it: to be escaped like any text of people's.
    """
    return f"{STATE[report.state]} {course(report)}"


def course(report: Report) -> str:
    """What follows the word for the state: `in 12 s: 3 steps, 2 files changed`."""
    states = [step.state for step in report.steps]
    parts = [counted(len(states), "step"), *_bad(states)]
    if report.state in ("done", "failed"):
        parts.append(changed(report.changes, report.more_changes))
    if report.usage:
        parts.append(cost(report.usage))
    if shut := {one.host for one in report.hosts if one.outcome == "refused"}:
        parts.append(f"{counted(len(shut), 'host')} refused")
    tail, took = ", ".join(parts), duration(report.seconds)
    match report.state:
        case "queued":
            return "until a worker is free"
        case "running":
            return f"for {took} so far: {tail}"
        case "waiting":
            return f"{waits_for(report)}: {tail}"
        case "done":
            return f"in {took}: {tail}"
        case "paused":
            return f"by {' '.join(report.paused_by.split())} after {took}: {tail}"
        case "failed" | "cancelled":
            return f"after {took}: {tail}"


def cost(usage: Usage) -> str:
    """What models used: in dollars where all prices are known, else in tokens."""
    if usage.usd is None:
        return counted(usage.read + usage.written, "token")
    return f"${usage.usd:,.2f}" if usage.usd >= CENT or not usage.usd else "less than $0.01"


def spending(report: Report) -> list[tuple[str, str, str, str, str, str]]:
    """What each model used: its name, turns, tokens read, how many of them of a cache, written, the cost.

    The names are those of settings; where there are several, a last row adds up.
    """
    rows = [(one.model or "unnamed", one.turns, one.usage) for one in report.spent]
    if rows[1:] and report.usage:
        rows.append(("All together", len(report.turns), report.usage))
    return [
        (
            model,
            f"{turns:,}",
            f"{used.read:,}",
            f"{used.cached:,}",
            f"{used.written:,}",
            "not known" if used.usd is None else money(used.usd),
        )
        for model, turns, used in rows
    ]


def reached(report: Report) -> list[tuple[str, str, str, str, str]]:
    """What was asked of the network: the host, what became of it, connections, bytes sent and received."""
    return [
        (
            f"{one.host}:{one.port}" if one.host else "others",
            OUTCOME[one.outcome],
            f"{one.connections:,}",
            size(one.sent),
            size(one.received),
        )
        for one in report.hosts
    ]


def unpriced(report: Report) -> str:
    """Why a cost is not known, and what is known of it; empty where all is."""
    unknown = [one.model or "unnamed" for one in report.spent if one.usage.usd is None]
    if not unknown:
        return ""
    known = sum(turn.usage.usd or 0.0 for turn in report.turns)
    least = f" What is known comes to {money(known)}." if known else ""
    return f"The price of {', '.join(unknown)} is not known; an admin can set it.{least}"


def money(usd: float) -> str:
    """A sum in US dollars: `$1.20`, `$0.0042`."""
    if not usd:
        return "$0"
    return f"${usd:,.2f}" if usd >= CENT * 10 else f"${usd:.4f}"


def changed(changes: tuple[Change, ...], more: int) -> str:
    """How many files differ and by how many lines: `3 files changed (+12 -4)`, with a true minus sign."""
    files = f"{counted(len(changes) + more, 'file')} changed"
    counts = _counts(sum(one.added or 0 for one in changes), sum(one.removed or 0 for one in changes))
    return f"{files} ({counts})" if counts and not more else files


def waits_for(report: Report) -> str:
    """What the task waits for, and since when: `for approval A-17 since 21 Nov 2026, 12:03 UTC`."""
    asked = [view for view in report.approvals if view.state == "open"]
    if asked:
        more = f" and {len(asked) - 1:,} more" if asked[1:] else ""
        return f"for approval {asked[0].key}{more} since {minute(asked[0].asked)}"
    since = next((question.asked for question in report.questions if question.open), None)
    return f"for an answer since {minute(since)}" if since else "for an answer"


def decided(view: ApprovalView) -> str:
    """What became of an approval: `Denied by Dana by email, 21 Nov 2026, 12:03 UTC: too broad`.

    Its names and its reason are those of people: to be escaped like any text of theirs.
    """
    reason = " ".join(view.note.split())
    return verdict(view) + (f": {reason}" if reason else "")


def verdict(view: ApprovalView) -> str:
    """The same without the reason."""
    match view.state:
        case "open":
            return f"Waiting since {minute(view.asked)}"
        case "withdrawn":
            return "Withdrawn"
    return said(DECIDED[view.state], view.by, view.door, view.decided)


def asking(view: ApprovalView) -> str:
    """Who was asked, and when; the names and addresses are those of people."""
    who = f"{', '.join(view.approvers)} may decide" if view.approvers else "any member may decide"
    parts = [f"Asked {minute(view.asked)}", who]
    if view.addresses:
        parts.append(f"asked by email: {', '.join(view.addresses)}")
    if view.reminded:
        parts.append(f"reminded {_times(view.reminded)}")
    return " · ".join(parts)


def answered(view: QuestionView) -> str:
    """Who answered a question: `Answered by Mel in Slack, 21 Nov 2026, 12:03 UTC`; the names are people's."""
    if view.open:
        return f"Waiting since {minute(view.asked)}"
    return said("Answered", view.by, view.door, view.answered) if view.answered else "Never answered"


def said(verb: str, by: str, door: str, at: datetime | None) -> str:
    """Who did something, through which door, and when: `Approved by Mel in Slack, 21 Nov 2026, 12:03 UTC`."""
    who = " ".join(part for part in (verb, by and f"by {by}", DOOR.get(door, door)) if part)
    return f"{' '.join(who.split())}, {minute(at)}" if at else who


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


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
        found.append(("Model", ", ".join(one.model for one in report.spent) or last.model))
        found.append(("Worker", last.worker))
    found += [
        ("Cost", _cost(report.usage) if report.usage else ""),
        ("Runs", _runs(report)),
        ("Approvals", _approvals(report)),
        ("Retried", _times(report.retries) if report.retries else ""),
    ]
    return [(name, value) for name, value in found if value]


def _cost(usage: Usage) -> str:
    tokens = counted(usage.read + usage.written, "token")
    return f"not known, for {tokens}" if usage.usd is None else f"{cost(usage)} for {tokens}"


def _runs(report: Report) -> str:
    """How workers took turns; nothing where none was lost or left."""
    lost = report.lost_workers
    if lost:
        return f"{len(report.runs):,}: taken over from {counted(lost, 'lost worker')}"
    return f"{len(report.runs):,}: handed over" if any(not run.follows for run in report.runs[1:]) else ""


def _approvals(report: Report) -> str:
    states = [view.state for view in report.approvals]
    what: tuple[Decision, ...] = ("approve", "deny", "withdrawn", "open")
    return ", ".join(f"{states.count(one):,} {DECIDED[one].lower()}" for one in what if one in states)


def _duration(report: Report) -> str:
    if not report.started:
        return ""
    waited = (report.started - report.opened).total_seconds() if report.opened else 0.0
    return duration(report.seconds) + (f", after {duration(waited)} in the queue" if waited >= 1 else "")


def _steps(report: Report) -> str:
    bad = _bad([step.state for step in report.steps])
    return f"{len(report.steps):,}" + (f" ({', '.join(bad)})" if bad else "")


def _bad(states: list[StepState]) -> list[str]:
    bad: tuple[StepState, ...] = ("failed", "refused", "interrupted")
    return [f"{states.count(state):,} {STEP[state]}" for state in bad if state in states]


def step(view: StepView) -> list[str]:
    """How a step went: its state, then what was measured of it."""
    withdrawn = view.approval is not None and view.approval.state == "withdrawn" and not view.started
    if withdrawn:
        return ["withdrawn"]
    parts = [STEP[view.state]]
    if view.ended_by:
        parts.append(LIMIT[view.ended_by])
    if view.exit_code is not None:
        parts.append(f"exit code {view.exit_code}")
    if view.state not in ("running", "waiting", "refused"):
        parts.append(duration(view.seconds))
    if view.peak_rss_bytes:
        parts.append(f"{size(view.peak_rss_bytes)} memory")
    if view.peak_processes > 1:
        parts.append(f"{view.peak_processes:,} processes")
    if view.disk_bytes:
        parts.append(f"{size(view.disk_bytes)} on disk")
    if view.attempts > 1:
        parts.append(counted(view.attempts, "attempt"))
    return parts


def file_size(change: Change) -> str:
    """How large a file is now; nothing where it is gone."""
    return "" if change.how == "deleted" else size(change.size)


def lines(change: Change) -> str:
    """Lines added and removed, as `+12` and `3` after a minus sign; empty where the file is no text."""
    return _counts(change.added or 0, change.removed or 0)


def _counts(added: int, removed: int) -> str:
    parts = (f"+{added:,}" if added else "", f"\N{MINUS SIGN}{removed:,}" if removed else "")
    return " ".join(part for part in parts if part)
