"""What a command printed, made fit for people and models to read."""

import re

LONGEST_LINE = 4000  # characters

# Escape sequences as ECMA-48 has them, each introducer as ESC and a letter or as one C1 control: control
# sequences, strings up to their terminator, two-character ones. A string without its end is none: it must not
# swallow what follows. Nor does one hold the beginning of another, or each would be sought through to the end
# of the output, for seconds. The last alternative is one that was cut off where the head of the output ends.
_ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b\\]|\x9d)[^\x07\x1b\x90\x98\x9c-\x9f\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x90\x98\x9c-\x9f\n]*(?:\x1b\\\\|\x9c)"
    "|\x1b[ -/]+[0-~]"
    "|\x1b[0-Z\\\\-~]"
    "|(?:\x1b\\[|\x9b)[0-?]*[ -/]*\\Z",
)
# What stands beside a joiner that does something: letters from Arabic to Sinhala, and emoji.
_JOINED = "\u0600-\u061b\u061d-\u0dff\u2190-\u2bff\U0001f000-\U0001faff"
# Controls but newline and tab; whatever is unseen or turns the direction of text; letters that are drawn as
# nothing; tags and rare variation selectors, in which whole texts have been hidden from people.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_IDLE_JOINERS = re.compile(
    f"(?<![{_JOINED}])(?<![{_JOINED}]\ufe0f)[\u200c\u200d]|[\u200c\u200d](?![{_JOINED}])"
)
# One makes a symbol an emoji, or a letter; more of them say something to machines alone.
_IDLE_SELECTORS = re.compile("(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]")
_TORN_END = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # a character that the cut went through
_TORN_START = re.compile(rb"\A[\x80-\xbf]{1,3}")
_LINE_ENDS = re.compile("\r\n|[\v\f\x85\u2028\u2029]")


class HeadAndTail:
    """Keeps the beginning and the end of a stream, and counts the rest.

    Args:
        kept: Bytes to keep, half of them from the beginning.
    """

    def __init__(self, kept: int) -> None:
        self._half = max(kept // 2, 1)
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def add(self, data: bytes) -> None:
        """Take what came next."""
        self.total += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 4 * self._half:  # cut in large steps: each one moves the whole tail
            del self._tail[: -self._half]

    def text(self) -> str:
        """What was kept, cleaned, with a note where the middle was dropped."""
        tail = bytes(self._tail[-self._half :])
        dropped = self.total - len(self._head) - len(tail)
        if not dropped:
            return clean(bytes(self._head) + tail)
        head = clean(_TORN_END.sub(b"", self._head))
        return f"{head}\n… [{dropped} bytes dropped] …\n{clean(_TORN_START.sub(b'', tail))}"


def clean(data: bytes) -> str:
    """Printed bytes as plain text.

    Bytes that are no UTF-8 become U+FFFD. Escape sequences, controls, direction marks and what cannot be seen
    are dropped; newline and tab stay, and so do the joiners of emoji and of scripts that need them. A line
    that was written over (a progress bar) keeps its last writing, an overlong one its beginning.
    """
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", data.decode("utf-8", "replace")))
    text = "\n".join(_last_writing(line) for line in text.split("\n"))
    for unseen in (_HIDDEN, _IDLE_JOINERS, _IDLE_SELECTORS):
        text = unseen.sub("", text)
    return "\n".join(_beginning(line) for line in text.split("\n"))


def _last_writing(line: str) -> str:
    """What was written last: after a carriage return, and over what backspaces went back to."""
    line = next((part for part in reversed(line.split("\r")) if part), "")
    if "\b" not in line:
        return line
    written: list[str] = []
    for char in line:
        if char != "\b":
            written.append(char)
        elif written:
            written.pop()
    return "".join(written)


def _beginning(line: str) -> str:
    over = len(line) - LONGEST_LINE
    return f"{line[:LONGEST_LINE]}… [{over} more characters]" if over > 0 else line
