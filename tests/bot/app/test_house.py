"""The data folder and the database: made, opened, or refused with a sentence."""

import os
import re
import stat
from pathlib import Path

import pytest

from bot.app.house import data_folder, opened
from bot.errors import LegworkError
from config.settings import given

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its folders to the sandbox's user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_can_be_passed_through(tmp_path: Path) -> None:
    """What is made is for the sandbox's user to pass, and for nobody to read."""
    home = data_folder(tmp_path / "a" / "b")
    assert home == tmp_path / "a" / "b"
    assert mode(home) == 0o711 & ~_umask()


def _umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found


@as_root
@pytest.mark.parametrize("before", [0o700, 0o775, 0o777])
def test_an_empty_folder_of_ours_is_made_fit(tmp_path: Path, before: int) -> None:
    """A folder made for Legwork (`mktemp -d`, a new volume) is as good as one that Legwork makes."""
    tmp_path.chmod(before)
    data_folder(tmp_path)
    assert mode(tmp_path) == 0o711


@pytest.mark.parametrize("before", [0o711, 0o755])
def test_a_folder_that_was_there_is_left_as_it_is(tmp_path: Path, before: int) -> None:
    """Nobody's folder changes its mode because it was named."""
    (tmp_path / "something").touch()
    tmp_path.chmod(before)
    data_folder(tmp_path)
    assert mode(tmp_path) == before


@pytest.mark.parametrize("before", [0o1777, 0o777, 0o775])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, before: int) -> None:
    """The system's folder for temporary files, say; it stays as it is, and nobody is told to shut it."""
    (tmp_path / "something").touch()
    tmp_path.chmod(before)
    with pytest.raises(LegworkError, match=r"others may write in it\. Name another with --home") as refusal:
        data_folder(tmp_path, "--home")
    assert ("chmod go-w" in str(refusal.value)) is (before != 0o1777)
    assert mode(tmp_path) == before


def test_an_empty_folder_of_many_is_refused(tmp_path: Path) -> None:
    """The sticky bit says that it is for others too."""
    tmp_path.chmod(0o1777)
    with pytest.raises(LegworkError, match="others may write in it"):
        data_folder(tmp_path)
    assert mode(tmp_path) == 0o1777


@as_root
def test_root_says_how_the_sandboxs_user_gets_in(tmp_path: Path) -> None:
    """A shut folder with something in it is refused, and left as it is."""
    (tmp_path / "something").touch()
    tmp_path.chmod(0o700)
    with pytest.raises(LegworkError, match=f"chmod o\\+x {tmp_path}"):
        data_folder(tmp_path)
    assert mode(tmp_path) == 0o700


@as_root
def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    """Root takes no folder of a user."""
    os.chown(tmp_path, 12_345, 12_345)
    with pytest.raises(LegworkError, match=r"belongs to the user 12345\. Name another with LEGWORK_HOME\."):
        data_folder(tmp_path)


@pytest.mark.parametrize("place", ["/proc/legwork", "/dev/null", "/dev/null/legwork"])
def test_what_is_no_folder_is_refused(place: str) -> None:
    """What the machine says of it is told."""
    with pytest.raises(LegworkError, match=f"The data folder {place} cannot be used: .* Name another with"):
        data_folder(Path(place))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """It is named, and left as it is."""
    notes = tmp_path / "notes"
    notes.write_text("Dear diary, " * 100)
    settings = given(LEGWORK_HOME=tmp_path / "home", LEGWORK_DATABASE_URL=f"sqlite:///{notes}")
    with pytest.raises(LegworkError, match=f"{re.escape(str(notes))} cannot be used: file is not a database"):
        async with opened(settings):
            pass
    assert notes.read_text().startswith("Dear diary")


async def test_a_database_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """The place is named, and what to do."""
    address = f"sqlite:///{tmp_path}/missing/x.db"
    settings = given(LEGWORK_HOME=tmp_path / "home", LEGWORK_DATABASE_URL=address)
    with pytest.raises(
        LegworkError, match=r"cannot be used: .*missing.*\. Make the folder, or name another\."
    ):
        async with opened(settings):
            pass
