"""Letters to HTML for the page."""

from html import escape
from urllib.parse import quote

from bot.practice.letters import Part
from bot.practice.mailbox import Letter
from bot.practice.render import avatar, clock, size

_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"  # links may open in a new tab, nothing else
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


def whole(letter: Letter) -> str:
    """A letter with its head, its tabs and its attachments; the addresses are relative to the page."""
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
