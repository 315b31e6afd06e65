"""Facts as bytes: what was ever written stays readable, and nothing else is."""

import builtins
import types
import typing
from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bot.events import (
    AgentChanged,
    AnyFact,
    ApprovalAsked,
    ApprovalDecided,
    ApprovalReminded,
    ApprovalWithdrawn,
    ArtifactSaved,
    Call,
    Change,
    ChannelChanged,
    DeliveryAbandoned,
    Event,
    Fact,
    HostAsked,
    InstructionGiven,
    LetterQuarantined,
    MailAsked,
    ModelTurned,
    PersonLinked,
    PlanItem,
    PlanUpdated,
    PolicyReset,
    PolicySet,
    QuestionAsked,
    ReportFailed,
    RoleChanged,
    RunStarted,
    Said,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    TaskPaused,
    TaskReassigned,
    TaskResumed,
    TaskRetried,
    ToolFinished,
    ToolInterrupted,
    ToolRefused,
    ToolStarted,
    Usage,
    WordsCame,
    decode,
    encode,
)

KINDS: tuple[type[Fact], ...] = get_args(get_args(AnyFact)[0])
AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
CALL = Call(id="1", tool="terminal", args={"command": "make\n", "stop_on_error": True})
CALL_BYTES = b'{"id":"1","tool":"terminal","args":{"command":"make\\n","stop_on_error":true}}'

