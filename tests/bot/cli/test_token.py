"""`legwork token create`: one line on standard output, or a sentence and an exit code."""

from pathlib import Path

import pytest

from bot import tokens
from bot.actors import Role
from bot.app.house import now, opened
from bot.cli.token import create
from bot.errors import UserMistake
from bot.people import from_address
from bot.vault import Keyring
from config.settings import Settings, given
from storage import database, people


@pytest.fixture
def alone(home: Path) -> Settings:
    """Settings of a house with nothing but a data folder."""
    return given(LEGWORK_HOME=home, LEGWORK_ADMINS=("Ada@Example.org",))


async def written(settings: Settings, *addresses: str) -> None:
    """People who wrote a mail once: dana, unless told."""
    async with opened(settings):
        for address in addresses or ("dana@example.org",):
            await database.run(from_address, address, (), now())


async def test_the_token_is_all_that_is_printed(alone: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """It stands for the person."""
    await written(alone)
    assert await create(alone, "Dana@example.org", "stakeholder", "30d") == 0
    out, _ = capsys.readouterr()
    claims = tokens.read(out.removesuffix("\n"), Keyring.load("", alone.home), now())
    assert claims.role == Role.STAKEHOLDER
    assert (claims.expires - claims.issued).days == 30
    async with opened(alone):
        found = await database.run(people.find, "email", "dana@example.org")
    assert found is not None
    assert (found.id, found.role) == (claims.person, "stakeholder")


async def test_a_token_does_no_more_than_its_person(
    alone: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to do first is said."""
    await written(alone)
    assert await create(alone, "dana@example.org", "member", "30d") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "First: legwork do 'agent people role dana@example.org member'" in err
    async with opened(alone):
        found = await database.run(people.find, "email", "dana@example.org")
        assert found is not None
        await database.run(people.set_role, found.id, "member")
    assert await create(alone, "dana@example.org", "member", "30d") == 0


async def test_who_the_settings_name_may_have_any(alone: Settings) -> None:
    """They are an admin for as long as the settings say so."""
    await written(alone, "ada@example.org")
    assert await create(alone, "ada@example.org", "admin", "1h") == 0
    nobody = alone.model_copy(update={"admins": ()})
    assert await create(nobody, "ada@example.org", "admin", "1h") == 1


async def test_a_typo_makes_nobody(alone: Settings) -> None:
    """Whoever is not known gets no token, and is not added."""
    with pytest.raises(
        UserMistake, match=r"Nobody is known by oops@example.org\. .* add them first: legwork do"
    ):
        await create(alone, "oops@example.org", "stakeholder", "30d")
    async with opened(alone):
        assert await database.run(people.everyone) == []


@pytest.mark.parametrize(
    ("email", "role", "ttl", "says"),
    [
        ("dana", "member", "30d", "'dana' is no email address."),
        ("dana@example.org", "god", "30d", "'god' is not a valid Role."),
        ("dana@example.org", "member", "soon", "'soon' is no length of time"),
        ("dana@example.org", "member", "0s", "'0s' is not between"),
        ("dana@example.org", "member", "999w", "'999w' is not between"),
    ],
)
async def test_wrong_usage(
    alone: Settings, capsys: pytest.CaptureFixture[str], email: str, role: str, ttl: str, says: str
) -> None:
    """What cannot be read is exit code 2 and the usage."""
    assert await create(alone, email, role, ttl) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(says)
    assert "Usage: legwork token create --email A --role R [--ttl 30d]" in err
