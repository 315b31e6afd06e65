"""What stands below a person's words without being theirs: lines of devices, signatures, legal notices."""

import re

from handlers.email import words

_LINE_CHARS = 200
_LINE_WORDS = 12
_NAME_WORDS = 8  # of a device or a program, as in `my Samsung Galaxy S5 on the O2 network`

_OWN = ("my ", "from my ")
_SORRY = re.compile(
    r"[\s,;:.!\u2013\u2014-]+(?:(?:so|and) )?(?:please|pls|excuse|sorry|forgive|pardon|apolog)\b.*"
)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]{1,100})\]\([^()\s]{0,300}\)")
_LINK = re.compile(r"\s?[<(]https?://[^<>()\s]{1,300}[>)]|https?://\S{1,300}")
_WRAPPING = " \t\xa0\ufeff<>()[]*_~\"'|.!-\u2013\u2014"

_NOTICES = re.compile(
    r"\W{0,4}(?:confidentiality (?:notice|note)\b|legal (?:notice|disclaimer)\b|disclaimer\s*:"
    r"|the information (?:contained )?in this (?:e-?mail|message|communication)\b"
    r"|this (?:e-?mail|message|communication)\b.{0,60}\b(?:attachments?|confidential|privileged|intended)\b"
    r"|diese (?:e-?mail|nachricht)\b.{0,60}\b(?:vertraulich|anhänge|bestimmt)"
    r"|ce (?:message|courriel|mail|courrier)\b.{0,60}\b(?:confidentiel|pièces jointes)"
    r"|este (?:mensaje|correo|e-?mail)\b.{0,60}\b(?:confidencial|adjunto|anexo)"
    r"|(?:esta mensagem|este e-?mail)\b.{0,60}\bconfidencia"
    r"|(?:questo messaggio|questa e-?mail|le informazioni contenute)\b"
    r".{0,80}\b(?:riservat|confidenzial|allegat)"
    r"|(?:dit bericht|deze e-?mail)\b.{0,60}\b(?:vertrouwelijk|bestemd))",
    re.IGNORECASE,
)

_RULE = "-_=+~#*\u2014\u2013\u1427 "
_LEAST_RULE = 2
_MARKDOWN_RULE = 3


def is_device(line: str) -> bool:
    """Whether this is a line that a phone or a program signs with: `Sent from my …`."""
    if len(line) > _LINE_CHARS:
        return False
    said = _LINK.sub("", _MARKDOWN_LINK.sub(r"\1", line)) if "/" in line else line
    said = said.strip(_WRAPPING).lower()
    if said.startswith(words.SENT):
        return _names_a_device(_SORRY.sub("", said.split(" ", 2)[2]))
    if said.startswith(words.DEVICE_STARTS):
        return len(said.split()) <= _LINE_WORDS and "," not in said
    return said.endswith(words.DEVICE_ENDS) and len(said.split()) <= _LINE_WORDS


def _names_a_device(what: str) -> bool:
    named = what.strip(_WRAPPING).split()
    if len(named) > _NAME_WORDS or any(word.endswith((",", ";", ":")) for word in named):
        return False
    return what.startswith(_OWN) or not words.DEVICES.isdisjoint(named)


def is_notice(line: str) -> bool:
    """Whether a legal notice begins in this line."""
    return _NOTICES.match(line[:_LINE_CHARS]) is not None


def is_rule(line: str) -> bool:
    """Whether this line is only dashes or the like, as above a signature."""
    return len(line.strip()) >= _LEAST_RULE and not line.strip(_RULE)


def is_markdown_rule(line: str) -> bool:
    """Whether this rule may as well part a text, as `---` does in Markdown."""
    return len(line.strip()) == _MARKDOWN_RULE
