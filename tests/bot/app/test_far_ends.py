"""The clients of Slack and of the mail server, as the settings have them."""

import pytest

from bot.app.far_ends import mailer, slack_client
from bot.errors import LegworkError
from config.settings import given

PROXY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with a proxy, and one name that lies before it."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, PROXY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "slack.internal,.example.org")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://slack.com/api/", PROXY),
        ("http://10.0.0.1:8080/api/", PROXY),
        ("http://127.0.0.1:8080/api/", None),
        ("http://127.9.9.9/api/", None),
        ("http://[::1]:8080/api/", None),
        ("http://localhost:8080/api/", None),
        ("https://slack.internal/api/", None),
        ("https://slack.internal:8443/api/", None),
        ("https://chat.example.org/api/", None),
    ],
)
async def test_slack_is_reached_through_the_proxy_unless_it_is_near(url: str, proxy: str | None) -> None:
    """This machine, and what NO_PROXY names, is reached directly."""
    assert slack_client(given(SLACK_API_URL=url, SLACK_BOT_TOKEN="xoxb-1")).proxy == proxy


@pytest.mark.parametrize(
    "url", ["smtp://h:notaport", "smtp://h:99999", "h:25", "http://h", "smtp://[h", "smtp://u:se/cret@h"]
)
def test_a_bad_mail_address_is_a_sentence(url: str) -> None:
    """It says what the setting takes, and shows no password."""
    with pytest.raises(LegworkError, match=r"LEGWORK_MAIL_URL .*smtp://user:password@host:587") as refusal:
        mailer(given(LEGWORK_MAIL_URL=url))
    assert "'se'" not in str(refusal.value)
