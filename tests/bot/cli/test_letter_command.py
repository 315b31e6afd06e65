"""`legwork letter`: how letters are read, printed."""

import io
import json
import sys
from pathlib import Path

import pytest

from bot.cli.letter import letter
from bot.errors import UserMistake

RAW = b"From: Ana <ana@x.org>\r\nTo: coder@legwork.example\r\nSubject: Hi\r\n\r\nDo it.\r\n\r\n-- \r\nAna\r\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.eml"
    path.write_bytes(RAW)
    return path


def _stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_one_letter_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A program gets every field by its documented name."""
    assert letter([str(file)], as_json=True, bodies=False) == 0
    assert json.loads(capsys.readouterr().out) == {
        "message_id": "",
        "from": "ana@x.org",
        "to": ["coder@legwork.example"],
        "subject": "Hi",
        "text": "Do it.",
        "elided": "--\nAna",
        "auto_reply": False,
        "bounce": False,
        "attachments": [],
        "problems": [],
    }


def test_a_letter_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json the letter is told in lines."""
    assert letter([str(file)], as_json=False, bodies=False) == 0
    assert "Subject:  Hi" in capsys.readouterr().out


def test_several_letters(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Several files are a JSON line each; one that is not there does not stop the rest."""
    _stdin(monkeypatch, RAW)
    assert letter([str(file), str(file.parent / "none.eml"), "-"], as_json=False, bodies=False) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["subject"] for line in out.splitlines()] == ["Hi", "Hi"]
    assert "none.eml cannot be read: No such file or directory." in err


def test_no_letter() -> None:
    """Without a file there is a sentence that says what to name."""
    with pytest.raises(UserMistake, match="Name a letter"):
        letter([], as_json=False, bodies=False)


def test_bodies(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Bodies come and go as JSON lines; a bad line is named and the others are still read."""
    _stdin(
        monkeypatch,
        b'{"id": 1, "text": "Yes\\n> no"}\n\nnot json\n[]\n{"id": 2, "text": 3}\n{"id": "x", "text": ""}\n',
    )
    assert letter([], as_json=False, bodies=True) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line) for line in out.splitlines()] == [
        {"id": 1, "text": "Yes", "elided": "> no"},
        {"id": "x", "text": "", "elided": ""},
    ]
    assert [line.split(" is ")[0] for line in err.splitlines()] == ["Line 3", "Line 4", "Line 5"]
