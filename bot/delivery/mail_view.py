"""The two bodies of a mail: plain text, and HTML that mail programs draw alike."""

from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib import resources
from string import Template

import css_inline

from bot.delivery.mail_parts import Piece
from bot.delivery.outlet import Attachment
from bot.reply_marker import MARKER
from bot.reports.visible import revealed

BLUE, GREEN, RED, AMBER, GREY = "#0969da", "#1a7f37", "#b42318", "#9a6700", "#57606a"

_TEMPLATE = Template(resources.files("bot.delivery").joinpath("mail.html").read_text())
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a mail can be answered.

    Attributes:
        address: Where an answer goes.
        until: When it is too late for one; None where it never is.
    """

    address: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a mail says.

    Attributes:
        pieces: What it has to say, in order.
        badge: The state of things in a word or two; empty where there is no head.
        colour: Of the badge.
        heading: What it is about.
        kicker: What that is called.
        lead: More about it.
        foot: What is no news.
        files: What goes with it.
    """

    pieces: tuple[Piece, ...]
    badge: str = ""
    colour: str = GREY
    heading: str = ""
    kicker: str = ""
    lead: str = ""
    foot: str = ""
    files: tuple[Attachment, ...] = ()


def text(view: View, *, marked: bool) -> str:
    """The body for those who read text.

    Args:
        view: What it says.
        marked: It can be answered, above a line that says so.
    """
    head = f"{view.badge}: {view.heading}\n{view.kicker} · {view.lead}" if view.badge else ""
    said = [piece.text().strip("\n") for piece in view.pieces]
    parts = [MARKER if marked else "", head, *said, view.foot]
    return revealed("\n\n".join(part for part in parts if part)) + "\n"


def page(view: View, title: str, *, marked: bool) -> str:
    """The body in HTML: tables and inline styles, since mail programs drop what stands in the head.

    Args:
        view: What it says.
        title: The mail's subject.
        marked: It can be answered, above a line that says so.
    """
    head = (
        f'<span class="badge" style="background-color: {view.colour}">{escape(view.badge)}</span>&nbsp; '
        f'<span class="key">{escape(view.kicker)}</span>'
        f'<h1>{escape(view.heading)}</h1><p class="lead">{escape(view.lead)}</p>'
    )
    filled = _TEMPLATE.substitute(
        title=escape(title),
        marker=MARKER if marked else "",
        head=head if view.badge else "",
        body="\n".join(piece.html() for piece in view.pieces),
        foot=escape(view.foot).replace("\n", "<br>"),
    )
    return _INLINER.inline(revealed(filled))
