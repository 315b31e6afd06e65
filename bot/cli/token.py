"""`legwork token create`: a token for the REST API."""

import typer

from bot import people, tokens
from bot.actors import Role
from bot.app.house import now, opened
from bot.commands import words
from config.settings import Settings
from storage import database

DONE, FAILED, USAGE = 0, 1, 2


async def create(settings: Settings, email: str, role: str, ttl: str) -> int:
    """Print a token, and nothing else, on standard output.

    Args:
        settings: The settings.
        email: Whom it stands for; they must be known.
        role: The most it may do; not more than the person may.
        ttl: How long it holds, as the grammar has it: 30d.

    Returns:
        The exit code: 0 good, 1 failed, 2 wrong usage.

    Raises:
        UserMistake: Nobody is known by this address.
    """
    try:
        address, most, length = people.address(email), Role(role.lower()), words.duration(ttl)
    except ValueError as error:
        typer.echo(f"{error}. Usage: legwork token create --email A --role R [--ttl 30d]", err=True)
        return USAGE
    async with opened(settings) as house:
        actor = await database.run(people.known_by, address, settings.admins)
    if not actor.role.includes(most):
        typer.echo(
            f"{address} has the role {actor.role}, and a token cannot do more. "
            f"First: legwork do 'agent people role {address} {most}'",
            err=True,
        )
        return FAILED
    typer.echo(tokens.mint(actor.id, most, length, house.keyring, now()))
    return DONE
