"""Agents by name."""

from storage.tables import Agents


def find(name: str) -> Agents | None:
    """The agent of this name."""
    return Agents.get_or_none(Agents.name == name)


def everyone() -> list[Agents]:
    """All agents, by name."""
    return list(Agents.select().order_by(Agents.name))


def add(name: str, about: str) -> Agents:
    """A new agent."""
    return Agents.create(name=name, about=about)
