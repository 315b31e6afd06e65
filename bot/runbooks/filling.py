"""Put values into a runbook's text so that no value is ever read as code.

In an `sh` block a value is quoted as one word (`shlex.quote`), in a `python` block it is a literal (`repr`),
and elsewhere it stands as it is. That holds only where a word, or an expression, can stand: `check` refuses a
runbook that has a parameter anywhere else. Quotes are no help where the shell evaluates a variable later, in
arithmetic and subscripts: beside those `check` refuses a text that could hold code. What a command does with
its arguments (`eval`, `bash -c`) is up to whoever wrote the runbook.
"""

import datetime as dt
import io
import re
import shlex
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.errors import UserMistake
from bot.models.runbook import Block, Language, blocks
from bot.runbooks import evaluating
from bot.runbooks.parameters import Parameter, Value

PLACE = re.compile(r"\{\{[ \t]*([a-z][a-z0-9_]*)[ \t]*\}\}")

# What may stand before a parameter in a shell, without changing what the quotes around it mean.
_WHOLE = re.compile(
    r"""
    \\. | \$'(?:\\.|[^'\\])*' | '[^']*'
    | "(?: \\. | \$\{\w+\} | \$(?![({]) | [^"\\`$] )*"
    | (?<![^\s;&|(])\#[^\n]*
    | \$\{\w+\}
    """,
    re.VERBOSE | re.DOTALL,
)
# Quotes that are still open, here-documents, expressions, and what may or may not be a comment.
_OPEN = re.compile(r"""["'`\\] | (?<!<)<<(?!<) | \(\( | \[\[ | \$[{[] | [$\[]\Z | \)\#""", re.VERBOSE)
_PLAIN_TYPES = {"integer", "number", "boolean", "date"}  # their values hold nothing that a shell reads


@dataclass(frozen=True, slots=True)
class _Marked:
    """A text with a mark, a word that occurs nowhere else in it, at each of its places.

    Attributes:
        text: The text.
        names: The parameter of each place, in order.
        marks: The marks, in order.
    """

    text: str
    names: tuple[str, ...]
    marks: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "_Marked":
        stem = "Place"
        while stem in text:
            stem += "x"
        names = tuple(match[1] for match in PLACE.finditer(text))
        marks = tuple(f"{stem}{number}E" for number in range(len(names)))
        left = iter(marks)
        return cls(PLACE.sub(lambda _: next(left), text), names, marks)

    def languages(self) -> list[Language | None]:
        """The language of the block that each place is in; None elsewhere."""
        found = blocks(self.text)
        return [next((b.language for b in found if mark in b.code), None) for mark in self.marks]

    def with_words(self, words: list[str]) -> Callable[[str], str]:
        """What puts these words in place of the marks; what stands in a word is not looked at again."""
        by_mark = dict(zip(self.marks, words, strict=True))
        pattern = re.compile("|".join(self.marks) or r"(?!)")
        return lambda text: pattern.sub(lambda match: by_mark[match[0]], text)


def fill(text: str, values: Mapping[str, Value]) -> str:
    """The text with values.

    Args:
        text: Of a runbook that was checked.
        values: By parameter; every one of the text is there.

    Raises:
        UserMistake: A value would open or close a block.
    """
    marked = _Marked.of(text)
    languages = marked.languages()
    words = [_word(values[name], how) for name, how in zip(marked.names, languages, strict=True)]
    filled = marked.with_words(words)
    meant = [Block(block.language, filled(block.code)) for block in blocks(marked.text)]
    if blocks(filled(marked.text)) != meant:
        raise UserMistake("A value would open or close a block of code. Leave out ``` and ~~~.")
    return filled(marked.text)


def _word(value: Value, language: Language | None) -> str:
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    if language == "sh":
        return shlex.quote(plain)
    if language == "python":
        return repr(plain if isinstance(value, dt.date) else value)
    return plain


def check(text: str, parameters: Mapping[str, Parameter]) -> None:
    """Refuse a text in which a value could be read as something else than a value.

    Args:
        text: Of a runbook.
        parameters: By name.

    Raises:
        ValueError: It has such a place, or one whose parameter is not declared; says what to write instead.
    """
    marked = _Marked.of(text)
    for name in marked.names:
        if name not in parameters:
            raise ValueError(f"its text has {{{{{name}}}}}, and no parameter of that name")
    names = dict(zip(marked.marks, marked.names, strict=True))
    for block in blocks(marked.text):
        places = [(mark, parameters[names[mark]]) for mark in marked.marks if mark in block.code]
        if block.language == "python":
            _check_python(block.code, places)
        elif block.language == "sh":
            _check_sh(block.code, [place for place in places if place[1].type not in _PLAIN_TYPES])


def _check_python(code: str, places: list[tuple[str, Parameter]]) -> None:
    values = _expressions(code)
    for mark, parameter in places:
        if mark not in values:
            raise ValueError(
                f"{{{{{parameter.name}}}}} stands inside a string or a name of Python. Write it bare: it "
                "becomes a literal, quotes and all"
            )


def _check_sh(code: str, places: list[tuple[str, Parameter]]) -> None:
    for mark, parameter in places:
        name = parameter.name
        found = evaluating.evaluated(code.replace(mark, "$"))
        if found and not evaluating.plain(parameter.pattern, parameter.choices):
            raise ValueError(
                f"{{{{{name}}}}} stands in a block with {found[:60]!r}, where the shell may run a text as "
                "code. In arithmetic declare it an integer or number; else give it a pattern, or choices, of "
                "plain words (no [, $ or `), or put that part in a block of its own"
            )
        if not _bare(code.partition(mark)[0]):
            raise ValueError(
                f"{{{{{name}}}}} stands inside quotes or behind an involved expression of the shell. "
                f"Begin the block with {name}={{{{{name}}}}} and go on with the variable"
            )


def _bare(before: str) -> bool:
    """Whether a quoted word means itself behind this part of a shell script."""
    return not _OPEN.search(_WHOLE.sub(" ", before))


def _expressions(code: str) -> list[str]:
    """The names of a piece of Python that stand by themselves, not in a string."""
    names, strings = [], 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind = tokenize.tok_name[token.type]
            strings += kind.endswith("STRING_START") - kind.endswith("STRING_END")
            if kind == "NAME" and not strings:
                names.append(token.string)
    except (tokenize.TokenError, SyntaxError) as error:
        raise ValueError(f"a block of Python cannot be read: {error.args[0]}") from error
    return names
