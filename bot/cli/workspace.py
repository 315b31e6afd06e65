"""`legwork workspace`: the file tools' own code, on a directory of the caller's choice."""

import dataclasses
import json
import sys
from pathlib import Path

import typer

from bot.cli.box import box_for, workspace_of
from bot.errors import UserMistake
from bot.reports.humane import counted, size
from bot.sandbox.terms import MIB, Limits
from bot.workspaces import Files
from bot.workspaces.unpacking import MOST_ARCHIVE_BYTES, unpack
from config.settings import Settings

READ_BYTES = MIB
WRITTEN_BYTES = 64 * MIB


def read(settings: Settings, workspace: Path, path: str) -> None:
    """Print a file, or as much of it as is read at once.

    Raises:
        UserMistake: It is nothing to be read.
    """
    content, in_all = _files(settings, workspace).read(path, READ_BYTES)
    sys.stdout.buffer.write(content)
    sys.stdout.flush()
    if len(content) < in_all:
        typer.echo(f"These are the first {len(content):,} of {in_all:,} bytes.", err=True)


def write(settings: Settings, workspace: Path, path: str) -> None:
    """Put what standard input gives into a file.

    Raises:
        UserMistake: It cannot be written, or is too much.
    """
    content = sys.stdin.buffer.read(WRITTEN_BYTES + 1)
    if len(content) > WRITTEN_BYTES:
        raise UserMistake(f"That is more than {WRITTEN_BYTES // MIB} MiB: write it in parts.")
    _files(settings, workspace).write(path, content)


def list_folder(settings: Settings, workspace: Path, path: str, *, as_json: bool) -> None:
    """Print what lies in a folder.

    Raises:
        UserMistake: There is no such folder.
    """
    marks = {"file": "", "folder": "/", "link": "@", "other": "?"}  # as `ls -F` has them
    for entry in _files(settings, workspace).entries(path):
        about = {"path": entry.path, "kind": entry.kind, "size": entry.size}
        typer.echo(json.dumps(about) if as_json else entry.path + marks[entry.kind])


async def unpack_archive(settings: Settings, workspace: Path, archive: str, *, as_json: bool) -> None:
    """Unpack an archive of the workspace or, by its absolute path, one of the caller's own.

    Raises:
        UserMistake: It is none, or one that is not unpacked.
        SandboxUnavailable: There is no sandbox on this machine.
    """
    content = _archive(settings, workspace, archive)
    with box_for(workspace_of(settings, workspace), settings.sandbox) as box:
        done = await unpack(
            Path(archive).name,
            content,
            workspace=workspace.absolute(),
            sandbox=box,
            limits=_limits(settings),
        )
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(done)))
        return
    typer.echo(f"{done.folder}/  {counted(done.files, 'file')}, {size(done.size)}")
    for name in done.left_out:
        typer.echo(f"Left out, as links are: {name}", err=True)
    if more := done.left_out_in_all - len(done.left_out):
        typer.echo(f"… and {more:,} more links.", err=True)


def _archive(settings: Settings, workspace: Path, archive: str) -> bytes:
    path = Path(archive)
    if path.is_absolute() and not path.is_relative_to(workspace.absolute()):
        try:
            with path.open("rb") as file:
                return file.read(MOST_ARCHIVE_BYTES + 1)
        except OSError as fault:
            raise UserMistake(f"{archive} cannot be read ({fault.strerror}). Name an archive.") from fault
    below = str(path.relative_to(workspace.absolute())) if path.is_absolute() else archive
    return _files(settings, workspace).read(below, MOST_ARCHIVE_BYTES + 1)[0]


def _files(settings: Settings, workspace: Path) -> Files:
    owner = workspace_of(settings, workspace)
    return Files(workspace.absolute(), owner, _limits(settings))


def _limits(settings: Settings) -> Limits:
    return Limits(disk_bytes=settings.workspace_mb * MIB, inodes=settings.workspace_files)
