"""People and how they are recognised."""

from dataclasses import dataclass
from datetime import datetime

from peewee import Expression, fn

from storage.prepared import Prepared
from storage.tables import Approvers, Identities, LinkCodes, People, instant

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
_namesakes = Prepared(
    lambda name, person: People.select(People.id).where(
        fn.LOWER(People.name) == name, People.id != person, People.merged_into.is_null()
    )
)


@dataclass(frozen=True, slots=True)
class Known:
    """A person with all that they are known by.

    Attributes:
        id: Row id.
        name: What others are shown.
        role: As it is stored.
        identities: Kind and value of each.
    """

    id: int
    name: str
    role: str
    identities: tuple[tuple[str, str], ...]

    def values(self, kind: str) -> tuple[str, ...]:
        """The identities of one kind."""
        return tuple(value for known, value in self.identities if known == kind)


def find(kind: str, value: str) -> People | None:
    """The person with this identity."""
    found = _find.rows(kind, value)
    if not found:
        return None
    id_, name, role, since = found[0]
    return People(id=id_, name=name, role=role, since=instant(since))


def get(person_id: int) -> Known:
    """The person of this row, which must be there; if they became one with another, the other."""
    row = People.get_by_id(person_id)
    (known,) = _known(People.id == (row.merged_into_id or row.id))
    return known


def everyone() -> list[Known]:
    """All people with their identities, by name."""
    known = _known(People.merged_into.is_null())
    return sorted(known, key=lambda person: (person.name.casefold(), person.id))


def _known(where: Expression) -> list[Known]:
    identities: dict[int, list[tuple[str, str]]] = {}
    found = Identities.select(Identities, People).join(People).where(where)
    for one in found.order_by(Identities.kind.desc(), Identities.value):
        identities.setdefault(one.person.id, []).append((one.kind, one.value))
    return [
        Known(person.id, person.name, person.role, tuple(identities.get(person.id, ())))
        for person in People.select().where(where)
    ]


def add(kind: str, value: str, name: str, role: str, now: datetime) -> People:
    """A person seen for the first time."""
    person = People.create(name=name, role=role, since=now)
    identify(person.id, kind, value)
    return person


def identify(person_id: int, kind: str, value: str) -> None:
    """A person is known by this identity from now on, and nobody else is."""
    given = Identities.insert(kind=kind, value=value, person=person_id)
    given.on_conflict(
        conflict_target=[Identities.kind, Identities.value], update={Identities.person: person_id}
    ).execute()


def shares_name(person_id: int, name: str) -> bool:
    """Whether somebody else is called the same."""
    return bool(_namesakes.rows(name.lower(), person_id))


def values(person_id: int, kind: str) -> list[str]:
    """A person's identities of one kind."""
    return [value for (value,) in _values.rows(person_id, kind)]


def rename(person_id: int, name: str) -> None:
    """Change what others are shown."""
    People.update(name=name).where(People.id == person_id).execute()


def set_role(person_id: int, role: str) -> None:
    """Change what a person may do."""
    People.update(role=role).where(People.id == person_id).execute()


def merge(person_id: int, into_id: int) -> None:
    """Whatever was one person's is another's, who keeps their name and role.

    The row of the one is kept, and leads to the other: its number stands in API tokens, and must never be
    somebody else's.
    """
    LinkCodes.delete().where(LinkCodes.person == person_id).execute()
    kept = Approvers.alias("kept")
    twice = kept.select(kept.id).where(
        kept.person == into_id,
        fn.COALESCE(kept.agent, 0) == fn.COALESCE(Approvers.agent, 0),
        fn.COALESCE(kept.discussion, 0) == fn.COALESCE(Approvers.discussion, 0),
    )
    Approvers.delete().where(Approvers.person == person_id, fn.EXISTS(twice)).execute()
    references = People._meta.backrefs  # noqa: SLF001  every foreign key, those of later tables too
    for reference, table in references.items():
        table.update({reference: into_id}).where(reference == person_id).execute()
    People.update(merged_into=into_id).where(People.id == person_id).execute()
