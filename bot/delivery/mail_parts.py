"""What the body of a mail is made of: pieces that say the same in plain text and in HTML."""

import re
from dataclasses import dataclass
from html import escape
from typing import Protocol
from urllib.parse import quote

from bot.reports import html, phrases
from bot.reports.humane import duration
from bot.reports.phrases import STEP
from bot.reports.report import StepView
from bot.reports.visible import exact, revealed

BOX_BYTES = 80_000  # Gmail shows 102 kB of a mail's HTML and hides the rest behind a link
STEPS_NAMED = 20
LABEL_CHARS = 90
_CODE = re.compile(r"`([^`\n]+)`")


class Piece(Protocol):
    """One thing that a mail says."""

    def text(self) -> str:
        """For those who read text."""

    def html(self) -> str:
        """For those who read HTML; everything in it is escaped."""


@dataclass(frozen=True, slots=True)
class Prose:
    """Someone's Markdown."""

    markdown: str

    def text(self) -> str:
        """As it was written."""
        return self.markdown

    def html(self) -> str:
        """Rendered, of harmless tags."""
        return f'<div class="prose">{html.render(self.markdown)}</div>'


@dataclass(frozen=True, slots=True)
class Heading:
    """What the next pieces are about."""

    words: str

    def text(self) -> str:
        """With a colon."""
        return f"{self.words}:"

    def html(self) -> str:
        """A heading."""
        return f"<h2>{escape(self.words)}</h2>"


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence or two; what stands in backticks is code."""

    words: str

    def text(self) -> str:
        """As it is."""
        return self.words

    def html(self) -> str:
        """A paragraph."""
        return f"<p>{_inline(self.words)}</p>"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short things, each in a line; what stands in backticks is code."""

    items: tuple[str, ...]

    def text(self) -> str:
        """A line each."""
        return "\n".join(f"  - {item}" for item in self.items)

    def html(self) -> str:
        """A list."""
        return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in self.items) + "</ul>"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a person said."""

    words: str

    def text(self) -> str:
        """Set in, so that it cannot pass for words of ours."""
        return _set_in(self.words)

    def html(self) -> str:
        """A quotation."""
        return f"<blockquote>{'<br>'.join(escape(self.words).split(chr(10)))}</blockquote>"


@dataclass(frozen=True, slots=True)
class Box:
    """A call to the letter: nothing in it is unseen or passes for words of ours.

    Attributes:
        whole: All of it, every character that cannot be seen spelled out.
        shown: As much of it as there is room for.
    """

    whole: str
    shown: str

    @classmethod
    def around(cls, call: str) -> "Box":
        """A box for a call, with up to `BOX_BYTES` of it as HTML."""
        whole = exact(call)
        shown = whole[:BOX_BYTES]
        while (size := len(escape(shown).encode())) > BOX_BYTES:
            shown = shown[: len(shown) * BOX_BYTES // size]
        return cls(whole, shown)

    @property
    def is_cut(self) -> bool:
        """Whether it is not shown whole."""
        return len(self.shown) < len(self.whole)

    def text(self) -> str:
        """Set in."""
        return _set_in(self.shown)

    def html(self) -> str:
        """A box that no line is too long for."""
        return f'<pre class="box"><code>{escape(self.shown)}</code></pre>'


@dataclass(frozen=True, slots=True)
class Choice:
    """Answers to choose from: in HTML a tap opens a mail that needs only to be sent.

    Attributes:
        to: Where answers go.
        subject: Of the answer.
        labels: What stands on the buttons: a yes and a no.
        words: What the answers say, in the same order.
    """

    to: str
    subject: str
    labels: tuple[str, str]
    words: tuple[str, str]

    def text(self) -> str:
        """Nothing: those who read text write."""
        return ""

    def html(self) -> str:
        """Buttons (RFC 6068)."""
        cells = [
            f'<td class="{look}"><a href="{escape(self._href(words))}">{escape(label)}</a></td>'
            for look, label, words in zip(("yes", "no"), self.labels, self.words, strict=True)
        ]
        row = '<td width="12">&nbsp;</td>'.join(cells)
        table = '<table role="presentation" class="choice" cellpadding="0" cellspacing="0">'
        return f"{table}<tr>{row}</tr></table>"

    def _href(self, words: str) -> str:
        address = quote(self.to, safe="@")
        return f"mailto:{address}?subject={quote(self.subject, safe='')}&body={quote(words, safe='')}"


@dataclass(frozen=True, slots=True)
class Steps:
    """What was done, and who let it; the first steps by name."""

    steps: tuple[StepView, ...]

    def text(self) -> str:
        """A line each."""
        lines = []
        for step in self.steps[:STEPS_NAMED]:
            lines.append(f"  {step.number}. {one_line(step.label)}  ({_course(step)})")
            lines += [f"     {let}" for let in _let(step)]
        return "\n".join([*lines, *(f"  {more}" for more in self._more())])

    def html(self) -> str:
        """A table."""
        rows = [
            f'<tr><td class="number">{step.number}.</td>'
            f'<td width="100%"><code>{escape(one_line(step.label))}</code>'
            f"{''.join(f'<br><span>{escape(let)}</span>' for let in _let(step))}</td>"
            f'<td class="took">{escape(_course(step))}</td></tr>'
            for step in self.steps[:STEPS_NAMED]
        ]
        rows += [f'<tr><td></td><td width="100%">{more}</td><td></td></tr>' for more in self._more()]
        return f'<table class="steps" cellpadding="0" cellspacing="0">{"".join(rows)}</table>'

    def _more(self) -> list[str]:
        more = len(self.steps) - STEPS_NAMED
        return [f"and {more:,} more"] if more > 0 else []


def one_line(text: str, most: int = LABEL_CHARS) -> str:
    """A text in one line of so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _course(step: StepView) -> str:
    took = duration(step.seconds)
    return took if step.state == "ok" else f"{STEP[step.state]}, {took}"


def _let(step: StepView) -> list[str]:
    """Who let this step, or did not."""
    return [f"{step.approval.key}: {one_line(phrases.decided(step.approval))}"] if step.approval else []


def _set_in(text: str) -> str:
    return "\n".join(f"    {line}" for line in revealed(text).rstrip("\n").split("\n"))


def _inline(words: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(words))
