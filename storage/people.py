"""People and how they are recognised."""

from datetime import datetime

from storage.tables import Identities, People


def find(kind: str, value: str) -> People | None:
    """The person with this identity."""
    return People.select().join(Identities).where(Identities.kind == kind, Identities.value == value).first()


def add(kind: str, value: str, name: str, role: str, now: datetime) -> People:
    """A person seen for the first time."""
    person = People.create(name=name, role=role, since=now)
    Identities.create(kind=kind, value=value, person=person)
    return person


def set_role(person: People, role: str) -> None:
    """Change what a person may do."""
    People.update(role=role).where(People.id == person.id).execute()


def values(person_id: int, kind: str) -> list[str]:
    """A person's identities of one kind."""
    rows = Identities.select().where(Identities.person == person_id, Identities.kind == kind)
    return [row.value for row in rows]
