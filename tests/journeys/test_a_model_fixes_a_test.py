"""A model fixes a failing test in a repository: plan, files, terminal, one approval, a PDF, the result."""

import email
import email.policy
import io
import json
import subprocess
from collections.abc import AsyncIterator
from email.message import EmailMessage
from itertools import pairwise
from typing import Any

import pypdf
import pytest
from pydantic import SecretStr

from bot.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ArtifactSaved,
    ModelTurned,
    RunStarted,
    TaskFinished,
    TaskOpened,
)
from bot.practice import Message
from bot.practice.letter import Letter
from bot.tools.shelf import SHELF
from config.settings import Settings
from tests.bot.agents.thinking import facts, thinking
from tests.fakes.models import ModelServer, calls, model_server, says
from tests.fakes.team import PATIENCE_S, Team

KEY = "sk-the-key-of-the-house"
PRICES = '[[prices]]\nmodel = "*:practice"\nread = 1000\nwritten = 1000\n'
SET_UP = """/agent assign @analyst --in shop Put the shop's repository there
```sh
cat > prices.py <<'END'
def total(prices):
    return sum(prices[1:])
END
cat > test_prices.py <<'END'
import unittest

from prices import total


class TotalTest(unittest.TestCase):
    def test_all_prices_count(self):
        self.assertEqual(total([1, 2, 3]), 6)
END
printf '__pycache__/\\noutbox/\\n' > .gitignore
git init -q -b main
git config user.name Coder
git config user.email coder@example.org
git add .
git commit -qm 'The shop opens'
```"""
ASSIGN = "/agent assign @coder --in shop --notify dana@example.org fix the failing test"
TEST = ("terminal", {"command": "python3 -m unittest"})
FIX = ("files", {"action": "edit", "path": "prices.py", "old": "sum(prices[1:])", "new": "sum(prices)"})
COMMIT = ("terminal", {"command": "git commit -qam 'Count the first price' && git log --format=%s"})
SUMMARY = "`total` left out the first price. It is **fixed** and committed, and the test passes."


def plan(*states: str) -> tuple[str, dict[str, Any]]:
    """The plan, as far as it is."""
    items = zip(("See it fail", "Mend the code", "Commit"), states, strict=True)
    return "plan", {"items": [{"text": text, "state": state} for text, state in items]}


WORK = (
    calls(plan("doing", "todo", "todo"), ("files", {"action": "list"}), words="I look around."),
    calls(*(("files", {"action": "read", "path": path}) for path in ("prices.py", "test_prices.py"))),
    calls(TEST),
    calls(FIX, plan("done", "doing", "todo"), TEST, words="The slice leaves out the first price."),
    calls(plan("done", "done", "doing"), COMMIT),
    calls(
        ("terminal", {"command": "mkdir -p outbox && git show > outbox/fix.patch"}),
        (
            "pdf",
            {"title": "What was wrong", "text": "| before | now |\n|-|-|\n| 5 | 6 |"},
        ),
        plan("done", "done", "done"),
        words="I write it up.",
        hang="middle",
    ),
    calls(("finish", {"summary": SUMMARY})),
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Dana is an admin in Slack, alice and bob are members of the team; the model has a key and a price.

    Nothing is killed here: leases are as long as usual.
    """
    own = settings.home / "own.toml"
    own.write_text(PRICES)
    key = SecretStr(KEY)
    keys = {"openai_api_key": key, "anthropic_api_key": key}
    return settings.model_copy(
        update={"config": str(own), "admins": ("U0DANA",), "lease_seconds": 15.0, **keys}
    )


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A provider that plays a script."""
    async with model_server() as one:
        yield one


async def set_up(team: Team) -> None:
    """A named workspace holds a repository with a test that fails; whoever commits has to ask."""
    await team.does("agent edit analyst --model runbook")
    await team.types(SET_UP)
    await team.settled("done")
    answer = await team.types('/agent tools ask coder terminal "git commit*"', user="dana")
    assert "git commit*" in answer.json()["text"]


async def asked(team: Team) -> Message:
    """The question about the commit, which is not made yet."""
    message = await team.message("A-1: may @coder do this?")
    assert "git commit -qam" in str(message.blocks)
    assert git(team, "log", "--format=%s") == "The shop opens\n"
    return message


def git(team: Team, *command: str) -> str:
    """What git says of the repository."""
    folder = team.house.workspaces.path("shop")
    program = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *command]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout


