"""What people are asked, and what they said, as Block Kit: pure functions to the payload of one message.

What is approved is what runs, to the byte: a call is shown whole, in as many blocks and messages as it takes.
"""

from collections.abc import Iterator

from bot.delivery.blocks import markdown
from bot.delivery.kit import PERSON, Block, Payload, actions, button, context, name, payload, prose, section
from bot.delivery.mrkdwn import code, cut, escape, fenced
from bot.reports import phrases
from bot.reports.humane import minute
from bot.reports.report import ApprovalView, QuestionView, Report
from bot.reports.visible import exact

CODE_CHARS = 2_500
CODES_IN_MESSAGE = 4
MOST_MESSAGES = 12
RULE_CHARS = 500
SAID_CHARS = 1_500
DECIDERS_CHARS = 800
ICONS = {
    "open": ":lock:",
    "approve": ":white_check_mark:",
    "deny": ":no_entry:",
    "withdrawn": ":leftwards_arrow_with_hook:",
}
_FENCE = "```"


def messages(does: str) -> int:
    """How many messages it takes to show a call."""
    return min(-(-len(list(_codes(does))) // CODES_IN_MESSAGE), MOST_MESSAGES)


def part(report: Report, view: ApprovalView, number: int) -> Payload:
    """One of the messages that show a long call, before the one that asks.

    Args:
        report: The task.
        view: What is asked.
        number: Which of them, from 1.
    """
    of = f"part {number} of {messages(view.does)}"
    head = section(f"{ICONS['open']} *{view.key}*  {_wish(report, view)}  _({of}, more follows)_")
    return payload(f"{view.key}, {of}: {report.title}", [head, *_shown(view.does, number)])


def approval(report: Report, view: ApprovalView, to: str = "") -> Payload:
    """An exact call with why it is asked and who may decide, and buttons for as long as it is open.

    Args:
        report: The task.
        view: What is asked.
        to: The one person that it is put to, by their id; a place with several is not called by name.
    """
    count = messages(view.does)
    more = f"  _(part {count} of {count})_" if count > 1 else ""
    if view.state == "open":
        head = f"{_called(to)}{_wish(report, view)}{more}"
    else:
        head = f"{prose(phrases.decided(view), RULE_CHARS)}{more}"
    blocks = [section(f"{ICONS[view.state]} *{view.key}*  {head}"), *_shown(view.does, count)]
    blocks += [context(note) for note in _notes(report, view)]
    task = f"{report.key} {name(report.title)}, asked by {name(report.asked_by)}"
    blocks.append(context(f"{task} · {prose(view.rule, RULE_CHARS)}"))
    if view.state == "open":
        blocks.append(context(_deciders(view)))
        blocks.append(_buttons(view))
        return payload(f"{view.key}: may @{report.agent} do this? {report.key} {report.title}", blocks)
    return payload(f"{view.key}: {phrases.decided(view)}", blocks)


def reminder(view: ApprovalView, to: str = "") -> Payload:
    """That an approval still waits; once it does not, what became of it.

    There are buttons where the whole call is shown: nobody is to approve what they do not see.

    Args:
        view: What is asked.
        to: The one person that it is put to, by their id.
    """
    if view.state != "open":
        became = prose(phrases.decided(view), RULE_CHARS)
        return payload(f"{view.key}: {phrases.decided(view)}", [context(f":bell: *{view.key}*  {became}")])
    waits = f"still waits for an answer, since {minute(view.asked)}"
    blocks = [section(f":bell: {_called(to)}*{view.key}* {waits}")]
    if messages(view.does) == 1:
        blocks += [*_shown(view.does, 1), _buttons(view)]
    else:
        blocks.append(context("Its last message above has the buttons, below the whole call."))
    return payload(f"{view.key} {waits}", blocks)


def question(report: Report, view: QuestionView, named: str = "", to: str = "") -> Payload:
    """What the agent asks, a button for each answer that it offers, and at last who answered what.

    Args:
        report: The task.
        view: What is asked.
        named: What the buttons' answers are bound to; without it there are none.
        to: The one person that it is put to, by their id.
    """
    icon = ":question:" if view.open else ":speech_balloon:"
    blocks = [section(f"{icon} {_called(to)}@{name(report.agent)} asks:"), markdown(view.text or "…")]
    if not view.open:
        if view.answer:
            blocks.append(section(_quoted(view.answer)))
        blocks.append(context(prose(phrases.answered(view), RULE_CHARS)))
    else:
        options = [option for option in view.options if option.strip()] if named else []
        if options:
            said = f"task say {report.key} --answers {named} -- "
            blocks.append(actions([button(one, said + one, f"do:{at}") for at, one in enumerate(options)]))
        blocks.append(context("… or just reply in this thread." if options else "Just reply in this thread."))
    return payload(f"{report.key}: @{report.agent} asks: {view.text}", blocks)


def said(by: str, door: str, text: str) -> Payload:
    """What somebody told the agent through another door."""
    how = phrases.DOOR.get(door, door)
    shown = section(f":speech_balloon: *{name(by)}* {name(how)}:\n{_quoted(text)}")
    return payload(f"{by} {how}: {text}", [shown])


def away(report: Report, home: str, message: Payload) -> Payload:
    """A message to one person, who is told where the task's own thread is.

    Args:
        report: The task.
        home: Its channel.
        message: What they are told.
    """
    pointer = context(f"The thread of {report.key} is in <#{home}>.")
    return {**message, "blocks": [*message["blocks"], pointer]}


def begun_anew(report: Report, by: str) -> Payload:
    """That somebody began the task anew."""
    return _line(f"{by} began {report.key} anew.")


def given(report: Report, agent: str, by: str) -> Payload:
    """That somebody gave the task to another agent."""
    return _line(f"{by} gave {report.key} to @{agent}.")


def _line(text: str) -> Payload:
    return payload(text, [context(f":arrows_counterclockwise: {name(text)}")])


def _called(to: str) -> str:
    """A mention of the person that a message is for, so that they hear of it in a thread too."""
    return f"<@{to}> " if PERSON.fullmatch(to) else ""


def _wish(report: Report, view: ApprovalView) -> str:
    return f"May @{name(report.agent)} do this with {code(view.tool)}?"


def _deciders(view: ApprovalView) -> str:
    if not view.approvers:
        return "Any team member may decide; the first answer counts."
    named = ", ".join(map(name, view.approvers))
    return f"{cut(named, DECIDERS_CHARS)} may decide; the first answer counts."


def _buttons(view: ApprovalView) -> Block:
    yes = button("Approve", f"task approve {view.key}", "do:approve", "primary")
    no = button("Deny", f"task deny {view.key}", "why:deny", "danger")
    return actions([yes, no])


def _quoted(text: str) -> str:
    return "\n".join(f">{line}" for line in prose(text, SAID_CHARS).split("\n"))


def _notes(report: Report, view: ApprovalView) -> Iterator[str]:
    """What has to be known to read the code as it is."""
    if _FENCE in view.does:
        yield "Where three backticks stand in it, \u02cb\u02cb\u02cb is shown."
    shown = messages(view.does)
    if shown == MOST_MESSAGES and len(list(_codes(view.does))) > shown * CODES_IN_MESSAGE:
        yield f":warning: It is cut here, being too long for Slack. The whole: `task show {report.key}`"


def _shown(does: str, number: int) -> list[Block]:
    """The blocks of code of one of the messages, counted from 1."""
    codes = list(_codes(does))[: MOST_MESSAGES * CODES_IN_MESSAGE]
    return [section(text) for text in codes[(number - 1) * CODES_IN_MESSAGE :][:CODES_IN_MESSAGE]]


def _codes(does: str) -> Iterator[str]:
    """A call as blocks of code, parted where lines end if that can be."""
    text, begin = exact(does), 0
    while True:
        end = begin + CODE_CHARS
        while (size := len(escape(text[begin:end]))) > CODE_CHARS:
            end = begin + (end - begin) * CODE_CHARS // size
        if end >= len(text):
            yield fenced(text[begin:])
            return
        if (line_end := text.rfind("\n", begin + 1, end + 1)) > 0:
            yield fenced(text[begin:line_end])
            begin = line_end + 1
        else:
            yield f"{fenced(text[begin:end])}\n_The same line goes on:_"
            begin = end
