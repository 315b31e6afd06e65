"""`legwork demo`: the practice room and the bot in one process, with a sample task from `/agent assign`."""

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from importlib import resources
from pathlib import Path

from rich.console import Console

from bot.app.house import data_folder, opened
from bot.app.listening import bind, serving
from bot.app.mail import mail
from bot.app.web import web
from bot.app.worker import worker
from bot.cli.follow import follow
from bot.errors import LegworkError
from bot.practice import PracticeRoom
from bot.reports import phrases
from config.settings import Settings, given
from storage import database, tasks

STAKEHOLDER = "dana@example.org"
ADMIN = "dana"
DELIVERY_S = 60.0
TRY = """\
Try these on the page, {page}:

1. Mention the bot. As Alice in #general, say:
     @Legwork agent run csv-summary --in {key} file=outbox/overdue.csv by=customer
   It is a runbook, and reads what {key} left in its workspace.
2. Let the agent ask first. As Dana, who is the admin here, type:
     /agent tools ask @analyst terminal "python3 *" for 1h
   Say the same as in 1 as Alice again: now it waits. As Bob, press Approve in its thread.
3. Answer a mail. Open the one for {stakeholder}, and reply:
     status
"""


@contextlib.asynccontextmanager
async def practice_room(folder: Path, port: int) -> AsyncIterator[PracticeRoom]:
    """A practice room that is open while the context lasts."""
    room = PracticeRoom(folder)
    async with serving(room.app, bind(f"127.0.0.1:{port}", "with --port")) as address:
        room.url = address
        await room.start_mail()
        try:
            yield room
        finally:
            await room.close()


def settings_for(room: PracticeRoom, home: Path) -> Settings:
    """The settings of a bot that knows only the room: nothing of `.env` or of the environment."""
    return given(
        LEGWORK_HOME=home,
        LEGWORK_HTTP="127.0.0.1:0",
        LEGWORK_SMTP="127.0.0.1:0",
        LEGWORK_AUTHSERV_ID=room.mailbox.authserv_id,
        LEGWORK_MAIL_URL=room.mailbox.url,
        LEGWORK_MAIL_FROM="Legwork <legwork@practice.example>",
        LEGWORK_MAIL_DOMAIN="practice.example",
        SLACK_API_URL=room.api_url,
        SLACK_BOT_TOKEN=room.slack.bot_token,
        SLACK_SIGNING_SECRET=room.slack.signing_secret,
    )


async def demo(home: Path | None, port: int, *, once: bool) -> int:
    """Run the demo.

    Args:
        home: The data folder; a new one in the system's folder for temporary files if None.
        port: The page's port; a free one if 0.
        once: End when the sample task has, and say where thread, mail and report are.

    Returns:
        The exit code; with `once` 0 only if all three are there.
    """
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    home = data_folder(home or Path(tempfile.mkdtemp(prefix="legwork-demo-")), "--home")
    async with contextlib.AsyncExitStack() as stack:
        room = await stack.enter_async_context(practice_room(home / "practice", port))
        settings = settings_for(room, home).model_copy(update={"admins": (room.slack.user(ADMIN).id,)})
        house = await stack.enter_async_context(opened(settings, configure=True))
        await stack.enter_async_context(worker(house))
        room.mail_to = await stack.enter_async_context(mail(house))
        room.bot_url = await stack.enter_async_context(web(house)) + "/slack/events"
        console.print(f"Practice room: {room.page_url}", style="bold")
        console.print("alice types /agent assign @analyst …\n")
        task_id = await _assign(room)
        report = await follow(task_id, console)
        why = "" if report.state == "done" else f" {report.outcome}"
        console.print(f"\n{report.key} {phrases.standing(report)}.{why}\n", markup=False)
        found = await _results(room, report.key)
        for name, place in found.items():
            console.print(f"{name}: {place or 'missing'}")
        if not once:
            tries = TRY.format(page=room.page_url, key=report.key, stakeholder=STAKEHOLDER)
            console.print(f"\n{tries}\nCtrl-C ends the demo; its data is in {home}.", markup=False)
            await _until_stopped()
        return 0 if report.state == "done" and all(found.values()) else 1


async def _assign(room: PracticeRoom) -> int:
    """Type the sample command as Slack would deliver it; the task's number."""
    text = resources.files("bot.practice").joinpath("sample.md").read_text()
    answer = await room.command("/agent", f"assign @analyst --notify {STAKEHOLDER} {text}")
    newest = await database.run(tasks.last)
    if newest is None:
        raise LegworkError(f"The bot did not take the sample task: {answer.text or answer.error}")
    return newest


async def _results(room: PracticeRoom, key: str) -> dict[str, str]:
    """Where thread, mail and report are, once they have arrived; empty for what has not."""
    found = {"Thread": "", "Mail": "", "Report": ""}

    def arrived() -> bool:
        for message in room.slack.messages:
            for file in message.files:
                found["Report"] = str(file.path)
                found["Thread"] = str(room.save_thread(message.channel, message.thread_ts))
        for letter in room.mailbox.letters:
            if key in letter.subject and letter.attachments:
                found["Mail"] = str(letter.path)
        return all(found.values())

    with contextlib.suppress(TimeoutError):
        await room.wait_for(arrived, DELIVERY_S)
    return found


async def _until_stopped() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
