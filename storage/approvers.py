"""Who decides on calls: people named for an agent, or for a discussion."""

from collections.abc import Iterable

from peewee import Expression

from storage.tables import Approvers, People


def of_agent(agent_id: int) -> list[People]:
    """Who is named for an agent, in the order they were named."""
    return _named(Approvers.agent == agent_id)


def of_discussion(discussion_id: int) -> list[People]:
    """Who is named for a discussion, in the order they were named."""
    return _named(Approvers.discussion == discussion_id)


def name_for_agent(agent_id: int, person_ids: Iterable[int]) -> None:
    """These decide for an agent from now on, and nobody else who was named."""
    Approvers.delete().where(Approvers.agent == agent_id).execute()
    for person_id in person_ids:
        Approvers.create(agent=agent_id, person=person_id)


def name_for_discussion(discussion_id: int, person_ids: Iterable[int]) -> None:
    """These decide for a discussion from now on, and nobody else who was named."""
    Approvers.delete().where(Approvers.discussion == discussion_id).execute()
    for person_id in person_ids:
        Approvers.create(discussion=discussion_id, person=person_id)


def _named(where: Expression) -> list[People]:
    return list(People.select().join(Approvers).where(where).order_by(Approvers.id))
