"""Signed reply addresses: whoever writes to one was told of it by us, and it says what they answer.

    task+<task>.<subscription>.<proof>@DOMAIN
    ask+<approval>.<subscription>.<expiry>.<proof>@DOMAIN

Numbers are in base 36, the expiry in seconds since 1970. The proof is HMAC-SHA256 (RFC 2104) over kind and
numbers, cut to 128 bits (section 5) and written in lower-case base32 (RFC 4648) without padding. With numbers
of 32 bits a local part has at most 54 characters; mail takes 64 (RFC 5321, section 4.5.3.1.1).
"""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

PROOF_BYTES = 16
NUMBER_BYTES = 8
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_NUMBER = r"(0|[1-9a-z][0-9a-z]{0,11})"
_LOCAL = re.compile(rf"(task|ask)\+{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?\.([a-z2-7]{{26}})")
_NUMBERS = {"task": 2, "ask": 3}
_PROOF = re.compile(r"(?<![a-z2-7])([a-z2-7]{6})[a-z2-7]{20,}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaskReply:
    """Something for a task.

    Attributes:
        task: The task's number.
        subscription: Row id of the subscription that the address was made for.
    """

    task: int
    subscription: int


@dataclass(frozen=True, slots=True)
class AskReply:
    """An answer to one question.

    Attributes:
        approval: The approval's number.
        subscription: Row id of the subscription that the address was made for.
        expires: Until when it may decide, in UTC.
    """

    approval: int
    subscription: int
    expires: datetime


class ReplyAddresses:
    """Makes reply addresses, and knows its own again.

    Args:
        keys: The house's keys for this purpose, newest first: it makes with the first and believes each.
        domain: Whose mail reaches us.
    """

    def __init__(self, keys: Sequence[bytes], domain: str) -> None:
        self._keys = tuple(keys)
        self._domain = domain.lower()

    def task(self, task_id: int, subscription_id: int) -> str:
        """The address by which one recipient reaches a task."""
        return self._address("task", task_id, subscription_id)

    def ask(self, approval_id: int, subscription_id: int, expires: datetime) -> str:
        """The address by which one recipient answers one question until then, to the second."""
        return self._address("ask", approval_id, subscription_id, int(expires.timestamp()))

    def read(self, address: str) -> TaskReply | AskReply | None:
        """What an address is for, in whatever case mail systems have put it.

        Returns:
            What was signed; None for an address that we did not make. One that has expired is read too.
        """
        local, _, domain = address.rpartition("@")
        if not address.isascii() or domain.lower() != self._domain:
            return None
        found = _LOCAL.fullmatch(local.lower())
        if found is None:
            return None
        kind, proof = found[1], found[5]
        numbers = [int(number, 36) for number in found.group(2, 3, 4) if number is not None]
        if len(numbers) != _NUMBERS[kind] or not self._proven(kind, numbers, proof):
            return None
        if kind == "task":
            return TaskReply(*numbers)
        return AskReply(numbers[0], numbers[1], datetime.fromtimestamp(numbers[2], UTC))

    def _address(self, kind: str, *numbers: int) -> str:
        said = ".".join([*map(_base36, numbers), _proof(self._keys[0], kind, numbers)])
        return f"{kind}+{said}@{self._domain}"

    def _proven(self, kind: str, numbers: Sequence[int], proof: str) -> bool:
        """Whether one of the keys made this."""
        return any(hmac.compare_digest(_proof(key, kind, numbers), proof) for key in self._keys)


def redacted(address: str) -> str:
    """An address as logs may hold it: of a proof only the first characters."""
    return _PROOF.sub(r"\1…", address)


def _proof(key: bytes, kind: str, numbers: Sequence[int]) -> str:
    said = b"".join(number.to_bytes(NUMBER_BYTES, "big") for number in numbers)
    digest = hmac.digest(key, b"legwork reply address\0" + kind.encode() + b"\0" + said, "sha256")
    return base64.b32encode(digest[:PROOF_BYTES]).decode("ascii").rstrip("=").lower()


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