# What was written once is on disks out there: never change these, add to them.
WRITTEN: list[tuple[Fact, bytes]] = [
    (
        TaskOpened(
            title="Fix it",
            text="Fix it, M\u00fcller",
            agent="coder",
            asked_by="Ana",
            door="slack",
            context=(Said(author="Ben", text="It broke.", at=AT),),
        ),
        (
            b'{"v":2,"kind":"TaskOpened","title":"Fix it","text":"Fix it, M\xc3\xbcller","agent":"coder",'
            b'"asked_by":"Ana","door":"slack","context":[{"author":"Ben","text":"It broke.",'
            b'"at":"2026-11-21T12:00:00.250000Z"}]}'
        ),
    ),
    (
        RunStarted(attempt=2, worker="host:7", model="runbook"),
        b'{"v":1,"kind":"RunStarted","attempt":2,"worker":"host:7","model":"runbook"}',
    ),
    (
        ModelTurned(
            step=1,
            words="Hm.",
            calls=(CALL,),
            heeded=6,
            model="openai:a",
            usage=Usage(read=30, cached=20, stored=5, written=4, usd=0.25),
            wire={"role": "assistant", "content": "Hm."},
        ),
        (
            b'{"v":2,"kind":"ModelTurned","step":1,"words":"Hm.","calls":[' + CALL_BYTES + b'],"heeded":6,'
            b'"model":"openai:a","usage":{"read":30,"cached":20,"stored":5,"written":4,"usd":0.25},'
            b'"wire":{"role":"assistant","content":"Hm."}}'
        ),
    ),
    (WordsCame(step=1, words="Well"), b'{"v":1,"kind":"WordsCame","step":1,"words":"Well"}'),
    (TaskPaused(by="Ana"), b'{"v":1,"kind":"TaskPaused","by":"Ana"}'),
    (TaskResumed(by="Ana"), b'{"v":1,"kind":"TaskResumed","by":"Ana"}'),
    (
        ToolStarted(step=1, call=CALL, does="make", approval=17),
        b'{"v":2,"kind":"ToolStarted","step":1,"call":' + CALL_BYTES + b',"does":"make","approval":17}',
    ),
    (
        ToolFinished(
            step=1,
            call_id="1",
            ok=False,
            output="no",
            exit_code=137,
            ended_by="memory",
            seconds=1.5,
            peak_rss_bytes=4096,
            peak_processes=3,
            disk_bytes=8192,
        ),
        (
            b'{"v":2,"kind":"ToolFinished","step":1,"call_id":"1","ok":false,"output":"no","exit_code":137,'
            b'"ended_by":"memory","seconds":1.5,"peak_rss_bytes":4096,"peak_processes":3,"disk_bytes":8192}'
        ),
    ),
    (
        ToolInterrupted(step=1, call_id="1"),
        b'{"v":1,"kind":"ToolInterrupted","step":1,"call_id":"1"}',
    ),
    (
        TaskFinished(
            summary="Done.",
            changes=(
                Change(path="a", how="added", size=3, added=1, removed=0),
                Change(path="b", how="deleted"),
            ),
            more_changes=4,
        ),
        (
            b'{"v":1,"kind":"TaskFinished","summary":"Done.","changes":[{"path":"a","how":"added","size":3,"added":1,'
            b'"removed":0},{"path":"b","how":"deleted","size":0,"added":null,"removed":null}],"more_changes":4}'
        ),
    ),
    (
        TaskFailed(reason="Step 1 failed.", changes=(Change(path="c", how="changed", size=9),)),
        (
            b'{"v":1,"kind":"TaskFailed","reason":"Step 1 failed.","changes":[{"path":"c","how":"changed",'
            b'"size":9,"added":null,"removed":null}],"more_changes":0}'
        ),
    ),
    (TaskCancelled(by="Ana"), b'{"v":1,"kind":"TaskCancelled","by":"Ana"}'),
    (
        ArtifactSaved(
            name="T-1-report.pdf", purpose="report", media_type="application/pdf", size=5, sha256="ab12"
        ),
        (
            b'{"v":1,"kind":"ArtifactSaved","name":"T-1-report.pdf","purpose":"report",'
            b'"media_type":"application/pdf","size":5,"sha256":"ab12"}'
        ),
    ),
    (
        PlanUpdated(items=(PlanItem(text="Look", state="done"), PlanItem(text="Mend", state="doing"))),
        (
            b'{"v":1,"kind":"PlanUpdated","items":[{"text":"Look","state":"done"},'
            b'{"text":"Mend","state":"doing"}]}'
        ),
    ),
    (
        MailAsked(to=("dana@example.org",), subject="Done", text="It **works**."),
        (b'{"v":1,"kind":"MailAsked","to":["dana@example.org"],"subject":"Done","text":"It **works**."}'),
    ),
    (ReportFailed(why="no font"), b'{"v":1,"kind":"ReportFailed","why":"no font"}'),
    (
        DeliveryAbandoned(task="T-1", outlet="slack", address="C1", seq=3, why="channel_not_found"),
        (
            b'{"v":1,"kind":"DeliveryAbandoned","task":"T-1","outlet":"slack","address":"C1","seq":3,'
            b'"why":"channel_not_found"}'
        ),
    ),
    (
        InstructionGiven(text="No", by="Mel", door="email", answers="1", commands=True, person=3),
        (
            b'{"v":2,"kind":"InstructionGiven","text":"No","by":"Mel","door":"email","answers":"1",'
            b'"commands":true,"person":3}'
        ),
    ),
    (
        QuestionAsked(step=1, call_id="1", text="Which?", options=("a", "b")),
        b'{"v":1,"kind":"QuestionAsked","step":1,"call_id":"1","text":"Which?","options":["a","b"]}',
    ),
    (TaskRetried(by="Ana", person=3), b'{"v":2,"kind":"TaskRetried","by":"Ana","person":3}'),
    (TaskReassigned(agent="dba", by="Ana"), b'{"v":1,"kind":"TaskReassigned","agent":"dba","by":"Ana"}'),
    (
        ToolRefused(step=1, call_id="1", does="make", why="No."),
        b'{"v":1,"kind":"ToolRefused","step":1,"call_id":"1","does":"make","why":"No."}',
    ),
    (
        ApprovalAsked(
            approval=17,
            step=1,
            call=CALL,
            does="make",
            digest="ab12",
            rule="Ada asks for it.",
            subjects=("make",),
            default="allow",
            approvers=("Mel",),
            addresses=("dana@example.org",),
        ),
        (
            b'{"v":2,"kind":"ApprovalAsked","approval":17,"step":1,"call":' + CALL_BYTES + b',"does":"make",'
            b'"digest":"ab12","rule":"Ada asks for it.","subjects":["make"],"default":"allow",'
            b'"approvers":["Mel"],"addresses":["dana@example.org"]}'
        ),
    ),
    (
        ApprovalDecided(approval=17, call_id="1", decision="deny", by="Mel", door="slack", note="too broad"),
        (
            b'{"v":1,"kind":"ApprovalDecided","approval":17,"call_id":"1","decision":"deny","by":"Mel",'
            b'"door":"slack","note":"too broad"}'
        ),
    ),
    (
        ApprovalWithdrawn(approval=17, call_id="1", why="T-1 was cancelled."),
        b'{"v":1,"kind":"ApprovalWithdrawn","approval":17,"call_id":"1","why":"T-1 was cancelled."}',
    ),
    (
        HostAsked(
            step=1,
            call_id="1",
            host="docs.python.org",
            port=443,
            outcome="failed",
            address="192.0.2.1",
            connections=3,
            sent=10,
            received=20,
            seconds=1.5,
            why="It did not answer.",
        ),
        (
            b'{"v":1,"kind":"HostAsked","step":1,"call_id":"1","host":"docs.python.org","port":443,'
            b'"outcome":"failed","address":"192.0.2.1","connections":3,"sent":10,"received":20,"seconds":1.5,'
            b'"why":"It did not answer."}'
        ),
    ),
    (ApprovalReminded(approval=17), b'{"v":1,"kind":"ApprovalReminded","approval":17}'),
    (
        PolicySet(agent="coder", tool="terminal", pattern="rm *", effect="deny", by="Ada", until=AT),
        (
            b'{"v":1,"kind":"PolicySet","agent":"coder","tool":"terminal","pattern":"rm *","effect":"deny",'
            b'"by":"Ada","until":"2026-11-21T12:00:00.250000Z"}'
        ),
    ),
    (
        PolicyReset(agent="coder", tool="", removed=2, by="Ada"),
        b'{"v":1,"kind":"PolicyReset","agent":"coder","tool":"","removed":2,"by":"Ada"}',
    ),
    (
        AgentChanged(agent="coder", what="It is paused.", by="Ada"),
        b'{"v":1,"kind":"AgentChanged","agent":"coder","what":"It is paused.","by":"Ada"}',
    ),
    (
        ChannelChanged(place="C1", what="Its agent is @dba.", by="Ada"),
        b'{"v":1,"kind":"ChannelChanged","place":"C1","what":"Its agent is @dba.","by":"Ada"}',
    ),
    (
        PersonLinked(person="Dana", identity="dana@example.org", how="code", by="Dana"),
        b'{"v":1,"kind":"PersonLinked","person":"Dana","identity":"dana@example.org","how":"code","by":"Dana"}',
    ),
    (
        RoleChanged(person="Dana", role="member", by="Ada"),
        b'{"v":1,"kind":"RoleChanged","person":"Dana","role":"member","by":"Ada"}',
    ),
    (
        LetterQuarantined(letter=3, sender="x@example.org", why="Nobody knows them."),
        b'{"v":1,"kind":"LetterQuarantined","letter":3,"sender":"x@example.org","why":"Nobody knows them."}',
    ),
]
OLDER: list[tuple[Fact, bytes]] = [  # of formats that are no longer written
    (
        TaskOpened(
            v=1, title="Fix it", text="Fix it, M\u00fcller", agent="coder", asked_by="Ana", door="slack"
        ),
        (
            b'{"v":1,"kind":"TaskOpened","title":"Fix it","text":"Fix it, M\xc3\xbcller","agent":"coder",'
            b'"asked_by":"Ana","door":"slack"}'
        ),
    ),
    (
        ToolStarted(v=1, step=1, call=CALL, does="make"),
        b'{"v":1,"kind":"ToolStarted","step":1,"call":' + CALL_BYTES + b',"does":"make"}',
    ),
    (
        ModelTurned(v=1, step=1, words="Hm.", calls=(CALL,)),
        b'{"v":1,"kind":"ModelTurned","step":1,"words":"Hm.","calls":[' + CALL_BYTES + b"]}",
    ),
    (
        InstructionGiven(v=1, text="No", by="Mel", door="email", answers="1", commands=True),
        b'{"v":1,"kind":"InstructionGiven","text":"No","by":"Mel","door":"email","answers":"1","commands":true}',
    ),
    (TaskRetried(v=1, by="Ana"), b'{"v":1,"kind":"TaskRetried","by":"Ana"}'),
    (
        ApprovalAsked(
            v=1, approval=17, step=1, call=CALL, does="make", digest="ab12", rule="Ada asks for it."
        ),
        (
            b'{"v":1,"kind":"ApprovalAsked","approval":17,"step":1,"call":' + CALL_BYTES + b',"does":"make",'
            b'"digest":"ab12","rule":"Ada asks for it."}'
        ),
    ),
]
LEAST: list[tuple[Fact, bytes]] = [  # without what may be left out
    (
        InstructionGiven(text="", by="", door=""),
        b'{"kind":"InstructionGiven","text":"","by":"","door":""}',
    ),
    (
        QuestionAsked(step=1, call_id="1", text=""),
        b'{"kind":"QuestionAsked","step":1,"call_id":"1","text":""}',
    ),
    (
        ApprovalAsked(approval=1, step=1, call=CALL, does="", digest="", rule=""),
        b'{"kind":"ApprovalAsked","approval":1,"step":1,"call":'
        + CALL_BYTES
        + b',"does":"","digest":"","rule":""}',
    ),
    (
        ApprovalDecided(approval=1, call_id="1", decision="approve", by="", door=""),
        b'{"kind":"ApprovalDecided","approval":1,"call_id":"1","decision":"approve","by":"","door":""}',
    ),
    (
        PolicySet(agent="", tool="", pattern="", effect="ask", by=""),
        b'{"kind":"PolicySet","agent":"","tool":"","pattern":"","effect":"ask","by":""}',
    ),
    (ModelTurned(step=1), b'{"kind":"ModelTurned","step":1}'),
    (
        ToolFinished(step=1, call_id="1", ok=True, output=""),
        b'{"kind":"ToolFinished","step":1,"call_id":"1","ok":true,"output":""}',
    ),
    (HostAsked(step=1, call_id="1"), b'{"kind":"HostAsked","step":1,"call_id":"1"}'),
    (TaskFinished(summary=""), b'{"kind":"TaskFinished","summary":""}'),
    (TaskFailed(reason=""), b'{"kind":"TaskFailed","reason":""}'),
]


