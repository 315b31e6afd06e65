"""Reply addresses: whoever has one was given it; nobody can make or change one."""

import base64
import hmac
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.reply_address import AskReply, ReplyAddresses, TaskReply, redacted
from bot.vault import Keyring

DOMAIN = "legwork.example"
PURPOSE = "reply address"
NEW = Keyring(("new", "old")).all(PURPOSE)
OLD = Keyring(("old",)).all(PURPOSE)
HOUSE = ReplyAddresses(NEW, DOMAIN)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

numbers = st.integers(0, 2**32 - 1)
moments = st.integers(0, 2**33).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(numbers, numbers, moments)
def test_what_was_made_is_read(one: int, other: int, expires: datetime) -> None:
    """An address says what it was made for, and its local part is one that every mail system takes."""
    task, ask = HOUSE.task(one, other), HOUSE.ask(one, other, expires)
    assert HOUSE.read(task) == TaskReply(one, other)
    assert HOUSE.read(ask) == AskReply(one, other, expires)
    assert all(len(address.partition("@")[0]) <= 64 for address in (task, ask))
    assert all(address == address.lower() for address in (task, ask))


def test_an_address_is_what_it_was() -> None:
    """An address that was mailed once is read by every later version: this is how it is made."""
    said = b"legwork reply address\0task\0" + (142).to_bytes(8, "big") + (7).to_bytes(8, "big")
    proof = base64.b32encode(hmac.digest(NEW[0], said, "sha256")[:16]).decode().rstrip("=").lower()
    assert HOUSE.task(142, 7) == f"task+3y.7.{proof}@legwork.example"


@given(st.data())
def test_case_means_nothing(data: st.DataObject) -> None:
    """Mail systems change the case of addresses: they are read all the same."""
    address = data.draw(st.sampled_from([HOUSE.task(142, 7), HOUSE.ask(17, 7, NOON)]))
    loud = "".join(char.upper() if data.draw(st.booleans()) else char for char in address)
    assert HOUSE.read(loud) == HOUSE.read(address) is not None


@pytest.mark.parametrize("address", [HOUSE.task(142, 7), HOUSE.ask(17, 7, NOON)])
def test_every_change_of_a_character_is_refused(address: str) -> None:
    """Whichever character is replaced, dropped or put in, nothing is read; no spare bit is open."""
    chars = [*string.printable, "\u212a", "\u0131", "\u0661", "\0"]  # K, i and 1 in other guises
    for at in range(len(address) + 1):
        head, char, tail = address[:at], address[at : at + 1], address[at + 1 :]
        changed = [head + other + tail for other in chars if other.lower() != char]
        changed += [head + other + char + tail for other in chars]
        changed += [head + tail] if char else []
        assert not [one for one in changed if HOUSE.read(one)]


@given(numbers, numbers, moments)
def test_a_proof_is_for_one_use(one: int, other: int, expires: datetime) -> None:
    """The proof of a task's address makes no answer to a question, nor the reverse, nor one for others."""
    task, ask = HOUSE.task(one, other), HOUSE.ask(one, other, expires)
    assert HOUSE.read(task.replace("task+", "ask+")) is None
    assert HOUSE.read(ask.replace("ask+", "task+")) is None
    *told, proof = task.partition("@")[0].removeprefix("task+").split(".")
    when = ask.split(".")[2]
    assert HOUSE.read(f"ask+{'.'.join(told)}.{when}.{proof}@{DOMAIN}") is None
    if one != other:
        assert HOUSE.read(f"task+{told[1]}.{told[0]}.{proof}@{DOMAIN}") is None


def test_a_later_expiry_is_refused() -> None:
    """Nobody gives themselves more time."""
    now, later = (HOUSE.ask(17, 7, NOON + timedelta(days=days)) for days in (0, 1))
    assert HOUSE.read(later.rpartition(".")[0].rpartition(".")[0] + "." + now.split(".")[2]) is None
    mixed = now.split(".")
    mixed[2] = later.split(".")[2]
    assert HOUSE.read(".".join(mixed)) is None


def test_an_expired_one_is_read() -> None:
    """Whoever answers too late is told so, not refused as a forger."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    assert HOUSE.read(HOUSE.ask(17, 7, long_ago)) == AskReply(17, 7, long_ago)


def test_the_newest_key_makes_and_every_key_proves() -> None:
    """After a change of keys old addresses still hold; once a key is gone, its addresses are nothing."""
    before = ReplyAddresses(OLD, DOMAIN)
    assert HOUSE.read(before.task(142, 7)) == TaskReply(142, 7)
    assert before.read(HOUSE.task(142, 7)) is None
    assert ReplyAddresses(Keyring(("other",)).all(PURPOSE), DOMAIN).read(before.task(142, 7)) is None


def test_another_domain_is_not_ours() -> None:
    """An address counts at our own domain alone."""
    local = HOUSE.task(142, 7).partition("@")[0]
    for domain in ("other.example", "legwork.example.", "sub.legwork.example", ""):
        assert HOUSE.read(f"{local}@{domain}") is None
    assert HOUSE.read(local) is None
    assert HOUSE.read(f"{local}@{DOMAIN}@other.example") is None


@given(st.text(max_size=120))
def test_anything_else_is_nothing(address: str) -> None:
    """Whatever is written there, it is read as nothing, and never fails."""
    assert HOUSE.read(address) is None
    assert HOUSE.read(f"task+{address}@{DOMAIN}") is None


def test_logs_hold_no_whole_proof() -> None:
    """Of a proof a log has six characters, in whatever the address stands."""
    for address in (HOUSE.task(142, 7), HOUSE.ask(17, 7, NOON).upper()):
        proof = address.partition("@")[0].rpartition(".")[2]
        shown = redacted(f"RCPT TO:<{address}>")
        assert proof not in shown
        assert f".{proof[:6]}…@" in shown
    assert redacted("postmaster@legwork.example") == "postmaster@legwork.example"
