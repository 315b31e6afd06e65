"""What a command printed, made fit for people and models to read."""

import re

LONGEST_LINE = 4000  # characters

# Escape sequences as ECMA-48 has them: control sequences, strings up to their terminator, two-character ones.
# The last alternative is one that was cut off where the head of the output ends.
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]"
    rb"|\][^\x07\x1b\n]*(?:\x07|\x1b\\)"
    rb"|[PX^_][^\x1b\n]*\x1b\\"
    rb"|[ -/]+[0-~]"
    rb"|[0-Z\\-~]"
    rb"|\[[0-?]*[ -/]*\Z)",
)
_OVERSTRUCK = re.compile("[^\\n\x08]\x08")  # `man` prints bold so; spinners go back over themselves
# Controls but newline and tab; whatever is unseen or turns the direction of text; invisible tag characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]",
)
_TORN_END = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")  # a character that the cut went through
_TORN_START = re.compile(rb"\A[\x80-\xbf]{1,3}")
_OTHER_LINE_ENDS = re.compile("\r\n|[\x85\u2028\u2029]")


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

    Bytes that are no UTF-8 become U+FFFD. Escape sequences, control and direction characters are dropped;
    newline and tab stay. A line that was written over (a progress bar) keeps its last writing, an overlong
    one its beginning.
    """
    text = _ESCAPES.sub(b"", data).decode("utf-8", "replace")
    text = _OTHER_LINE_ENDS.sub("\n", text)
    text = _OVERSTRUCK.sub("", text)
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(written: str) -> str:
    if "\r" in written:
        written = next((part for part in reversed(written.split("\r")) if part), "")
    shown = _UNSEEN.sub("", written)
    over = len(shown) - LONGEST_LINE
    return f"{shown[:LONGEST_LINE]}… [{over} more characters]" if over > 0 else shown
