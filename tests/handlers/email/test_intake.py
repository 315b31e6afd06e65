"""What becomes of letters: who is believed, what is done, who is answered, and that it happens once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import people, stream
from bot.actors import Actor
from bot.events import AnyFact, ApprovalDecided, Call, InstructionGiven, LetterQuarantined
from bot.reply_address import ReplyAddresses
from bot.vault import Keyring
from bot.work import calls, runs
from bot.work.approvals import Asking, Wanted
from handlers.email.intake import Intake
from storage import agents, approvers, database, letters
from storage.tables import Letters, Tasks
from tests.fakes.core import NOON, Core, held
from tests.fakes.post import ADDRESSES, DOMAIN, Post, kept, letter, noticed, until

PUSH = Call(id="1", tool="terminal", args={"command": "git push origin main"})
SOON = NOON + timedelta(days=14)


async def facts(task_id: int = 1) -> list[AnyFact]:
    """All that is recorded of a task."""
    return [e.fact for e in await database.run(lambda: stream.replay(Tasks.get_by_id(task_id).stream_id))]


async def told(task_id: int = 1) -> list[tuple[str, str, str]]:
    """What was said to an agent: what, by whom, through which door."""
    said = [fact for fact in await facts(task_id) if isinstance(fact, InstructionGiven)]
    return [(fact.text, fact.by, fact.door) for fact in said]


async def decided() -> list[tuple[int, str, str, str, str]]:
    """Which approvals were decided: which, how, by whom, through which door, why."""
    done = [fact for fact in await facts() if isinstance(fact, ApprovalDecided)]
    return [(fact.approval, fact.decision, fact.by, fact.door, fact.note) for fact in done]


async def quarantined() -> list[LetterQuarantined]:
    """What the house knows of letters that were kept and not acted on."""
    events = await database.run(stream.replay, stream.HOUSE)
    return [event.fact for event in events if isinstance(event.fact, LetterQuarantined)]


async def states() -> list[str]:
    return [row.state for row in await kept()]


async def outcome() -> str:
    """What became of the last letter."""
    return (await kept())[-1].outcome


async def links(core: Core, person: Actor, address: str) -> None:
    """An admin says that an address is somebody's."""
    await database.run(people.vouch, person.id, address, core.ada, NOON)


async def asked(post: Post, *who: Actor) -> tuple[str, str]:
    """T-1, that Dana hears of, waits for A-1, which these decide on; her addresses of question and task."""
    core = post.core
    await core.does('agent tools ask coder terminal "git push *"', core.ada)

    def named() -> None:
        coder = agents.find("coder")
        assert coder
        approvers.name_for_agent(coder.id, [one.id for one in who])

    await database.run(named)
    _, address = await post.task()
    claim = await held()
    await database.run(runs.start, claim, "runbook", NOON)
    wanted = Wanted(1, PUSH, "git push origin main", ("git push origin main",), "allow")
    asking = Asking(timedelta(hours=4), ("U0ADA",))
    begun = await database.run(calls.begin, claim, [], wanted, asking, NOON)
    assert begun.course == "stop"
    return ADDRESSES.ask(1, await post.heard(1), SOON), address


async def test_a_reply_is_said_to_the_agent(post: Post) -> None:
    """Text that is no command is said as it was written, without the quotation, and needs no answer."""
    _, address = await post.task()
    await post.says("Please use *main*,\nnot `dev`: <@U0BEN|it> --force.\n\n> Say hello\n", address)
    [(text, by, door)] = await told()
    assert text == "Please use *main*,\nnot `dev`: @it --force."
    assert (by, door) == ("dana", "email")
    assert await noticed() == []
    assert await states() == ["done"]


@pytest.mark.parametrize(
    "text", ["--force is wrong", "-- is a dash", "approve of nothing", "deny", "T-1 help"]
)
async def test_text_is_text(post: Post, text: str) -> None:
    """What looks like an option is text; a verb that has no place for what follows it is too."""
    _, address = await post.task()
    await post.says(text, address)
    assert [said for said, _, _ in await told()] == ([] if text == "deny" else [text])


async def test_it_needs_no_dmarc(post: Post) -> None:
    """An instruction is taken from a server that vouches for nobody."""
    _, address = await post.task()
    await post.says("Go on", address, dmarc=None)
    assert [text for text, _, _ in await told()] == ["Go on"]


