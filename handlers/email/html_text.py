"""The text of an HTML body: blocks as lines, quotes marked with `>`, nothing that a reader would not see.

A tokenizer of its own, because the standard library's takes quadratic time on some broken HTML
(CVE-2025-6069).
"""

import re
from html import unescape


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


_VOID = _names("area base br col embed hr img input link meta source track wbr")
_UNSEEN = _names("head style script title template noscript object svg math textarea select")
_BLOCKS = _names(
    """
    address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6
    header hr li main nav ol p pre section table tbody td th tr ul
    """
)
_SPACED = _names("blockquote h1 h2 h3 h4 h5 h6 hr ol p pre table ul")
_TAG = re.compile(r"(/?)([A-Za-z][A-Za-z0-9:-]*)")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])", re.IGNORECASE
)
_HIDDEN_ATTRIBUTE = re.compile(r"\shidden(?=[\s=/]|$)", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"gmail_signature|moz-signature|mobile-signature|\bid\s?=\s?[\"']?signature\b", re.IGNORECASE
)
_HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_ATTRIBUTE_CHARS = 4_000
_DEEPEST_QUOTE = 20


def text_of(html: str) -> str:
    """What a person would read of an HTML body, as plain text."""
    page = _Page()
    first, *pieces = html.split("<")
    page.say(first)
    for piece in pieces:
        page.take(piece)
    return page.text()


class _Page:
    """The text so far, and where in the document we are."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quote = 0
        self._pre = 0
        self._until = (
            ""  # the end of what is being passed over: of a comment, or the name of an unseen element
        )
        self._nested = 0
        self._links: list[tuple[str, int]] = []

    def take(self, piece: str) -> None:
        """What stands between two `<`: a tag and the words after it."""
        if self._until == "-->":
            _, closed, words = piece.partition("-->")
            if closed:
                self._until = ""
                self.say(words)
            return
        if not self._until and piece.startswith("!--"):
            _, closed, words = piece[1:].partition("-->")
            self._until = "" if closed else "-->"
            self.say(words)
            return
        tag = _TAG.match(piece)
        if tag is None:
            _, closed, words = piece.partition(">") if piece[:1] in {"!", "?", "/"} else ("", "", "<" + piece)
            self.say(words)
            return
        inside, _, words = piece.partition(">")
        self._tag(tag[2].lower(), inside[tag.end() : _ATTRIBUTE_CHARS], closing=bool(tag[1]))
        self.say(words)

    def say(self, words: str) -> None:
        """Words between two tags."""
        if self._until or not words:
            return
        words = unescape(words)
        if self._pre:
            first, *rest = words.split("\n")
            self._line.append(first)
            for line in rest:
                self._end_line()
                self._line.append(line)
            return
        self._line.append(_SPACE.sub(" ", words))

    def text(self) -> str:
        """All of it."""
        self._end_line()
        return "\n".join(self._lines)

    def _tag(self, name: str, attributes: str, *, closing: bool) -> None:
        if self._until:
            self._pass_over(name, attributes, closing=closing)
            return
        if not closing and (name in _UNSEEN or _is_hidden(attributes)) and name not in _VOID:
            self._until, self._nested = ("", 0) if attributes.endswith("/") else (name, 1)
            return
        if name == "br":
            self._end_line(keep=True)
        elif name == "a":
            self._link(attributes, closing=closing)
        elif name in _BLOCKS:
            self._block(name, attributes, closing=closing)
        elif not closing and _SIGNATURE.search(attributes):
            self._signature()

    def _pass_over(self, name: str, attributes: str, *, closing: bool) -> None:
        """Count what is open of the unseen element's own kind, up to its end."""
        if name == self._until and not attributes.endswith("/"):
            self._nested += -1 if closing else 1
            if not self._nested:
                self._until = ""

    def _block(self, name: str, attributes: str, *, closing: bool) -> None:
        if name in {"td", "th"}:
            if any(self._line):
                self._line.append(" ")
            return
        self._end_line()
        if name == "blockquote":
            self._blank()
            self._quote = max(0, self._quote + (-1 if closing else 1))
        elif name in _SPACED:
            self._blank()
        if name == "pre":
            self._pre = max(0, self._pre + (-1 if closing else 1))
        elif name == "li" and not closing:
            self._line.append("- ")
        if not closing and _SIGNATURE.search(attributes):
            self._signature()

    def _signature(self) -> None:
        self._end_line()
        self._line.append("--")
        self._end_line()

    def _link(self, attributes: str, *, closing: bool) -> None:
        if not closing:
            target = _HREF.search(attributes)
            address = unescape(next(filter(None, target.groups()), "")) if target else ""
            self._links = [(address, len(self._line))]
        elif self._links:
            address, start = self._links.pop()
            label = "".join(self._line[start:]).strip()
            if address.startswith(("http://", "https://")) and label.rstrip("/") not in address:
                self._line.append(f" <{address}>")

    def _blank(self) -> None:
        if self._lines and self._lines[-1].strip("> "):
            self._lines.append(self._mark().rstrip())

    def _end_line(self, *, keep: bool = False) -> None:
        words = "".join(self._line).replace("\xa0", " ")
        self._line.clear()
        self._links.clear()
        words = words.rstrip() if self._pre else _SPACE.sub(" ", words).strip()
        if words or keep:
            self._lines.append((self._mark() + words).rstrip())

    def _mark(self) -> str:
        depth = min(self._quote, _DEEPEST_QUOTE)
        return ">" * depth + " " if depth else ""


def _is_hidden(attributes: str) -> bool:
    return _HIDDEN_ATTRIBUTE.search(attributes) is not None or _HIDDEN.search(attributes) is not None
