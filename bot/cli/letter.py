"""`legwork letter`: how an incoming letter is read, for people and for programs."""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from bot.errors import UserMistake
from handlers.email.letter import Letter, read
from handlers.email.visible import visible

_FAILED = 1


def letter(files: list[str], *, as_json: bool, bodies: bool) -> int:
    """Print how letters are read.

    Args:
        files: Letters as they came over the wire; `-` is standard input.
        as_json: Print JSON: one object, or a line for each of several files.
        bodies: Part plain bodies instead: JSON lines `{"id", "text"}` from standard input.

    Returns:
        The exit code: 0 if everything could be read.

    Raises:
        UserMistake: There is nothing to read.
    """
    if bodies:
        return _bodies()
    if not files:
        raise UserMistake("Name a letter to read (FILE.eml), or - for standard input.")
    failed = False
    for file in files:
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            typer.echo(f"{file} cannot be read: {reason}. Name a file with a letter in it.", err=True)
            failed = True
            continue
        found = read(raw)
        if as_json or len(files) > 1:
            typer.echo(json.dumps(_data(found)))
        else:
            typer.echo(_told(found))
    return _FAILED if failed else 0


def _bodies() -> int:
    failed = False
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key, parted = row["id"], visible(row["text"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            typer.echo(f'Line {number} is no JSON object with "id" and "text".', err=True)
            failed = True
            continue
        typer.echo(json.dumps({"id": key, "text": parted.text, "elided": parted.elided}))
    return _FAILED if failed else 0


def _data(found: Letter) -> dict[str, Any]:
    return {
        "message_id": found.message_id,
        "from": found.from_,
        "to": list(found.to),
        "subject": found.subject,
        "text": found.text,
        "elided": found.elided,
        "auto_reply": found.auto_reply,
        "bounce": found.bounce,
        "attachments": [
            {"name": file.name, "media_type": file.media_type, "size": file.size}
            for file in found.attachments
        ],
        "problems": list(found.problems),
    }


def _told(found: Letter) -> str:
    """The letter for a person's eyes."""
    kinds = [word for word, is_so in (("automatic", found.auto_reply), ("bounce", found.bounce)) if is_so]
    head = [
        f"From:     {found.from_ or '(unknown)'}",
        f"To:       {', '.join(found.to) or '(unknown)'}",
        f"Subject:  {found.subject}",
        *([f"Kind:     {', '.join(kinds)}"] if kinds else []),
        *(f"Attached: {file.name} ({file.media_type}, {file.size} bytes)" for file in found.attachments),
        *(f"Problem:  {problem}" for problem in found.problems),
    ]
    return "\n".join([*head, "", found.text])
