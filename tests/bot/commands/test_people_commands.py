"""Commands about people."""

import re
from collections.abc import Iterator

import pytest

from bot import people
from bot.actors import Role
from storage import database
from storage.tables import LinkCodes, Notices
from tests.bot.commands.answers import refused, told
from tests.fakes.core import NOON, Core


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    """They name Ada."""
    people.settings_name(("U0ADA",))
    yield
    people.settings_name(())


async def test_everyone_is_listed(core: Core) -> None:
    """With role and identities, and whom the settings name."""
    reply = await core.does("agent people list", core.ada)
    assert told(reply).splitlines() == [
        "- **Ada** — admin by the settings, as U0ADA: U0ADA",
        "- **Ben** — member: U0BEN",
        "- **dana** — stakeholder: dana@example.org",
        "- **eve** — stakeholder: eve@example.org",
        "- **Mel** — member: U0MEL",
    ]
    first = {"id": core.ada.id, "name": "Ada", "role": "admin", "by_settings": True, "known_as": ["U0ADA"]}
    assert reply.data["people"][0] == first


async def test_an_admin_changes_roles(core: Core) -> None:
    """For whoever is named by mention, name or address."""
    for who, shown in [
        ("<@U0MEL|Mel Stone>", "Mel (U0MEL)"),
        ("Dana@Example.org", "dana (dana@example.org)"),
    ]:
        said = told(await core.does(f"agent people role {who} admin", core.ada))
        assert said == f"**{shown}** has the role admin now."
    assert (await database.run(people.from_slack, "U0MEL", "", (), NOON)).role == Role.ADMIN
    assert "has the role admin already" in refused(await core.does("agent people role @mel admin", core.ada))


async def test_whom_the_settings_name_stays_an_admin(core: Core) -> None:
    """The stored role may be less, and it is said who decides."""
    said = told(await core.does("agent people role @ada stakeholder", core.ada))
    assert said.endswith("As U0ADA they stay an admin for as long as LEGWORK_ADMINS names them.")
    assert (await database.run(people.from_slack, "U0ADA", "", ("U0ADA",), NOON)).role == Role.ADMIN


async def test_a_wrong_role_names_those_there_are(core: Core) -> None:
    """In a sentence, with the usage."""
    said = refused(await core.does("agent people role @mel god", core.ada))
    assert "input should be 'stakeholder', 'member' or 'admin'" in said
    assert "Usage: `agent people role @PERSON admin|member|stakeholder`" in said


async def test_one_links_an_address_of_ones_own(core: Core) -> None:
    """The code goes by mail and nowhere else; sent back, it links."""
    reply = await core.does("agent people link Dana@Example.org", core.mel)
    assert told(reply).startswith("A code is on its way to dana@example.org.")
    notice = await database.run(Notices.get)
    found = re.search(r"\d{6}", notice.text)
    assert found
    assert found[0] not in f"{reply}"
    said = told(await core.does(f"agent people link dana@example.org {found[0]}", core.mel))
    assert said.startswith("You are known by dana@example.org now")
    assert "mel@" not in said


async def test_a_wrong_code_counts(core: Core) -> None:
    """The answer is a mistake, and the try is not undone with it."""
    told(await core.does("agent people link dana@example.org", core.eve))
    code = (await database.run(Notices.get)).text.split("dana@example.org ")[1][:6]
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for tries in range(1, 6):
        said = refused(await core.does(f"agent people link dana@example.org {wrong}", core.eve))
        assert said.startswith("That is not the code")
        assert (await database.run(LinkCodes.get)).tries == tries
    said = refused(await core.does(f"agent people link dana@example.org {code}", core.eve))
    assert "was tried 5 times" in said


async def test_only_an_admin_vouches(core: Core) -> None:
    """An admin links anybody's address; a member is told how to link their own."""
    said = refused(await core.does("agent people link @ben dana@example.org", core.mel))
    assert said.startswith("Only an admin links somebody's address without a code.")
    said = told(await core.does("agent people link @ben dana@example.org", core.ada))
    assert said == "**Ben** is known by dana@example.org now."
    assert (await database.run(people.from_address, "dana@example.org", (), NOON)).id == core.ben.id


@pytest.mark.parametrize("text", ["@ben", "@ben 123456", "dana@example.org 12345", "dana@example.org soon"])
async def test_half_a_link_says_how_it_goes(core: Core, text: str) -> None:
    """What is neither a code nor an address is answered with an example."""
    said = refused(await core.does(f"agent people link {text}", core.mel))
    assert said.endswith("`agent people link dana@example.org 123456`")


@pytest.mark.parametrize("text", ["list", "role @ben admin"])
async def test_members_see_and_change_nobody(core: Core, text: str) -> None:
    """That takes an admin."""
    assert "needs the role admin" in refused(await core.does(f"agent people {text}", core.mel))
