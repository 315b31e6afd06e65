"""Read, write, change and find files of the task's workspace."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bot.errors import UserMistake
from bot.permissions import Effect
from bot.reports.humane import size
from bot.sandbox import interpreter
from bot.tools import searching
from bot.tools.base import Arguments, Bench, Result
from bot.tools.reading import excerpt
from bot.tools.rewriting import edited, patched
from bot.workspaces import Entry, Files
from bot.workspaces.names import inside
from bot.workspaces.patches import parse

Action = Literal["read", "write", "edit", "patch", "list", "glob", "search"]

SHOWN_NAMES = 500
SHOWN_MATCHES = 200
SEARCH_S = 30.0
_INSIDE = "/workspace"  # what the workspace is called in the terminal
_NEEDED: dict[Action, tuple[str, ...]] = {
    "read": ("path",),
    "write": ("path", "content"),
    "edit": ("path", "old", "new"),
    "patch": ("patch",),
    "list": (),
    "glob": ("pattern",),
    "search": ("pattern",),
}


def _path(path: str) -> str:
    """A path in its one form, so that a rule finds it however it was written."""
    if path == _INSIDE or path.startswith(f"{_INSIDE}/"):
        path = path.removeprefix(_INSIDE).lstrip("/")
    try:
        return inside(path)
    except UserMistake as error:
        raise ValueError(str(error)) from error


class FilesArguments(Arguments):
    """Arguments of `files`; each action takes those that are named with it.

    Attributes:
        action: What to do.
        path: The file (read, write, edit), or the folder to look in (list, glob, search), from the
            workspace's own folder.
        start: read: the first line, from 1.
        lines: read: how many lines.
        content: write: all that the file shall hold.
        old: edit: the exact text that is replaced; it has to stand there once, unless `all` is set.
        new: edit: what takes its place.
        all: edit: replace it wherever it stands.
        patch: patch: a unified diff, of one file or several; it is applied as a whole or not at all.
        pattern: glob: names as `**/*.py`. search: the text to find.
        regex: search: the pattern is a regular expression of Python.
        ignore_case: search: small and capital letters are the same.
        glob: search: only in files with such names.
    """

    action: Action
    path: Annotated[str, AfterValidator(_path)] = ""
    start: int = Field(default=1, ge=1)
    lines: int | None = Field(default=None, ge=1)
    content: str | None = Field(default=None, max_length=1_000_000)
    old: str | None = Field(default=None, min_length=1, max_length=200_000)
    new: str | None = Field(default=None, max_length=200_000)
    all: bool = False
    patch: str | None = Field(default=None, min_length=1, max_length=500_000)
    pattern: str | None = Field(default=None, min_length=1, max_length=1000)
    regex: bool = False
    ignore_case: bool = False
    glob: str = Field(default="**", min_length=1, max_length=500)

    @model_validator(mode="after")
    def _complete(self) -> "FilesArguments":
        needed = _NEEDED[self.action]
        missing = [
            name for name in needed if getattr(self, name) is None or (name, self.path) == ("path", "")
        ]
        if missing:
            raise ValueError(f"the action {self.action} needs {' and '.join(missing)}")
        if self.patch is not None:
            try:
                parse(self.patch)
            except UserMistake as error:
                raise ValueError(str(error)) from error
        return self


class FilesTool:
    """Read, write, change and find files of the workspace; paths are given from its own folder.

    Actions: `read` a file, or some `lines` from `start`; `write` a whole file; `edit` replaces an exact text;
    `patch` applies a unified diff to any number of files, all or nothing; `list` a folder; `glob` finds files
    by name; `search` finds lines by text or regular expression. Links are not followed. For anything else,
    use the terminal. Of a patch that was interrupted each file is whole, changed or not, and the old ones may
    lie beside them as `.legwork-*.old`: read the files, patch what is left, delete those.
    """

    name = "files"
    arguments = FilesArguments
    default: Effect = "allow"

    def does(self, args: FilesArguments) -> str:
        """What is done to which file, with all that is written."""
        match args.action:
            case "read":
                lines = f" from line {args.start}" if args.start > 1 else ""
                return f"Read {args.path}{lines}"
            case "write":
                return f"Write {args.path}\n{args.content}"
            case "edit":
                where = ", wherever it stands" if args.all else ""
                return f"Edit {args.path}{where}\n{_signed('-', args.old)}\n{_signed('+', args.new)}"
            case "patch":
                return f"Patch {', '.join(_touched(args))}\n{args.patch}"
        verb = {"list": "List files", "glob": f"Find {args.pattern}"}.get(
            args.action, f"Search {args.pattern}"
        )
        return verb + (f" in {args.path}" if args.path else "")

    def subjects(self, args: FilesArguments) -> tuple[str, ...]:
        """`read PATH`, `list PATH`, `search PATH`; whatever changes a file is `write PATH`, for each file."""
        if args.action == "patch":
            return tuple(f"write {path}" for path in _touched(args))
        verb = {"edit": "write", "glob": "list"}.get(args.action, args.action)
        return (f"{verb} {args.path or '.'}",)

    def from_text(self, text: str) -> FilesArguments:
        """`read PATH`, `write PATH` and so on: the action's name and the file."""
        action, _, path = text.strip().partition(" ")
        blank = {"write": {"content": ""}, "edit": {"old": "…", "new": ""}}.get(action, {})
        if action in ("glob", "search"):
            blank = {"pattern": "*"}
        return FilesArguments.model_validate({"action": action, "path": path.strip(), **blank})

    def reads(self, args: FilesArguments) -> bool:
        """All but what changes a file, and a search: that is a command, and commands have their turns."""
        return args.action in ("read", "list", "glob")

    async def run(self, args: FilesArguments, bench: Bench) -> Result:
        """Do it; what cannot be done is told with what to do instead."""
        try:
            if args.action == "search":
                return await _search(args, bench)
            files = Files(bench.workspace, bench.owner, bench.limits)
            doing = asyncio.ensure_future(asyncio.to_thread(_do, args, files, bench.limits.kept_output_bytes))
            try:
                return Result(ok=True, output=await asyncio.shield(doing))
            finally:  # whoever is cancelled waits: nothing may be written once another run has the workspace
                await asyncio.wait([doing])
        except UserMistake as error:
            return Result(ok=False, output=str(error))


