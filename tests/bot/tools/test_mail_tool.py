"""The mail tool: to the task's people, once, and to nobody else without a person's word."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
from pydantic import ValidationError

from bot import stream
from bot.delivery import mail_of_task, mail_plan, mail_view
from bot.delivery.outlet import Recipient
from bot.events import MailAsked
from bot.reports.report import Report
from bot.tools.base import Bench, Result, default_of
from bot.tools.mail import EVERYONE, Mail, MailArguments
from bot.work import hearing, runs
from storage import database, subscriptions
from tests.fakes.core import NOON, Core, held, opened


def to(*addresses: str) -> MailArguments:
    return MailArguments(subject="News\nof it", text="It **works**.", to=addresses)


async def write(bench: Bench, *addresses: str) -> Result:
    return await Mail().run(to(*addresses), bench)


@pytest.fixture
async def core(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Core]:
    """A task that Dana asked for, and that an address without a person hears of."""
    with opened(tmp_path_factory.mktemp("core")) as path:
        core = await Core.furnished(path)
        await core.opens(asker=core.dana, notify=["client@example.com"])
        yield core


@pytest.mark.parametrize(
    "address", ["", "dana", "a@b\nBcc: c@d", "a@b, c@d", "Dana <dana@example.org>, x@y.z"]
)
def test_only_addresses_are_written_to(address: str) -> None:
    """Nothing slips into a header."""
    with pytest.raises(ValidationError):
        to(address)


def test_rules_are_about_the_addresses() -> None:
    """However they are written."""
    assert Mail().subjects(to("Dana@Example.org", "dana@example.org")) == ("dana@example.org",)
    assert Mail().subjects(to()) == (EVERYONE,)
    assert Mail().does(to("a@b.org")) == "Mail to a@b.org: News\nof it\nIt **works**."


@pytest.mark.usefixtures("core")
async def test_whoever_is_new_to_the_task_needs_a_persons_word(bench: Bench) -> None:
    """The task's people do not."""
    for known in ((), ("client@example.com",), ("dana@example.org", "client@example.com")):
        assert await default_of(Mail(), to(*known), bench) == "allow"
    for stranger in (("eve@example.org",), ("client@example.com", "eve@example.org")):
        assert await default_of(Mail(), to(*stranger), bench) == "ask"


async def test_a_mail_is_recorded_for_those_who_hear_of_the_task(core: Core, bench: Bench) -> None:
    """Unless they want to hear nothing; where nobody does, it is for whoever asked."""
    assert (await write(bench)).facts == (
        MailAsked(to=("client@example.com",), subject="News of it", text="It **works**."),
    )
    await database.run(subscriptions.set_cadence, 1, "email", ["client@example.com"], "none")
    (fact,) = (await write(bench)).facts
    assert isinstance(fact, MailAsked)
    assert fact.to == ("dana@example.org",)
    muted = await write(bench, "client@example.com")
    assert (muted.ok, "wants to hear nothing" in muted.output) == (False, True)
    other = await core.opens(asker=core.mel)
    assert not (await Mail().run(to(), replace(bench, task_id=other))).ok


@pytest.mark.usefixtures("core")
async def test_what_is_recorded_reaches_each_of_them_once() -> None:
    """One who is new hears of that mail, and of nothing else."""
    claim = await held()
    fact = MailAsked(to=("eve@example.org", "client@example.com"), subject="News", text="x")
    events = await database.run(runs.commit, claim, [fact], NOON)
    assert (await database.run(hearing.people_of, 1))["eve@example.org"] == "asked"
    rows = {row.address: row for row in await database.run(subscriptions.of_task, 1)}
    everything = await database.run(runs.heard, claim, 0)
    for address, cadence in (("eve@example.org", "asked"), ("client@example.com", "milestones")):
        row = rows[address]
        recipient = Recipient(row.id, address, "", "", cadence)
        planned = mail_plan.plan(everything, row.cursor, recipient)
        assert [(one.seq, one.part) for one in planned if one.part == mail_plan.MAIL] == [
            (events[-1].seq, mail_plan.MAIL)
        ]
    dana = Recipient(9, "dana@example.org", "", "")
    assert mail_plan.MAIL not in {one.part for one in mail_plan.plan(everything, 0, dana)}


@pytest.mark.usefixtures("core")
async def test_a_persons_word_is_for_one_mail(bench: Bench) -> None:
    """Who was written to once with it is as new as before: the next mail is asked about, or goes without."""
    fact = MailAsked(to=("eve@example.org",), subject="News", text="x")
    await database.run(runs.commit, await held(), [fact], NOON)
    assert await default_of(Mail(), to("eve@example.org"), bench) == "ask"
    (everyone,) = (await write(bench)).facts
    assert isinstance(everyone, MailAsked)
    assert everyone.to == ("client@example.com",)


@pytest.mark.usefixtures("core")
async def test_who_was_but_called_to_decide_is_new_to_the_task(bench: Bench) -> None:
    """They are written to with a person's word, keep what they are to decide on, and see no more by that."""
    await database.run(partial(subscriptions.add, 1, "email", "ada@example.org", cadence="called"))
    assert await default_of(Mail(), to("ada@example.org"), bench) == "ask"
    (everyone,) = (await write(bench)).facts
    assert isinstance(everyone, MailAsked)
    assert everyone.to == ("client@example.com",)
    fact = MailAsked(to=("ada@example.org",), subject="News", text="x")
    await database.run(runs.commit, await held(), [fact], NOON)
    row = (await database.run(subscriptions.of_task, 1))[-1]
    assert (row.address, row.cadence, row.cursor) == ("ada@example.org", "called", 0)
    events = await database.run(lambda: list(stream.replay(row.task.stream_id)))
    planned = mail_plan.plan(events, row.cursor, Recipient(row.id, row.address, "", "", row.cadence))
    assert [one.part for one in planned] == [mail_plan.MAIL]


def test_a_mail_says_who_wrote_it() -> None:
    """An agent, and for which task; its Markdown is harmless."""
    fact = MailAsked(to=("dana@example.org",), subject="News", text="**Up** <script>alert(1)</script>")
    view = mail_of_task.written(Report("T-1", title="Mend it", agent="coder", asked_by="Mel"), fact)
    said = mail_view.text(view, marked=True)
    assert "@coder is an agent" in said
    assert "T-1: Mend it. Mel asked" in said
    assert "<script>" not in mail_view.page(view, "News", marked=True)
