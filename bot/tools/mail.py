"""Write to the task's people."""

from typing import Annotated

from pydantic import AfterValidator, Field

from bot import people
from bot.events import MailAsked
from bot.permissions import Effect
from bot.tools.base import Arguments, Bench, Result
from bot.work import hearing
from storage import database

MOST_RECIPIENTS = 10
EVERYONE = "the task's people"
ONCE = "asked"  # who was written to once, or wants to hear only what is to be decided, hears nothing else


class MailArguments(Arguments):
    """Arguments of `mail`.

    Attributes:
        subject: In one line.
        text: In Markdown.
        to: Addresses; everyone who hears of the task by mail unless told.
    """

    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=20_000)
    to: tuple[Annotated[str, AfterValidator(people.address)], ...] = Field(
        default=(), max_length=MOST_RECIPIENTS
    )


class Mail:
    """Write a mail to the people of this task while it goes on; they get the result without that.

    Whoever does not hear of the task yet is written to only when a person allows it.
    """

    name = "mail"
    arguments = MailArguments
    default: Effect = "ask"
    by_default = "allowed to those who hear of the task, held for approval for anybody else"

    def does(self, args: MailArguments) -> str:
        """To whom, about what, and all of the text."""
        return f"Mail to {', '.join(args.to) or EVERYONE}: {args.subject}\n{args.text}"

    def subjects(self, args: MailArguments) -> tuple[str, ...]:
        """The addresses."""
        return tuple(dict.fromkeys(args.to)) or (EVERYONE,)

    def from_text(self, text: str) -> MailArguments:
        """The text is an address, or a mail to everyone."""
        if "@" in text and " " not in text.strip():
            return MailArguments(subject="…", text="…", to=(text,))
        return MailArguments(subject=text.partition("\n")[0][:200], text=text)

    async def default_for(self, args: MailArguments, bench: Bench) -> Effect:
        """Whoever hears of the task already, and whoever asked for it, may be written to."""
        known = await database.insist(hearing.people_of, bench.task_id)
        hearing_it = {address for address, cadence in known.items() if cadence != ONCE}
        return "allow" if hearing_it >= {*args.to} else self.default

    def reads(self, args: MailArguments) -> bool:  # noqa: ARG002  whatever it is about
        """Mails are written one after the other."""
        return False

    async def run(self, args: MailArguments, bench: Bench) -> Result:
        """Record it; it is sent as soon as the far end takes it, once to each."""
        known = await database.insist(hearing.people_of, bench.task_id)
        hearers = tuple(address for address, cadence in known.items() if cadence not in ("", "none", ONCE))
        asker = tuple(address for address, cadence in known.items() if not cadence)[:1]
        to = tuple(dict.fromkeys(args.to)) or hearers or asker
        if not to:
            nobody = (
                "Nobody hears of this task by mail. Name an address, or use `ask` to reach people in chat."
            )
            return Result(ok=False, output=nobody)
        if muted := [address for address in to if known.get(address) == "none"]:
            nothing = f"{', '.join(muted)} wants to hear nothing of this task. Leave that address out."
            return Result(ok=False, output=nothing)
        fact = MailAsked(to=to, subject=" ".join(args.subject.split()), text=args.text)
        return Result(ok=True, output=f"The mail goes to {', '.join(to)}.", facts=(fact,))
