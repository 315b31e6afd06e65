"""The main job, from a typed command to thread, mail and PDF, through real signed HTTP and SMTP."""

import email
import email.policy
import io
import itertools

import pypdf

from tests.fakes.team import Team

RUNBOOK = """Count the words, please
It's Dana's list & "hers": a <b>, c.

```sh
printf 'one two\\nthree\\n' > list.txt; wc -w < list.txt && echo 'fish & chips' <<'END'
END
```

```python
print("Łódź", 2 > 1)
```"""


async def test_a_task_from_slack_comes_back_as_thread_mail_and_report(team: Team) -> None:
    """An assigned task runs in the sandbox and ends as a thread with result and PDF, and as a mail."""
    answer = await team.types(f"/agent assign @coder --notify dana@example.org {RUNBOOK}")
    assert "*T-1* is queued for @coder: Count the words, please" in answer.json()["text"]

    thread = await team.thread_with_report()
    root, result, upload = thread[0], thread[-2], thread[-1]
    assert "Count the words, please" in root.text
    assert "T-1 is done" in result.text
    words = next(block["text"] for block in result.blocks if block["type"] == "markdown")
    assert "All 2 steps succeeded" in words
    assert "Łódź True" in words
    assert [file.name for file in upload.files] == ["T-1-report.pdf"]
    assert sum("is done" in message.text for message in thread) == 1

    letter = (await team.room.wait_for(lambda: list(team.room.mailbox.letters), 30))[0]
    mail = email.message_from_bytes(letter.raw, policy=email.policy.default)
    assert mail["To"] == "dana@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["References"].startswith("<t-1.")
    assert "All 2 steps succeeded" in mail.get_body(("plain",)).get_content()
    assert "Count the words, please</h1>" in mail.get_body(("html",)).get_content()
    (attached,) = mail.iter_attachments()
    report = "\n".join(
        page.extract_text() for page in pypdf.PdfReader(io.BytesIO(attached.get_content())).pages
    )
    assert "Count the words, please" in report
    assert "fish & chips" in report
    assert upload.files[0].path
    assert upload.files[0].path.read_bytes() == attached.get_content()


async def test_entities_and_links_reach_the_shell_as_they_were_typed(team: Team) -> None:
    """What Slack sends as `&gt; &amp;&amp;` runs as `> &&`; apostrophes, quotes and emoji are untouched."""
    await team.types(
        "/agent assign @coder It's “quoted” 🎉\n```sh\necho \"it's\" > f && cat f; test 1 -lt 2\n```"
    )
    await team.thread_with_report()
    shown = await team.does("task show T-1")
    assert shown.data["state"] == "done"
    assert shown.data["title"] == "It's “quoted” 🎉"
    assert shown.data["steps"][0]["output"] == "it's\n"


async def test_a_failing_step_ends_the_task_and_shows_what_it_printed(team: Team) -> None:
    """The first failing step is the last: the thread says which it was and what it printed."""
    await team.types("/agent assign @coder Try\n```sh\necho before; exit 3\n```\n```sh\necho never\n```")
    thread = await team.thread_with_report()
    assert "T-1 has failed" in thread[-2].text
    said = str(thread[-2].blocks)
    assert "Step 1 of 2 failed with exit code 3." in said
    assert "before" in said
    assert "never" not in said


async def test_a_task_without_anything_to_run_says_what_to_do(team: Team) -> None:
    """A runbook without blocks fails with a sentence that says what to write."""
    await team.types("/agent assign @coder fix the failing test")
    thread = await team.thread_with_report()
    assert "in blocks that open with ```sh" in str(thread[-2].blocks)


async def test_progress_is_one_message_that_changes_at_most_once_a_second(team: Team) -> None:
    """Work that lasts shows one progress message, updated no more often than once a second."""
    blocks = "".join(f"```sh\nsleep 0.4; echo {n}\n```\n" for n in range(8))
    await team.types(f"/agent assign @coder Count slowly\n{blocks}")
    thread = await team.thread_with_report()
    assert len(thread) == 4  # root, progress, result, report
    progress = thread[1]
    updates = [c.at for c in team.room.slack.calls_of("chat.update") if c.arguments["ts"] == progress.ts]
    assert len(updates) >= 2
    assert min(later - sooner for sooner, later in itertools.pairwise(updates)) > 0.95
    assert "8." in str(progress.blocks)


async def test_many_tasks_at_once_all_end_in_their_own_threads(team: Team) -> None:
    """Tasks share nothing: each has its workspace, thread and report."""
    for number in range(6):
        await team.types(
            f"/agent assign @coder Task {number}\n```sh\nls; echo {number} > mine; cat mine\n```"
        )

    def all_reported() -> bool:
        threads = team.threads()
        return len(threads) == 6 and all(thread[-1].files for thread in threads)

    await team.room.wait_for(all_reported, 60)
    for number in range(6):
        shown = await team.does(f"task show T-{number + 1}")
        assert shown.data["steps"][0]["output"] == f"{number}\n"
