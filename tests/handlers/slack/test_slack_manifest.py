"""The app's manifest declares what the code listens to and asks for, and nothing else."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from handlers.slack.listeners import COMMANDS, EVENTS
from handlers.slack.payloads import PRIVATE

REPOSITORY = Path(__file__).parents[3]
# What each event and method needs: https://docs.slack.dev/reference/events, https://docs.slack.dev/reference/methods
EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
}
METHOD_SCOPES = {
    "chat_postMessage": {"chat:write", "chat:write.public"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_open": {"im:write"},
    "conversations_join": {"channels:join"},
    "conversations_history": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "conversations_replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
    "files_upload_v2": {"files:write"},
    "reactions_add": {"reactions:write"},
    "users_info": {"users:read"},
    "views_open": set[str](),
    "auth_test": set[str](),
}
# The limits of https://github.com/slackapi/manifest-schema, manifest.schema.1.0.0.json.
LIMITS = {"name": 35, "description": 140, "display_name": 80}


@pytest.fixture
def manifest() -> dict[str, Any]:
    """As people paste it."""
    text = resources.files("config").joinpath("slack_manifest.json").read_text()
    return dict(json.loads(text))


def test_commands_are_declared(manifest: dict[str, Any]) -> None:
    """Each command that is listened to, with its people and channels as ids."""
    declared = manifest["features"]["slash_commands"]
    assert [one["command"] for one in declared] == ["/agent", "/task"]
    for one in declared:
        assert COMMANDS.match(one["command"])
        assert one["should_escape"] is True
        assert one["description"]
        assert one["usage_hint"]


def test_events_are_declared(manifest: dict[str, Any]) -> None:
    """Mentions, and messages of each kind of place whose privacy is known."""
    declared = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {one.partition(".")[0] for one in declared} == set(EVENTS)
    kinds = {one.partition(".")[2].removesuffix("s") for one in declared} - {""}
    assert kinds == set(PRIVATE) - {"app_home"}


def test_scopes_are_those_that_are_needed(manifest: dict[str, Any]) -> None:
    """No event or method lacks its scope, and no scope is asked for in vain."""
    called = {
        name
        for folder in ("bot/delivery", "bot/cli", "bot/app", "handlers/slack")
        for path in (REPOSITORY / folder).glob("*.py")
        for name in re.findall(r"client\.((?:[a-z]+)_[a-zA-Z0-9_]+)\(", path.read_text())
    }
    assert called <= set(METHOD_SCOPES), "say which scopes a new method needs"
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    needed = {"commands"} | {EVENT_SCOPES[one] for one in events}
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert needed.union(*(METHOD_SCOPES[name] for name in called)) <= set(asked)
    assert set(asked) <= needed.union(*METHOD_SCOPES.values())
    assert asked == sorted(set(asked))


def test_people_can_write_to_the_bot_and_press_its_buttons(manifest: dict[str, Any]) -> None:
    """The messages tab takes messages, and interactivity is on; no address is needed with Socket Mode."""
    home = manifest["features"]["app_home"]
    assert home["messages_tab_enabled"]
    assert not home["messages_tab_read_only_enabled"]
    assert manifest["settings"]["interactivity"] == {"is_enabled": True}
    assert manifest["settings"]["socket_mode_enabled"] is True


def test_slack_takes_it(manifest: dict[str, Any]) -> None:
    """It has the parts that the manifest's schema knows, within their limits."""
    assert set(manifest) == {"display_information", "features", "oauth_config", "settings"}
    assert set(manifest["features"]) == {"app_home", "bot_user", "slash_commands"}
    shown = manifest["display_information"] | manifest["features"]["bot_user"]
    for name, most in LIMITS.items():
        assert 1 <= len(shown[name]) <= most
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])


def test_the_guide_tells_of_it() -> None:
    """The guide for newcomers names the manifest and every setting that it takes."""
    guide = (REPOSITORY / "docs" / "connect-slack.md").read_text()
    for name in ("config/slack_manifest.json", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        assert name in guide
