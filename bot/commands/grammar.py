"""From the text of a command to a name and raw arguments; validation is the registry's.

    agent assign @coder --notify dana@example.org Fix the failing test

Words are parted by white space. Options stand before the TEXT, and TEXT is raw from its first character to
the end of the command: a quote or an apostrophe in it means nothing.
"""

import difflib
import re
from dataclasses import dataclass
from typing import Any

from bot.commands.registry import COMMANDS, Command, Option, Text, Word
from bot.errors import UserMistake

_WORD = re.compile(r"\s*(\S+)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # surrogates stand for bytes that were not UTF-8 (PEP 383)
_DASH = re.compile("^[\u2013\u2014](?=\\w)")  # Slack and phones turn two hyphens into a dash


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command by name with its raw arguments."""

    name: str
    arguments: dict[str, Any]


def parse(text: str, max_chars: int) -> Parsed:
    """Understand one command.

    Args:
        text: As it was written, entities already decoded.
        max_chars: The longest command that is read.

    Raises:
        UserMistake: There is no such command or option, or it is too long; says what there is.
    """
    if len(text) > max_chars:
        raise UserMistake(
            f"That is {len(text):,} characters, and a command may have {max_chars:,}. "
            "Shorten it and send it again."
        )
    if _UNSTORABLE.search(text):
        raise UserMistake(
            "A command cannot hold the character NUL, nor bytes that are not UTF-8. "
            "Remove them and send it again."
        )
    known, rest = _command(text)
    return Parsed(known.name, _arguments(known, rest))


def _command(text: str) -> tuple[Command, str]:
    """The command that the text begins with, and what follows."""
    noun, rest = _word(text)
    verb, after = _word(rest)
    name = f"{noun} {verb}".strip().lower()
    if name in COMMANDS:
        return COMMANDS[name], after
    nouns = sorted({known.split()[0] for known in COMMANDS})
    if not verb and noun.lower() in ("", *nouns):
        return COMMANDS[f"{noun.lower() or nouns[0]} help"], ""
    near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else f"Try `{nouns[0]} help`."
    raise UserMistake(f"There is no command `{name[:60]}`. {hint}")


def _arguments(known: Command, rest: str) -> dict[str, Any]:
    """The arguments by field: words in their order, options by name, then the raw text."""
    parts = known.arguments.parts()
    options = {part.flag: (name, part) for name, part in parts.items() if isinstance(part, Option)}
    words = [name for name, part in parts.items() if isinstance(part, Word)]
    text = next((name for name, part in parts.items() if isinstance(part, Text)), None)
    found: dict[str, Any] = {}
    while rest.strip():
        word, after = _word(rest)
        if text and not words and word == "--":
            found[text] = after.strip()
            return found
        if flag := _flag(word, known, options):
            name, option = options[flag]
            _, equals, value = word.partition("=")
            if not equals:
                value, after = _word(after)
            _keep(found, name, option, value)
        elif words:
            found[words.pop(0)] = word
        elif text:
            found[text] = rest.strip()
            return found
        else:
            raise UserMistake(f"`{known.name}` does not take `{word[:60]}`. Usage: `{known.usage}`")
        rest = after
    return found


def _flag(word: str, known: Command, options: dict[str, tuple[str, Option]]) -> str:
    """The option that a word names; empty if it is no option."""
    flag = _DASH.sub("--", word.partition("=")[0])
    if flag in options:
        return flag
    if not re.match(r"--\w", word):
        return ""
    near = difflib.get_close_matches(flag, options, n=1, cutoff=0.5)
    if near:
        hint = f"Did you mean `{near[0]}`?"
    elif any(isinstance(part, Text) for part in known.arguments.parts().values()):
        hint = "A text that begins with dashes needs `-- ` before it."
    else:
        hint = f"Usage: `{known.usage}`"
    raise UserMistake(f"`{known.name}` has no option `{flag[:60]}`. {hint}")


def _keep(found: dict[str, Any], name: str, option: Option, value: str) -> None:
    if not value:
        raise UserMistake(f"{option.flag} needs a value: `{option.flag} {option.shown}`.")
    if option.many:
        found.setdefault(name, []).append(value)
    elif name in found:
        raise UserMistake(f"{option.flag} was given twice. Keep one.")
    else:
        found[name] = value


def _word(text: str) -> tuple[str, str]:
    """The first word of a text, and what follows it untouched; empty if there is none."""
    match = _WORD.match(text)
    return (match[1], text[match.end() :]) if match else ("", "")
