"""The models that the settings let this process use."""

from bot.agents.limits import Limits
from bot.agents.loop import Manners
from bot.app import configuration
from bot.models.choice import Account, Models
from bot.models.persistent import Patience
from bot.models.prices import Prices
from bot.work.approvals import Asking
from config.settings import Settings

MINUTE_S = 60


def models(settings: Settings) -> Models:
    """Made once; nothing is imported or connected before it is needed.

    Raises:
        LegworkError: The configuration, which has their prices, cannot be used.
        BadSettingsError: Its file cannot be read.
    """
    return Models(
        **accounts(settings),
        patience=Patience(
            tries=settings.model_tries,
            first_s=settings.model_retry_seconds,
            longest_s=settings.model_retry_max_seconds,
            idle_s=settings.model_idle_seconds,
        ),
        prices=Prices(configuration.prices(settings.config)),
    )


def accounts(settings: Settings) -> dict[str, Account]:
    """What each provider knows us by."""
    return {
        "openai": Account(settings.openai_api_key.get_secret_value(), settings.openai_base_url),
        "anthropic": Account(settings.anthropic_api_key.get_secret_value(), settings.anthropic_base_url),
    }


def manners(settings: Settings, asking: Asking) -> Manners:
    """How tasks are carried out; a limit that is 0 is none."""
    limits = Limits(
        steps=settings.max_steps,
        tokens=settings.max_tokens or None,
        usd=settings.max_usd or None,
        seconds=settings.max_minutes * MINUTE_S or None,
    )
    return Manners(limits, asking, settings.model_words_seconds)
