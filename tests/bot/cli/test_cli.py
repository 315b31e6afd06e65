"""The command line as people and scripts use it: real processes, exit codes, JSON."""

import json
from pathlib import Path

import pytest

from tests.fakes.terminal import Legwork


async def test_do_runs_a_command_as_a_local_admin(legwork: Legwork) -> None:
    """Text for people by default, JSON for programs."""
    ended = await legwork("do", "agent list")
    assert (ended.code, ended.err) == (0, "")
    assert "@coder" in ended.out
    listed = json.loads((await legwork("do", "agent list", "--json")).out)
    assert {agent["name"] for agent in listed["agents"]} == {"analyst", "coder"}


async def test_do_wait_runs_the_task_where_no_worker_is_alive(legwork: Legwork, home: Path) -> None:
    """The steps show as they end, then the outcome and where the report is; exit 0 only if it is done."""
    ended = await legwork("do", "--wait", "agent assign @coder Say hello\n```sh\necho hel''lo\n```")
    assert ended.code == 0, ended.err
    assert "hello" in ended.out
    assert "T-1 is done." in ended.out
    assert "```" not in ended.out
    assert str(home / "artifacts" / "T-1" / "T-1-report.pdf") in ended.out
    assert (home / "artifacts" / "T-1" / "T-1-report.pdf").read_bytes().startswith(b"%PDF")

    failed = await legwork("do", "--wait", "--json", "agent assign @coder Fail\n```sh\nexit 3\n```")
    assert failed.code == 1
    shown = json.loads(failed.out)
    assert shown["state"] == "failed"
    assert shown["steps"][0]["exit_code"] == 3


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["do", "agent fly"], 2, "There is no command `agent fly`."),
        (["do", "agent assign @coder"], 2, "TEXT is missing."),
        (["do", "agent assign @nobody x"], 1, "There is no agent called @nobody."),
        (["do", "task show T-9"], 1, "There is no task T-9"),
        (
            ["do", "task list", "--as", "dana@example.org"],
            1,
            "Nobody is known by dana@example.org. Whoever wrote a mail to Legwork once is.",
        ),
        (
            ["do", "task list", "--as", "dana"],
            2,
            "'dana' is no email address. Name whom to act as: `--as dana@example.org`",
        ),
        (["bench", "nothing"], 2, "There is no benchmark nothing."),
        (["demo", "--port", "65536"], 2, "--port"),
        (["demo", "--home", "/proc/legwork"], 1, "/proc/legwork cannot be used: No such file or directory."),
        (["sandbox", "run", "--workspace", "/nowhere", "--", "true"], 1, "/nowhere is no directory"),
        (["fly"], 2, "No such command"),
        (["do"], 2, "Missing argument"),
    ],
)
async def test_a_mistake_is_a_sentence_and_an_exit_code(
    legwork: Legwork, words: list[str], code: int, said: str
) -> None:
    """2 for wrong usage, 1 for what could not be done; never a stack trace."""
    ended = await legwork(*words)
    assert ended.code == code
    assert said in " ".join(ended.err.split())
    assert "Traceback" not in ended.err


async def test_a_bad_setting_is_named(legwork: Legwork) -> None:
    """What a setting takes is said, with its name."""
    ended = await legwork("do", "agent list", LEGWORK_MAX_RUNS="none")
    assert ended.code == 1
    assert ended.err.startswith("LEGWORK_MAX_RUNS cannot be used:")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LEGWORK_DATABASE_URL", "sqlite:////nowhere/x.db", "/nowhere/x.db.lock: No such file or directory."),
        ("LEGWORK_DATABASE_URL", "sqlite:////etc/os-release/x.db", "Not a directory."),
        ("LEGWORK_MAIL_URL", "smtp://h:notaport", "smtp://user:password@host:587"),
        ("LEGWORK_HTTP", "8080", "it takes host:port"),
    ],
)
async def test_what_cannot_work_is_a_sentence(legwork: Legwork, name: str, value: str, said: str) -> None:
    """A setting that names what is not there ends the command with what to do, and no stack trace."""
    ended = await legwork("worker" if "MAIL" in name else "migrate", **{name: value})
    assert ended.code == 1
    assert said in ended.err
    assert "Traceback" not in ended.err


