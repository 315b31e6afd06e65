"""Agents by name."""

from storage.tables import Agents, Tasks
from storage.tasks import OPEN


def find(name: str) -> Agents | None:
    """The agent of this name."""
    return Agents.get_or_none(Agents.name == name)


def everyone() -> list[Agents]:
    """All agents, by name."""
    return list(Agents.select().order_by(Agents.name))


def add(name: str, about: str, **values: object) -> Agents:
    """A new agent; the other values are those of its columns."""
    return Agents.create(name=name, about=about, **values)


def change(agent_id: int, **values: object) -> None:
    """Set columns of an agent."""
    Agents.update(**values).where(Agents.id == agent_id).execute()


def open_tasks(agent_id: int) -> int:
    """How many tasks of an agent are not over."""
    return Tasks.select().where(Tasks.agent == agent_id, Tasks.state.in_(OPEN)).count()
