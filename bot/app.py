"""The roof: reads nothing but settings, and wires everything by hand."""

import asyncio
import contextlib
import fcntl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot import scheduler, stream
from bot.agents.runner import Rules, Runner
from bot.artifacts import Artifacts
from bot.delivery.email import EmailOutlet, Mailer
from bot.delivery.envelope import Sender
from bot.delivery.outlet import Outlet
from bot.delivery.pump import Patience, Pump
from bot.delivery.reporter import Reporter
from bot.delivery.slack import SlackOutlet
from bot.listening import bind, serving
from bot.sandbox import Limits, Owner, Sandbox, owner_for_this_process, sweep
from bot.vault import Keyring
from bot.workspaces import Workspaces
from config.settings import Settings, defaults
from handlers.http import server
from handlers.slack.listeners import SlackDoor
from storage import agents, database

log = structlog.get_logger()

MIB = 1 << 20
RESTART_S = 1.0


def now() -> datetime:
    """The clock of the house."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """What every part of the bot stands on, once the data folder and the database are open."""

    settings: Settings
    owner: Owner | None
    workspaces: Workspaces
    artifacts: Artifacts
    box: Sandbox


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[House]:
    """Open the data folder and the database; what is missing is made."""
    home = settings.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)  # the sandbox's user passes through to its workspaces, and sees no names
    stream.seal_with(Keyring.load(settings.secret_keys.get_secret_value(), home))
    database.open(settings.database)
    try:
        await database.run(_furnish)
        owner = owner_for_this_process(settings.sandbox_uid)
        yield House(
            settings=settings,
            owner=owner,
            workspaces=Workspaces(home / "workspaces", owner),
            artifacts=Artifacts(home / "artifacts"),
            box=Sandbox(home / "scratch", owner),
        )
    finally:
        database.close()


def _furnish() -> None:
    """Add the agents that a new installation starts with."""
    for agent in defaults()["agents"]:
        if agents.find(agent["name"]) is None:
            agents.add(agent["name"], agent["about"])


@contextlib.asynccontextmanager
async def web(house: House) -> AsyncIterator[str]:
    """The HTTP side: Slack's requests and health checks. Yields its address."""
    settings = house.settings
    secret = settings.slack_signing_secret.get_secret_value()
    slack = None
    if secret:
        door = SlackDoor(
            bot_token=settings.slack_bot_token.get_secret_value(),
            signing_secret=secret,
            admins=settings.admins,
            max_chars=settings.max_command_chars,
            now=now,
        )
        slack = door.app()
    app = server.build(slack, _ready)
    async with serving(app, bind(settings.http)) as address:
        log.info("listening", http=address, slack=bool(slack))
        yield address


async def _ready() -> bool:
    try:
        return not await database.run(database.pending)
    except Exception:  # noqa: BLE001  whatever is wrong, the answer is that it is not ready
        return False


@contextlib.asynccontextmanager
async def worker(house: House, only: int | None = None) -> AsyncIterator[list[str]]:
    """The working side: claims and runs tasks, draws reports, delivers.

    Args:
        house: What it stands on.
        only: The one task to care for; all if None.

    Yields:
        The names of the outlets that are set up.
    """
    settings = house.settings
    await asyncio.to_thread(sweep, settings.home / "scratch")
    rules = Rules(
        max_runs=settings.max_runs,
        max_attempts=settings.max_attempts,
        max_steps=settings.max_steps,
        lease=settings.lease,
        limits=Limits(
            timeout_s=settings.command_seconds,
            memory_bytes=settings.command_memory_mb * MIB,
            disk_bytes=settings.workspace_mb * MIB,
            inodes=settings.workspace_files,
            processes=settings.command_processes,
            kept_output_bytes=settings.command_output_kb * 1024,
        ),
    )
    patience = Patience(settings.delivery_attempts, settings.delivery_retry_seconds, settings.lease * 4)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_alive(settings.home))
        outlets = _outlets(house)
        drivers = [
            Runner(rules, house.box, house.workspaces, now, only).drive,
            Reporter(house.artifacts, now, only).drive,
            Pump(outlets, patience, now, only).drive,
        ]
        ticking = scheduler.start(settings.tick_seconds, now)
        stack.callback(ticking.shutdown, wait=False)
        tasks = [asyncio.create_task(_kept_going(drive)) for drive in drivers]
        names = [outlet.name for outlet in outlets]
        log.info("working", outlets=names)
        try:
            yield names
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _outlets(house: House) -> Sequence[Outlet]:
    """The ways of telling people that are set up."""
    settings = house.settings
    outlets: list[Outlet] = []
    if token := settings.slack_bot_token.get_secret_value():
        client = AsyncWebClient(
            token,
            base_url=settings.slack_api_url,
            timeout=int(settings.far_end_timeout_seconds),
            retry_handlers=[],
        )
        outlets.append(SlackOutlet(client, house.artifacts, now))
    if url := settings.mail_url.get_secret_value():
        mailer = Mailer(url, settings.far_end_timeout_seconds)
        outlets.append(EmailOutlet(mailer, Sender(settings.mail_from, settings.mail_domain), house.artifacts))
    return outlets


async def _kept_going(drive: Callable[[], Awaitable[None]]) -> None:
    """Drive; a fault that nobody foresaw (a full disk, say) is logged, and driving goes on."""
    while True:
        try:
            await drive()
        except Exception:
            log.exception("driving again in a moment")
            await asyncio.sleep(RESTART_S)


@contextlib.contextmanager
def _alive(home: Path) -> Iterator[None]:
    """Show other processes of this machine that a worker is alive, for as long as it is."""
    with (home / "worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def worker_alive(home: Path) -> bool:
    """Whether a worker of this data folder is alive on this machine."""
    with (home / "worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def log_to_stderr(log_format: str, level: str) -> None:
    """Log for people, or as JSON lines; standard output is for answers."""
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
