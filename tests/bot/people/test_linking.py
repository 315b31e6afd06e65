"""One person at all doors: codes, vouching, merging."""

import re
from datetime import datetime, timedelta

import pytest

from bot import people, stream, tokens
from bot.actors import Actor, Role
from bot.errors import Refused, UserMistake
from bot.events import AnyFact, PersonLinked
from bot.people import linking
from storage import approvers, database, links, notices
from storage import people as rows
from storage.discussions import ensure
from storage.tables import Agents, Approvers, Identities, LinkCodes, Messages, Notices, People, Tasks
from tests.fakes.core import GENERAL, KEYRING, NOON, Core, after

DANA = "dana@example.org"


async def asked(actor: Actor, address: str = DANA, now: datetime = NOON) -> str:
    """Someone asks to be known by an address; the code that was mailed there."""

    def ask() -> str:
        people.ask_for_proof(actor, address, now)
        notice = Notices.select().where(Notices.address == address).order_by(Notices.id.desc()).get()
        assert (notice.outlet, notice.subject) == ("email", linking.SUBJECT)
        found = re.search(rf"agent people link {address} (\d{{6}})$", notice.text, re.MULTILINE)
        assert found
        return found[1]

    return await database.run(ask)


async def proven(actor: Actor, code: str, address: str = DANA, now: datetime = NOON) -> str:
    return await database.run(people.prove, actor, address, code, now)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def facts() -> list[AnyFact]:
    return [event.fact for event in await database.run(stream.replay, stream.HOUSE)]


async def who(kind: str, value: str) -> int | None:
    found = await database.run(rows.find, kind, value)
    return found.id if found else None


async def test_whoever_knows_the_code_is_linked(core: Core) -> None:
    """The address is theirs, its own person is them, and the house's log says who proved it; not the code."""
    code = await asked(core.mel)
    assert await proven(core.mel, code) == ""
    assert await who("email", DANA) == core.mel.id
    assert core.dana.id not in [one.id for one in await database.run(rows.everyone)]
    assert (await database.run(rows.get, core.dana.id)).id == core.mel.id
    assert await facts() == [PersonLinked(person="Mel (U0MEL)", identity=DANA, how="code", by="Mel")]
    assert "no code" in await proven(core.mel, code)


async def test_a_new_address_is_linked_too(core: Core) -> None:
    """Nobody needs to have written from it before."""
    assert await proven(core.mel, await asked(core.mel, "m@x.org"), "m@x.org") == ""
    assert await who("email", "m@x.org") == core.mel.id


async def test_a_code_is_one_persons_for_one_address(core: Core) -> None:
    """Somebody else's code, or one for another address, proves nothing."""
    code = await asked(core.mel)
    assert "no code" in await proven(core.ben, code)
    assert "no code" in await proven(core.mel, code, "eve@example.org")
    await asked(core.ben)
    assert await proven(core.mel, code) == ""


async def test_five_tries(core: Core) -> None:
    """After five wrong ones the right one proves nothing either."""
    code = await asked(core.mel)
    for _ in range(linking.TRIES):
        assert "not the code" in await proven(core.mel, wrong(code))
    assert "was tried 5 times" in await proven(core.mel, code)
    assert await who("email", DANA) == core.dana.id


async def test_a_new_code_replaces_the_old(core: Core) -> None:
    """Only the newest holds, with its tries unused."""
    old = await asked(core.mel)
    for _ in range(linking.TRIES):
        await proven(core.mel, wrong(old))
    new = await asked(core.mel)
    if new != old:
        assert "not the code" in await proven(core.mel, old)
    assert await proven(core.mel, new) == ""


@pytest.mark.parametrize(("minutes", "holds"), [(14.99, True), (15, False)])
async def test_fifteen_minutes(core: Core, minutes: float, holds: bool) -> None:  # noqa: FBT001  a table
    """A code holds for fifteen minutes."""
    code = await asked(core.mel)
    assert (await proven(core.mel, code, now=after(minutes * 60)) == "") is holds


async def test_an_address_gets_few_codes_an_hour(core: Core) -> None:
    """Three an hour, whoever asks for them."""
    for actor in (core.mel, core.ben, core.mel):
        await asked(actor)
    with pytest.raises(Refused, match=r"3 codes were mailed to dana@example.org within the hour"):
        await asked(core.ben, now=after(3599))
    await asked(core.ben, now=after(3600))


async def test_a_person_asks_for_few_addresses_an_hour(core: Core) -> None:
    """Nobody mails the whole world through the bot."""
    for number in range(linking.ADDRESSES_AN_HOUR):
        await asked(core.eve, f"a{number}@x.org")
    with pytest.raises(Refused, match="for 5 addresses within the hour"):
        await asked(core.eve, "b@x.org", now=after(3599))
    await asked(core.eve, "a0@x.org")
    await asked(core.eve, "b@x.org", now=after(3600))


async def test_what_is_yours_is_not_linked_again(core: Core) -> None:
    """Neither by a code nor by an admin."""
    with pytest.raises(UserMistake, match=r"You are known by dana@example.org already"):
        await asked(core.dana)
    with pytest.raises(UserMistake, match=r"is known by dana@example.org already"):
        await database.run(people.vouch, core.dana.id, DANA, core.ada, NOON)


async def test_the_code_is_not_stored(core: Core) -> None:
    """The table has a digest; the code stands in the mail alone, and in no event."""
    code = await asked(core.mel)
    row = await database.run(LinkCodes.get)
    assert code not in row.digest
    await proven(core.mel, code)
    assert code not in str(await facts())


