"""Discussions: the places where people talk with agents."""

from storage.tables import Discussions


def ensure(door: str, place: str, *, private: bool) -> Discussions:
    """The discussion mapped to this place, mapped now if it was not; keeps up with whether it is private."""
    discussion, _ = Discussions.get_or_create(door=door, place=place, defaults={"private": private})
    if discussion.private != private:
        discussion.private = private
        discussion.save()
    return discussion


def find(door: str, place: str) -> Discussions | None:
    """The discussion mapped to this place, if it is."""
    return Discussions.get_or_none(Discussions.door == door, Discussions.place == place)


def change(discussion_id: int, **values: object) -> None:
    """Set columns of a discussion."""
    Discussions.update(**values).where(Discussions.id == discussion_id).execute()