@pytest.mark.parametrize("text", ["approve", "Approved!", "APPROVE A-1\n\n> approve?", "Approve.\n-- \nDana"])
async def test_a_question_is_approved_by_mail(post: Post, text: str) -> None:
    """The first line decides exactly the question of the address; the task's own mails tell of it."""
    ask, _ = await asked(post, post.core.dana)
    await post.says(text, ask)
    assert await decided() == [(1, "approve", "dana", "email", "")]
    assert await noticed() == []


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("deny", ""),
        ("Deny: too broad", "too broad"),
        ("deny too broad\nUse a branch.", "too broad\nUse a branch."),
        ("deny\n\n--force is never right", "--force is never right"),
        ("deny - no", "no"),
    ],
)
async def test_a_question_is_denied_by_mail(post: Post, text: str, note: str) -> None:
    """The reason stands behind the word, below it, or both; it reaches the agent."""
    ask, _ = await asked(post, post.core.dana)
    await post.says(text, ask)
    assert await decided() == [(1, "deny", "dana", "email", note)]


async def test_what_stands_below_an_approval_is_said(post: Post) -> None:
    """A yes with words below it is a yes, and the agent hears the words."""
    ask, _ = await asked(post, post.core.dana)
    await post.says("approve\n\nAnd tell Ben.", ask)
    assert len(await decided()) == 1
    assert await told() == [("And tell Ben.", "dana", "email")]


@pytest.mark.parametrize("text", ["approve", "deny too broad"])
async def test_a_decision_needs_our_servers_word(post: Post, text: str) -> None:
    """Without a DMARC pass nothing is decided, and the person is told what to do; a forged stamp is none."""
    ask, _ = await asked(post, post.core.dana)
    await post.says(text, ask, dmarc=None)
    await post.says(text, ask, dmarc="none")
    await post.says(text, ask, dmarc=None, Authentication_Results="evil.example; dmarc=pass")
    assert await decided() == []
    [answer] = await noticed()
    assert (answer.outlet, answer.address) == ("email", "dana@example.org")
    assert "Nothing was decided: your mail came without a DMARC pass for example.org" in answer.text
    assert "`task approve A-1`" in answer.text


async def test_without_a_server_that_vouches_nobody_decides_by_mail(post: Post) -> None:
    """The answer names what an admin has to set."""
    ask, address = await asked(post, post.core.dana)
    post.rules = replace(post.rules, authserv_id="")
    await post.says("approve", ask)
    await post.says("approve", address)
    assert await decided() == []
    assert all("LEGWORK_AUTHSERV_ID" in one.text for one in await noticed())


async def test_rights_are_those_of_the_person(post: Post) -> None:
    """A stakeholder who is not named decides nothing; a linked member does, as who they are in Slack."""
    core = post.core
    ask, _ = await asked(post)
    await post.says("approve", ask)
    assert "A-1 is for a team member to decide" in (await noticed())[0].text
    await links(core, core.ben, "dana@example.org")
    await post.says("approve", ask)
    assert await decided() == [(1, "approve", "Ben", "email", "")]


async def test_an_admin_of_the_settings_is_one_by_mail(post: Post) -> None:
    """Whom LEGWORK_ADMINS names by address decides by mail."""
    await asked(post)
    task = 1
    await post.core.does("task notify T-1 root@example.org", post.core.mel)
    ask = ADDRESSES.ask(1, await post.heard(task, "root@example.org"), SOON)
    await post.says("approve", ask, sender="root@example.org")
    assert await decided() == [(1, "approve", "root", "email", "")]


async def test_two_answers_at_once(post: Post) -> None:
    """Of two letters that decide the same question, the first counts and the other is told."""
    core = post.core
    ask, _ = await asked(post, core.dana, core.eve)
    other = ADDRESSES.ask(1, await post.heard(1, "eve@example.org"), SOON)
    await asyncio.gather(
        post.send(letter("approve"), ask),
        post.send(letter("deny never", sender="eve@example.org"), other),
    )
    both = [asyncio.create_task(post.intake().drive()) for _ in range(2)]
    await until(lambda: _all_settled(2))
    for one in both:
        one.cancel()
    await asyncio.wait(both)
    assert len(await decided()) == 1
    [answer] = await noticed()
    assert "the first answer counts" in answer.text


