"""What a run knows of its task: what was called, what became of it, what people said."""

from collections.abc import Sequence

from bot.events import (
    Call,
    Event,
    InstructionGiven,
    ModelTurned,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
)
from bot.models.base import Answer, Told


class Story:
    """A task's events as its model needs them; a task that is retried begins anew.

    Attributes:
        seq: The last event that was read.
        step: The last step.
        turns: How many turns the model took.
        pending: Calls of its last turn that nothing has become of yet.
        answers: What became of the others.
        told: What people told the agent, without what answers its questions.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.step = 0
        self._begin()

    def _begin(self) -> None:
        self.turns = 0
        self.pending: list[Call] = []
        self.answers: list[Answer] = []
        self.told: list[Told] = []

    def take(self, turned: ModelTurned) -> None:
        """The model has taken its turn; it is recorded with the first of its calls."""
        self.step = turned.step
        self.pending = list(turned.calls)

    def read(self, events: Sequence[Event]) -> None:
        """Go on with these events; those that were read before are passed over."""
        for event in events:
            if event.seq > self.seq:
                self.seq = event.seq
                self._understand(event)

    def _understand(self, event: Event) -> None:
        match event.fact:
            case ModelTurned() as fact:
                self.step = fact.step
                self.turns += 1
                self.pending = list(fact.calls)
            case ToolFinished() as fact:
                self._settle(
                    Answer(
                        call_id=fact.call_id,
                        ok=fact.ok,
                        text=fact.output,
                        exit_code=fact.exit_code,
                        ended_by=fact.ended_by or "",
                    )
                )
            case ToolRefused() as fact:
                self._settle(Answer(call_id=fact.call_id, ok=False, text=fact.why))
            case ToolInterrupted() as fact:
                self._settle(Answer(call_id=fact.call_id, ok=False, interrupted=True))
            case InstructionGiven(answers="") as fact:
                self.told.append(Told(fact.text, fact.by, commands=fact.commands))
            case TaskRetried():
                self._begin()

    def _settle(self, answer: Answer) -> None:
        self.pending = [call for call in self.pending if call.id != answer.call_id]
        self.answers.append(answer)
