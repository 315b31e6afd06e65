"""Keys: made once, kept to oneself, one for each purpose."""

import hmac
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.errors import LegworkError
from bot.vault import Keyring

REPOSITORY = Path(__file__).parents[2]
LOADING = """
import sys
from pathlib import Path
from bot.vault import Keyring
print("ready", flush=True)
sys.stdin.readline()
print(Keyring.load("", Path(sys.argv[1])).all("test")[0].hex())
"""


def test_each_purpose_has_its_own_key() -> None:
    """Keys of two purposes differ, and differ from the secret; each is 32 bytes."""
    keyring = Keyring(("secret",))
    keys = {keyring.all(purpose)[0] for purpose in ("ledger", "mail", "ledger ", "")} | {b"secret"}
    assert len(keys) == 5
    assert len(keyring.all("ledger")[0]) == 32


def test_a_key_is_what_it_was() -> None:
    """A key is HKDF-SHA256 without salt (RFC 5869): what was sealed once stays readable in every version."""
    extracted = hmac.digest(bytes(32), b"secret", "sha256")
    expanded = hmac.digest(extracted, b"legwork ledger\x01", "sha256")
    assert Keyring(("secret",)).all("ledger")[0] == expanded


def test_the_newest_secret_seals_and_all_open() -> None:
    """Of several secrets the first is for new seals; the older ones are still known, in order."""
    keyring = Keyring(("new", "old"))
    assert keyring.all("p") == [Keyring(("new",)).all("p")[0], Keyring(("old",)).all("p")[0]]


@pytest.mark.parametrize("text", ["new,old", " new , old ,", "\nnew\n\nold\n", ",new,,old"])
def test_secrets_of_the_settings_are_parted_by_commas_or_lines(text: str, tmp_path: Path) -> None:
    """However they are written, the secrets of the settings are read, and no file is made."""
    assert Keyring.load(text, tmp_path).all("p") == Keyring(("new", "old")).all("p")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", " ", " , \n"])
def test_the_first_start_makes_the_file(text: str, tmp_path: Path) -> None:
    """Without secrets in the settings a file is made, for its owner alone, and read from then on."""
    first = Keyring.load(text, tmp_path)
    kept = tmp_path / "keys"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [kept]
    assert len(bytes.fromhex(kept.read_text())) == 32
    assert Keyring.load("", tmp_path).all("p") == first.all("p")


def test_a_line_in_the_file_rotates_the_key(tmp_path: Path) -> None:
    """A new secret written above the old one is the newest; the old one still opens."""
    old = Keyring.load("", tmp_path).all("p")[0]
    kept = tmp_path / "keys"
    kept.write_text("a newer secret\n" + kept.read_text())
    assert Keyring.load("", tmp_path).all("p") == [Keyring(("a newer secret",)).all("p")[0], old]


def test_first_starts_at_once_agree(tmp_path: Path) -> None:
    """Processes that start together make one file and have one key."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOADING, str(tmp_path)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    keys = {process.communicate("\n", timeout=20)[0] for process in processes}
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_first_starts_of_the_same_process_id_agree(tmp_path: Path) -> None:
    """Containers that share a data folder are all process 1: they agree on one key too."""
    together = threading.Barrier(4)

    def start(home: Path) -> bytes:
        together.wait(10)
        return Keyring.load("", home).all("p")[0]

    with ThreadPoolExecutor(4) as threads:
        for n in range(50):
            home = tmp_path / str(n)
            home.mkdir()
            assert len(set(threads.map(start, [home] * 4))) == 1
            assert [path.name for path in home.iterdir()] == ["keys"]


def test_a_keyring_is_never_empty() -> None:
    """No keys at all is an error, not a weak seal."""
    with pytest.raises(LegworkError, match="LEGWORK_SECRET_KEYS"):
        Keyring(())
