"""The grammar of hosts."""

import contextlib
import socket

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.egress import Host
from bot.egress.hosts import split
from bot.errors import UserMistake

ADDRESS_LIKE = st.text("0123456789abcdefx.:%[]-", max_size=30)
NAME_LIKE = st.text("aAzZ09-._*@:/\\ \0\n%é。", max_size=30)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("w3.org", "w3.org"),
        ("W3.ORG", "w3.org"),
        ("w3.org.", "w3.org"),
        ("files.pythonhosted.org", "files.pythonhosted.org"),
        ("a-b.0.example1.co", "a-b.0.example1.co"),
        ("1.example.org", "1.example.org"),
        ("localhost", "localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("example。org", "example.org"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
    ],
)
def test_a_host_has_one_form(text: str, name: str) -> None:
    """However a host is written, it is compared in one form."""
    assert Host.parse(text).name == name
    assert (Host.parse(text).address is not None) == (name[0] in "1[" and name != "1.example.org")


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "w3", "intranet", "w3..org", ".w3.org", "w3.org..", "-a.example", "a-.example",
        "a_b.example", f"{'a' * 64}.example", ".".join(["a" * 60] * 5), "w3.org:443", "u@w3.org",
        "w3.org/", "w3.org#", "w3.org?", "*.w3.org", "w3.org\n", "w3.org\r\nX: y", "w3.org ",
        " w3.org", "w3\0.org", "w3%2eorg", "w3.org%00.evil.example", "[w3.org]", "w3\\.org",
        "w3\u2100.org", "0", "2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0x7f.1",
        "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", "127.0.0.256", "127.0.0.1.1", "1.2.3",
        "1.2.3.0x4", "a.1", "a.0x1", "example.1e3", "\uff11\uff12\uff17.0.0.1", "127。0。0。1", "①②⑦.0.0.1",
        "::1", "2001:db8::1", "[::1", "::1]", "[]", "[[::1]]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1]x",
        "[127.0.0.1]", "[v1.a]", "[::ffff:127.1]", "xn--", "local\u0131host",
    ],
)  # fmt: skip
def test_what_is_no_host(text: str) -> None:
    """Whatever two programs could read in two ways is no host."""
    with pytest.raises(UserMistake, match="is no host"):
        Host.parse(text)


@given(st.one_of(ADDRESS_LIKE, NAME_LIKE, st.text(max_size=40)))
@example("0x7f.1")
@example("127.0.0.1\n")
@example("0")
def test_no_name_is_an_address(text: str) -> None:
    """Nothing passes as a name that the machine's own functions read as an address."""
    with contextlib.suppress(UserMistake):
        host = Host.parse(text)
        assert host.name.isascii()
        assert host.name == host.name.lower() == Host.parse(host.name).name
        if host.address is None:
            assert set(host.name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
            with pytest.raises(OSError, match="illegal IP"):
                socket.inet_aton(host.name)
            with pytest.raises(socket.gaierror):
                socket.getaddrinfo(host.name, 80, flags=socket.AI_NUMERICHOST)
        else:
            family = socket.AF_INET6 if host.name.startswith("[") else socket.AF_INET
            assert socket.inet_pton(family, host.name.strip("[]")) == host.address.packed


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("w3.org", ("w3.org", None)),
        ("w3.org:8443", ("w3.org", 8443)),
        ("[::1]:80", ("[::1]", 80)),
        ("[::1]", ("[::1]", None)),
        ("a:65535", ("a", 65535)),
    ],
)
def test_a_port_is_parted(text: str, parts: tuple[str, int | None]) -> None:
    """A port stands after the last colon, if that is not an address's own."""
    assert split(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "a:", "a:0", "a:080", "a:65536", "a:99999", "a:+1", "a:-1", "a:1:2", "a:٣", "::1", "[::1]:",
        "[::1]80", "a:1 ",
    ],
)  # fmt: skip
def test_what_is_no_port(text: str) -> None:
    """A port is a decimal number from 1 to 65535, with no other spelling."""
    with pytest.raises(UserMistake, match="no host and port"):
        split(text)
