"""The corpus of escape attempts, for the tests of each kind."""

import json
from pathlib import Path
from typing import Any

_CORPUS = Path(__file__).parents[1] / "bot/sandbox/escapes.jsonl"


def attempts(*kinds: str) -> list[dict[str, Any]]:
    """The attempts of some kinds, or of all."""
    found = [json.loads(line) for line in _CORPUS.read_text().splitlines()]
    return [attempt for attempt in found if not kinds or attempt["kind"] in kinds]


def name_of(attempt: dict[str, Any]) -> str:
    """What an attempt is called."""
    return str(attempt["id"])
