"""`legwork doctor`: each thing is looked at for real, and each fault comes with what to do next."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.doctor import Check, examine
from bot.practice import PracticeRoom
from config.settings import Settings, given
from storage import database, policies
from tests.fakes.team import Team


async def looked(name: str, settings: Settings) -> Check:
    """One of the checks."""
    return next(check for check in await examine(settings) if check.name == name)


@pytest.fixture
def taken() -> Iterator[str]:
    """An address where another program listens, and says nothing that Legwork would."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_a_bot_that_is_set_up_has_no_fault(settings: Settings, room: PracticeRoom) -> None:
    """In the practice room, with both ways to Slack and with mail, nothing is bad and nothing is missing."""
    both = settings.model_copy(update={"slack_app_token": SecretStr(room.slack.app_token)})
    checks = await examine(both)
    assert {check.name: check.state for check in checks} == dict.fromkeys((c.name for c in checks), "good")
    slack = next(check for check in checks if check.name == "slack")
    assert slack.found.endswith("by Socket Mode and HTTP")


async def test_a_sandbox_that_keeps_in_less_is_told_of(home: Path) -> None:
    """Whoever chose Landlock sees what it lacks, or why it cannot be had: never that all is well."""
    check = await looked("sandbox", given(LEGWORK_HOME=home, LEGWORK_SANDBOX="landlock"))
    assert check.state in {"warn", "bad"}
    assert ("bombs" in check.found) == (check.state == "warn")
    assert "LEGWORK_SANDBOX=landlock" in check.mend


@pytest.mark.parametrize(
    ("tokens", "found", "mend"),
    [
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN is missing", "OAuth & Permissions"),
        ({"SLACK_SIGNING_SECRET": "s"}, "SLACK_BOT_TOKEN is missing", "OAuth & Permissions"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "cannot hear", "Set SLACK_APP_TOKEN for Socket Mode"),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "LEGWORK_HTTP": ""},
            "LEGWORK_HTTP is empty",
            "127.0.0.1:8080",
        ),
    ],
)
async def test_half_a_way_to_slack_is_a_fault(
    home: Path, tokens: dict[str, str], found: str, mend: str
) -> None:
    """Whoever set one token hears which other is missing; Slack is not asked."""
    check = await looked("slack", given(LEGWORK_HOME=home, SLACK_API_URL="http://127.0.0.1:9/", **tokens))
    assert check.state == "bad"
    assert found in check.found
    assert mend in check.mend


async def test_a_token_that_opens_no_socket_is_a_fault(settings: Settings, room: PracticeRoom) -> None:
    """The bot's token in the place of the app's, say: Slack's answer is shown, and which token it takes."""
    wrong = SecretStr(room.slack.bot_token)
    check = await looked("socket mode", settings.model_copy(update={"slack_app_token": wrong}))
    assert check.state == "bad"
    assert check.found.startswith("Slack answers ")
    assert "connections:write" in check.mend
    assert wrong.get_secret_value() not in check.line()


@pytest.mark.parametrize("kind", ["smtp", "lmtp"])
async def test_a_port_that_another_program_has_is_a_fault(settings: Settings, taken: str, kind: str) -> None:
    """Letters could not be taken there."""
    check = await looked("incoming mail", settings.model_copy(update={kind: taken}))
    assert check.state == "bad"
    assert taken in check.found
    assert "ss -ltnp" in check.mend