def framed(fact: bytes) -> bytes:
    """An event around a fact, as it has always been written."""
    return b'{"seq":7,"at":"2026-11-21T12:00:00.250000Z","actor":"@coder","fact":' + fact + b"}"


@pytest.mark.parametrize(
    ("fact", "body"), WRITTEN + OLDER + LEAST, ids=lambda value: getattr(value, "kind", "")
)
def test_bytes_of_every_version_are_read(fact: AnyFact, body: bytes) -> None:
    """Bytes that any version wrote mean today what they meant then."""
    assert decode(framed(body)) == Event(seq=7, at=AT, actor="@coder", fact=fact)


@pytest.mark.parametrize(("fact", "body"), WRITTEN, ids=lambda value: getattr(value, "kind", ""))
def test_the_same_bytes_are_written(fact: AnyFact, body: bytes) -> None:
    """The same fact is still written as the same bytes: a format that changes needs a new version."""
    assert encode(Event(seq=7, at=AT, actor="@coder", fact=fact)) == framed(body)


@pytest.mark.parametrize(("fact", "body"), OLDER, ids=lambda value: getattr(value, "kind", ""))
def test_an_older_format_stays_as_it_is(fact: AnyFact, body: bytes) -> None:
    """What was read from an older format says so, and what that format did not have is empty."""
    read = decode(framed(body)).fact
    assert read == fact
    assert read.v == 1
    added = {
        TaskOpened: "context",
        ToolStarted: "approval",
        ModelTurned: "wire",
        InstructionGiven: "person",
        TaskRetried: "person",
        ApprovalAsked: "default",
    }
    assert not getattr(read, added[type(fact)])


