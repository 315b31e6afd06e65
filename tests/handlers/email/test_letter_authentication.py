"""Who the receiving server says that a letter is from."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.email.authentication import dmarc
from handlers.email.letter import read

OURS = "mx.legwork.example"
SENDER = "ana@x.org"
LINEAR_S = 2  # of processor time: what grows with the square takes minutes


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (f"{OURS}; dmarc=pass header.from=x.org", "pass"),
        (f"{OURS}; dmarc=pass", "pass"),
        (
            f"{OURS.upper()} 1; spf=pass smtp.mailfrom=x.org; DMARC = PASS (p=none) Header.From=X.org",
            "pass",
        ),
        (f"(by us) {OURS} (v) 1 (v); dmarc(m)=(r)pass header.from(p)=(v)x.org", "pass"),
        (f'{OURS}; dmarc/1=pass reason="all; fine" header.from="x.org"', "pass"),
        (f"{OURS}; dmarc=pass header.from=ana@x.org", "pass"),
        (f"{OURS}; dkim=pass header.b=a/b header.d=x.org; dmarc=pass header.from=x.org;", "pass"),
        (f"{OURS}; dmarc=fail header.from=x.org", "fail"),
        (f"{OURS}; dmarc=pass header.from=evil.org", "fail"),
        (f"{OURS}; dmarc=pass header.from=sub.x.org", "fail"),
        (f"{OURS}; dmarc=pass header.from=x.org header.from=evil.org", "fail"),
        (f"{OURS}; dmarc=pass header.from=x.org; dmarc=fail header.from=x.org", "fail"),
        (f"{OURS}; dmarc=pass header.from=x.org; dmarc=none", "none"),
        (f"{OURS}; dmarc=temperror header.from=x.org", "none"),
        (f"{OURS}; dmarc=bestguesspass header.from=x.org", "none"),
        (f"{OURS}; none", "none"),
        (f"{OURS}", "none"),
        ("", "none"),
        (f"{OURS} 2; dmarc=pass header.from=x.org", "none"),
        (f"{OURS}; dmarc/2=pass header.from=x.org", "none"),
        ("mx.evil.org; dmarc=pass header.from=x.org", "none"),
        (f"{OURS}.evil.org; dmarc=pass header.from=x.org", "none"),
        (f"mx.evil.org ({OURS}); dmarc=pass header.from=x.org", "none"),
        (f"{OURS}; spf=pass (dmarc=pass header.from=x.org) smtp.mailfrom=x.org", "none"),
        (f"{OURS}; spf=pass (; dmarc=pass header.from=x.org ;) smtp.mailfrom=x.org", "none"),
        (f'{OURS}; spf=pass smtp.mailfrom="a; dmarc=pass header.from=x.org"@evil.org', "none"),
        (f'{OURS}; spf=fail reason="\\"; dmarc=pass header.from=x.org"', "none"),
        (f"{OURS}; spf=fail (\\); dmarc=pass header.from=x.org", "none"),
        (f"{OURS}; dmarc=pass header.from=x.org (", "none"),
        (f'{OURS}; dmarc=pass header.from="x.org', "none"),
        (f"{OURS}; dmarc=pass header.from", "none"),
        (f'{OURS}; "dmarc=pass"', "none"),
        (f"{OURS}; xdmarc=pass header.from=x.org", "none"),
        ("; dmarc=pass header.from=x.org", "none"),
        (f"{OURS}; dmarc=pass" + " " * 20_000, "none"),
    ],
)
def test_results_are_read(result: str, verdict: str) -> None:
    """DMARC's own result for the very domain counts; what stands in comments and quotes does not."""
    assert dmarc([result], SENDER, OURS) == verdict


def test_only_the_topmost_result_counts() -> None:
    """A result below another server's, or below an empty one of ours, may have come with the letter."""
    good = f"{OURS}; dmarc=pass header.from=x.org"
    assert dmarc([good, "mx.evil.org; none"], SENDER, OURS) == "pass"
    assert dmarc(["mx.evil.org; none", good], SENDER, OURS) == "none"
    assert dmarc([f"{OURS}; none", good], SENDER, OURS) == "none"


def test_nothing_passes_without_a_sender_or_a_server() -> None:
    """Without an address in From, a result, or a name for our server there is no pass."""
    good = f"{OURS}; dmarc=pass header.from=x.org"
    assert dmarc([good], "", OURS) == "none"
    assert dmarc([], SENDER, OURS) == "none"
    assert dmarc([good], SENDER, "") == "none"
    assert dmarc(["; dmarc=pass"], SENDER, "") == "none"


def test_results_of_a_letter() -> None:
    """The values reach the judgement as they came, folded lines joined."""
    result = f"Authentication-Results: {OURS};\r\n\tdmarc=pass\r\n\theader.from=x.org"
    found = read(f"{result}\r\nFrom: {SENDER}\r\n\r\nx".encode())
    assert dmarc(found.authentication, found.from_, OURS) == "pass"


@given(st.text(st.sampled_from('()\\"=;/ \tdmarc=pass.x1')) | st.text())
def test_nobody_passes_by_what_stands_in_quotes(text: str) -> None:
    """Whatever is quoted as a value, the verdict stays that of the statement beside it."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert dmarc([f'{OURS}; spf=pass smtp.mailfrom="{quoted}"'], SENDER, OURS) == "none"
    assert dmarc([text], SENDER, OURS) == "none"


@pytest.mark.parametrize(
    "piece", ["(", '"', "\\", '"\\', ";", "=", "a=b ", "/", "a/", "dmarc=pass;", " ", "()"]
)
def test_hostile_results_take_no_time(piece: str) -> None:
    """Headers made to be slow are judged in time that grows with their length, not with its square."""
    began = time.thread_time()
    dmarc([f"{OURS}; dmarc=" + piece * (15_900 // len(piece))], SENDER, OURS)
    assert time.thread_time() - began < LINEAR_S
