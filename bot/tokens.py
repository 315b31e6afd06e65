"""Tokens for the REST API: JSON Web Tokens (RFC 7519), signed with HMAC-SHA256 by a key of the house."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.types import Options

from bot.actors import Role
from bot.errors import Refused
from bot.vault import Keyring

PURPOSE = "api token"
ISSUER = "legwork"
ALGORITHM = "HS256"  # the only one: what a token says of itself is not believed (RFC 8725, section 3.1)
OPTIONS: Options = {
    "require": ["iss", "sub", "role", "iat", "exp", "jti"],
    "verify_exp": False,  # compared below, with the clock that was passed in
    "verify_iat": False,
}
TOKEN_CHARS = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=1)
ANOTHER = "Make another: legwork token create"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says, and the house has signed.

    Attributes:
        id: Tells it from every other.
        person: Row id of whom it stands for; they may have become one with another since, whom
            `storage.people.get` finds by it.
        role: The most it may do; their own role, as it is now, may be less.
        issued: When it was made.
        expires: When it ends.
    """

    id: str
    person: int
    role: Role
    issued: datetime
    expires: datetime


def mint(person: int, role: Role, ttl: timedelta, keyring: Keyring, now: datetime) -> str:
    """A new token.

    Args:
        person: Row id of whom it stands for.
        role: The most it may do.
        ttl: How long it holds; counted in whole seconds.
        keyring: The newest key of it signs.
        now: The time.
    """
    key = keyring.all(PURPOSE)[0]
    issued = int(now.timestamp())
    claims = {
        "iss": ISSUER,
        "sub": str(person),
        "role": role.value,
        "iat": issued,
        "exp": issued + int(ttl.total_seconds()),
        "jti": secrets.token_urlsafe(12),
    }
    return jwt.encode(claims, key, ALGORITHM, headers={"kid": _name(key)})


def read(token: str, keyring: Keyring, now: datetime) -> Claims:
    """What a token says.

    Args:
        token: As its bearer showed it.
        keyring: Any key of it may have signed.
        now: The time.

    Raises:
        Refused: It is none, was not signed by this house, or holds no more.
    """
    keys = {_name(key): key for key in keyring.all(PURPOSE)}
    try:
        if len(token) > TOKEN_CHARS:
            raise Refused(f"This is no token of Legwork. {ANOTHER}")
        key = keys.get(jwt.get_unverified_header(token).get("kid", ""))
        if key is None:
            raise Refused(f"This token was signed with a key that the house does not have. {ANOTHER}")
        said = jwt.decode(token, key, [ALGORITHM], issuer=ISSUER, options=OPTIONS)
        claims = _claims(said)
    except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
        raise Refused(f"This is no token of Legwork. {ANOTHER}") from error
    if claims.expires <= now:
        raise Refused(f"This token ended on {claims.expires:%d %B %Y}. {ANOTHER}")
    if claims.issued > now + CLOCK_SKEW:
        raise Refused(
            "This token is from the future: set the clock of this machine, or of the one it was made on."
        )
    return claims


def _claims(said: dict[str, Any]) -> Claims:
    """Signed claims in our own types."""
    return Claims(
        id=str(said["jti"]),
        person=int(said["sub"]),
        role=Role(said["role"]),
        issued=EPOCH + timedelta(seconds=said["iat"]),
        expires=EPOCH + timedelta(seconds=said["exp"]),
    )


def _name(key: bytes) -> str:
    """Names a key without telling anything of it: it is derived, and 256 bits long."""
    return hashlib.sha256(key).hexdigest()[:8]