async def test_all_that_was_theirs_moves(core: Core) -> None:
    """Tasks, messages, duties and other addresses follow; the person who asked keeps role and name."""
    await core.opens(asker=core.dana)

    def furnish() -> None:
        place = ensure("slack", GENERAL.place, private=False)
        Messages.create(
            discussion=place, remote_id="1", author="dana", person=core.dana.id, text="x", at=NOON
        )
        coder, analyst = Agents.get(name="coder"), Agents.get(name="analyst")
        approvers.name_for_agent(coder.id, [core.dana.id])
        approvers.name_for_agent(analyst.id, [core.dana.id, core.mel.id])
        approvers.name_for_discussion(place.id, [core.dana.id, core.mel.id])
        rows.identify(core.dana.id, "email", "d@x.org")
        rows.set_role(core.dana.id, "admin")
        rows.set_role(core.ada.id, "admin")
        links.begin(core.dana.id, "other@x.org", "", NOON)

    await database.run(furnish)
    assert await proven(core.mel, await asked(core.mel)) == ""

    def look() -> None:
        assert [task.asker_id for task in Tasks.select()] == [core.mel.id]
        assert [message.person.id for message in Messages.select()] == [core.mel.id]
        assert [row.person_id for row in Approvers.select()] == [core.mel.id] * 3
        assert set(rows.values(core.mel.id, "email")) == {"d@x.org", DANA}
        assert not LinkCodes.select().exists()
        person = rows.get(core.mel.id)
        assert (person.name, person.role) == ("Mel", Role.MEMBER)

    await database.run(look)


async def test_no_reference_is_left_behind() -> None:
    """Merging knows every table that points at people, those of later issues too."""
    pointing = {field.model for field in People._meta.backrefs}
    assert pointing >= {Tasks, Messages, Approvers, Identities, LinkCodes}


async def test_who_has_another_door_stays_who_they_are(core: Core) -> None:
    """Reading somebody's mail makes nobody them in Slack: only the address moves."""
    await database.run(rows.identify, core.ben.id, "email", "ben@x.org")
    assert await proven(core.mel, await asked(core.mel, "ben@x.org"), "ben@x.org") == ""
    assert await who("slack", "U0BEN") == core.ben.id
    assert await who("email", "ben@x.org") == core.mel.id


async def test_an_admin_vouches(core: Core) -> None:
    """Without a code; the log says who."""
    await database.run(people.vouch, core.mel.id, DANA, core.ada, NOON)
    assert await who("email", DANA) == core.mel.id
    assert await facts() == [PersonLinked(person="Mel (U0MEL)", identity=DANA, how="admin", by="Ada")]


async def test_a_person_s_number_is_nobody_else_s(core: Core) -> None:
    """It stands in API tokens: one of a merged person is the survivor's, however often they are merged."""
    token = tokens.mint(core.eve.id, Role.ADMIN, timedelta(days=30), KEYRING, NOON)
    await database.run(people.vouch, core.dana.id, "eve@example.org", core.ada, NOON)
    await database.run(people.vouch, core.mel.id, DANA, core.ada, NOON)
    new = await database.run(people.from_slack, "U0NEW", "New", (), NOON)
    assert new.id not in (core.dana.id, core.eve.id)
    bearer = await database.run(rows.get, tokens.read(token, KEYRING, NOON).person)
    assert (bearer.id, bearer.role) == (core.mel.id, Role.MEMBER)
    assert bearer.values("email") == (DANA, "eve@example.org")


@pytest.mark.parametrize("how", ["code", "admin"])
async def test_the_last_admin_is_not_linked_away(core: Core, how: str) -> None:
    """Their role would be gone with them: first there must be another admin. Nothing is half done."""
    await database.run(rows.set_role, core.dana.id, "admin")
    code = await asked(core.mel)

    async def links_it() -> str:
        if how == "code":
            return await proven(core.mel, code)
        return await database.run(lambda: people.vouch(core.mel.id, DANA, core.ada, NOON) or "")

    with pytest.raises(UserMistake, match=r"dana@example\.org is the last admin's"):
        await links_it()
    assert await who("email", DANA) == core.dana.id
    await database.run(rows.set_role, core.ben.id, "admin")
    assert await links_it() == ""
    assert await who("email", DANA) == core.mel.id


async def test_an_admin_of_the_settings_stays_one(core: Core) -> None:
    """Whom they name by the very address is one by it still, and so nothing is in the way."""
    await database.run(rows.set_role, core.dana.id, "admin")
    people.settings_name((DANA,))
    try:
        await database.run(people.vouch, core.mel.id, DANA, core.ada, NOON)
        mel = await database.run(rows.get, core.mel.id)
        assert people.role_of(mel) == (Role.ADMIN, DANA)
    finally:
        people.settings_name(())


async def test_a_code_is_not_kept_once_it_was_mailed(core: Core) -> None:
    """The notice's text is blanked; that a code was mailed still counts. One that was refused is kept."""
    await asked(core.mel)

    def said(state: str) -> str:
        (notice,) = notices.due(NOON, ["email"], 1)
        token = notices.lease(notice.id, NOON, after(60))
        assert token
        assert notices.settle(notice.id, token, state)
        return str(Notices.get_by_id(notice.id).text)

    assert await database.run(said, "sent") == ""
    assert await database.run(links.mailed, DANA, linking.SUBJECT, after(-60)) == 1
    await asked(core.mel)
    assert "agent people link" in await database.run(said, "dead")
