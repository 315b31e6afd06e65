"""What a letter is answered, and how often: two programs that answer each other must come to rest."""

from dataclasses import dataclass
from datetime import datetime

from bot.replies import Reply
from storage import inbox

STATUS_A_DAY = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """Something to be told to whoever wrote a letter.

    Attributes:
        text: In Markdown.
        kind: What of; empty where the task's own mails tell it.
        a_day: How often this kind may be told in a day, to one person about one task.
        reply_to: Where an answer to it goes; empty for the task's own address.
    """

    text: str
    kind: str
    a_day: int = 1
    reply_to: str = ""

    def may_go(self, subscription_id: int, now: datetime) -> bool:
        """Whether it is to be told, and not too often; asked once for each letter, since it counts."""
        name = f"answer {self.kind}:{subscription_id}:{now.date()}"
        return bool(self.kind) and any(inbox.first_time(f"{name}:{n}", now) for n in range(self.a_day))


def to_command(reply: Reply, what: str) -> Answer:
    """What a command answered.

    Args:
        reply: Its answer.
        what: Which command, and about what.
    """
    if not reply.ok:
        return Answer(reply.text, f"mistake {what}")
    return Answer(reply.text, "" if reply.shown else what, STATUS_A_DAY)
