"""Which question of the agent a letter answers: that of the mail which it refers to.

An answer is bound to what its writer has read, so that a `yes` to one question is none to the next.
"""

from dataclasses import dataclass

from bot import stream
from bot.delivery import envelope
from bot.delivery.envelope import Named
from bot.events import Event, QuestionAsked
from bot.reports import phrases, summary
from bot.reports.markdown import escape
from bot.work.keys import key
from handlers.email import told
from handlers.email.letter import Letter
from storage.tables import Notices, Tasks


@dataclass(frozen=True, slots=True)
class Answers:
    """What a letter answers.

    Attributes:
        step: The step whose question is open and was read; 0 for none, and None for whatever is open: then
            nobody knows what was read.
        late: Who answered it first, as a sentence; empty where nobody did.
    """

    step: int | None
    late: str = ""


def meant(letter: Letter, task: Tasks, domain: str) -> Answers:
    """What a letter answers, by the mail of ours that it refers to.

    Args:
        letter: The letter.
        task: The task that its address is about.
        domain: What our Message-IDs end in.
    """
    references = (letter.in_reply_to, *reversed(letter.references))
    read = next(filter(None, (envelope.named(one, domain) for one in references)), None)
    if read is None:
        return Answers(None)
    asked = opened(task)
    if not read.task:
        return Answers(asked.fact.step if asked and _is_shown(asked, read.number) else 0)
    told_of = _event(task, read)
    if not isinstance(told_of, QuestionAsked):
        return Answers(0)
    if asked and asked.fact.call_id == told_of.call_id:
        return Answers(told_of.step)
    return Answers(0, _settled(task, told_of))


@dataclass(frozen=True, slots=True)
class Opened:
    """A question that waits for its answer."""

    event: Event
    fact: QuestionAsked

    @property
    def line(self) -> str:
        """The question, as every mail shows it that a notice makes."""
        return told.ASKS.format(text=self.fact.text)

    @property
    def shown(self) -> str:
        """The same, with the answers that it offers."""
        return self.line + "".join(f"\n- {option}" for option in self.fact.options)


def opened(task: Tasks) -> Opened | None:
    """What the agent waits to be told."""
    if task.waiting_for != "reply":
        return None
    asked = (
        Opened(event, event.fact)
        for event in reversed(stream.replay(task.stream_id))
        if isinstance(event.fact, QuestionAsked)
    )
    return next((one for one in asked if one.fact.call_id == task.question), None)


def _is_shown(asked: Opened, notice_id: int) -> bool:
    """Whether a notice shows the question: the answer to `status` does."""
    notice = Notices.get_or_none(Notices.id == notice_id)
    return notice is not None and notice.at >= asked.event.at and asked.line in notice.text


def _event(task: Tasks, read: Named) -> object:
    """The fact that a mail of ours told of; None where it is none of this task."""
    if read.task != key(task.id) or not read.number:
        return None
    return next((event.fact for event in stream.replay(task.stream_id, read.number - 1)), None)


def _settled(task: Tasks, asked: QuestionAsked) -> str:
    """What became of a question that is open no more."""
    report = summary.read(key(task.id), stream.replay(task.stream_id))
    found = next((one for one in reversed(report.questions) if one.call_id == asked.call_id), None)
    if found is None or not found.answered:
        return "Nobody waits for an answer to that any more."
    return f"{escape(phrases.answered(found))}; the first answer counts."
