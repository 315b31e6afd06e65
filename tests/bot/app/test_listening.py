"""Where HTTP listens."""

import socket

import pytest
from starlette.applications import Starlette

from bot.app.listening import bind, serving
from bot.errors import LegworkError


async def test_an_ipv6_address_stands_in_brackets() -> None:
    """It is bound, and its address can be opened."""
    try:
        listener = bind("[::1]:0")
    except LegworkError as missing:
        pytest.skip(f"this machine has no IPv6: {missing}")
    async with serving(Starlette(), listener) as address:
        assert address == f"http://[::1]:{listener.getsockname()[1]}"


def test_a_taken_port_says_where_to_choose_another() -> None:
    """In the words of whoever chose it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LegworkError, match=r"Choose another in LEGWORK_HTTP\."):
            bind(address)
        with pytest.raises(LegworkError, match=r"Choose another with --port\."):
            bind(address, "with --port")


@pytest.mark.parametrize("address", ["127.0.0.1:x", "no.such.host.invalid:0", f"{'x' * 80}:0"])
def test_what_cannot_be_bound_is_a_sentence(address: str) -> None:
    """The address is named."""
    with pytest.raises(LegworkError, match=r"^Cannot listen on .*: .*\. Choose another in LEGWORK_HTTP\.$"):
        bind(address)
