"""What a task changed: kept at its end, and sent where somebody asks for it, also while it still works."""

import email
import email.policy
import io
import subprocess
from pathlib import Path

import pypdf

from bot.practice import Message
from bot.practice.letter import Letter
from tests.fakes.team import PATIENCE_S, Team

FIRST = "/agent assign @coder --in shop Lay the shop out\n```sh\nprintf 'one\\ntwo\\n' > list.txt\n```"
SECOND = (
    "/agent assign @coder --in shop --notify dana@example.org Mend the list\n"
    "```sh\nprintf 'one\\n2\\nthree\\n' > list.txt; printf '\\033[31m' > 'red\\n.txt'\n```"
)
HELD = "/agent assign @coder --in shop Change and wait\n```sh\necho 3 >> list.txt\n```\n```ask\nGo on?\n```"
PATCH = b"""\
diff --git a/list.txt b/list.txt
--- a/list.txt
+++ b/list.txt
@@ -1,2 +1,3 @@
 one
-two
+2
+three
"""


def applied(patch: bytes, folder: Path) -> str:
    """What `git apply` makes of the list."""
    (folder / "list.txt").write_text("one\ntwo\n")
    subprocess.run(["git", "apply"], input=patch, cwd=folder, check=True)
    return (folder / "list.txt").read_text()


async def upload(team: Team, name: str) -> Message:
    """The file of this name that Alice is sent by direct message, once it is there."""

    def there() -> Message | None:
        slack = team.room.slack
        messages = slack.history("D0ALICE") if "D0ALICE" in slack.channels else []
        return next((one for one in messages if any(file.name == name for file in one.files)), None)

    found = await team.room.wait_for(there, PATIENCE_S)
    assert found
    return found


def content(message: Message) -> bytes:
    """What its first file holds."""
    assert message.files[0].path
    return message.files[0].path.read_bytes()


async def test_what_changed_is_kept_told_and_shown(team: Team, tmp_path: Path) -> None:
    """The end counts lines, the mail has the patch, the PDF shows it; no message is sent for it alone."""
    await team.types(FIRST)
    await team.settled("done")
    await team.types(SECOND)
    await team.settled("done", "T-2")

    def mailed() -> Letter | None:
        return next((one for one in team.room.mailbox.letters if one.attachments), None)

    letter = await team.room.wait_for(mailed, PATIENCE_S)
    assert letter
    mail = email.message_from_bytes(letter.raw, policy=email.policy.default)
    text = mail.get_body(("plain",)).get_content()
    assert "2 files changed (+3 \N{MINUS SIGN}1)" in text
    assert "list.txt changed +2 \N{MINUS SIGN}1" in text
    files = {file.get_filename(): file.get_content() for file in mail.iter_attachments()}
    patch = (
        files["changes.diff"].encode() if isinstance(files["changes.diff"], str) else files["changes.diff"]
    )
    assert patch.startswith(PATCH)
    assert applied(patch, tmp_path) == "one\n2\nthree\n"
    pdf = "\n".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(files["T-2-report.pdf"])).pages
    )
    assert "+three" in pdf
    assert "+U+001B[31m" in pdf

    thread = next(one for one in team.threads() if "T-2" in one[0].text)
    await team.room.wait_for(lambda: thread[-1].files or None, PATIENCE_S)
    names = [file.name for one in team.threads() for message in one for file in message.files]
    assert set(names) == {"T-1-report.pdf", "T-2-report.pdf"}

    kept = (await team.does("task files T-2")).data["artifacts"]
    assert [file["name"] for file in kept] == ["changes.diff"]
    answer = await team.types("/task diff T-2")
    assert "what it changed is on its way to your direct messages." in answer.json()["text"]
    sent = await upload(team, "changes.diff")
    assert content(sent) == patch
    assert "\n\n• `list.txt`" in sent.text


async def test_it_is_told_of_a_task_that_waits(team: Team) -> None:
    """`!diff` in the thread of a task that waits shows what it changed so far, against what it found."""
    await team.types(FIRST)
    await team.settled("done")
    await team.types(HELD)
    await team.settled("waiting", "T-2")
    root = next(one[0] for one in team.threads() if "T-2" in one[0].text)
    await team.room.say("!diff", user="bob", thread_ts=root.ts)

    def there() -> Message | None:
        thread = team.room.slack.thread("general", root.ts)
        return next((one for one in thread if one.files), None)

    found = await team.room.wait_for(there, PATIENCE_S)
    assert found
    assert content(found).endswith(b"@@ -1,2 +1,3 @@\n one\n two\n+3\n")
    assert "on its way" not in str(team.room.slack.thread("general", root.ts))
    await team.does("task cancel T-2")
    await team.types("/task diff T-2")
    assert content(await upload(team, "changes.diff")) == content(found)
