"""Settings: defaults, the environment, and sentences for what cannot be used."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import BadSettingsError, Settings, default_home, given, load, tables

REPOSITORY = Path(__file__).parents[2]
PREFIXES = ("LEGWORK_", "SLACK_")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine, and no `.env`, reaches a test."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def env_name(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return str(alias) if alias else f"LEGWORK_{field.upper()}"


def plain(value: Any) -> str:
    """A setting as an environment variable holds it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def test_everything_has_a_default() -> None:
    """Without any setting Legwork works, beside the data folder on nothing that is not there."""
    found = load()
    assert (found.http, found.model, found.log_format) == ("127.0.0.1:8080", "runbook", "text")
    assert found.admins == ()
    assert found.lease == timedelta(seconds=15)
    assert found.slack_bot_token.get_secret_value() == ""


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_read_from_its_variable(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each field listens to one variable: SLACK_… under Slack's own name, the others with the prefix."""
    value = {
        "log_format": "json",
        "sandbox": "landlock",
        "database_url": "sqlite:///x",
        "config": "/own.toml",
        **dict.fromkeys(("http", "smtp", "lmtp"), "[::1]:8"),
        "openai_base_url": "http://127.0.0.1:77/v1",
        "anthropic_base_url": "http://127.0.0.1:77",
    }.get(field, "77777")
    monkeypatch.setenv(env_name(field), value)
    changed = {name for name in Settings.model_fields if getattr(load(), name) != getattr(given(), name)}
    assert changed == {field}
    assert plain(getattr(load(), field)) in {value, f"{value}.0"}


def test_the_environment_wins_over_the_file_and_arguments_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`.env` in the working folder is read; other variables in it are nobody's business."""
    (tmp_path / ".env").write_text(
        "LEGWORK_MODEL=file\nLEGWORK_HTTP=file:1\nPATH_TO_SOMETHING=x\nLEGWORK_NEW=x\n"
    )
    assert (load().model, load().http) == ("file", "file:1")
    monkeypatch.setenv("LEGWORK_MODEL", "environment")
    assert (load().model, load().http) == ("environment", "file:1")
    assert load(model="argument").model == "argument"


@pytest.mark.parametrize(
    ("text", "admins"),
    [
        ("", ()),
        ("U1", ("U1",)),
        ("U1,dana@example.org", ("U1", "dana@example.org")),
        (" U1 , ,dana@example.org,\n", ("U1", "dana@example.org")),
        ("U1,Dana@Example.ORG", ("U1", "dana@example.org")),
    ],
)
def test_admins_are_parted_by_commas(
    text: str, admins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """White space and empty places in the list mean nothing; addresses are in lower case from here on."""
    monkeypatch.setenv("LEGWORK_ADMINS", text)
    assert load().admins == admins
    assert given(LEGWORK_ADMINS=text).admins == admins
    assert given(LEGWORK_ADMINS=admins).admins == admins


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LEGWORK_MAX_RUNS", "0", "greater than or equal to 1"),
        ("LEGWORK_MAX_RUNS", "many", "valid integer"),
        ("LEGWORK_MAX_RUNS", "", "valid integer"),
        ("LEGWORK_LEASE_SECONDS", "0.5", "greater than or equal to 1"),
        ("LEGWORK_LEASE_SECONDS", "inf", "finite number"),
        ("LEGWORK_TICK_SECONDS", "nan", "finite number"),
        ("LEGWORK_TICK_SECONDS", "0", "greater than 0"),
        ("LEGWORK_COMMAND_MEMORY_MB", "-1", "greater than or equal to 16"),
        ("LEGWORK_SANDBOX_UID", "0", "greater than or equal to 1"),
        ("LEGWORK_LOG_FORMAT", "xml", "'text' or 'json'"),
        ("LEGWORK_WORKSPACE_FILES", "1e3", "valid integer"),
        ("LEGWORK_DATABASE_URL", "postgresql://db/legwork", "used: it takes sqlite:///PATH, such as"),
        ("LEGWORK_DATABASE_URL", "sqlite:///", "sqlite:///PATH"),
        ("LEGWORK_HTTP", "8080", "used: it takes host:port"),
        ("OPENAI_BASE_URL", "localhost:11434", "used: it takes a web address"),
        ("LEGWORK_HTTP", ":8080", "host:port"),
        ("LEGWORK_HTTP", "localhost", "host:port"),
        ("LEGWORK_HTTP", "127.0.0.1:65536", "host:port"),
        ("LEGWORK_HTTP", "::1:8080", "[::1]:8080"),
    ],
)
def test_a_bad_value_names_its_variable(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be used is said with the variable's own name, what it takes, and where to mend it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettingsError) as error:
        load()
    assert str(error.value).startswith(f"{name} cannot be used: ")
    assert says in str(error.value)
    assert str(error.value).endswith(". Mend it in the environment or in .env.")


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8080", "localhost:0", "0.0.0.0:80", "[::]:80", "[::1]:80"]
)
def test_http_takes_host_and_port_or_nothing(address: str) -> None:
    """An empty address turns HTTP off; an IPv6 address stands in brackets."""
    assert given(LEGWORK_HTTP=address).http == address


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed settings hold no secret."""
    secret = "hush-hush"
    for field in ("secret_keys", "mail_url", "slack_bot_token", "slack_signing_secret"):
        monkeypatch.setenv(env_name(field), secret)
    assert secret not in repr(load()) + str(load())
    assert load().secret_keys.get_secret_value() == secret


def test_what_is_given_is_all_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings that are given hear neither of the environment nor of `.env`."""
    (tmp_path / ".env").write_text("LEGWORK_HTTP=file:1\nSLACK_BOT_TOKEN=file\n")
    monkeypatch.setenv("LEGWORK_MODEL", "environment")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "environment")
    found = given(LEGWORK_HOME=tmp_path, SLACK_API_URL="http://127.0.0.1:1/api/", LEGWORK_MAX_RUNS=2)
    assert (found.home, found.slack_api_url, found.max_runs) == (tmp_path, "http://127.0.0.1:1/api/", 2)
    assert (found.http, found.model) == ("127.0.0.1:8080", "runbook")
    assert found.slack_bot_token.get_secret_value() == found.slack_signing_secret.get_secret_value() == ""


