"""The model that needs no key: it runs the fenced `sh` and `python` blocks of the task's text, in order.

A block `ask` holds a question, and answers to choose from as a list; later blocks find the answer in the
variable ANSWER. Blocks in what people tell the agent come after those of the text, if those people may have
it run commands.

Fences are those of CommonMark (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), and one thing more:
people in Slack close a block at the end of its last line, so that counts too.
"""

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.events import Call
from bot.models.base import ENDED_BY, Answer, News, Speak, Told, Turn, silently

Language = Literal["sh", "python", "ask"]

LANGUAGES: dict[str, Language] = {
    "sh": "sh",
    "bash": "sh",
    "shell": "sh",
    "python": "python",
    "python3": "python",
    "py": "python",
    "ask": "ask",
}
SHOWN_LINES = 30
SHOWN_CHARS = 2_000

# `++` gives nothing back: a line of a hundred thousand backticks is looked through once, not at each of them.
_OPENING = re.compile(r"(?P<indent> {0,3})(?P<fence>`{3,}+(?!.*`)|~{3,})[ \t]*(?P<word>\S*)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a known language."""

    language: Language
    code: str


def blocks(text: str) -> list[Block]:
    """The blocks of a text that can be run, in order; a block that is never closed goes to the end."""
    lines = io.StringIO(text, newline=None)  # its line ends are CommonMark's; splitlines knows eight more
    return list(_blocks(line.removesuffix("\n") for line in lines))


def _blocks(lines: Iterator[str]) -> Iterator[Block]:
    for line in lines:
        if opening := _OPENING.match(line):
            depth = len(opening["indent"])
            inside = _until_closed(opening["fence"], lines)
            code = "".join(f"{line[:depth].lstrip(' ')}{line[depth:]}\n" for line in inside)
            language = LANGUAGES.get(opening["word"].lower())
            if language and code.strip():
                yield Block(language, code)


def _until_closed(fence: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines up to the closing fence, which may stand at the end of the last one."""
    for line in lines:
        bare = line.rstrip()
        content = bare.rstrip(fence[0])
        if len(bare) - len(content) >= len(fence):
            if content.strip():
                yield content
            return
        yield line


class Runbook:
    """Follows the blocks of one task's text and stops at the first that fails.

    Args:
        text: The task's text.
    """

    name = "runbook"
    scripted = True

    def __init__(self, text: str) -> None:
        self._blocks = blocks(text)
        self._ended: list[Answer] = []

    def learn(self, news: Sequence[News]) -> None:
        """Count what ended, and append the blocks of people who may have commands run."""
        for item in news:
            match item:
                case Answer(interrupted=False):
                    self._ended.append(item)
                case Told(commands=True):
                    self._blocks += blocks(item.text)

    async def turn(self, step: int, speak: Speak = silently) -> Turn:  # noqa: ARG002  it has names of its own
        """The next block; one that was interrupted is run again."""
        todo, ended = self._blocks, self._ended
        if not todo:
            return Turn(
                "There is nothing to run: this agent follows runbooks. Put the commands into the task's "
                "text, in blocks that open with ```sh or ```python and close with ```.",
                gave_up=True,
            )
        if ended and not ended[-1].ok:
            return Turn(f"Step {len(ended)} of {len(todo)} failed{_why(ended[-1])}.", gave_up=True)
        if len(ended) < len(todo):
            asked = [a.text for block, a in zip(todo, ended, strict=False) if block.language == "ask"]
            return Turn(calls=(_call(len(ended), todo[len(ended)], asked),))
        steps = "The step" if len(ended) == 1 else f"All {len(ended)} steps"
        return Turn(f"{steps} succeeded{_printed(ended[-1].text)}")


def _call(index: int, block: Block, asked: Sequence[str]) -> Call:
    """The call of a block; what was answered last stands before its code."""
    if block.language == "ask":
        lines = block.code.strip().splitlines()
        options = [match[1] for line in lines if (match := _OPTION.fullmatch(line))]
        question = "\n".join(line for line in lines if not _OPTION.fullmatch(line)).strip()
        return Call(id=str(index + 1), tool="ask", args={"question": question, "options": options})
    code = block.code
    if asked:
        answer = repr(asked[-1]) if block.language == "python" else shlex.quote(asked[-1])
        code = f"ANSWER={answer}\n{code}"
    args = {"command": code, "language": block.language, "stop_on_error": True}
    return Call(id=str(index + 1), tool="terminal", args=args)


_OPTION = re.compile(r"\s*[-*]\s+(\S.*?)\s*")


def _why(answer: Answer) -> str:
    if answer.ended_by:
        return f": {ENDED_BY[answer.ended_by]}"
    if answer.exit_code is not None:
        return f" with exit code {answer.exit_code}"
    return f": {answer.text.rstrip('.')}"


def _printed(output: str) -> str:
    """The end of what the last step printed, as Markdown."""
    lines = output.strip("\n").splitlines()
    if not lines:
        return "."
    shown = "\n".join(lines[-SHOWN_LINES:])[-SHOWN_CHARS:]
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    cut = "" if len(shown) == len("\n".join(lines)) else " (its end)"
    return f". The last one printed{cut}:\n\n{fence}\n{shown}\n{fence}"