async def reported(team: Team, thread_ts: str) -> list[Message]:
    """The thread of a task, once the report is in it."""

    def there() -> list[Message] | None:
        thread = team.room.slack.thread("general", thread_ts)
        return thread if "T-2-report.pdf" in names(thread) else None

    found = await team.room.wait_for(there, PATIENCE_S)
    assert found
    return found


def names(thread: list[Message]) -> list[str]:
    """The files of a thread, in order."""
    return [file.name for message in thread for file in message.files]


async def mailed(team: Team) -> EmailMessage:
    """The letter that Dana gets in the end."""

    def there() -> Letter | None:
        return next((one for one in team.room.mailbox.letters if b"T-2-report.pdf" in one.raw), None)

    letter = await team.room.wait_for(there, PATIENCE_S)
    assert letter
    mail = email.message_from_bytes(letter.raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def check_requests(team: Team, server: ModelServer) -> None:
    """Each request continues the one before, offers every tool, and holds no secret."""
    for before, after in pairwise(server.requests):
        told = before["messages"]
        assert after["messages"][: len(told)] == told
        assert len(after["messages"]) > len(told)
    settings = team.house.settings
    secrets = [
        KEY,
        settings.slack_bot_token.get_secret_value(),
        settings.slack_signing_secret.get_secret_value(),
        (settings.home / "keys").read_text().strip(),
        str(settings.home),
    ]
    assert all(secrets)
    for request in server.requests:
        headers = request["headers"]
        assert KEY in (headers.get("x-api-key"), headers.get("authorization", "").removeprefix("Bearer "))
        tools = [tool.get("function", tool) for tool in request["tools"]]
        assert [tool["name"] for tool in tools] == list(SHELF)
        body = json.dumps({name: value for name, value in request.items() if name != "headers"})
        assert not [secret for secret in secrets if secret in body]


async def test_a_model_fixes_a_failing_test(desk: Team, server: ModelServer) -> None:
    """From `/agent assign` over an approval to a commit; thread, mail, PDF and data tell the same story."""
    server.script = list(WORK)
    async with thinking(desk, server, "openai:practice", model_words_seconds=1e-6):
        await set_up(desk)
        answer = await desk.types(ASSIGN)
        assert "*T-2* is queued for @coder: fix the failing test" in answer.json()["text"]
        question = await asked(desk)
        waiting = await desk.does("task show T-2")
        assert waiting.data["state"] == "waiting"
        assert "▶️ Commit" in waiting.text
        pressed = await desk.room.press(question.ts, "Approve", user="bob")
        assert pressed.error == ""

        progress = await desk.message(":speech_balloon: _I write it up._", question.thread_ts)
        seen = str(progress.blocks)
        assert ":white_check_mark: Mend the code\\n:arrow_forward: Commit" in seen
        assert ":x: 5. `python3 -m unittest`" in seen
        server.gate.set()
        shown = await desk.settled("done", "T-2")
        thread = await reported(desk, question.thread_ts)
        mail = await mailed(desk)

    assert git(desk, "log", "--format=%s") == "Count the first price\nThe shop opens\n"
    assert "return sum(prices)\n" in git(desk, "show", "HEAD:prices.py")
    assert git(desk, "status", "--porcelain") == ""

    check_data(shown)
    check_thread(thread, question)
    check_mail(mail)
    check_events(await facts(2))
    assert len(server.requests) == len(WORK)
    check_requests(desk, server)
    last = server.requests[-1]["messages"]
    assert [message["role"] for message in last[:2]] == ["system", "user"]
    assert last[1]["content"].endswith("fix the failing test")
    told = [message["content"] for message in last if message["role"] == "tool"]
    assert "AssertionError: 5 != 6" in told[4]
    assert told[4].endswith("[Exit code 1]")
    assert told[9] == "Count the first price\nThe shop opens"


def check_data(shown: dict[str, Any]) -> None:
    """What programs are told: steps, plan, approval, what it used and cost."""
    assert shown["outcome"] == SUMMARY
    tests = [step for step in shown["steps"] if step["what"] == "python3 -m unittest"]
    assert [(step["state"], step["exit_code"]) for step in tests] == [("failed", 1), ("ok", 0)]
    assert {step["state"] for step in shown["steps"] if step not in tests} == {"ok"}
    assert [item["state"] for item in shown["plan"]] == ["done"] * 3
    (approval,) = shown["approvals"]
    assert (approval["state"], approval["by"], approval["door"]) == ("approve", "bob", "slack")
    assert (shown["usage"]["read"], shown["usage"]["written"]) == (700, 70)
    assert shown["usage"]["usd"] == pytest.approx(0.77)


def check_thread(thread: list[Message], question: Message) -> None:
    """The thread shows who decided, the plan, the result in the agent's words, and the files."""
    assert "Approved by bob in Slack" in str(question.blocks)
    assert not any(block["type"] == "actions" for block in question.blocks)
    progress = next(message for message in thread if ":white_check_mark: See it fail" in str(message.blocks))
    assert ":white_check_mark: Commit" in str(progress.blocks)
    result = next(message for message in thread if message.text.startswith("T-2 is done"))
    assert {"type": "markdown", "text": SUMMARY}.items() <= result.blocks[1].items()
    figures = str(result.blocks[-1])
    assert "2 files changed" in figures
    assert "$0.77" in figures
    assert names(thread) == ["What was wrong.pdf", "fix.patch", "T-2-report.pdf"]


def check_mail(mail: EmailMessage) -> None:
    """The mail has the same words, who decided, and every file; the report has what was printed, too."""
    assert mail["To"] == "dana@example.org"
    body = mail.get_body(("plain",))
    assert body
    assert SUMMARY in body.get_content()
    assert "A-1: Approved by bob in Slack" in body.get_content()
    files = {str(part.get_filename()): part.get_content() for part in mail.iter_attachments()}
    assert {"T-2-report.pdf", "What was wrong.pdf", "fix.patch"} <= files.keys()
    assert b"\n+    return sum(prices)\n" in files["fix.patch"]
    report = _text(files["T-2-report.pdf"])
    for said in ("See it fail", "AssertionError: 5 != 6", "git commit -qam", "Approved by bob", "$0.77"):
        assert said in report
    assert "What was wrong" in _text(files["What was wrong.pdf"])


def _text(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def check_events(log: list[AnyFact]) -> None:
    """Everything was recorded, in order: one turn a request, the approval between two runs, the end."""
    turns = [fact for fact in log if isinstance(fact, ModelTurned)]
    assert [turn.step for turn in turns] == list(range(1, len(WORK) + 1))
    assert {turn.model for turn in turns} == {"openai:practice"}
    kinds = (TaskOpened, RunStarted, ApprovalAsked, ApprovalDecided, TaskFinished)
    assert [type(fact) for fact in log if isinstance(fact, kinds)] == [
        TaskOpened,
        RunStarted,
        ApprovalAsked,
        ApprovalDecided,
        RunStarted,
        TaskFinished,
    ]
    kept = {fact.name: fact.purpose for fact in log if isinstance(fact, ArtifactSaved)}
    wanted = {"What was wrong.pdf": "file", "fix.patch": "file", "T-2-report.pdf": "report"}
    assert wanted.items() <= kept.items()


async def test_the_same_by_anthropics_protocol(desk: Team, server: ModelServer) -> None:
    """Another provider's protocol, the same work; its last words without a call are the result."""
    server.script = [calls(TEST, words="First the test."), calls(FIX, TEST), calls(COMMIT), says(SUMMARY)]
    async with thinking(desk, server, "anthropic:practice"):
        await set_up(desk)
        await desk.types(ASSIGN)
        question = await asked(desk)
        await desk.room.press(question.ts, "Approve", user="bob")
        shown = await desk.settled("done", "T-2")
        thread = await reported(desk, question.thread_ts)
        mail = await mailed(desk)
    assert git(desk, "log", "--format=%s") == "Count the first price\nThe shop opens\n"
    assert shown["outcome"] == SUMMARY
    assert [step["state"] for step in shown["steps"]] == ["failed", "ok", "ok", "ok"]
    assert shown["usage"]["usd"] == pytest.approx(0.44)
    assert "Approved by bob in Slack" in str(question.blocks)
    assert names(thread) == ["T-2-report.pdf"]
    assert "T-2-report.pdf" in [part.get_filename() for part in mail.iter_attachments()]
    check_requests(desk, server)
    result = server.requests[1]["messages"][-1]["content"][0]
    assert (result["type"], result["is_error"]) == ("tool_result", True)
    assert result["content"].endswith("[Exit code 1]")
