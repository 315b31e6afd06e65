"""The list of hosts that may be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.egress import Allowlist, Host
from bot.errors import UserMistake


def allows(line: str, host: str, port: int = 443) -> bool:
    return Allowlist.parse([line]).allows(Host.parse(host), port)


def test_nothing_is_allowed_by_default() -> None:
    """An empty list allows no host."""
    assert not Allowlist().allows(Host.parse("w3.org"), 443)
    assert Allowlist.parse(["", "  "]) == Allowlist()


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("w3.org", "w3.org"),
        (" W3.org. ", "w3.org."),
        ("*.github.com", "api.github.com"),
        ("*.github.com", "a.b.GitHub.com"),
        ("*", "anything.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:db8::1]", "[2001:db8:0::1]"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
    ],
)
def test_what_a_line_allows(line: str, host: str) -> None:
    """A line allows its host, at the ports of the web and at no other."""
    assert allows(line, host, 443)
    assert allows(line, host, 80)
    assert not allows(line, host, 8080)
    assert allows(f"{line.strip()}:8080", host, 8080)
    assert not allows(f"{line.strip()}:8080", host, 443)


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("w3.org", "www.w3.org"),
        ("w3.org", "w3.org.evil.example"),
        ("w3.org", "evilw3.org"),
        ("*.github.com", "github.com"),
        ("*.github.com", "evilgithub.com"),
        ("*.github.com", "api.github.com.evil.example"),
        ("*", "192.0.2.1"),
        ("*", "[::1]"),
        ("192.0.2.1", "192.0.2.10"),
        ("w3.org", "xn--ppi-9ma.org"),
    ],
)
def test_what_a_line_does_not_allow(line: str, host: str) -> None:
    """A line allows neither its neighbours nor, below a wildcard, the name itself; addresses only by name."""
    assert not allows(line, host)


@pytest.mark.parametrize(
    "line",
    [
        "https://w3.org", "w3.org/simple", "u@w3.org", "*.com", "*.localhost", "*.", "**.a.example",
        "a.*.example", "*a.example", "*.*.example", "*.192.0.2.1", "*.[::1]", "w3.org:0", "w3.org:x",
        "w3", "10.0.0.0/8", "w3.org evil.example", "w3.org,evil.example", "0x7f.1", "*:", "!w3.org",
    ],
)  # fmt: skip
def test_a_line_that_is_no_host_is_told(line: str) -> None:
    """What is no host, or allows too much to be meant, is refused in a sentence."""
    with pytest.raises(UserMistake, match=r"\.$"):
        Allowlist.parse([line])


@given(st.lists(st.sampled_from(["w3.org", "*.github.com", "*:8443", "[::1]:80", "192.0.2.1"])))
def test_a_list_reads_back(lines: list[str]) -> None:
    """A list that is shown can be read again."""
    listed = Allowlist.parse(lines)
    assert Allowlist.parse(map(str, listed.entries)) == listed