async def test_a_port_that_legwork_has_is_no_fault(desk: Team) -> None:
    """Doctor is asked while Legwork runs: its greeting tells that it is ours."""
    database.close()  # as for a doctor in another process
    settings = desk.house.settings.model_copy(update={"smtp": desk.room.mail_to})
    check = await looked("incoming mail", settings)
    database.open(settings.database)
    assert check.state == "good"
    assert f"SMTP on {desk.room.mail_to} (Legwork listens)" in check.found


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        ({}, "off", "not set up"),
        ({"LEGWORK_MAIL_URL": "smtp://127.0.0.1:9"}, "warn", "LEGWORK_MAIL_DOMAIN is localhost"),
        ({"LEGWORK_SMTP": ""}, "off", "LEGWORK_SMTP and LEGWORK_LMTP are empty"),
        ({"LEGWORK_MAIL_DOMAIN": "agents.example.org"}, "good", "for agents.example.org"),
    ],
)
async def test_mails_that_nobody_can_answer_are_told_of(
    home: Path, changes: dict[str, str], state: str, said: str
) -> None:
    """Without mail that is no fault; with it a warning says what is missing."""
    check = await looked(
        "incoming mail", given(**{"LEGWORK_HOME": home, "LEGWORK_SMTP": "127.0.0.1:0"} | changes)
    )
    assert (check.state, said in check.found) == (state, True)
    assert bool(check.mend) == (state != "good")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"LEGWORK_MAIL_DOMAIN": "localhost"}, "off"),
        ({"LEGWORK_AUTHSERV_ID": ""}, "off"),
        ({}, "good"),
        ({"LEGWORK_SMTP": "localhost:0"}, "good"),
        ({"LEGWORK_SMTP": "[::1]:0"}, "good"),
        ({"LEGWORK_SMTP": "0.0.0.0:0"}, "warn"),
        ({"LEGWORK_SMTP": "[::]:0"}, "warn"),
        ({"LEGWORK_LMTP": "mail.example.org:24"}, "warn"),
    ],
)
async def test_whoever_reaches_the_port_could_vouch_for_themselves(
    home: Path, changes: dict[str, str], state: str
) -> None:
    """Approvals by mail stand on a header that our server writes: the port is to be its alone."""
    known = {
        "LEGWORK_HOME": home,
        "LEGWORK_SMTP": "127.0.0.1:0",
        "LEGWORK_MAIL_DOMAIN": "agents.example.org",
        "LEGWORK_AUTHSERV_ID": "mx.example.org",
    }
    check = await looked("approvals by mail", given(**known | changes))
    assert check.state == state
    if state == "warn":
        assert "firewall" in check.mend
        assert check.line().startswith("! approvals by mail: LEGWORK_")


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (None, "No such file"),
        ("[[agents", "cannot be used"),
        (
            "[[runbooks]]\nname = 'x'\nabout = ''\nagent = 'coder'\ntext = '{{y}}'",
            "no parameter of that name",
        ),
        ("[[policies]]\neffect = 'maybe'", "effect"),
    ],
)
async def test_a_configuration_that_cannot_be_used_is_a_fault_of_its_own(
    home: Path, own: str | None, said: str
) -> None:
    """The file is read as at a start; the database is well all the same, and its rules stay as they were."""
    file = home / "own.toml"
    if own is not None:
        file.write_text(own)
    checks = {
        check.name: check for check in await examine(given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file)))
    }
    assert checks["database"].state == "good"
    assert checks["configuration"].state == "bad"
    assert said in checks["configuration"].found
    assert str(file) in checks["configuration"].mend
    assert checks["model"].state == "off"


async def test_looking_changes_no_rule_of_the_team(home: Path) -> None:
    """The built-in rules are those of the team's own file before and after."""
    file = home / "own.toml"
    file.write_text("[[policies]]\ntool = 'terminal'\npattern = 'rm *'\neffect = 'deny'\n")
    settings = given(LEGWORK_HOME=home, LEGWORK_CONFIG=str(file))
    for _ in range(2):
        assert (await looked("configuration", settings)).found == f"{file}, beside Legwork's own"
        database.open(settings.database)
        rules = await database.run(policies.built_in)
        database.close()
        assert [rule.pattern for rule in rules] == ["git push*", "rm *"]


async def test_a_broken_database_is_told_once(home: Path) -> None:
    """What can only be read with it is not called a fault of its own."""
    (home / "legwork.db").write_text("Dear diary, " * 100)
    checks = {check.name: check for check in await examine(given(LEGWORK_HOME=home))}
    assert (checks["database"].state, checks["configuration"].state) == ("bad", "off")
