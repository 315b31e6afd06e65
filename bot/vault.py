"""The house's keys, and one key for each purpose derived from them.

Nothing is sealed or signed with a key of the settings itself: each use has its own, by HKDF (RFC 5869), so
that a key that leaks from one use says nothing about another.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import LegworkError

KEY_BYTES = 32


class Keyring:
    """The keys of this house, newest first.

    Args:
        keys: Secret texts of any length; at least one.

    Raises:
        LegworkError: There is none.
    """

    def __init__(self, keys: tuple[str, ...]) -> None:
        if not keys:
            raise LegworkError(
                "There are no secret keys: put the file `keys` of the data folder back, or name its keys in "
                "LEGWORK_SECRET_KEYS."
            )
        self._keys = keys

    @classmethod
    def load(cls, text: str, home: Path) -> "Keyring":
        """Keys from the settings, or from `home/keys`, which is made at the first start with mode 0600.

        Args:
            text: `LEGWORK_SECRET_KEYS`: keys parted by commas, newest first; empty to use the file.
            home: The data folder.
        """
        return cls(_parted(text) or _parted(_kept(home / "keys")))

    def all(self, purpose: str) -> list[bytes]:
        """The 32-byte keys of this purpose, newest first: seal with the first, prove with any."""
        return [_derive(key, purpose) for key in self._keys]


def _parted(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (key.strip() for key in text.replace("\n", ",").split(","))))


def _kept(path: Path) -> str:
    """What the file holds; made now if it is not there. Two first starts at once agree on one file."""
    if not path.exists():
        made = path.with_name(f"keys.{secrets.token_hex(8)}")  # in containers, everyone is process 1
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(KEY_BYTES) + "\n")
        try:
            path.hardlink_to(made)  # fails where another process was first, and never shows half a key
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()


def _derive(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"legwork " + purpose.encode()).derive(key.encode())