async def test_a_file_that_is_no_database_is_a_sentence(legwork: Legwork, home: Path) -> None:
    """For `do`, and for `doctor`, which looks at everything else all the same."""
    (home / "legwork.db").write_text("Dear diary, " * 100)
    ended = await legwork("do", "agent list")
    assert ended.code == 1
    assert "file is not a database. Move that file away" in ended.err
    assert "Traceback" not in ended.err
    ended = await legwork("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ended.out)}
    assert ended.code == 1
    assert checks["database"]["state"] == "bad"
    assert "file is not a database" in checks["database"]["found"]
    assert checks["data folder"]["state"] == checks["model"]["state"] == "good"


async def test_an_empty_command_shows_help(legwork: Legwork) -> None:
    """Whoever says nothing is shown what they can say."""
    for nothing in ("", "  "):
        ended = await legwork("do", nothing)
        assert (ended.code, ended.err) == (0, "")
        assert "`agent` assign" in ended.out


async def test_web_alone_needs_an_address(legwork: Legwork) -> None:
    """With HTTP turned off there is nothing for it to do."""
    ended = await legwork("web", LEGWORK_HTTP="")
    assert ended.code == 1
    assert "Set LEGWORK_HTTP" in ended.err


async def test_sandbox_run_answers_for_programs(legwork: Legwork, home: Path) -> None:
    """The JSON has exactly the promised keys; the command's own exit code is told."""
    (home / "ws").mkdir()
    ended = await legwork(
        "sandbox",
        "run",
        "--workspace",
        str(home / "ws"),
        "--json",
        "--",
        "sh",
        "-c",
        "pwd; echo no >&2; exit 7",
    )
    outcome = json.loads(ended.out)
    assert set(outcome) == {
        *("exit_code", "stdout", "stderr", "ended_by"),
        *("wall_s", "peak_rss_bytes", "peak_processes", "disk_bytes"),
    }
    assert (outcome["exit_code"], outcome["stdout"], outcome["stderr"]) == (7, "/workspace\n", "no\n")
    assert ended.code == 7


async def test_sandbox_run_tells_the_limit(legwork: Legwork, home: Path) -> None:
    """A command that takes too long is ended, and the limit named."""
    (home / "ws").mkdir()
    ended = await legwork(
        "sandbox", "run", "--workspace", str(home / "ws"), "--timeout", "0.3", "--", "sleep", "60"
    )
    assert ended.code == 1
    assert "timeout" in ended.err


async def test_doctor_looks_at_everything(legwork: Legwork) -> None:
    """Each check says what was seen, and each fault what to do about it."""
    ended = await legwork("doctor", "--json", LEGWORK_MAIL_URL="smtp://127.0.0.1:9", LEGWORK_MODEL="magic:1")
    checks = {check["name"]: check for check in json.loads(ended.out)}
    assert set(checks) == {
        "approvals by mail",
        "clock",
        "configuration",
        "data folder",
        "database",
        "disk",
        "incoming mail",
        "mail",
        "model",
        "sandbox",
        "slack",
        "socket mode",
    }
    assert ended.code == 1
    assert checks["database"]["state"] == "good"
    assert checks["slack"]["state"] == "off"
    for name in ("mail", "model"):
        assert checks[name]["state"] == "bad"
        assert checks[name]["mend"]


async def test_somebody_is_acted_as(legwork: Legwork) -> None:
    """With their role, once they are known; a typo makes nobody."""
    for role in ("member", "stakeholder"):
        ended = await legwork("do", f"agent people role dana@example.org {role}")
        assert ended.code == 0, ended.err
    ended = await legwork("do", "task list", "--as", "Dana@example.org")
    assert ended.code == 1
    assert "needs the role member, and yours is stakeholder" in ended.err
    assert (await legwork("do", "help", "--as", "typo@example.org")).code == 1
    assert "typo" not in (await legwork("do", "agent people list")).out


async def test_demo_once_brings_thread_mail_and_report(legwork: Legwork, home: Path) -> None:
    """Exit 0 and three files that are there, with nothing set up and no network but loopback.

    Nor does the proxy that a machine needs for the rest of the world stand in the way.
    """
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
    ended = await legwork(
        "demo", "--once", "--home", str(home), SLACK_BOT_TOKEN="xoxb-real", LEGWORK_HTTP="nonsense", **proxies
    )
    assert ended.code == 0, ended.err
    found = dict(line.split(": ", 1) for line in ended.out.splitlines()[-3:])
    assert set(found) == {"Thread", "Mail", "Report"}
    assert Path(found["Report"]).read_bytes().startswith(b"%PDF")
    assert b"T-1-report.pdf" in Path(found["Mail"]).read_bytes()
    assert "Nordwind GmbH" in Path(found["Thread"]).read_text()


async def test_migrate_can_be_run_again(legwork: Legwork) -> None:
    """It says when there is nothing to do."""
    for _ in range(2):
        ended = await legwork("migrate")
        assert (ended.code, ended.out) == (0, "The database is up to date.\n")
