"""Commands about runbooks: tasks that are written once, and run by name."""

import difflib
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from bot.actors import Role
from bot.commands.agents import opened
from bot.commands.registry import Arguments, Context, Nothing, Option, Pairs, Word, command
from bot.commands.words import WorkspaceName
from bot.errors import UserMistake
from bot.models.runbook import Runbook as Follower
from bot.replies import Reply
from bot.runbooks import Runbook, from_row
from bot.work import tasks
from bot.work.tasks import Order
from storage import runbooks


class Run(Arguments):
    """Arguments of `agent run`."""

    runbook: Annotated[str, Word("RUNBOOK")]
    workspace: Annotated[WorkspaceName, Option("--in", "WORKSPACE")] = ""
    values: Annotated[dict[str, str], Pairs("KEY=VALUE")] = Field(default_factory=dict)


@command("agent runbooks", needs=Role.MEMBER, reads=True)
def list_runbooks(_: Context, __: Nothing) -> Reply:
    """Show the runbooks, and what they take."""
    known = [from_row(row) for row in runbooks.every()]
    text = "\n".join(_lines(runbook) for runbook in known)
    data = [runbook.model_dump(mode="json", by_alias=True, exclude={"text"}) for runbook in known]
    return Reply(
        text or "There are no runbooks: an admin can write some into the configuration.", {"runbooks": data}
    )


def _lines(runbook: Runbook) -> str:
    lines = [f"- `{runbook.usage}` — {runbook.about} (@{runbook.agent})"]
    lines += [f"    - {one.name}: {one.about}" for one in runbook.parameters if one.about]
    return "\n".join(lines)


@command("agent run", needs=Role.MEMBER, arguments=Run)
def run(context: Context, arguments: Run) -> Reply:
    """Open a task that follows a runbook."""
    name = arguments.runbook.lower()
    row = runbooks.find(name)
    if row is None:
        raise _unknown(name)
    runbook = from_row(row)
    title = tasks.title_of(f"{name} {_written(arguments.values)}".rstrip())
    text = runbook.filled(arguments.values)
    order = Order(
        agent=runbook.agent, text=text, title=title, workspace=arguments.workspace, model=Follower.name
    )
    return opened(tasks.open_task(context.actor, order, context.origin, context.now))


def _written(values: Mapping[str, str]) -> str:
    """Values as a command has them."""
    return " ".join(f'{name}="{text}"' if " " in text else f"{name}={text}" for name, text in values.items())


def _unknown(name: str) -> UserMistake:
    near = difflib.get_close_matches(name, [row.name for row in runbooks.every()], n=1)
    hint = f"Did you mean `{near[0]}`?" if near else "See them all: agent runbooks"
    return UserMistake(f"There is no runbook called {name[:60]}. {hint}")
