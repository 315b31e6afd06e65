"""`sandbox run --allow-host`: the network of one command."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.terminal import Legwork
from tests.fakes.website import website

NOT_PROXIED = "--noproxy '*'"  # curl goes straight to the host
PROXIED = "--noproxy ''"  # and to the proxy even for the loopback


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a web server of this machine."""
    async with website() as port:
        yield port


@pytest.fixture
def workspace(home: Path) -> Path:
    """A folder for the command."""
    folder = home / "ws"
    folder.mkdir()
    return folder


async def test_an_allowed_host_is_reached(legwork: Legwork, workspace: Path, port: int) -> None:
    """Through the proxy, where the operator opened its private address too; and no other way."""
    curl = "curl -sS -m 5"
    ended = await legwork(
        *("sandbox", "run", "--workspace", str(workspace), "--allow-host", "localhost", "--", "bash", "-c"),
        f"{curl} {PROXIED} http://localhost:{port}/; {curl} {NOT_PROXIED} http://127.0.0.1:{port}/",
        LEGWORK_EGRESS_PRIVATE=f"127.0.0.1:{port}",
    )
    assert ended.out == "hello"
    assert "Failed to connect" in ended.err


@pytest.mark.parametrize(
    ("allowed", "private", "why"),
    [
        ("example.org", True, "The host localhost is not allowed"),
        ("localhost", False, "is not allowed at port"),
        ("localhost:{port}", False, "is not on the public Internet"),
    ],
)
async def test_other_hosts_are_refused(
    legwork: Legwork, workspace: Path, port: int, *, allowed: str, private: bool, why: str
) -> None:
    """What is not on the list, or not public and not opened, is refused with the reason."""
    ended = await legwork(
        *("sandbox", "run", "--workspace", str(workspace)),
        *("--allow-host", allowed.format(port=port), "--", "bash", "-c"),
        f"curl -sS -m 5 {PROXIED} http://localhost:{port}/",
        LEGWORK_EGRESS_PRIVATE=f"127.0.0.1:{port}" if private else "",
    )
    assert why in ended.out
    assert f"legwork: The host localhost {why.removeprefix('The host localhost ')}" in ended.err


async def test_without_hosts_there_is_no_network(legwork: Legwork, workspace: Path, port: int) -> None:
    """Off by default: no proxy is there."""
    ended = await legwork(
        *("sandbox", "run", "--workspace", str(workspace), "--", "bash", "-c"),
        f"env | grep -i proxy; curl -sS -m 5 http://127.0.0.1:{port}/",
        LEGWORK_EGRESS_PRIVATE=f"127.0.0.1:{port}",
    )
    assert ended.code == 7  # curl's: no connection
    assert ended.out == ""


async def test_what_is_no_host_is_told(legwork: Legwork, workspace: Path) -> None:
    """A web address instead of a host is answered with what to write."""
    ended = await legwork(
        *("sandbox", "run", "--workspace", str(workspace)),
        *("--allow-host", "https://example.org/x", "--", "true"),
    )
    assert ended.code == 1
    assert "write the host alone" in ended.err
