"""What tests of the whole bot stand on: a data folder, a practice room, a bot in it, other processes."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import hypothesis
import pytest

from bot.app.house import opened
from bot.app.logs import log_to_stderr
from bot.app.mail import mail
from bot.app.web import web
from bot.app.worker import worker
from bot.cli.demo import practice_room, settings_for
from bot.practice import PracticeRoom
from config.settings import Settings
from tests.fakes.team import Part, Start, Team

# A gate says the same twice; at a desk each run looks somewhere new. Neither fails for being slow.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") == "true" else "desk")

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def logs() -> None:
    """Log as the bot does; structlog's own way of showing errors takes seconds."""
    log_to_stderr("text", "info")


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder that the sandbox's user can pass through, which pytest's own folders do not allow."""
    folder = Path(tempfile.mkdtemp(prefix="legwork-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def room(home: Path) -> AsyncIterator[PracticeRoom]:
    """An open practice room."""
    async with practice_room(home / "practice", 0) as opened_room:
        yield opened_room


@pytest.fixture
def settings(room: PracticeRoom, home: Path) -> Settings:
    """Settings of a bot in the room; short leases and waits, so that recovery is quick."""
    return settings_for(room, home).model_copy(
        update={"lease_seconds": 1.0, "tick_seconds": 0.1, "delivery_retry_seconds": 0.05}
    )


@pytest.fixture
async def desk(room: PracticeRoom, settings: Settings) -> AsyncIterator[Team]:
    """A team whose bot takes commands, and does no work by itself."""
    async with opened(settings) as house, mail(house) as room.mail_to, web(house) as address:
        room.bot_url = f"{address}/slack/events"
        yield Team(room, house)


@pytest.fixture
async def team(desk: Team) -> AsyncIterator[Team]:
    """A team with the whole bot."""
    async with worker(desk.house):
        yield desk


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """Starts parts of the bot with the same data folder; whatever still runs at the end is killed."""
    started: list[Part] = []
    folder_and_ways = {
        "PATH": os.environ["PATH"],
        "LEGWORK_HOME": str(settings.home),
        "LEGWORK_ADMINS": ",".join(settings.admins),
        "LEGWORK_HTTP": settings.http,
        "LEGWORK_SMTP": settings.smtp,
        "LEGWORK_AUTHSERV_ID": settings.authserv_id,
        "LEGWORK_MAIL_URL": settings.mail_url.get_secret_value(),
        "LEGWORK_MAIL_FROM": settings.mail_from,
        "LEGWORK_MAIL_DOMAIN": settings.mail_domain,
        "LEGWORK_FIRST_MAIL_SECONDS": str(settings.first_mail_seconds),
        "LEGWORK_LEASE_SECONDS": str(settings.lease_seconds),
        "LEGWORK_TICK_SECONDS": str(settings.tick_seconds),
        "LEGWORK_DELIVERY_RETRY_SECONDS": str(settings.delivery_retry_seconds),
        "LEGWORK_LOG_FORMAT": "json",
        "SLACK_API_URL": settings.slack_api_url,
        "SLACK_BOT_TOKEN": settings.slack_bot_token.get_secret_value(),
        "SLACK_APP_TOKEN": settings.slack_app_token.get_secret_value(),
        "SLACK_SIGNING_SECRET": settings.slack_signing_secret.get_secret_value(),
    }

    async def begin(part: str, **changes: str) -> Part:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", part),
            env={**folder_and_ways, **changes},
            cwd=REPOSITORY,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
        )
        started.append(Part(process))
        return started[-1]

    yield begin
    for one in started:
        with contextlib.suppress(ProcessLookupError):
            one.kill()
        await one.ended()


@pytest.fixture
def start_worker(start: Start) -> Start:
    """Starts workers."""
    return partial(start, "worker")
