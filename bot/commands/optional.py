"""Values of options that people can also take away, with the word `none`."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from bot import people
from bot.commands.words import PersonRef, agent_name, workspace_name
from bot.egress import Allowlist
from bot.errors import UserMistake
from storage.people import Known

NONE = "none"
_OF_A_TASK = re.compile(r"[Tt]-?\d+", re.ASCII)
_LISTED = re.compile(r"(?:<@[^<>]*>|[^\s,<]|<)+")  # a mention may hold commas in its name


def _people(text: object) -> object:
    if not isinstance(text, str):
        return text
    return () if text.lower() == NONE else tuple(_LISTED.findall(text))


def _text(text: str) -> str:
    return "" if text.lower() == NONE else text


def _workspace(text: str) -> str:
    """A workspace that tasks may share: that of one task is seen by those who see the task."""
    if _OF_A_TASK.fullmatch(text):
        message = f"{text} is one task's own workspace; name one that tasks share, such as docs"
        raise ValueError(message)
    return workspace_name(text) if _text(text) else ""


def _hosts(text: str) -> str:
    try:
        entries = Allowlist.parse(re.split(r"[\s,]+", _text(text))).entries
    except UserMistake as error:
        raise ValueError(str(error)) from error
    return ",".join(dict.fromkeys(map(str, entries)))


PeopleOrNone = Annotated[tuple[PersonRef, ...], BeforeValidator(_people)]
TextOrNone = Annotated[str, AfterValidator(_text)]
AgentOrNone = Annotated[str, AfterValidator(lambda text: _text(agent_name(text)))]
WorkspaceOrNone = Annotated[str, AfterValidator(_workspace)]
HostsOrNone = Annotated[str, AfterValidator(_hosts)]


def meant(person: PersonRef, now: datetime) -> Known:
    """The person that a command names.

    Raises:
        UserMistake: It is nobody who is known, or could be several people.
    """
    return people.meant(now, slack=person.slack, address=person.address, name=person.name)


def distinct(named: tuple[PersonRef, ...], now: datetime) -> list[Known]:
    """The people that a command names, each once, in their order.

    Raises:
        UserMistake: One is nobody who is known, or could be several people.
    """
    return list({person.id: person for person in (meant(one, now) for one in named)}.values())