def test_every_kind_is_pinned() -> None:
    """Whoever adds a fact adds its bytes here."""
    assert {type(fact) for fact, _ in WRITTEN} == set(KINDS)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def drawn(annotation: Any) -> st.SearchStrategy[Any]:
    """Any value of a field's type that JSON can hold."""
    args = get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = {name: drawn(field.annotation) for name, field in annotation.model_fields.items()}
        return st.builds(annotation, **fields)
    match get_origin(annotation):
        case typing.Literal:
            found = st.sampled_from(args)
        case typing.Union | types.UnionType:
            found = st.one_of([drawn(arg) for arg in args])
        case builtins.tuple:
            found = st.lists(drawn(args[0]), max_size=3).map(tuple)
        case builtins.dict:
            found = st.dictionaries(st.text(), JSON, max_size=3)
        case _:
            special = {float: FINITE, datetime: st.datetimes(timezones=st.just(UTC))}
            found = special.get(annotation, st.from_type(annotation))
    return found


@given(
    st.builds(
        Event,
        seq=st.integers(1, 2**63 - 1),
        at=st.datetimes(timezones=st.just(UTC)),
        actor=st.text(),
        fact=st.one_of([drawn(kind) for kind in KINDS]),
    )
)
def test_every_fact_comes_back_as_it_went(event: Event) -> None:
    """Whatever a fact holds, reading its bytes gives it back; to write it again gives the same bytes."""
    assert decode(encode(event)) == event
    assert encode(decode(encode(event))) == encode(event)


