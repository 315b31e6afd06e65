"""What people said in discussions."""

from datetime import datetime

from storage.tables import Messages


def add(
    discussion_id: int,
    remote_id: str,
    author: str,
    text: str,
    at: datetime,
    *,
    thread: str = "",
    person_id: int | None = None,
    task_id: int | None = None,
) -> bool:
    """Keep a message; False if it was kept before.

    Args:
        discussion_id: Where it was said.
        remote_id: How that place calls it.
        author: Who said it, as others are shown them.
        text: What was said.
        at: When.
        thread: The message that it answers.
        person_id: Who said it, if they are known.
        task_id: The task that it is about.
    """
    kept = Messages.insert(
        discussion=discussion_id,
        remote_id=remote_id,
        author=author,
        text=text,
        at=at,
        thread=thread,
        person=person_id,
        task=task_id,
    )
    return bool(kept.on_conflict_ignore().as_rowcount().execute())


def find(discussion_id: int, remote_id: str) -> Messages | None:
    """The message that a place calls so."""
    return Messages.get_or_none(Messages.discussion == discussion_id, Messages.remote_id == remote_id)


def edit(message_id: int, text: str) -> None:
    """Its author wrote it anew."""
    Messages.update(text=text).where(Messages.id == message_id).execute()


def erase(message_id: int) -> None:
    """Its author took it back."""
    Messages.delete().where(Messages.id == message_id).execute()


def last(discussion_id: int, limit: int) -> list[Messages]:
    """What was said last in a discussion, oldest first."""
    newest = Messages.select().where(Messages.discussion == discussion_id).order_by(Messages.id.desc())
    return list(newest.limit(limit))[::-1]
