"""A command that says it only reads must not write: it runs without a lock, and may run twice."""

import pytest

from bot.commands import grammar, registry
from bot.commands.registry import COMMANDS
from bot.replies import Reply
from storage import database
from tests.fakes.core import GENERAL, NOON, Core

GIVEN = {
    "agent show": "agent show coder",
    "agent tools explain": "agent tools explain coder terminal git push",
    "agent workspaces show": "agent workspaces show shared",
    "task files": "task files T-1",
    "task find": "task find hello",
    "task show": "task show T-1",
}


@pytest.mark.parametrize("name", [name for name, known in COMMANDS.items() if known.reads])
async def test_what_reads_writes_nothing(core: Core, name: str) -> None:
    """SQLite itself refuses to write, and the command is answered all the same."""
    await core.does("agent assign @coder --in shared Say hello", core.mel, GENERAL)
    parsed = grammar.parse(GIVEN.get(name, name), 100)

    def answer() -> Reply:
        return registry.run(registry.Call(parsed.name, parsed.arguments, core.ada, GENERAL), NOON)

    await database.look(database.proxy.execute_sql, "PRAGMA query_only = on")
    reply = await database.look(answer)
    assert reply.ok, reply.text
