"""Settings, read once from the environment and `.env` by the roof and passed down as plain values."""

import os
import re
import tomllib
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

ROOT_UID = 0
LAST_PORT = 65_535
_HOST_AND_PORT = re.compile(r"(\[[\w:.%]+\]|[^\s:\[\]]+):(?P<port>[0-9]{1,5})")


class BadSettingsError(Exception):
    """A setting cannot be used; the message names it and says what it takes."""


def default_home() -> Path:
    """The data folder: `/var/lib/legwork` for root, else `legwork` in the user's data directory."""
    if os.geteuid() == ROOT_UID:
        return Path("/var/lib/legwork")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "legwork"


def _named(name: str, default: Any) -> Any:
    """A setting that has the same name in the environment of every program (no `LEGWORK_` prefix)."""
    return Field(default=default, validation_alias=name)


class Settings(BaseSettings):
    """Every setting of Legwork with its default; `.env.example` explains them to people."""

    model_config = SettingsConfigDict(
        env_prefix="LEGWORK_", env_file=".env", extra="ignore", frozen=True, allow_inf_nan=False
    )

    home: Path = Field(default_factory=default_home)
    database_url: str = ""
    http: str = "127.0.0.1:8080"
    smtp: str = "127.0.0.1:8025"
    lmtp: str = ""
    mail_url: SecretStr = SecretStr("")
    mail_from: str = "Legwork <legwork@localhost>"
    mail_domain: str = "localhost"
    authserv_id: str = ""
    config: str = ""
    secret_keys: SecretStr = SecretStr("")
    model: str = "runbook"
    admins: Annotated[tuple[str, ...], NoDecode] = ()
    log_format: Literal["text", "json"] = "text"

    max_runs: int = Field(default=4, ge=1)
    lease_seconds: float = Field(default=15, ge=1)
    tick_seconds: float = Field(default=0.5, gt=0)
    max_command_chars: int = Field(default=20_000, ge=100)
    max_attempts: int = Field(default=5, ge=1)
    max_steps: int = Field(default=200, ge=1)
    max_tokens: int = Field(default=0, ge=0)
    max_usd: float = Field(default=0, ge=0)
    max_minutes: float = Field(default=0, ge=0)
    model_tries: int = Field(default=5, ge=1)
    model_retry_seconds: float = Field(default=1, gt=0)
    model_retry_max_seconds: float = Field(default=120, gt=0)
    model_idle_seconds: float = Field(default=180, gt=0)
    model_words_seconds: float = Field(default=5, gt=0)
    approval_reminder_hours: float = Field(default=4, gt=0, le=100_000)
    command_seconds: float = Field(default=120, gt=0)
    command_memory_mb: int = Field(default=1024, ge=16)
    command_processes: int = Field(default=256, ge=8)
    command_output_kb: int = Field(default=64, ge=1)
    workspace_mb: int = Field(default=512, ge=1)
    workspace_files: int = Field(default=50_000, ge=10)
    egress_private: str = ""
    sandbox: Literal["bubblewrap", "landlock"] = "bubblewrap"
    sandbox_uid: int = Field(default=64_123, ge=1)
    delivery_days: float = Field(default=4, gt=0, le=100_000)
    delivery_retry_seconds: float = Field(default=2, gt=0)
    delivery_retry_max_seconds: float = Field(default=300, gt=0)
    first_mail_seconds: float = Field(default=20, ge=0)
    letter_mb: int = Field(default=25, ge=1)
    letter_days: float = Field(default=30, gt=0, le=100_000)
    letters_per_hour: int = Field(default=60, ge=1)
    mail_connections: int = Field(default=50, ge=1)
    mail_recipients: int = Field(default=20, ge=1)
    mail_idle_seconds: float = Field(default=60, gt=0)
    ask_by_mail_days: float = Field(default=14, gt=0, le=100_000)
    far_end_timeout_seconds: float = Field(default=20, gt=0)

    openai_api_key: SecretStr = _named("OPENAI_API_KEY", SecretStr(""))
    openai_base_url: str = _named("OPENAI_BASE_URL", "")
    anthropic_api_key: SecretStr = _named("ANTHROPIC_API_KEY", SecretStr(""))
    anthropic_base_url: str = _named("ANTHROPIC_BASE_URL", "")
    slack_bot_token: SecretStr = _named("SLACK_BOT_TOKEN", SecretStr(""))
    slack_app_token: SecretStr = _named("SLACK_APP_TOKEN", SecretStr(""))
    slack_signing_secret: SecretStr = _named("SLACK_SIGNING_SECRET", SecretStr(""))
    slack_api_url: str = _named("SLACK_API_URL", "https://slack.com/api/")

    @field_validator("database_url")
    @classmethod
    def _sqlite(cls, value: str) -> str:
        """Refuse what names no file."""
        if value and not re.fullmatch(r"sqlite:///.+", value):
            raise ValueError("it takes sqlite:///PATH, such as sqlite:////var/lib/legwork/legwork.db")
        return value

    @field_validator("openai_base_url", "anthropic_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        """Refuse what no request can be sent to."""
        if value and not re.fullmatch(r"https?://[^\s/]\S*", value):
            raise ValueError("it takes a web address, such as http://127.0.0.1:11434/v1")
        return value

    @field_validator("http", "smtp", "lmtp")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        """Refuse a port without a host, which would listen on every interface."""
        found = _HOST_AND_PORT.fullmatch(value)
        if value and not (found and int(found["port"]) <= LAST_PORT):
            raise ValueError(
                "it takes host:port, such as 127.0.0.1:8080, [::1]:8080, or 0.0.0.0:8080 for every interface"
            )
        return value

    @field_validator("admins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Accept a comma-separated list, as an environment variable holds one; addresses in lower case."""
        named = value.split(",") if isinstance(value, str) else value
        if not isinstance(named, list | tuple):
            return value
        stripped = filter(None, (str(one).strip() for one in named))
        return tuple(one.lower() if "@" in one else one for one in stripped)

    @field_validator("home", mode="before")
    @classmethod
    def _folder(cls, value: object) -> object:
        """An empty value is the default, as for other settings; `~` is the user's home."""
        return Path(str(value)).expanduser() if str(value) else default_home()

    @field_validator("config")
    @classmethod
    def _file(cls, value: str) -> str:
        """A path counts from the folder that Legwork is started in, where `.env` is read too."""
        return str(Path(value).expanduser().absolute()) if value else value

    @property
    def database(self) -> str:
        """The address of the database, SQLite in the data folder unless told."""
        return self.database_url or f"sqlite:///{self.home / 'legwork.db'}"

    @property
    def socket_mode(self) -> bool:
        """Whether Slack is reached over a websocket that we open."""
        return bool(self.slack_app_token.get_secret_value())

    @property
    def takes_mail(self) -> bool:
        """Whether letters to our domain can reach us, so that people may answer."""
        return bool(self.smtp or self.lmtp) and self.mail_domain != "localhost"

    @property
    def lease(self) -> timedelta:
        """How long a claim holds without being renewed."""
        return timedelta(seconds=self.lease_seconds)


def load(**overrides: Any) -> Settings:
    """Read the settings.

    Args:
        **overrides: Values that win over the environment, by field name.

    Raises:
        BadSettingsError: A value cannot be used.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problem = error.errors()[0]
        place = str(problem["loc"][0])
        name = place if place.isupper() else f"LEGWORK_{place.upper()}"
        why = problem["msg"].removeprefix("Value error, ")
        message = f"{name} cannot be used: {why}. Mend it in the environment or in .env."
        raise BadSettingsError(message) from error


class _Given(Settings):
    """Settings that are what the caller says, whatever the environment holds."""

    @classmethod
    def settings_customise_sources(  # type: ignore[override]  # the base names sources that are not wanted
        cls, _: type[BaseSettings], init_settings: PydanticBaseSettingsSource, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given."""
        return (init_settings,)


def given(**values: Any) -> Settings:
    """Settings by name as the environment has them (`LEGWORK_HOME`, `SLACK_BOT_TOKEN`), and defaults else."""
    return _Given(
        **{
            name.removeprefix("LEGWORK_").lower() if name.startswith("LEGWORK_") else name: value
            for name, value in values.items()
        }
    )


def tables(own: str = "") -> dict[str, Any]:
    """What a file of agents, policies, runbooks and prices holds, as it is written.

    Args:
        own: Path of the team's own TOML file; that of Legwork's own, `defaults.toml`, if empty.

    Raises:
        BadSettingsError: The file cannot be read.
    """
    if not own:
        return tomllib.loads(resources.files("config").joinpath("defaults.toml").read_text("utf-8"))
    try:
        return tomllib.loads(Path(own).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"LEGWORK_CONFIG names {own}, which cannot be used: {error}. Mend the file."
        raise BadSettingsError(message) from error
