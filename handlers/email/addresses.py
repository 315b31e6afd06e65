"""Addresses of a header field (RFC 5322, section 3.4), read in one pass and never guessed at."""

import re
from dataclasses import dataclass

from bot import people
from handlers.email import headers

_MOST = 200  # addresses of one field
_PIECE = re.compile(r'"((?:[^"\\]|\\.?)*)(?:"|\Z)|([<>(),:;\\])|([^"<>(),:;\\]+)', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address as it stands in a field.

    Attributes:
        name: The words beside the address, decoded; empty where there are none.
        address: In the stored lower-case form; empty where it is none that mail can be sent to.
    """

    name: str
    address: str


def mailboxes(value: str) -> list[Mailbox]:
    """The addresses of a field. Groups are opened, comments left out."""
    found: list[Mailbox] = []
    name: list[str] = []
    bare: list[str] = []  # the same as it stands: an address where no angle brackets hold one
    angle: list[str] = []
    written, ended = headers.uncommented(value)
    for piece in _PIECE.finditer(written):
        mark = piece[2] or ""
        if mark in {",", ";"}:
            _close(found, name, bare, angle)
        elif mark == ":" and not angle:
            name.clear()
            bare.clear()
        elif mark == "<" or angle:
            angle.append(piece[0])
        else:
            name.append(piece[3] or _QUOTED_PAIR.sub(r"\1", piece[1] or ""))
            bare.append(piece[0])
        if len(found) >= _MOST:
            return found
    if not ended:
        bare.append("(")  # a comment that never ends may hide anything
    _close(found, name, bare, angle)
    return found


def _close(found: list[Mailbox], name: list[str], bare: list[str], angle: list[str]) -> None:
    """Add what was gathered, if anything, and begin anew."""
    words, written, address = "".join(name).strip(), "".join(bare).strip(), "".join(angle).strip()
    name.clear()
    bare.clear()
    angle.clear()
    if not written and not address:
        return
    whole = not address or address.endswith(">")
    try:
        known = people.address(address or written) if whole else ""
    except ValueError:
        known = ""
    found.append(Mailbox(headers.text(words) if address or not known else "", known))
