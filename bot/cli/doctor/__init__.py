"""`legwork doctor`: what Legwork needs, looked at for real, each with what to do next."""

from bot.app.house import House, furnished
from bot.cli.doctor import ground, mail, models, slack
from bot.cli.doctor.check import Check, Look
from bot.errors import LegworkError
from config.settings import Settings

__all__ = ["Check", "examine"]


async def examine(settings: Settings) -> list[Check]:
    """Look at everything; one fault hides no other, beside that of the data folder, in which all lies."""
    try:
        house = furnished(settings)
    except (LegworkError, OSError) as error:
        mend = "Name a folder that only this user may write in LEGWORK_HOME."
        return [Check("data folder", "bad", str(error), mend)]
    checks = [await _checked(name, look, house) for name, look in _LOOKS.items()]
    return [Check("data folder", "good", str(settings.home)), *checks]


async def _checked(name: str, look: Look, house: House) -> Check:
    try:
        return await look(house)
    except Exception as error:  # noqa: BLE001  a doctor says what is wrong, whatever it is
        return Check(name, "bad", f"{type(error).__name__}: {error}", "Mend this, and run doctor again.")


_LOOKS: dict[str, Look] = {
    "database": ground.check_database,
    "configuration": ground.check_configuration,
    "sandbox": ground.check_sandbox,
    "slack": slack.check_token,
    "socket mode": slack.check_socket_mode,
    "clock": slack.check_clock,
    "mail": mail.check_outgoing,
    "incoming mail": mail.check_incoming,
    "approvals by mail": mail.check_approvals,
    "model": models.check_models,
    "disk": ground.check_disk,
}
