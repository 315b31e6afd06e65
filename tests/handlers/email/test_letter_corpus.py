"""The visible reply, measured on bodies from other projects' test suites."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from handlers.email.visible import visible

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "replies.jsonl").read_text("utf-8").splitlines()
]
REACHED = 89


def _folded(text: str) -> str:
    return " ".join(text.split())


def _is_right(row: dict[str, Any]) -> bool:
    text = _folded(visible(row["text"]).text)
    if row.get("expected") is not None:
        return text == _folded(row["expected"])
    held = {
        "in": lambda wanted: wanted in text,
        "not in": lambda wanted: wanted not in text,
        "==": lambda wanted: wanted == text,
    }
    return all(held[check](_folded(wanted)) for check, wanted in row["checks"])


def test_replies_are_parted_as_people_see_them() -> None:
    """Of the 96 bodies no fewer are read right than once were."""
    wrong = [row["id"] for row in ROWS if not _is_right(row)]
    assert len(ROWS) - len(wrong) >= REACHED, wrong


def test_no_word_is_lost() -> None:
    """Every word of a body is either in the text or in what was elided."""
    for row in ROWS:
        if "-----BEGIN PGP" in row["text"]:
            continue
        parted = visible(row["text"])
        words = Counter(row["text"].replace("--- On ", " On ").split())
        assert Counter(f"{parted.text}\n{parted.elided}".split()) == words, row["id"]