@pytest.mark.parametrize(
    ("uid", "data", "home"),
    [
        (0, "", "/var/lib/legwork"),
        (0, "/data", "/var/lib/legwork"),
        (1000, "", "/home/me/.local/share/legwork"),
        (1000, "/data", "/data/legwork"),
    ],
)
def test_the_data_folder(uid: int, data: str, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's is a system folder; anyone else's lies in their data directory (XDG Base Directory)."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_DATA_HOME", data)
    assert load().home == Path(home)


def test_the_database_lies_in_the_data_folder() -> None:
    """Unless told, the database is a SQLite file in the data folder."""
    assert given(LEGWORK_HOME="/data").database == "sqlite:////data/legwork.db"
    assert given(LEGWORK_HOME="/data", LEGWORK_DATABASE_URL="sqlite:///x").database == "sqlite:///x"


def test_a_new_installation_has_agents() -> None:
    """Every agent of the defaults has a name that people can type, and says what it does."""
    agents = tables()["agents"]
    assert [agent["name"] for agent in agents] == ["coder", "analyst"]
    for agent in agents:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", agent["name"])
        assert agent["about"].endswith(".")


def test_the_example_shows_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each field stands in `.env.example` once, commented out, with its true default; nothing else does."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)  # the example is root's
    example = (REPOSITORY / ".env.example").read_text()
    shown = dict(re.findall(r"^#?((?:[A-Z]+_)+[A-Z]+)=(.*)$", example, re.MULTILINE))
    assert len(shown) == len(re.findall(r"^#?(?:[A-Z]+_)+[A-Z]+=", example, re.MULTILINE))
    assert sorted(shown) == sorted(map(env_name, Settings.model_fields))
    plainly = load()
    for field in Settings.model_fields:
        value = plainly.database if field == "database_url" else getattr(plainly, field)
        assert plain(value) == shown[env_name(field)] or str(value) == f"{shown[env_name(field)]}.0", field


def test_the_uncommented_example_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever uncomments every line gets the same bot."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    example = (REPOSITORY / ".env.example").read_text()
    before = load()
    (tmp_path / ".env").write_text(re.sub(r"(?m)^#(?=[A-Z_]+=)", "", example))
    after = load()
    assert after.model_copy(update={"database_url": ""}) == before
    assert after.database == before.database


def test_the_data_folder_may_be_named_as_in_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the user's home, and an empty value the default, not the current folder."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert given(LEGWORK_HOME="~/legwork").home == Path("/home/ada/legwork")
    assert given(LEGWORK_HOME="").home == default_home()


@pytest.mark.parametrize("written", ["own.toml", "./own.toml", "~/own.toml", "{here}/own.toml"])
def test_the_configuration_may_be_named_as_in_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """From the folder that Legwork is started in, or from the user's home; then it is found from anywhere."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = given(LEGWORK_CONFIG=written.format(here=tmp_path)).config
    assert found == str(tmp_path / "own.toml")
    assert given(LEGWORK_CONFIG="").config == ""


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With what to do."""
    file = tmp_path / "own.toml"
    for content in (None, b"[[agents", b"\xff"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(BadSettingsError, match=r"^LEGWORK_CONFIG names .*own\.toml, .* Mend the file\.$"):
            tables(str(file))
