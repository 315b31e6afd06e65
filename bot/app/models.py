"""The models that the settings let this process use."""

from pydantic import ValidationError

from bot.agents.limits import Limits
from bot.agents.loop import Manners
from bot.errors import LegworkError
from bot.models.choice import Account, Models
from bot.models.persistent import Patience
from bot.models.prices import Prices
from bot.work.approvals import Asking
from config.settings import Settings, defaults

MINUTE_S = 60


def models(settings: Settings) -> Models:
    """Made once; nothing is imported or connected before it is needed.

    Raises:
        LegworkError: The prices of the configuration cannot be used.
    """
    try:
        prices = Prices(defaults(settings.config).get("prices", []))
    except (ValidationError, TypeError) as error:
        place = settings.config or "config/defaults.toml"
        raise LegworkError(
            f"The prices in {place} cannot be used: {error}. Mend them and start again."
        ) from error
    return Models(
        openai=Account(settings.openai_api_key.get_secret_value(), settings.openai_base_url),
        anthropic=Account(settings.anthropic_api_key.get_secret_value(), settings.anthropic_base_url),
        patience=Patience(
            tries=settings.model_tries,
            first_s=settings.model_retry_seconds,
            longest_s=settings.model_retry_max_seconds,
            idle_s=settings.model_idle_seconds,
        ),
        prices=prices,
    )


def manners(settings: Settings, asking: Asking) -> Manners:
    """How tasks are carried out; a limit that is 0 is none."""
    limits = Limits(
        steps=settings.max_steps,
        tokens=settings.max_tokens or None,
        usd=settings.max_usd or None,
        seconds=settings.max_minutes * MINUTE_S or None,
    )
    return Manners(limits, asking, settings.model_words_seconds)
