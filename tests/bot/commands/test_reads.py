"""A command that says it only reads must not write: it runs without a lock, and may run twice."""

import pytest

from bot.commands import grammar, registry
from bot.commands.registry import COMMANDS
from bot.replies import Reply
from storage import database
from tests.fakes.core import CLI, NOON, Core


@pytest.mark.parametrize("name", [name for name, known in COMMANDS.items() if known.reads])
async def test_what_reads_writes_nothing(core: Core, name: str) -> None:
    """SQLite itself refuses to write, and the command is answered all the same."""
    await core.opens()
    parsed = grammar.parse("task show T-1" if name == "task show" else name, 100)

    def answer() -> Reply:
        return registry.run(registry.Call(parsed.name, parsed.arguments, core.ada, CLI), NOON)

    await database.look(database.proxy.execute_sql, "PRAGMA query_only = on")
    assert (await database.look(answer)).ok
