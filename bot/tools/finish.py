"""End the task: say what came of it, and hand over the files."""

import asyncio

from pydantic import Field

from bot.errors import UserMistake
from bot.events import ArtifactSaved
from bot.permissions import Effect
from bot.reports.humane import counted, size
from bot.tools.base import Arguments, Bench, Result
from bot.tools.keeping import keep
from bot.work.keys import key
from bot.workspaces import Files

OUTBOX = "outbox"
MOST_FILES = 20
FILE_BYTES = 20_000_000
ALL_BYTES = 50_000_000


class FinishArguments(Arguments):
    """Arguments of `finish`.

    Attributes:
        summary: What was done and what came of it, in Markdown, for people who saw nothing of the work.
    """

    summary: str = Field(min_length=1, max_length=20_000)


class Finish:
    """End the task as done, with a summary. Files that people shall get have to lie in the folder `outbox`.

    Call it once, when everything else is done; other calls of the same turn are not made after it.
    """

    name = "finish"
    arguments = FinishArguments
    default: Effect = "allow"

    def does(self, args: FinishArguments) -> str:
        """That the task ends, and the summary."""
        return f"Finish\n{args.summary}"

    def subjects(self, args: FinishArguments) -> tuple[str, ...]:
        """The summary."""
        return (args.summary,)

    def from_text(self, text: str) -> FinishArguments:
        """The text is the summary."""
        return FinishArguments(summary=text)

    def reads(self, args: FinishArguments) -> bool:  # noqa: ARG002  whatever it says
        """The task is over after it."""
        return False

    async def run(self, args: FinishArguments, bench: Bench) -> Result:
        """Keep the files, and end the task; where one cannot be kept, it goes on."""
        try:
            kept = await asyncio.to_thread(_hand_over, bench)
        except UserMistake as error:
            return Result(ok=False, output=f"{error} The task is not finished yet.")
        told = f"Finished. People get {', '.join(one.name for one in kept)}." if kept else "Finished."
        return Result(ok=True, output=told, facts=kept, finished=args.summary)


def _hand_over(bench: Bench) -> tuple[ArtifactSaved, ...]:
    """Keep what lies in the outbox."""
    files = Files(bench.workspace, bench.owner, bench.limits)
    if OUTBOX not in {entry.path for entry in files.entries()}:
        return ()
    found = sorted(
        (entry for entry in files.below(OUTBOX) if entry.kind != "folder"), key=lambda entry: entry.path
    )
    if len(found) > MOST_FILES:
        raise UserMistake(
            f"There are {counted(len(found), 'file')} in {OUTBOX}, and people get {MOST_FILES} at most. "
            "Pack them into one archive."
        )
    room, contents = ALL_BYTES, {}
    for entry in found:
        if entry.kind != "file":
            raise UserMistake(f"{entry.path} is a link or no ordinary file. Put the file itself there.")
        content, in_all = files.read(entry.path, FILE_BYTES)
        room -= in_all
        if in_all > FILE_BYTES or room < 0:
            raise UserMistake(
                f"{entry.path} is too large: people get files of {size(FILE_BYTES)} at most, "
                f"{size(ALL_BYTES)} together. Make them smaller, or fewer."
            )
        contents[entry.path.removeprefix(f"{OUTBOX}/")] = content
    return tuple(
        keep(bench.artifacts, key(bench.task_id), name, content) for name, content in contents.items()
    )