async def test_status_is_answered_where_it_belongs(post: Post) -> None:
    """The answer goes to the address that was bound, in the letter's thread, and can be answered again."""
    _, address = await post.task()
    await post.says(
        "Status?\n\nAnd hurry.",
        address,
        Message_ID="<question@client.example>",
        Reply_To="eve@example.org",
        Subject="How is it?",
    )
    [answer] = await noticed()
    assert (answer.outlet, answer.address, answer.reply_to) == ("email", "dana@example.org", address)
    assert (answer.subject, answer.thread) == ("Re: How is it?", "<question@client.example>")
    assert "T-1" in answer.text
    assert await told() == []  # below a question of how it goes stand pleasantries


async def test_a_letter_without_a_subject_is_answered_with_one(post: Post) -> None:
    """The task's name stands in."""
    _, address = await post.task()
    await post.says("status", address, Subject="")
    assert (await noticed())[0].subject == "Re: [T-1] Say hello"


async def test_whoever_opened_a_task_stops_it(post: Post) -> None:
    """`stop` on the first line ends it, and why is on record; whoever did not open it is told whom to ask."""
    core = post.core
    await post.task()
    await core.does("task notify T-1 mel@example.org", core.mel)
    address, mels = await post.reply_address(1), await post.reply_address(1, "mel@example.org")
    await post.says("stop", address)
    assert "T-1 was opened by Mel: ask them, or a team member." in (await noticed())[0].text
    await links(core, core.mel, "mel@example.org")
    await post.says("Stop!\nWrong repository.", mels, sender="mel@example.org")
    assert [text for text, _, _ in await told()] == ["Wrong repository."]
    assert await database.run(lambda: Tasks.get().state) == "cancelled"


async def test_whoever_opened_a_task_lets_it_rest_and_go_on(post: Post) -> None:
    """`pause` and `resume` are answered, since no mail tells of them; what stands below is said."""
    core = post.core
    await post.task()
    await core.does("task notify T-1 mel@example.org", core.mel)
    address, mels = await post.reply_address(1), await post.reply_address(1, "mel@example.org")
    await post.says("pause", address)
    await links(core, core.mel, "mel@example.org")
    await post.says("Pause.\nI look at it first.", mels, sender="mel@example.org")
    assert await database.run(lambda: Tasks.get().state) == "paused"
    await post.says("resume", mels, sender="mel@example.org")
    assert await database.run(lambda: Tasks.get().state) == "queued"
    refused, paused, resumed = (notice.text for notice in await noticed())
    assert refused == "T-1 was opened by Mel: ask them, or a team member."
    assert paused.endswith("**T-1** is paused. Let it go on with: `resume`")
    assert resumed.endswith("**T-1** goes on.")
    assert [text for text, _, _ in await told()] == ["I look at it first."]


async def test_what_is_sent_is_not_announced(post: Post) -> None:
    """Whoever asks by mail for the changes of a task gets them, and no mail that they are on their way."""
    _, address = await post.task()
    await post.says("diff", address)
    [sent] = await noticed()
    assert (sent.encloses, sent.address) == ("diff", "dana@example.org")


async def test_a_task_that_is_over(post: Post) -> None:
    """Its status is answered; whatever else is said is answered with what the person can do."""
    task, address = await post.task()
    own = await post.core.opens(asker=post.core.dana, notify=("dana@example.org",))
    for one in (task, own):
        await post.core.cancels(one)
    await post.says("One more thing", address)
    await post.says("status", address)
    await post.says("One more thing", await post.reply_address(own))
    late, status, own_late = await noticed()
    assert late.text.startswith("T-1 is over: it is cancelled, so nobody reads what you wrote.")
    assert "ask whoever opened it, or a team member, to begin it anew with `task retry T-1`" in late.text
    assert "Cancelled by Mel." in status.text
    assert "To go on with it, begin it anew with `task retry T-2` in Slack." in own_late.text
    assert await told() == []


@pytest.mark.parametrize("text", ["", " \n\n", "> Say hello\n> again\n"])
async def test_a_letter_with_nothing_of_its_own(post: Post, text: str) -> None:
    """A quotation alone says nothing, and the person is told."""
    _, address = await post.task()
    await post.says(text, address)
    assert "Nothing was said to T-1" in (await noticed())[0].text
    assert await told() == []


async def test_a_letter_that_is_too_long(post: Post) -> None:
    """More than a command may have is answered, not cut."""
    _, address = await post.task()
    await post.says("word word word\n" * 2_000, address)
    assert "a command may have 20,000" in (await noticed())[0].text
    assert await told() == []


