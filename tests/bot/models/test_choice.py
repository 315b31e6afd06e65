"""From the name of a model to the model."""

import pytest

from bot.errors import LegworkError
from bot.models.choice import model_for


def test_the_runbook_is_a_model() -> None:
    """The embedded model is found by its name."""
    assert model_for("runbook", "x").name == "runbook"


@pytest.mark.parametrize("name", ["", "Runbook", "openai:gpt", "runbook:x"])
def test_an_unknown_model_says_what_there_is(name: str) -> None:
    """A name that is no model's is named, with the setting to mend."""
    with pytest.raises(LegworkError, match="an admin can set LEGWORK_MODEL to runbook"):
        model_for(name, "x")
