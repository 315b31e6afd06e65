"""`legwork do`: one command of the grammar, from the machine itself."""

import contextlib
import getpass
import json
import re
from dataclasses import replace
from datetime import datetime

from rich.console import Console

from bot import people
from bot.actors import Door, Origin
from bot.app.house import House, now, opened
from bot.app.presence import worker_alive
from bot.cli.follow import follow, settled
from bot.commands import grammar, registry
from bot.delivery.attaching import Attaching
from bot.errors import UserMistake
from bot.replies import Reply
from bot.reports import phrases
from bot.reports.markdown import fence
from bot.reports.summary import Report
from config.settings import Settings
from storage import database

DONE, FAILED, USAGE = 0, 1, 2


async def do(settings: Settings, text: str, *, as_address: str, wait: bool, as_json: bool) -> int:
    """Run a command and show its answer.

    Args:
        settings: The settings.
        text: The command.
        as_address: Act as this person; as a local admin if empty.
        wait: Follow the task that the command opened or named until it ends. Where no worker is alive, run
            it here.
        as_json: Answer for programs.

    Returns:
        The exit code: 0 good, 1 failed, 2 wrong usage.
    """
    # What is printed is others' words: `openai:a:` is no picture.
    out = Console(soft_wrap=True, highlight=False, emoji=False)
    err = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    async with opened(settings) as house:
        reply = await database.run(_run, text, as_address, settings, now())
        if not reply.ok:
            (out.print_json(json.dumps(reply.data)) if as_json else err.print(reply.text, markup=False))
            return USAGE if reply.data["kind"] == "usage" else FAILED
        task = _TASK.fullmatch(str(reply.data.get("key", "")))
        if task and reply.data.get("encloses"):
            reply = await _enclosed(house, int(task[1]), reply)
        if not as_json:
            out.print(plain(reply.text), markup=False)
        if not wait or task is None:
            if as_json:
                out.print_json(json.dumps(reply.data))
            return DONE
        report = await _waited(house, int(task[1]), err if as_json else out)
        if as_json:
            shown = await database.run(_run, f"task show {report.key}", "", settings, now())
            out.print_json(json.dumps(shown.data))
        else:
            out.print(f"{report.key} {phrases.standing(report)}.", plain(report.outcome), markup=False)
            if (pdf := house.artifacts.path(report.key, report.file_name)).exists():
                out.print(f"Report: {pdf}", markup=False)
        return DONE if report.state == "done" else FAILED


async def _enclosed(house: House, task_id: int, reply: Reply) -> Reply:
    """What a command asked for that is made outside of it: here nobody need send it."""
    made = await Attaching(house.artifacts, house.workspaces).enclosed(task_id, reply.data["encloses"])
    patch = made.file.content.decode(errors="replace") if made.file else ""
    shown = fence(patch, "diff") if patch else ""
    return replace(reply, text=f"{made.text}\n\n{shown}", data={**reply.data, "patch": patch})


def plain(text: str) -> str:
    """Markdown for a terminal: code without its fences, prose without its marks of emphasis."""
    pieces = _FENCED.split(text)  # prose, a fence, the code in it, prose …
    pieces[::3] = [prose.replace("**", "") for prose in pieces[::3]]
    del pieces[1::3]
    return "".join(pieces).strip("\n")


_TASK = re.compile(r"T-(\d+)")
_FENCED = re.compile(r"(?ms)^ {0,3}(`{3,}|~{3,})[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*(?:\n|\Z)")


async def _waited(house: House, task_id: int, console: Console) -> Report:
    """Follow a task to its end; it is worked on here whenever no worker is alive."""
    outlets: list[str] | None = None
    async with contextlib.AsyncExitStack() as stack:

        async def work_here() -> None:
            nonlocal outlets
            if outlets is None and not worker_alive(house.settings.home):
                from bot.app.worker import worker

                outlets = await stack.enter_async_context(worker(house, only=task_id))

        report = await follow(task_id, console, work_here)
        if outlets is not None:
            await settled(task_id, outlets)
    return report


def _run(text: str, as_address: str, settings: Settings, now: datetime) -> Reply:
    try:
        address = people.address(as_address) if as_address else ""
        parsed = grammar.parse(text, settings.max_command_chars)
    except UserMistake as error:
        return registry.mistake(str(error), "usage")
    except ValueError as error:
        return registry.mistake(f"{error}. Name whom to act as: `--as dana@example.org`", "usage")
    try:
        if address:
            actor = people.known_by(address, settings.admins)
        else:
            actor = people.local_operator(getpass.getuser(), now)
    except UserMistake as error:
        return registry.mistake(str(error))
    return registry.run(registry.Call(parsed.name, parsed.arguments, actor, Origin(Door.CLI)), now)
