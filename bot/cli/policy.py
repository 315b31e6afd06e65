"""`legwork policy explain`: what would happen to a tool call, and why."""

from bot.cli.do import do
from config.settings import Settings


async def explain(settings: Settings, agent: str, tool: str, call: str, *, as_json: bool) -> int:
    """Run `agent tools explain` as a local admin, and show its answer.

    Args:
        settings: The settings.
        agent: The agent that would make the call.
        tool: The tool.
        call: The call, as JSON or in plain words.
        as_json: Answer for programs.

    Returns:
        The exit code, as `legwork do` has it.
    """
    command = f"agent tools explain {agent} {tool} -- {call}"
    return await do(settings, command, as_address="", wait=False, as_json=as_json)
