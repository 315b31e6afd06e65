"""Bytes of a letter as text, whatever they are declared to be."""

import codecs

# Not charsets of text, or slow on purpose-made bytes.
_NOT_FOR_LETTERS = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}
)
_NAME_CHARS = 40
_TOLERATED = 50  # one byte in so many may be broken before another charset is thought of


def decode(content: bytes, declared: str = "") -> tuple[str, bool]:
    """The text, in the first of these charsets that fits: as declared, UTF-8, Windows-1252, Latin-1.

    What is declared as UTF-8 and has a few broken bytes is UTF-8 still.

    Returns:
        The text, and whether it is in the charset that was declared, if one was.
    """
    known = _known(declared)
    for charset in dict.fromkeys((known or "utf-8", "utf-8", "cp1252", "latin-1")):
        try:
            return whole(content.decode(charset)), charset == known or not declared
        except UnicodeError:
            mended = content.decode("utf-8", "replace") if charset == known == "utf-8" else ""
            if mended.count("\ufffd") * _TOLERATED < len(mended):
                return mended, False
    raise AssertionError("Latin-1 has a character for every byte.")


def whole(text: str) -> str:
    """The text with a mark for each half of a character: some charsets let them stand alone."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _known(name: str) -> str:
    """The name that Python knows a charset by; empty where it is none."""
    if not name or len(name) > _NAME_CHARS or not name.isascii() or "\0" in name:
        return ""
    try:
        found = codecs.lookup(name.strip().removesuffix("-i").replace(" ", "-"))
        b" ".decode(found.name, "replace")  # refuses what is no charset of text, such as base64
    except (LookupError, ValueError):
        return ""
    if found.name in _NOT_FOR_LETTERS:
        return ""
    # What is declared as Latin-1 is Windows-1252 in practice (WHATWG Encoding, section 4.2); so with GB 2312.
    return {"iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}.get(
        found.name, found.name
    )
