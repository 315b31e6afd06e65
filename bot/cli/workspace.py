"""`legwork workspace`: the file tools' own code, on a directory of the caller's choice."""

import json
import sys
from pathlib import Path

import typer

from bot.cli.box import MIB, workspace_of
from bot.errors import UserMistake
from bot.sandbox import Limits
from bot.workspaces import Files
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


def _files(settings: Settings, workspace: Path) -> Files:
    owner = workspace_of(settings, workspace)
    limits = Limits(disk_bytes=settings.workspace_mb * MIB, inodes=settings.workspace_files)
    return Files(workspace.absolute(), owner, limits)
