"""The exact calls that wait to be decided, as an answer shows them to whoever decided on none."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import stream
from bot.errors import UserMistake
from bot.reply_address import ReplyAddresses
from bot.reports import phrases, summary
from bot.reports.markdown import escape, fence
from bot.reports.report import ApprovalView
from bot.reports.visible import exact
from bot.work import approvals
from handlers.email import told
from handlers.email.answers import Answer
from handlers.email.proven import Proven

SHOWN_CHARS = 60_000  # with more of it, mail programs hide the rest behind a link


@dataclass(frozen=True, slots=True)
class Asking:
    """How calls are put to people once more.

    Attributes:
        addresses: Makes the addresses by which one call is decided.
        ask_for: How long such a one may be answered.
    """

    addresses: ReplyAddresses
    ask_for: timedelta

    def again(self, why: str, proven: Proven, now: datetime) -> Answer | None:
        """An answer that shows what waits; None where nothing does that its sender may see.

        Where it is one call, what is answered to that decides on it; of several, people name the one.

        Args:
            why: Why nothing was decided, as a sentence.
            proven: The letter. One that is about a single call is shown that.
            now: The time.
        """
        views = _waiting(proven)
        if not views:
            return None
        names = ", ".join(view.key for view in views)
        whole = sum(len(exact(view.does)) for view in views) <= SHOWN_CHARS
        shown = [_shown(view) if whole else told.LONG.format(name=view.key) for view in views]
        how, reply_to = told.NAME.format(name=views[-1].key), ""
        if not whole:
            how = ""
        elif len(views) == 1:
            how = told.ALONE
            reply_to = self.addresses.ask(views[0].number, proven.heard.id, now + self.ask_for)
        text = "\n\n".join(part for part in (why, *shown, how) if part)
        return Answer(text, f"undecided {names}", reply_to=reply_to)


def settled(proven: Proven) -> str:
    """What became of the call that a letter's address is about."""
    view = next((one for one in _all(proven) if one.number == proven.approval), None)
    return escape(phrases.verdict(view)) if view else "It was withdrawn"


def _waiting(proven: Proven) -> list[ApprovalView]:
    """What waits to be decided, of what the address is about and its sender may see."""
    views = [view for view in _all(proven) if view.state == "open"]
    if proven.approval:
        views = [view for view in views if view.number == proven.approval]
    return [view for view in views if _is_seen(view, proven)]


def _all(proven: Proven) -> tuple[ApprovalView, ...]:
    return summary.read(proven.task, stream.replay(proven.heard.task.stream_id)).approvals


def _is_seen(view: ApprovalView, proven: Proven) -> bool:
    try:
        approvals.find(view.key, proven.sender, proven.origin)
    except UserMistake:
        return False
    return True


def _shown(view: ApprovalView) -> str:
    return f"**{view.key}** {escape(view.rule)}\n\n{fence(exact(view.does))}"
