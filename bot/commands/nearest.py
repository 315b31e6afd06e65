"""What to say where a command is not understood: the nearest that there is."""

import difflib
from collections.abc import Iterable, Sequence

from bot.commands import tokens
from bot.commands.registry import COMMANDS, Command, Pairs, Quoted, Text
from bot.errors import UserMistake

LIKE = 0.5  # of whole names and options
ALIKE = 0.6  # of the verbs in a group, which are short
MOST_NAMED = 3


def is_group(name: str) -> bool:
    """Whether there are commands below this name; the empty one is above all."""
    return not name or any(known.startswith(f"{name} ") for known in COMMANDS)


def no_command(words: Sequence[str], count: int) -> UserMistake:
    """The answer to a name that no command has.

    Args:
        words: The first words of the command, in lower case.
        count: How many of them name a group of commands.
    """
    group = " ".join(words[:count])
    name = tokens.cut(" ".join(words[: max(count + 1, 2)]))
    near = _called(words[count], group) or (_below(group, words[count:]) if group else _near(name, COMMANDS))
    if near:
        hint = f"Did you mean {' or '.join(f'`{one}`' for one in near)}?"
    else:
        hint = f"Try `{f'help {group}'.rstrip()}`."
    return UserMistake(f"There is no command `{name}`. {hint}")


def no_option(known: Command, flag: str, options: Iterable[str]) -> UserMistake:
    """The answer to an option that a command does not have."""
    near = _near(flag.lower(), options)
    if near:
        hint = f"Did you mean `{near[0]}`?"
    elif any(isinstance(part, Text) for part in known.arguments.parts().values()):
        hint = "A text that begins with dashes needs `-- ` before it."
    else:
        hint = f"Usage: `{known.usage}`"
    return UserMistake(f"`{known.name}` has no option `{tokens.cut(flag)}`. {hint}")


def surplus(known: Command, word: str, rest: str) -> UserMistake:
    """The answer to a word too many.

    Args:
        known: The command.
        word: The first word that has no place in it.
        rest: All that was written behind the command's name.
    """
    verb = tokens.word(rest)[0].lower()
    if near := _below(known.name, [verb]):
        return UserMistake(
            f"There is no command `{known.name} {tokens.cut(verb)}`. Did you mean `{near[0]}`?"
        )
    parts = known.arguments.parts().values()
    quoted = next((part.usage for part in parts if isinstance(part, Quoted)), "")
    pairs = next((part.shown for part in parts if isinstance(part, Pairs)), "")
    hint = f" What has spaces in it stands in quotes: {quoted}." if quoted else ""
    hint += f" Write it as `{pairs}`." if pairs else ""
    return UserMistake(f"`{known.name}` does not take `{tokens.cut(word)}`.{hint} Usage: `{known.usage}`")


def _called(verb: str, group: str) -> list[str]:
    """The commands of a group that end with this very verb, where they are few."""
    found = [known for known in COMMANDS if known.startswith(group) and known.endswith(f" {verb}")]
    return found if len(found) <= MOST_NAMED else []


def _below(group: str, words: Sequence[str]) -> list[str]:
    """The command of a group whose verb is most like the words."""
    verbs = {known.removeprefix(f"{group} "): known for known in COMMANDS if known.startswith(f"{group} ")}
    near = _near(words[0], verbs, ALIKE) or _near(" ".join(words), verbs, ALIKE)
    return [verbs[verb] for verb in near]


def _near(typed: str, known: Iterable[str], cutoff: float = LIKE) -> list[str]:
    return difflib.get_close_matches(typed[: tokens.SHOWN_CHARS], known, n=1, cutoff=cutoff)
