"""The words that mail programs put around an answer, read once from `words.toml`."""

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

_WORDS: dict[str, Any] = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))

WROTE: tuple[str, ...] = tuple(_WORDS["wrote"])
WROTE_OR_SAID: tuple[str, ...] = (*WROTE, *_WORDS["said"])
FIELDS: dict[str, str] = {word: kind for kind, words in _WORDS["fields"].items() for word in words}
SENT: tuple[str, ...] = tuple(_WORDS["device"]["sent"])
DEVICES: frozenset[str] = frozenset(_WORDS["device"]["names"])
DEVICE_STARTS: tuple[str, ...] = tuple(_WORDS["device"]["starts"])
DEVICE_ENDS: tuple[str, ...] = tuple(_WORDS["device"]["ends"])


def _one_of(words: Iterable[str]) -> str:
    """A pattern for any of these words, the longest first."""
    return "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=len, reverse=True))


ANY_WROTE = _one_of(WROTE)
ANY_ON = _one_of(_WORDS["on"])
ANY_ORIGINAL = _one_of(_WORDS["original"])
ANY_FORWARDED = _one_of(_WORDS["forwarded"])
ANY_FORWARDS = _one_of(_WORDS["forwards"])