def _do(args: FilesArguments, files: Files, room: int) -> str:
    """One action; what to answer."""
    match args.action:
        case "read":
            with files.opened(args.path) as file:
                return str(excerpt(file, args.path, args.start, args.lines, room))
        case "write":
            content = (args.content or "").encode("utf-8", "replace")
            files.write(args.path, content)
            return f"Wrote {args.path}, {size(len(content))}."
        case "edit":
            return edited(files, args.path, args.old or "", args.new or "", everywhere=args.all)
        case "patch":
            return patched(files, args.patch or "")
        case "list":
            return _listed(files.entries(args.path), args.path or "The workspace", room)
        case _:
            below = len(args.path) + 1 if args.path else 0
            pattern = args.pattern or ""
            found = (one for one in files.below(args.path) if one.kind == "file")
            fitting = [one for one in found if searching.matches(one.path[below:], pattern)]
            return _listed(sorted(fitting, key=lambda one: one.path), f"{pattern} fits", room)


def _listed(entries: list[Entry], what: str, room: int) -> str:
    if not entries:
        return f"{what} nothing." if what.endswith("fits") else f"{what} is empty."
    lines = []
    for entry in entries[:SHOWN_NAMES]:
        line = _line(entry)
        room -= len(line.encode()) + 1
        if room < 0:
            break
        lines.append(line)
    if len(lines) < len(entries):
        lines.append(
            f"… and {len(entries) - len(lines):,} more: name a folder, or a pattern that fits fewer."
        )
    return "\n".join(lines)


def _line(entry: Entry) -> str:
    match entry.kind:
        case "file":
            return f"{entry.path}  {size(entry.size)}"
        case "folder":
            return f"{entry.path}/"
        case "link":
            return f"{entry.path}  (a link: not followed)"
    return f"{entry.path}  (no ordinary file)"


async def _search(args: FilesArguments, bench: Bench) -> Result:
    """Search inside the sandbox: a pattern that takes for ever is ended there."""
    wanted = {
        "path": args.path or ".",
        "pattern": args.pattern,
        "regex": args.regex,
        "ignore_case": args.ignore_case,
        "glob": args.glob,
        "most": SHOWN_MATCHES,
    }
    outcome = await bench.shell.run(
        [interpreter(), "-I", "-S", "-c", Path(searching.__file__).read_text()],
        timeout_s=min(SEARCH_S, bench.limits.timeout_s),
        stdin=json.dumps(wanted).encode(),
    )
    found = outcome.stdout.rstrip("\n")
    if outcome.ended_by:
        found += f"\n… The search was ended by its limit ({outcome.ended_by}): search a folder, or for less."
    elif outcome.exit_code == 1 and not found:
        found = f"{args.pattern} is nowhere in {args.path or 'the workspace'}."
    return Result(
        ok=outcome.exit_code in (0, 1) and outcome.ended_by is None,
        output=found,
        ended_by=outcome.ended_by,
        seconds=round(outcome.wall_s, 3),
        peak_rss_bytes=outcome.peak_rss_bytes,
        peak_processes=outcome.peak_processes,
        disk_bytes=outcome.disk_bytes,
    )


def _touched(args: FilesArguments) -> tuple[str, ...]:
    """The files that a patch changes."""
    touched = (path for section in parse(args.patch or "") for path in (section.old, section.new) if path)
    return tuple(dict.fromkeys(touched))


def _signed(sign: str, text: str | None) -> str:
    return "\n".join(f"{sign}{line}" for line in (text or "").split("\n"))
