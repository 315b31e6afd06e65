"""People and how they are recognised."""

from datetime import datetime

from storage.prepared import Prepared
from storage.tables import Identities, People, instant

_find = Prepared(
    lambda kind, value: (
        People.select(People.id, People.name, People.role, People.since)
        .join(Identities)
        .where(Identities.kind == kind, Identities.value == value)
    )
)
_values = Prepared(
    lambda person, kind: Identities.select(Identities.value).where(
        Identities.person == person, Identities.kind == kind
    )
)


def find(kind: str, value: str) -> People | None:
    """The person with this identity."""
    found = _find.rows(kind, value)
    if not found:
        return None
    id_, name, role, since = found[0]
    return People(id=id_, name=name, role=role, since=instant(since))


def add(kind: str, value: str, name: str, role: str, now: datetime) -> People:
    """A person seen for the first time."""
    person = People.create(name=name, role=role, since=now)
    Identities.create(kind=kind, value=value, person=person)
    return person


def values(person_id: int, kind: str) -> list[str]:
    """A person's identities of one kind."""
    return [value for (value,) in _values.rows(person_id, kind)]
