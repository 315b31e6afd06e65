"""What people were asked and what they said, read from a task's events."""

from dataclasses import replace
from datetime import datetime

from bot.events import ApprovalAsked, ApprovalDecided, ApprovalWithdrawn, InstructionGiven, QuestionAsked
from bot.reports.report import ApprovalView, InstructionView, QuestionView


class Asking:
    """Approvals, questions and instructions, as far as the events reach."""

    def __init__(self) -> None:
        self.approvals: dict[int, ApprovalView] = {}
        self.questions: list[QuestionView] = []
        self.instructions: list[InstructionView] = []

    @property
    def open(self) -> bool:
        """Whether anything is still to be decided or answered."""
        waits = any(view.state == "open" for view in self.approvals.values())
        return waits or any(question.open for question in self.questions)

    def ask(self, fact: ApprovalAsked, at: datetime) -> None:
        """An approval is asked for."""
        self.approvals[fact.approval] = ApprovalView(
            number=fact.approval,
            call_id=fact.call.id,
            tool=fact.call.tool,
            does=fact.does,
            rule=fact.rule,
            approvers=fact.approvers,
            addresses=fact.addresses,
            asked=at,
        )

    def decide(self, fact: ApprovalDecided, at: datetime) -> bool:
        """An approval is decided; False if it was not open, and this counts for nothing."""
        view = self.approvals.get(fact.approval)
        if view is None or view.state != "open":
            return False
        self.approvals[fact.approval] = replace(
            view, state=fact.decision, by=fact.by, door=fact.door, note=fact.note, decided=at
        )
        return True

    def withdraw(self, fact: ApprovalWithdrawn, at: datetime) -> bool:
        """An approval is no longer asked for; False if it was not open."""
        view = self.approvals.get(fact.approval)
        if view is None or view.state != "open":
            return False
        self.approvals[fact.approval] = replace(view, state="withdrawn", note=fact.why, decided=at)
        return True

    def remind(self, number: int) -> None:
        """Those who may decide are asked again."""
        if view := self.approvals.get(number):
            self.approvals[number] = replace(view, reminded=view.reminded + 1)

    def question(self, fact: QuestionAsked, at: datetime) -> int:
        """The agent asks people something; the place of the question."""
        self.questions.append(QuestionView(fact.call_id, fact.text, fact.options, at))
        return len(self.questions) - 1

    def say(self, fact: InstructionGiven, at: datetime) -> None:
        """A person says something, which may be the answer to an open question."""
        self.instructions.append(InstructionView(fact.text, fact.by, fact.door, at, fact.answers))
        for place, question in enumerate(self.questions):
            if question.open and question.call_id == fact.answers:
                self.questions[place] = replace(
                    question, answer=fact.text, by=fact.by, door=fact.door, answered=at
                )

    def drop(self, place: int) -> None:
        """The call that asked a question is over: an answer would come too late."""
        if self.questions[place].open:
            self.questions[place] = replace(self.questions[place], withdrawn=True)

    def close(self, why: str, at: datetime) -> None:
        """The task ended or goes another way: whatever is open is withdrawn."""
        for number, view in self.approvals.items():
            if view.state == "open":
                self.approvals[number] = replace(view, state="withdrawn", note=why, decided=at)
        for place in range(len(self.questions)):
            self.drop(place)
