"""From the name of a model, as settings have it, to the model."""

from bot.errors import LegworkError
from bot.models.base import Model
from bot.models.runbook import Runbook


def model_for(name: str, text: str) -> Model:
    """The model that will decide on a task's steps.

    Args:
        name: `provider:model`, or `runbook`.
        text: The task's text.

    Raises:
        LegworkError: There is no such model.
    """
    if name == Runbook.name:
        return Runbook(text)
    raise LegworkError(f"There is no model {name}: an admin can set LEGWORK_MODEL to {Runbook.name}.")
