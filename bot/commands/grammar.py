"""From the text of a command to a name and raw arguments; validation is the registry's.

    agent assign @coder --notify dana@example.org Fix the failing test

Words are parted by white space. Options stand before the TEXT, and TEXT is raw from its first character to
the end of the command: a quote or an apostrophe in it means nothing.
"""

import functools
import re
from dataclasses import dataclass
from typing import Any

from bot.commands import nearest, tokens
from bot.commands.registry import (
    COMMANDS,
    After,
    Arguments,
    Command,
    Flag,
    Option,
    Pairs,
    Quoted,
    Text,
    Word,
)
from bot.errors import UserMistake

NAME_WORDS = 3
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # surrogates stand for bytes that were not UTF-8 (PEP 383)
_DASH = re.compile("^[\u2013\u2014](?=\\w)")  # Slack and phones turn two hyphens into a dash
_OPTION = re.compile(r"--\w")
_KEY = re.compile(r"([^\W\d][\w-]*)=")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command by name with its raw arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A field that is filled by where it stands."""

    field: str
    quoted: bool
    needed: bool


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields of a command by how they are read; empty where there is none of a kind."""

    slots: tuple[_Slot, ...]
    options: dict[str, tuple[str, Option | Flag]]
    after: dict[str, tuple[str, After]]
    pairs: str
    text: str


@functools.cache
def _form(arguments: type[Arguments]) -> _Form:
    parts = arguments.parts()
    return _Form(
        slots=tuple(
            _Slot(field, isinstance(part, Quoted), arguments.needed(field))
            for field, part in parts.items()
            if isinstance(part, Word | Quoted)
        ),
        options={
            part.flag if isinstance(part, Option) else part.shown: (field, part)
            for field, part in parts.items()
            if isinstance(part, Option | Flag)
        },
        after={part.keyword: (field, part) for field, part in parts.items() if isinstance(part, After)},
        pairs=next((field for field, part in parts.items() if isinstance(part, Pairs)), ""),
        text=next((field for field, part in parts.items() if isinstance(part, Text)), ""),
    )


def parse(text: str, max_chars: int) -> Parsed:
    """Understand one command.

    A group of commands alone ("agent people"), or with `help`, asks for its help, and so does nothing.

    Args:
        text: As it was written, entities already decoded; people may be mentioned as `<@U012ABC|mel>`.
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
    """The command that the text begins with, by the longest name, and what follows."""
    words: list[str] = []
    rests = [text]
    while len(words) < NAME_WORDS:
        word, rest = tokens.word(rests[-1])
        if not word:
            break
        words.append(word.lower() if words else word.lower().removeprefix("/"))
        rests.append(rest)
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count])
        if known := COMMANDS.get(name):
            asked = rests[count].strip().lower() if len(rests[count]) < tokens.SHOWN_CHARS else ""
            if asked == "--help" or (asked == "help" and nearest.is_group(name)):
                return COMMANDS["help"], name
            return known, rests[count]
    for count in range(len(words), -1, -1):
        name = " ".join(words[:count])
        if nearest.is_group(name):
            if words[count:] in ([], ["help"], ["--help"]):
                return COMMANDS["help"], name
            raise nearest.no_command(words, count)
    raise nearest.no_command(words, 0)


def _arguments(known: Command, rest: str) -> dict[str, Any]:
    """The arguments by field: words in their order, options by name, then the raw text."""
    form = _form(known.arguments)
    slots = list(form.slots)
    found: dict[str, Any] = {}
    begin = rest
    while rest := rest.lstrip():
        word, after = tokens.word(rest)
        ready = not any(slot.needed for slot in slots)
        if ready and form.text and word == "--":
            found[form.text] = tokens.readable(after.strip())
            return found
        if flag := _flag(word, known, form):
            rest = _option(found, form, flag, rest)
        elif ready and word.lower() in form.after:
            rest = _after(found, form, word.lower(), after)
        elif slots:
            slot = slots.pop(0)
            found[slot.field], rest = tokens.value(rest) if slot.quoted else (word, after)
        elif form.pairs and (key := _KEY.match(word)):
            rest = _pair(found.setdefault(form.pairs, {}), key[1], rest[key.end() :])
        elif form.text:
            found[form.text] = tokens.readable(rest.strip())
            return found
        else:
            raise nearest.surplus(known, word, begin)
    return found


def _flag(word: str, known: Command, form: _Form) -> str:
    """The option that a word names; empty if it is no option."""
    if word[0] not in "-\u2013\u2014":
        return ""
    flag = _DASH.sub("--", word.partition("=")[0])
    if flag in form.options:
        return flag
    if not _OPTION.match(word):
        return ""
    raise nearest.no_option(known, flag, form.options)


def _option(found: dict[str, Any], form: _Form, flag: str, rest: str) -> str:
    """Keep an option; what follows it."""
    field, option = form.options[flag]
    word, after = tokens.word(rest)
    name, equals, _ = word.partition("=")
    if isinstance(option, Flag):
        if equals:
            raise UserMistake(f"{flag} takes no value: leave out what follows it.")
        found[field] = True
        return after
    if equals:
        value, after = tokens.assigned(rest[len(name) + 1 :])
    else:
        following = tokens.word(after)[0].partition("=")[0]
        value, after = ("", after) if _DASH.sub("--", following) in form.options else tokens.value(after)
    if not value:
        raise UserMistake(f"{flag} needs a value: `{option.usage}`.")
    if option.many:
        found.setdefault(field, []).append(value)
    elif field in found:
        raise UserMistake(f"{flag} was given twice. Keep one.")
    else:
        found[field] = value
    return after


def _after(found: dict[str, Any], form: _Form, keyword: str, rest: str) -> str:
    """Keep the value behind a keyword; what follows it."""
    field, part = form.after[keyword]
    value, rest = tokens.value(rest)
    if not value:
        raise UserMistake(f"`{keyword}` needs a value: `{part.usage}`.")
    if field in found:
        raise UserMistake(f"`{keyword}` was given twice. Keep one.")
    found[field] = value
    return rest


def _pair(found: dict[str, str], key: str, tail: str) -> str:
    """Keep one `key=value`; what follows it."""
    if key in found:
        raise UserMistake(f"`{key}=` was given twice. Keep one.")
    found[key], rest = tokens.assigned(tail)
    return rest
