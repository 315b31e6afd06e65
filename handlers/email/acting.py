"""From a letter that is believed to the act of the one command layer, and the answer that goes back.

What a letter does is about what its address was signed for, and nothing else. An answer only ever goes to
whom that was made for, whatever the letter asks for.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bot import permissions
from bot.actors import Role
from bot.commands import grammar, registry, spoken
from bot.errors import UserMistake
from bot.replies import Reply
from bot.reply_address import ReplyAddresses
from bot.reports.visible import revealed
from bot.work import talk
from handlers.email import calls, questions, quotes, told
from handlers.email.answers import Answer, to_command
from handlers.email.calls import Asking
from handlers.email.proven import Proven, canonical
from storage import inbox, notices, tasks

DECISIONS = frozenset({"approve", "deny"})
STEERING = spoken.IN_MAIL - DECISIONS
SUBJECT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Acting:
    """How letters are acted on; in the caller's transaction.

    Attributes:
        addresses: Makes the addresses that answers are answered to.
        asking: How calls are put to people once more.
        domain: What the Message-IDs of our mails end in.
        authserv_id: Our own mail server's name; empty where none vouches for senders.
        max_chars: The longest command that is read.
    """

    addresses: ReplyAddresses
    asking: Asking
    domain: str
    authserv_id: str
    max_chars: int

    def act(self, proven: Proven, now: datetime) -> str:
        """Do what a letter says, and answer it where its task's own mails do not.

        Returns:
            What became of it, as a sentence or more.
        """
        answers = self._done(proven, now)
        going = [answer for answer in answers if answer.may_go(proven.heard.id, now)]
        said = [answer.text for answer in going]
        if proven.letter.attachments and inbox.first_time(f"attachments:{proven.heard.id}", now):
            said.append(told.ATTACHED)
        if said:
            task_address = self.addresses.task(proven.heard.task_id, proven.heard.id)
            notices.add(
                "email",
                proven.heard.address,
                "\n\n".join(said),
                now,
                subject=_subject(proven),
                thread=proven.letter.message_id,
                reply_to=next((answer.reply_to for answer in going if answer.reply_to), task_address),
            )
        return "\n\n".join(answer.text for answer in answers)

    def _done(self, proven: Proven, now: datetime) -> list[Answer]:
        """What comes of a letter's first line, and of what stands below it."""
        first, below = _parted(proven.letter.text)
        if not first:
            return [Answer(told.EMPTY.format(task=proven.task), "empty")]
        decision = spoken.in_task(first, proven.signed, DECISIONS)
        command = decision or spoken.in_task(first, proven.task, STEERING)
        if command is None:
            return self._hear(proven, now)
        named = canonical(spoken.about(first))
        if named and not proven.covers(named):
            return [Answer(told.OTHER.format(signed=proven.signed, named=named), "other")]
        if decision:
            return self._decide(proven, decision, named or proven.signed, below, now)
        return self._steer(proven, command, below, now)

    def _decide(self, proven: Proven, command: str, about: str, below: str, now: datetime) -> list[Answer]:
        """Approve or deny one exact call, where our mail server vouches for the sender."""
        if not proven.authentic:
            return [Answer(self._unproven(proven, about), "unproven")]
        if proven.expired:
            again = self.asking.again(told.EXPIRED.format(name=proven.signed), proven, now)
            late = told.LATE.format(name=proven.signed, settled=calls.settled(proven))
            return [again or Answer(late, f"late {proven.signed}")]
        if about == proven.task:  # whoever names no call may have read of none
            again = self.asking.again(told.NO_CALL.format(task=proven.task), proven, now)
            return [again or self._run(proven, command, now)]
        if command.startswith("task deny"):
            return [self._run(proven, _with_reason(command, below), now)]
        reply = self._reply(proven, command, now)
        said = [self._say(proven, below, 0, now)] if reply.ok and below else []
        return [to_command(reply, _kind(command)), *said]

    def _steer(self, proven: Proven, command: str, below: str, now: datetime) -> list[Answer]:
        """Stop or rest the task, or tell of it. What stands below is said while somebody hears it."""
        steers = command.startswith(("task cancel", "task pause", "task resume"))
        said = [self._say(proven, below, 0, now)] if steers and below else []
        return [*said, self._run(proven, command, now)]

    def _hear(self, proven: Proven, now: datetime) -> list[Answer]:
        """Say to the agent what is no command. Whoever was asked to decide, and did not, is told so."""
        text, task = proven.letter.text.strip(), tasks.get(proven.heard.task_id)
        meant = questions.meant(proven.letter, task, self.domain)
        if meant.late and not proven.approval:
            return [Answer(told.ANSWERED.format(task=proven.task, late=meant.late), "answered")]
        step = 0 if proven.approval else meant.step
        said = self._say(proven, text, step, now)
        if said.kind:
            return [said]
        return [said, *self._unanswered(proven, step, now)]

    def _unanswered(self, proven: Proven, step: int | None, now: datetime) -> list[Answer]:
        """What still waits, after something was said that neither decides nor answers."""
        if proven.approval and (
            again := self.asking.again(told.UNDECIDED.format(name=proven.signed), proven, now)
        ):
            return [again]
        asked = questions.opened(tasks.get(proven.heard.task_id))
        if asked is None or step != 0:
            return []
        still = told.STILL_ASKED.format(task=proven.task, question=asked.shown)
        return [Answer(still, f"asked {asked.fact.call_id}")]

    def _say(self, proven: Proven, text: str, answers: int | None, now: datetime) -> Answer:
        """Say something to the agent: an answer to the question of a step, to none (0), or to any (None).

        A letter that its writer passes on is said apart, and instructs nobody.
        """
        task = tasks.get(proven.heard.task_id)
        if task.state not in tasks.OPEN:
            own = task.asker_id == proven.sender.id or permissions.may(proven.sender, Role.MEMBER)
            how = told.RETRY if own else told.ASK_TO_RETRY
            over = told.OVER.format(task=proven.task, state=task.state, how=how.format(task=proven.task))
            return Answer(over, "over")
        words, passed_on = quotes.parted_from_forwarded(text)
        bound = "" if answers is None else f"--answers {answers} "
        if words:
            said = self._run(proven, f"task say {proven.task} {bound}-- {words}", now)
            if said.kind or not passed_on:
                return said
            bound = f"--answers {talk.NONE} "
        # Nobody vouches for what others wrote, and who passes it on has not made it their own words.
        unvouched = replace(proven, authentic=False)
        return self._run(unvouched, f"task say {proven.task} {bound}-- {passed_on}", now)

    def _run(self, proven: Proven, text: str, now: datetime) -> Answer:
        return to_command(self._reply(proven, text, now), _kind(text))

    def _reply(self, proven: Proven, text: str, now: datetime) -> Reply:
        """Run the text of a command with the sender's own rights."""
        try:
            parsed = grammar.parse(text, self.max_chars)
        except UserMistake as error:
            return registry.mistake(str(error), "usage")
        return registry.run(registry.Call(parsed.name, parsed.arguments, proven.sender, proven.origin), now)

    def _unproven(self, proven: Proven, name: str) -> str:
        domain = proven.letter.from_.rpartition("@")[2]
        return (told.UNPROVEN if self.authserv_id else told.NO_SERVER).format(name=name, domain=domain)


def _parted(text: str) -> tuple[str, str]:
    """The first line of a text, and what stands below it."""
    first, _, below = text.strip().partition("\n")
    return first.strip(), below.strip()


def _kind(command: str) -> str:
    """A command and what it is about, without what else it says."""
    return " ".join(command.split(maxsplit=3)[:3])


def _with_reason(command: str, below: str) -> str:
    """A denial whose reason goes on below its first line."""
    *denial, reason = [*command.split(maxsplit=3), ""][:4]
    return f"{' '.join(denial)} -- {reason}\n{below}" if below else command


def _subject(proven: Proven) -> str:
    subject = proven.letter.subject
    if not subject:
        subject = f"[{proven.task}] {revealed(proven.heard.task.title)}"
    return (subject if subject.lower().startswith("re:") else f"Re: {subject}")[:SUBJECT_CHARS]