async def test_attachments_are_said_once_not_to_be_read(post: Post) -> None:
    """Files stay with the letter; whoever sends some is told so, the first time."""
    _, address = await post.task()
    file = 'Content-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n\nx'
    parts = f"--b\nContent-Type: text/plain\n\nSee it\n--b\n{file}\n--b--"
    for _ in range(2):
        await post.says(parts, address, Content_Type="multipart/mixed; boundary=b")
    assert [text for text, _, _ in await told()] == ["See it", "See it"]
    assert [one.text for one in await noticed()] == [
        "Attachments are not read yet: the agent is told your words, and does not see your files."
    ]


@pytest.mark.parametrize("sender", ["Eve <eve@example.org>", "dana@example.org, eve@example.org", "me", ""])
async def test_a_stranger_is_not_believed(post: Post, sender: str) -> None:
    """Whoever has somebody else's address is set aside, and that person is told, once a day."""
    ask, address = await asked(post, post.core.dana)
    for text, to in (("approve", ask), ("Do evil", address)):
        await post.says(text, to, sender=sender)
    assert await decided() == []
    assert await told() == []
    assert await states() == ["quarantined"] * 2
    assert [fact.letter for fact in await quarantined()] == [1, 2]
    [warning] = await noticed()
    assert (warning.outlet, warning.address) == ("email", "dana@example.org")
    assert "to a reply address that was made for dana@example.org" in warning.text
    assert "agent people link" in warning.text
    post.now += timedelta(days=1)
    await post.says("Do evil", address, sender=sender)
    assert len(await noticed()) == 2


async def test_another_address_of_the_same_person_is_believed(post: Post) -> None:
    """Whoever is known by two addresses may answer from either."""
    core = post.core
    _, address = await post.task()
    for one in ("dana@example.org", "dana@home.example"):
        await links(core, core.ben, one)
    await post.says("It is me", address, sender="dana@home.example")
    assert await told() == [("It is me", "Ben", "email")]


async def test_a_letter_that_fails_dmarc_is_not_believed(post: Post) -> None:
    """Whatever it says; a person who is in Slack is told there."""
    core = post.core
    ask, address = await asked(post, core.dana)
    await links(core, core.ben, "dana@example.org")
    for text, to in (("approve", ask), ("Do evil", address)):
        await post.says(text, to, dmarc="fail")
    assert await decided() == await told() == []
    assert await states() == ["quarantined"] * 2
    assert (await quarantined())[0].why == "DMARC failed for dana@example.org."
    [warning] = await noticed()
    assert (warning.outlet, warning.address) == ("slack", "U0BEN")
    assert "in your name" in warning.text


async def test_another_tasks_address_reaches_that_task(post: Post) -> None:
    """An address is for its own task, whatever the letter refers to."""
    await post.task()
    _, second = await post.task()
    await post.says("For the second", second, In_Reply_To="<t-1.1@legwork.example>", Subject="Re: [T-1] x")
    assert await told(1) == []
    assert [text for text, _, _ in await told(2)] == ["For the second"]


@pytest.mark.parametrize(
    "header",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"X_Autoreply": "yes"},
        {"X_Legwork": "1"},
        {"Return_Path": "<>"},
        {"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"},
        {"sender": "MAILER-DAEMON@example.org"},
    ],
)
async def test_machines_are_neither_obeyed_nor_answered(post: Post, header: dict[str, str]) -> None:
    """Neither at a task's address nor at the house's (RFC 3834)."""
    _, address = await post.task()
    for to in (address, "postmaster@legwork.example"):
        await post.says("status", to, **header)
    assert await states() == ["ignored"] * 2
    assert await noticed() == []
    assert await quarantined() == []


async def test_a_null_sender_is_neither_obeyed_nor_answered(post: Post) -> None:
    """A bounce is no reply, whatever stands in it."""
    _, address = await post.task()
    await post.send(letter("status"), address, sender="")
    await post.settle()
    assert await states() == ["ignored"]
    assert await noticed() == []


async def test_a_letter_that_comes_twice_acts_once(post: Post) -> None:
    """By its Message-ID, or by its bytes where it has none; at another task's address it is another."""
    _, first = await post.task()
    _, second = await post.task()
    for headers in ({"Message_ID": "<one@client.example>"}, {"Message_ID": ""}):
        again = letter("Go on", **headers)
        for to in (first, first, second):
            await post.send(again, to)
    await post.settle()
    assert len(await told(1)) == len(await told(2)) == 2
    assert await states() == ["done", "ignored", "done"] * 2


