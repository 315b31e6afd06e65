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
    AnyFact,
    ArtifactSaved,
    Call,
    Change,
    DeliveryAbandoned,
    Event,
    Fact,
    ModelTurned,
    ReportFailed,
    RunStarted,
    TaskCancelled,
    TaskFailed,
    TaskFinished,
    TaskOpened,
    ToolFinished,
    ToolInterrupted,
    ToolStarted,
    decode,
    encode,
)

KINDS: tuple[type[Fact], ...] = get_args(get_args(AnyFact)[0])
AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
CALL = Call(id="1", tool="terminal", args={"command": "make\n", "stop_on_error": True})
CALL_BYTES = b'{"id":"1","tool":"terminal","args":{"command":"make\\n","stop_on_error":true}}'

# What was written once is on disks out there: never change these, add to them.
VERSION_1: list[tuple[Fact, bytes]] = [
    (
        TaskOpened(title="Fix it", text="Fix it, M\u00fcller", agent="coder", asked_by="Ana", door="slack"),
        (
            b'{"v":1,"kind":"TaskOpened","title":"Fix it","text":"Fix it, M\xc3\xbcller","agent":"coder",'
            b'"asked_by":"Ana","door":"slack"}'
        ),
    ),
    (
        RunStarted(attempt=2, worker="host:7", model="runbook"),
        b'{"v":1,"kind":"RunStarted","attempt":2,"worker":"host:7","model":"runbook"}',
    ),
    (
        ModelTurned(step=1, words="Hm.", calls=(CALL,)),
        b'{"v":1,"kind":"ModelTurned","step":1,"words":"Hm.","calls":[' + CALL_BYTES + b"]}",
    ),
    (
        ToolStarted(step=1, call=CALL, does="make"),
        b'{"v":1,"kind":"ToolStarted","step":1,"call":' + CALL_BYTES + b',"does":"make"}',
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
        ),
        (
            b'{"v":1,"kind":"ToolFinished","step":1,"call_id":"1","ok":false,"output":"no","exit_code":137,'
            b'"ended_by":"memory","seconds":1.5,"peak_rss_bytes":4096,"peak_processes":3}'
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
    (ReportFailed(why="no font"), b'{"v":1,"kind":"ReportFailed","why":"no font"}'),
    (
        DeliveryAbandoned(task="T-1", outlet="slack", address="C1", seq=3, why="channel_not_found"),
        (
            b'{"v":1,"kind":"DeliveryAbandoned","task":"T-1","outlet":"slack","address":"C1","seq":3,'
            b'"why":"channel_not_found"}'
        ),
    ),
]
LEAST_1: list[tuple[Fact, bytes]] = [  # without what may be left out
    (ModelTurned(step=1), b'{"kind":"ModelTurned","step":1}'),
    (
        ToolFinished(step=1, call_id="1", ok=True, output=""),
        b'{"kind":"ToolFinished","step":1,"call_id":"1","ok":true,"output":""}',
    ),
    (TaskFinished(summary=""), b'{"kind":"TaskFinished","summary":""}'),
    (TaskFailed(reason=""), b'{"kind":"TaskFailed","reason":""}'),
]


def framed(fact: bytes) -> bytes:
    """An event around a fact, as version 1 wrote it."""
    return b'{"seq":7,"at":"2026-11-21T12:00:00.250000Z","actor":"@coder","fact":' + fact + b"}"


@pytest.mark.parametrize(("fact", "body"), VERSION_1 + LEAST_1, ids=lambda value: getattr(value, "kind", ""))
def test_bytes_of_version_1_are_read(fact: AnyFact, body: bytes) -> None:
    """Bytes that version 1 wrote mean today what they meant then."""
    assert decode(framed(body)) == Event(seq=7, at=AT, actor="@coder", fact=fact)


@pytest.mark.parametrize(("fact", "body"), VERSION_1, ids=lambda value: getattr(value, "kind", ""))
def test_bytes_of_version_1_are_written(fact: AnyFact, body: bytes) -> None:
    """The same fact is still written as the same bytes: a format that changes needs a new version."""
    assert encode(Event(seq=7, at=AT, actor="@coder", fact=fact)) == framed(body)


def test_every_kind_is_pinned() -> None:
    """Whoever adds a fact adds its bytes here."""
    assert {type(fact) for fact, _ in VERSION_1} == set(KINDS)


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
            found = FINITE if annotation is float else st.from_type(annotation)
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