@pytest.mark.parametrize(
    "body",
    [
        framed(b'{"v":1,"kind":"TaskPostponed","by":"Ana"}'),
        framed(b'{"v":1,"by":"Ana"}'),
        framed(b'{"v":2,"kind":"TaskCancelled","by":"Ana"}'),
        framed(b'{"v":3,"kind":"TaskOpened","title":"","text":"","agent":"","asked_by":"","door":""}'),
        framed(b'{"v":1,"kind":"ApprovalDecided","approval":1,"call_id":"1","decision":"yes","by":"","door":""}'),
        framed(b'{"v":1,"kind":"TaskCancelled"}'),
        framed(b'{"v":1,"kind":"TaskCancelled","by":"Ana","why":"x"}'),
        framed(b'{"v":1,"kind":"ToolStarted","step":1,"call":{"id":"1","tool":"t","args":{},"x":1},"does":""}'),
        framed(b'{"v":1,"kind":"TaskFailed","reason":"","changes":[{"path":"a","how":"added","x":1}]}'),
        framed(b'{"v":1,"kind":"TaskFailed","reason":"","changes":[{"path":"a","how":"renamed"}]}'),
        framed(b'{"v":1,"kind":"TaskCancelled","by":"Ana"}').replace(b'{"seq"', b'{"more":1,"seq"'),
        framed(b'{"v":1,"kind":"TaskCancelled","by":"Ana"}').replace(b'"seq":7,', b""),
        b"",
        b"null",
        b"{",
    ],
)  # fmt: skip
def test_what_is_no_known_event_is_refused(body: bytes) -> None:
    """Unknown kinds, versions and fields, missing ones and broken bytes are errors, never guesses."""
    with pytest.raises(ValidationError):
        decode(body)


def test_facts_cannot_be_changed() -> None:
    """A fact is frozen, and what it holds."""
    fact = ToolStarted(step=1, call=CALL, does="make")
    with pytest.raises(ValidationError, match="frozen"):
        fact.step = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(ValidationError, match="frozen"):
        fact.call.id = "2"  # type: ignore[misc]  # what is tested