async def test_a_flood_is_held_back(post: Post) -> None:
    """Beyond the most in an hour letters are set aside with one warning; an hour later they are taken."""
    post.rules = replace(post.rules, letters_per_hour=3)
    _, address = await post.task()
    _, other = await post.task()
    for number in range(6):
        await post.send(letter(f"Number {number}"), address if number % 2 else other)
    await post.send(letter("From somebody else", sender="eve@example.org"), address)
    intake = post.intake()
    await post.settle(intake)
    assert await states() == ["done"] * 3 + ["quarantined"] * 4
    flood, stranger = await noticed()
    assert "More than 3 mails came from you within an hour" in flood.text
    assert stranger.text != flood.text
    later = NOON + timedelta(hours=1)
    await database.run(lambda: letters.add(letter("Later"), "dana@example.org", address, later))
    await post.settle(intake)
    assert (await states())[-1] == "done"


async def test_letters_to_the_house_reach_its_admins(post: Post) -> None:
    """Each admin is shown what was written, in Slack or by mail, as text that does nothing."""
    text = "approve\n``` <!channel> \u202e" + "xxxxxxxxx\n" * 500
    await post.says(text, "abuse@legwork.example", sender="Eve <eve@evil.example>", Subject="@here help")
    in_slack, by_mail = await noticed()
    assert [(one.outlet, one.address) for one in (in_slack, by_mail)] == [
        ("slack", "U0ADA"),
        ("email", "root@example.org"),
    ]
    assert by_mail.subject == "[abuse] @here help"
    assert in_slack.text.startswith("A mail came for abuse.\n\n````text\nFrom: eve@evil.example\n")
    assert "U+202E" in in_slack.text
    assert len(in_slack.text) < 2_300
    assert await states() == ["done"]


async def test_letters_to_a_house_without_admins_are_kept(post: Post) -> None:
    """Nobody to forward to, or too many at once: they wait in quarantine."""
    post.rules = replace(post.rules, letters_per_hour=1)
    intake = post.intake()
    for _ in range(2):
        await post.send(letter("Hello"), "postmaster@legwork.example")
    await post.settle(intake)
    post.rules = replace(post.rules, admins=())
    await post.says("Hello", "postmaster")
    assert await states() == ["done", "quarantined", "quarantined"]
    assert "LEGWORK_ADMINS" in await outcome()
    assert len(await noticed()) == 2


async def test_an_address_whose_key_is_gone(post: Post) -> None:
    """A letter that was taken before a key was removed is left alone."""
    _, address = await post.task()
    await post.send(letter("Hello"), address)
    other = ReplyAddresses(Keyring(("other",)).all("reply address"), DOMAIN)
    await post.settle(Intake(other, post.rules, lambda: NOON))
    assert (await states(), await outcome()) == (["ignored"], "Its address leads nowhere any more.")


async def test_a_letter_that_trips_over_a_bug_holds_up_no_other(post: Post) -> None:
    """It is set aside with the name of what happened, and the next is read."""
    _, address = await post.task()
    await post.send(letter("Poison"), address)
    await database.run(lambda: Letters.update(content="no bytes").execute())
    await database.run(
        lambda: database.proxy.execute_sql("UPDATE letters SET content = CAST(content AS TEXT)")
    )
    await post.says("Go on", address)
    assert await states() == ["quarantined", "done"]
    assert "TypeError" in (await quarantined())[0].why
    assert [text for text, _, _ in await told()] == ["Go on"]


async def test_two_processes_act_once(post: Post) -> None:
    """However many read the same letters, each is acted on once."""
    _, address = await post.task()
    for number in range(10):
        await post.send(letter(f"Number {number}"), address)
    reading = [asyncio.create_task(post.intake().drive()) for _ in range(3)]
    await until(lambda: _all_settled(10))
    for one in reading:
        one.cancel()
    await asyncio.wait(reading)
    assert [text for text, _, _ in await told()] == [f"Number {number}" for number in range(10)]


async def test_whoever_is_stopped_at_any_point_acts_once(post: Post) -> None:
    """An intake that is ended again and again leaves no letter out, and does nothing twice."""
    _, address = await post.task()
    for number in range(10):
        await post.send(letter(f"Number {number}" if number % 2 else "status"), address)
    for turn in range(40):
        reading = asyncio.create_task(post.intake().drive())
        await asyncio.wait([reading], timeout=turn / 5_000)
        reading.cancel()
        await asyncio.wait([reading])
    await post.settle()
    assert [text for text, _, _ in await told()] == [f"Number {number}" for number in range(1, 10, 2)]
    assert len(await noticed()) == 5


