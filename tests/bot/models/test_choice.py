"""From the names of models to a model."""

import subprocess
import sys

import pytest

from bot.errors import LegworkError
from bot.models.base import Brief
from bot.models.choice import Account, Models, split

BRIEF = Brief("x")


def test_the_runbook_is_a_model() -> None:
    """The embedded model is found by its name."""
    assert Models().make("runbook", BRIEF).scripted


def test_several_models_are_named_in_order() -> None:
    """Commas part the models that are asked one after the other."""
    assert split("openai:a/b:c, anthropic:d") == ["openai:a/b:c", "anthropic:d"]
    assert not Models().make("openai:a, anthropic:d", BRIEF).scripted


@pytest.mark.parametrize(
    "names", ["", "Runbook", "openai", "openai:", "gpt", "runbook:x", "openai:a,", "openai:a,runbook"]
)
def test_an_unknown_model_says_what_there_is(names: str) -> None:
    """A name that is no model's is named, with the setting to mend."""
    with pytest.raises(LegworkError, match=r"is no model\. LEGWORK_MODEL, and an agent's --model, take"):
        Models().make(names, BRIEF)


@pytest.mark.parametrize(
    ("names", "key"), [("openai:a", "OPENAI_API_KEY"), ("openai:a,anthropic:b", "ANTHROPIC_API_KEY")]
)
def test_a_missing_key_is_named(names: str, key: str) -> None:
    """Without a key the setting that holds it is named; a server of one's own needs none."""
    models = Models(openai=Account("k") if "," in names else Account())
    with pytest.raises(LegworkError, match=key):
        models.check(names)
    Models(openai=Account(base_url="http://127.0.0.1:1"), anthropic=Account("k")).check(names)


def test_no_provider_is_imported_before_it_is_needed() -> None:
    """Who uses runbooks pays for no provider's library."""
    script = "import sys, bot.app.worker; sys.exit('openai' in sys.modules or 'anthropic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
