"""Tokens of the REST API: what is signed here is read here, and nothing else."""

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import tokens
from bot.actors import Role
from bot.errors import Refused
from bot.vault import Keyring
from tests.fakes.core import KEYRING, NOON, after

HOUR = timedelta(hours=1)
KEY = KEYRING.all("api token")[0]


def minted(keyring: Keyring = KEYRING) -> str:
    return tokens.mint(7, Role.MEMBER, HOUR, keyring, NOON)


def signed(key: bytes = KEY, **changes: Any) -> str:
    """A token like ours, but for something."""
    claims = {**jwt.decode(minted(), options={"verify_signature": False}), **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, "HS256", headers={"kid": tokens._name(KEY)})


def test_a_token_says_what_was_minted() -> None:
    """Who, how much, from when, until when; and no two are the same."""
    claims = tokens.read(minted(), KEYRING, NOON)
    assert (claims.person, claims.role, claims.issued, claims.expires) == (7, Role.MEMBER, NOON, NOON + HOUR)
    assert claims.id != tokens.read(minted(), KEYRING, NOON).id


def test_a_token_ends() -> None:
    """To the second, by the clock that is passed in."""
    token = minted()
    assert tokens.read(token, KEYRING, after(3599))
    with pytest.raises(Refused, match=r"ended on 21 November 2026. Make another: legwork token create"):
        tokens.read(token, KEYRING, after(3600))


def test_a_token_from_the_future_waits() -> None:
    """A minute of skew is forgiven."""
    assert tokens.read(minted(), KEYRING, after(-60))
    with pytest.raises(Refused, match="from the future"):
        tokens.read(minted(), KEYRING, after(-61))


def test_keys_are_rotated() -> None:
    """The newest key signs, and older ones still prove; one that was dropped does not."""
    old, both, new = Keyring(("old",)), Keyring(("new", "old")), Keyring(("new",))
    assert tokens.read(minted(old), both, NOON)
    assert tokens.read(minted(both), new, NOON)
    with pytest.raises(Refused, match="signed with a key that the house does not have"):
        tokens.read(minted(old), new, NOON)


def headed(header: dict[str, str], digest: str = "") -> str:
    """A token whose header asks to be believed, signed with the house's key or not at all."""
    claims = jwt.decode(minted(), options={"verify_signature": False})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims)]
    head = b".".join(part.rstrip(b"=") for part in parts)
    seal = hmac.digest(KEY, head, digest) if digest else b""
    return (head + b"." + base64.urlsafe_b64encode(seal).rstrip(b"=")).decode()


FORGED = {
    "another key": signed(key=b"x" * 32),
    "another algorithm": headed({"alg": "HS512", "kid": tokens._name(KEY)}, "sha512"),
    "no algorithm": headed({"alg": "none", "kid": tokens._name(KEY)}),
    "no key": headed({"alg": "HS256"}, "sha256"),
    "another house": signed(iss="elsewhere"),
    "no issuer": signed(iss=None),
    "no end": signed(exp=None),
    "no person": signed(sub=None),
    "no name": signed(jti=None),
    "a person by name": signed(sub="mel"),
    "a role there is not": signed(role="god"),
    "an end past all time": signed(exp=10**18),
    "an end that is no time": signed(exp="soon"),
    "empty": "",
    "long": "a" * 100_000,
    "not ASCII": "tökén.a.b",
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(token: str) -> None:
    """Whatever is wrong with it, in a sentence."""
    with pytest.raises(Refused, match=r"^This (is no token|token was signed with a key)"):
        tokens.read(token, KEYRING, NOON)


@given(st.text() | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_no_text_breaks_the_reader(text: str) -> None:
    """Anything that is no token is refused."""
    with pytest.raises(Refused):
        tokens.read(text, KEYRING, NOON)


@given(st.integers(0, len(minted()) - 1), st.sampled_from("ABCDEFxyz-_.="))
def test_a_changed_letter_is_seen(place: int, letter: str) -> None:
    """A token is good as a whole or not at all; the last letter of each part holds bits that say nothing."""
    token = minted()
    changed = token[:place] + letter + token[place + 1 :]
    try:
        claims = tokens.read(changed, KEYRING, NOON)
    except Refused:
        return
    assert claims == tokens.read(token, KEYRING, NOON)