async def test_a_full_disk_is_waited_for(post: Post) -> None:
    """While the database cannot write nothing of a letter is done; then all of it is, once."""
    _, address = await post.task()
    await post.send(letter("stop\n" + "xxxxxxxxx\n" * 1_500), address)

    def limit(pages: int) -> None:
        database.proxy.execute_sql(f"PRAGMA max_page_count = {pages}")

    await database.run(limit, 1)
    reading = asyncio.create_task(post.intake().drive())
    await asyncio.wait([reading], timeout=0.2)  # it fails at once, and waits
    assert (await states(), await told(), await noticed()) == (["new"], [], [])
    await database.run(limit, 1_000_000)
    await until(lambda: _all_settled(1))
    reading.cancel()
    await asyncio.wait([reading])
    assert (len(await told()), len(await noticed())) == (1, 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400), head=st.sampled_from([b"", b"From: dana@example.org\n"]))
async def test_any_bytes_are_settled(post: Post, content: bytes, head: bytes) -> None:
    """Whatever arrives at a good address is settled, and the next letter is read."""
    _, address = await post.task()
    raw = head + content
    await database.run(lambda: letters.add(raw, "dana@example.org", address, NOON))
    await database.run(lambda: letters.add(raw, "x@y.z", "postmaster", NOON))
    await post.settle()
    assert "new" not in await states()


BROKEN = [
    b"From: dana@example.org\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
    b"From: dana@example.org\r\nContent-Type: text/plain; charset=utf-9\r\n\r\nHello \xff\xfe\r\n",
    b"From: dana@example.org\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA- +AAA-\r\n",
    b"From: dana@example.org\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n",
    b"From: dana@example.org\r\nSubject: =?utf-16?B?2AA=?=\r\nMessage-ID: <\xff>\r\n\r\nstatus\r\n",
    b"From: dana@example.org\r\n" + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 200,
    b"",
    b"\r\n" * 10_000,
    b"From: dana@example.org\r\n\r\n" + b"> " * 100_000,
]


@pytest.mark.parametrize("raw", BROKEN)
async def test_broken_letters_are_settled(post: Post, raw: bytes) -> None:
    """However badly a letter is made, it is settled without tripping over it, and the next is read."""
    _, address = await post.task()
    for to, sender in ((address, "dana@example.org"), ("postmaster", "x@y.z")):
        await database.run(letters.add, raw, sender, to, NOON)
    await post.says("Go on", address)
    assert "new" not in await states()
    assert "failed (" not in " ".join(row.outcome for row in await kept())
    assert "Go on" in [text for text, _, _ in await told()]


async def _all_settled(count: int) -> bool:
    done = await states()
    return len(done) == count and "new" not in done


async def test_old_letters_leave_only_what_became_of_them(post: Post) -> None:
    """After `letter_days` their contents are erased, once an hour; those that nobody read yet are kept."""
    post.rules = replace(post.rules, letter_days=30)
    _, address = await post.task()
    for number in range(150):
        await database.run(letters.add, letter(f"Number {number}"), "x@y.z", "postmaster", NOON)
    await post.says("Go on", address)
    post.now = NOON + timedelta(days=20)
    await database.run(letters.add, letter("Later"), "dana@example.org", address, post.now)
    intake = post.intake()
    await post.settle(intake)
    assert all(row.content for row in await kept())
    post.now = NOON + timedelta(days=30, seconds=1)
    reading = asyncio.create_task(intake.drive())
    await until(_first_is_erased)
    reading.cancel()
    await asyncio.wait([reading])
    assert [bool(row.content) for row in await kept()] == [False] * 151 + [True]
    assert (await outcome(), (await kept())[150].outcome) == ("@coder is told, in **T-1**.",) * 2


async def test_a_letter_that_waits_to_be_read_is_not_erased(post: Post) -> None:
    """However old it is."""
    await post.send(letter("Hello"), "postmaster@legwork.example")
    later = NOON + timedelta(days=99)
    assert await database.run(letters.erase, later, 0, 10) == 1
    assert await database.run(letters.erase, later, 1, 10) == 0
    assert [bool(row.content) for row in await kept()] == [True]


async def _first_is_erased() -> bool:
    return not (await kept())[150].content
