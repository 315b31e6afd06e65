"""Letters to HTML for the page."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from bot.practice.letter import Letter
from bot.practice.letters import Part
from bot.practice.outgoing import Sent
from bot.practice.render import avatar, clock, size

_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # links may open in a new tab, nothing else
_TAKEN = 250
_SEND = '<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 10 17 3.5 12.5 17l-3-5.5z"/></svg>'
_SHOWN = ("From", "To", "Cc", "Reply-To", "Date")


def item(letter: Letter) -> str:
    """A letter's entry in the list."""
    start = " ".join((letter.parsed.text or "").split())[:120]
    return (
        f'<a class="letter" href="#/mail/{letter.number}">{_face(letter)}<div><header>'
        f"<b>{escape(_short(letter.parsed.header('From')) or letter.sender or '(no sender)')}</b>"
        f'{clock(str(letter.at.timestamp()))}</header><p class="subject">{_subject(letter)}</p>'
        f'<p class="start">{escape(start)}</p></div></a>'
    )


def whole(letter: Letter, answers: Sequence[Sent] = (), *, can_reply: bool = False) -> str:
    """A letter with its head, tabs and attachments, and what was answered.

    Args:
        letter: The letter; the addresses are relative to the page.
        answers: What people wrote back.
        can_reply: Whether there is a server that takes answers.
    """
    parsed, base = letter.parsed, f"letters/{letter.number}"
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name in _SHOWN if (value := parsed.header(name))
    )
    envelope = f"{letter.sender or '<>'} → {', '.join(letter.recipients)}"
    views = [("html", "Message")] if parsed.html else []
    views += [("text", "Plain text")] if parsed.text or not views else []
    views += [("head", "Headers")]
    tabs = "".join(
        f'<button role="tab" data-tab="{name}" aria-selected="{str(not index).lower()}">{label}</button>'
        for index, (name, label) in enumerate(views)
    )
    panes = {
        "html": f'<iframe sandbox="{_SANDBOX}" title="The letter" src="{base}/html"></iframe>',
        "text": f'<pre class="text">{escape(parsed.text) or "(This letter has no text.)"}</pre>',
        "head": f'<pre class="text">{_head(letter)}</pre>',
    }
    shown = "".join(
        f'<div class="pane" data-pane="{name}"{" hidden" if index else ""}>{panes[name]}</div>'
        for index, (name, _) in enumerate(views)
    )
    files = "".join(_attachment(base, index, part) for index, part in enumerate(parsed.attachments))
    return (
        f'<header class="head">{_face(letter)}<div><h2>{_subject(letter)}</h2><dl>{rows}'
        f"<dt>Envelope</dt><dd>{escape(envelope)}</dd></dl></div></header>"
        f'<div class="tabs" role="tablist">{tabs}<a href="{base}/raw" download>Download .eml</a></div>{shown}'
        + (f'<div class="files">{files}</div>' if files else "")
        + "".join(map(_answer, answers))
        + (_reply_box(letter) if can_reply else "")
    )


def _answer(sent: Sent) -> str:
    kind = "note" if sent.code == _TAKEN else "note wrong"
    return (
        f'<div class="answered"><p><b>{escape(sent.sender)}</b> wrote back '
        f"{clock(str(sent.at.timestamp()))}</p>"
        f'<pre class="text">{escape(sent.text)}</pre>'
        f'<p class="{kind}">The bot said: {sent.code or ""} {escape(sent.answer.text)}</p></div>'
    )


def _reply_box(letter: Letter) -> str:
    """A box for an answer, with first lines that the bot understands."""
    quick = "".join(
        f'<button type="button" data-line="{line}">{line.strip()}</button>'
        for line in ("approve", "deny ", "status")
    )
    return (
        f'<form class="box" data-reply="{letter.number}" autocomplete="off">'
        f'<textarea rows="2" aria-label="Reply" placeholder="Reply to {escape(letter.reply_to)}"></textarea>'
        f'<div class="row"><span class="hints">{quick}</span>'
        f'<span class="keys">as {escape(letter.recipients[0])}</span>'
        f'<button class="send" aria-label="Send">{_SEND}</button></div>'
        '<p class="refusal" role="alert" hidden></p></form>'
    )


def _subject(letter: Letter) -> str:
    return escape(letter.subject) or "(no subject)"


def _short(address: str) -> str:
    return address.partition("<")[0].strip(' "') or address.strip("<>")


def _face(letter: Letter) -> str:
    name = _short(letter.parsed.header("From")) or letter.sender or "?"
    return avatar(name, is_bot=name.startswith("Legwork"))


def _head(letter: Letter) -> str:
    return "\n".join(f"{escape(name)}: {escape(value)}" for name, value in letter.parsed.headers)


def _attachment(base: str, index: int, part: Part) -> str:
    kind = part.name.rpartition(".")[2].upper()[:4] if "." in part.name else "FILE"
    href = escape(f"{base}/parts/{index}/{quote(part.name, safe='')}")
    return (
        f'<a class="file" href="{href}" target="_blank"><span class="kind kind-{escape(kind.lower())}">'
        f"{escape(kind)}</span><span><b>{escape(part.name)}</b>"
        f"<small>{escape(part.media_type)} · {size(len(part.content))}</small></span></a>"
    )
