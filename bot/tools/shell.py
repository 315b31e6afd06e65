"""The sandbox that a task's commands run in, one after the other, for as long as the agent works on it."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot import egress
from bot.egress import Proxy, Rules
from bot.events import HostAsked
from bot.sandbox import Handle, Limits, Outcome, Sandbox, Session

WORKSPACE = "/workspace"
RULES_EVERY_S = 5.0
PRINTED = "[Programs in the background printed meanwhile:]"
ENDED = "[The programs in the background were ended: a limit was passed ({limit}).]"
KILLED = "[The programs in the background were ended: somebody ended their sandbox.]"
GONE = "[The programs in the background are gone: they last while the agent works without a break.]"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where it is noted which sandbox a run has, so that whoever takes the run over can end it.

    Attributes:
        note: Told of a sandbox before anything runs inside.
        strike: Told of one that is dead.
    """

    note: Callable[[Handle], Awaitable[None]]
    strike: Callable[[Handle], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand after a call, for the next one.

    Attributes:
        folder: Where its script ended. Whatever it says is only ever used inside the sandbox.
        background: Whether it left programs running.
    """

    folder: str = WORKSPACE
    background: bool = False

    @classmethod
    def read(cls, place: Path) -> "Standing":
        """As it was written there, by whatever worker; as it is in the beginning if by none."""
        try:
            folder, _, background = place.read_text().partition("\n")
        except FileNotFoundError:
            return cls()
        return cls(folder, bool(background))

    def write(self, place: Path) -> None:
        """For whoever comes next."""
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.write_text(f"{self.folder}\n&" if self.background else self.folder)


async def no_network() -> Rules:
    """Rules by which nothing is reached."""
    return Rules()


class Shell:
    """Runs the commands of one task. Whatever happens, `close` it.

    A sandbox is opened with the first command, and anew where it has ended. What commands leave running lives
    as long as that does.

    Args:
        sandbox: Opens sandboxes.
        workspace: The task's directory.
        limits: What one command, and everything that runs with it, may use.
        ledger: Where each sandbox is noted.
        place: A file of the bot's own, where it is noted how things stand.
        rules: What its programs may reach on the network, asked for before each command.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        workspace: Path,
        limits: Limits,
        ledger: Ledger,
        place: Path,
        rules: Callable[[], Awaitable[Rules]] = no_network,
    ) -> None:
        self._sandbox = sandbox
        self._workspace = workspace
        self._limits = limits
        self._ledger = ledger
        self._place = place
        self._rules = rules
        self._opened = contextlib.AsyncExitStack()
        self._proxy: Proxy | None = None
        self._asked = egress.Ledger()
        self._session: Session | None = None
        self._stands: Standing | None = None
        self._news: list[str] = []
        self._turn = asyncio.Lock()

    async def standing(self) -> Standing:
        """How things stand: as noted by whoever made the last call."""
        if self._stands is None:
            self._stands = await asyncio.to_thread(Standing.read, self._place)
        return self._stands

    async def note(self, **changed: Any) -> None:
        """Note what has changed in how things stand."""
        before = await self.standing()
        self._stands = dataclasses.replace(before, **changed)
        if self._stands != before:
            await asyncio.to_thread(self._stands.write, self._place)

    async def run(
        self, argv: Sequence[str], *, timeout_s: float | None = None, stdin: bytes | None = None
    ) -> Outcome:
        """Run a command when it is its turn; see `Session.run`. Both its outputs come as one.

        Raises:
            SandboxUnavailable: No sandbox can be had here; nothing was run.
            UserMistake: The command or the workspace is not usable.
        """
        async with self._turn:
            session = await self._ready()
            outcome = await session.run(argv, timeout_s=timeout_s, stdin=stdin, merge_stderr=True)
            if self._proxy is not None:
                self._proxy.take_stock()
            await self._hear_of(session)
            return outcome

    def news(self) -> str:
        """What programs in the background printed since this was last asked, and what became of them."""
        news, self._news = self._news, []
        return "".join(f"{one}\n" for one in news)

    def refusals(self) -> list[str]:
        """Why programs did not reach hosts, a sentence each, since `asked` was called."""
        return self._asked.refusals()

    def asked(self, step: int, call_id: str = "") -> list[HostAsked]:
        """What programs asked of the network since this was called before, to be recorded.

        Args:
            step: The step that it belongs to.
            call_id: The call.
        """
        return self._asked.take(step, call_id)

    async def close(self) -> None:
        """End everything that runs, and see it dead. A command that comes all the same begins anew."""
        if (session := self._session) is None:
            return
        self._session = None
        left = session.alive and session.background
        await self._opened.aclose()
        self._proxy = None
        if session.handle is not None:
            await self._ledger.strike(session.handle)
        await self.note(background=left)

    async def _ready(self) -> Session:
        """The sandbox; another one where that has ended, or where the way out is to be another."""
        rules = await self._rules()
        listen = bool(rules.allowlist.entries)
        if self._session is not None and not self._session.alive:
            await self._hear_of(self._session)
            await self.close()
        elif self._session is not None and listen != (self._proxy is not None):
            await self.close()
        if self._proxy is not None:
            self._proxy.obey(rules)
        return self._session or await self._open(rules, listen=listen)

    async def _open(self, rules: Rules, *, listen: bool) -> Session:
        """Open a sandbox, with the way out that it shall have."""
        self._session = session = await self._sandbox.open(
            self._workspace, self._limits, on_start=self._ledger.note, listen=listen
        )
        self._opened.push_async_callback(session.close)
        if session.listener is not None:
            way = egress.serving(session.listener, rules, self._asked.add)
            self._proxy = await self._opened.enter_async_context(way)
            await self._opened.enter_async_context(self._minding(self._proxy))
        await self._lose(GONE)
        return session

    @contextlib.asynccontextmanager
    async def _minding(self, proxy: Proxy) -> AsyncIterator[None]:
        """Close what an admin has taken away soon, also while a command or the model takes its time."""

        async def mind() -> None:
            while True:
                await asyncio.sleep(RULES_EVERY_S)
                proxy.obey(await self._rules())

        minds = asyncio.create_task(mind())
        try:
            yield
        finally:
            minds.cancel()
            await asyncio.gather(minds, return_exceptions=True)  # what ails it, the next call tells

    async def _hear_of(self, session: Session) -> None:
        """Take in what goes on in the background."""
        told = session.alive and self._news  # what is not asked for is kept where its length is bounded
        if not told and (printed := session.printed_meanwhile()):
            self._news.append(f"{PRINTED}\n{printed.rstrip()}")
        if session.alive:
            await self.note(background=session.background)
        else:
            await self._lose(ENDED.format(limit=session.ended_by) if session.ended_by else KILLED)

    async def _lose(self, why: str) -> None:
        """Nothing runs in the background any more; if anything did, that is news."""
        if (await self.standing()).background:
            self._news.append(why)
            await self.note(background=False)
