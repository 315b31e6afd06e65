"""docs/tools.md tells of every tool, and of all that each takes."""

from pathlib import Path
from typing import Any

import pytest

from bot.tools.base import Tool
from bot.tools.shelf import SHELF

PAGE = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()


def section(name: str) -> str:
    """What the page says below a tool's name."""
    _, _, rest = PAGE.partition(f"\n## {name}\n")
    return rest.partition("\n## ")[0]


@pytest.mark.parametrize("tool", SHELF.values(), ids=list(SHELF))
def test_every_tool_and_argument_is_told_of(tool: Tool[Any]) -> None:
    """A tool has a line in the table, and a section that names each of its arguments."""
    assert f"\n| `{tool.name}` |" in PAGE
    schema = tool.arguments.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    wanted = {name for part in parts for name in part["properties"]}
    assert [name for name in sorted(wanted) if f"`{name}`" not in section(tool.name)] == []


def test_no_other_tool_is_told_of() -> None:
    """A tool that is gone is gone from the page."""
    rows = [line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    actions = SHELF["files"].arguments.model_json_schema()["properties"]["action"]["enum"]
    assert sorted(rows) == sorted([*SHELF, *actions])
