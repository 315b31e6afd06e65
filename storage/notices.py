"""Things said once to one address: a reply to a mention, a private note, a code, an answer to a letter."""

import secrets
from datetime import datetime
from typing import Literal

from storage.tables import Notices


def add(
    outlet: str,
    address: str,
    text: str,
    now: datetime,
    *,
    thread: str = "",
    only_for: str = "",
    subject: str = "",
    reply_to: str = "",
) -> int:
    """Say something as soon as the far end takes it; its number.

    Args:
        outlet: `slack` or `email`.
        address: A channel or person there; an email address.
        text: In Markdown.
        now: The time.
        thread: What it answers: a message of that channel, or the Message-ID of a mail.
        only_for: The one person of that channel who is shown it.
        subject: Of a mail.
        reply_to: Where an answer to a mail goes; empty for the house's own address.
    """
    notice = Notices.create(
        outlet=outlet,
        address=address,
        text=text,
        at=now,
        thread=thread,
        only_for=only_for,
        subject=subject,
        reply_to=reply_to,
    )
    return int(notice.id)


def enclose(notice_id: int, task_id: int, what: Literal["report", "diff"]) -> None:
    """The report of a task, or what it changed, goes with a notice, as it stands when that is said."""
    Notices.update(report=task_id, encloses=what).where(Notices.id == notice_id).execute()


def due(now: datetime, outlets: list[str], limit: int) -> list[Notices]:
    """What waits to be said, that nobody says just now and that need not wait longer."""
    free = Notices.leased_until.is_null() | (Notices.leased_until < now)
    ready = Notices.not_before.is_null() | (Notices.not_before <= now)
    wanted = (Notices.state == "waiting") & Notices.outlet.in_(outlets) & free & ready
    return list(Notices.select().where(wanted).order_by(Notices.id).limit(limit))


def lease(notice_id: int, now: datetime, until: datetime) -> str | None:
    """Say this notice alone until then; the token that proves it, or None if another worker does."""
    token = secrets.token_hex(16)
    free = Notices.leased_until.is_null() | (Notices.leased_until < now)
    leased = Notices.update(token=token, leased_until=until)
    mine = leased.where(Notices.id == notice_id, Notices.state == "waiting", free)
    return token if mine.execute() == 1 else None


def renew(notice_id: int, token: str, until: datetime) -> bool:
    """Extend a lease; False if it is lost."""
    renewed = Notices.update(leased_until=until)
    return renewed.where(Notices.id == notice_id, Notices.token == token).execute() == 1


def release(notice_id: int, token: str) -> None:
    """Others may say it again, if the lease is not lost anyway."""
    released = Notices.update(token=None, leased_until=None)
    released.where(Notices.id == notice_id, Notices.token == token).execute()


def settle(notice_id: int, token: str, state: str, error: str = "") -> bool:
    """It was said, or refused for good; False if the lease was lost.

    What was said is not kept: it may hold a code. What was refused is, with the dead letters.
    """
    kept = {"text": ""} if state == "sent" else {}
    settled = Notices.update(state=state, error=error, token=None, leased_until=None, **kept)
    return settled.where(Notices.id == notice_id, Notices.token == token).execute() == 1


def postpone(notice_id: int, token: str, until: datetime, failing_since: datetime | None) -> bool:
    """Count a failed try and wait; False if the lease was lost."""
    waiting = Notices.update(
        not_before=until,
        attempts=Notices.attempts + 1,
        failing_since=failing_since,
        token=None,
        leased_until=None,
    )
    return waiting.where(Notices.id == notice_id, Notices.token == token).execute() == 1
