"""What a person wrote, parted from quotes, signatures and footers."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.reply_marker import MARKER
from handlers.email.visible import visible

ANSWER = "Yes, go on.\n\nBut wait for the tests."
LINEAR_S = 2  # of processor time: what grows with the square takes minutes

_PROGRAMS = tomllib.loads((Path(__file__).parent / "programs.toml").read_text("utf-8"))
ABOVE: dict[str, str] = _PROGRAMS["above"]


@pytest.mark.parametrize("above", ABOVE.values(), ids=ABOVE)
@pytest.mark.parametrize("quote", ["> T-1 needs your word.\n> Shall I?", "T-1 needs your word.\n\nShall I?"])
def test_the_answer_above_a_letter(above: str, quote: str) -> None:
    """Whatever the program and its language, only what stands above the quoted letter is the answer."""
    parted = visible(f"{ANSWER}\n\n{above}\n\n{quote}\n")
    assert parted.text == ANSWER
    assert parted.elided.endswith("Shall I?")


@pytest.mark.parametrize("above", [line for line in ABOVE.values() if ": " not in line.partition("\n")[0]])
def test_the_answer_below_a_quote(above: str) -> None:
    """What stands below a quote is the answer, too."""
    assert visible(f"{above}\n\n> Shall I?\n\n{ANSWER}").text == ANSWER


def test_inline_answers_keep_what_they_answer() -> None:
    """Answers between quotes stay with the quotes; only the line above and what follows the last word go."""
    body = "On 16/11/2026 12:34, Legwork wrote:\n> First?\nyes\n\n> Second?\nno\n\n> Bye"
    assert visible(body).text == "> First?\nyes\n\n> Second?\nno"


@pytest.mark.parametrize("signature", _PROGRAMS["below"]["signatures"])
def test_signatures_are_elided(signature: str) -> None:
    """Signatures of people, phones and lawyers are no part of the answer."""
    parted = visible(f"{ANSWER}\n\n{signature}\n")
    assert (parted.text, parted.elided) == (ANSWER, signature)


@pytest.mark.parametrize(
    "text",
    [
        "On second thought, wait.",
        "On Monday I wrote the test.",
        "Please do this:\n\n1. a\n2. b",
        "The log says:\n\n    12:34:56 error: no route",
        "Sent from my desk, this is much easier to do.",
        "I sent it from my phone yesterday",
        "Run this:\n\n```sh\n--\n> out.txt\nOn 2026-01-01 10:00 x@y.org wrote:\n```",
        "Plan\n====\n\nDo it.",
        "Part one\n\n---\n\n" + "\n".join(f"{n}. step" for n in range(9)),
        "FYI\n\n---------- Forwarded message ---------\nFrom: Bo <bo@x.org>\nDate: 16 Nov 2026\n\nIt broke.",
        "From: is a header, as you know.\nTo: is another.",
        "a <b@c.org> is the address",
        "Date: 20 Nov 2026\nSubject: deploy the new version",
        "Please answer the mail that\nEve <eve@x.org> sent on Monday.",
        "a > b, and this is\n\n| a table |\n|---|\n| of one |",
        "> quoted by hand\n\nand this is what I say",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    """Words that only look like a quote or a signature are the person's own."""
    assert visible(text).text == text


def test_our_own_line_ends_the_answer() -> None:
    """All from our own line on is cut, quoted or not, and what a program wrote above it."""
    for mark in (MARKER, f"> {MARKER}", f"*{MARKER}*"):
        assert visible(f"{ANSWER}\n\nNeznámý 16 Legwork píše:\n> x\n{mark}\n> rest").text.startswith(ANSWER)
        assert visible(f"{ANSWER}\n{mark}\nrest\n\nmore").text == ANSWER


def test_an_answer_below_our_own_line_is_found() -> None:
    """Somebody who writes below the quote all the same is heard."""
    above = "On 16/11/2026 12:34, Legwork wrote:"
    assert visible(f"{above}\n> {MARKER}\n> Shall I?\n\n{ANSWER}").text == ANSWER


def test_only_a_quote_says_nothing() -> None:
    """A letter that is all quote has no text."""
    assert visible("> Shall I?\n> Now?").text == ""
    assert (
        visible("From: Legwork <a@b.org>\nSent: 16 November 2026\nTo: Ana\nSubject: x\n\nShall I?").text == ""
    )


@given(
    st.text()
    | st.lists(st.sampled_from([*ABOVE.values(), "> q", "t", "--", "", "```", MARKER, "x:"])).map("\n".join)
)
@example("\0\r\r\n\u2028")
def test_any_text_is_parted(body: str) -> None:
    """Nothing raises, and no line comes from nowhere."""
    parted = visible(body)
    assert len(parted.text) + len(parted.elided) <= len(body)


HOSTILE = (
    *(
        "On ",
        "On On wrote ",
        "On 2020\n",
        "wrote:\n",
        "-",
        "- ",
        "--\n",
        "_",
        "> ",
        ">\n",
        "a@",
        "a@b",
        "<",
        "\n",
    ),
    *(
        "<a@b>:\n",
        "From: a@b\n",
        "from:\ndate:\n",
        "1:1",
        "sent from my ",
        "sent from my\n",
        "Le x a écrit :\n",
    ),
    *(
        "a> ",
        "a> \n",
        "```\n",
        "http://",
        ":",
        "\n:",
        "x:\n",
        "-----Original",
        "> q\nt\n",
        "\u2028",
        "a via b wrote\n",
    ),
    *(
        "this message ",
        "[a](",
        "x\n<\n",
        "schrieb\n",
        "\t",
        "\xa0",
        "2020-01-01 ",
        "10/10/10 ",
        "On a@b 10:10 ",
    ),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_bodies_take_no_time(piece: str) -> None:
    """Fifty thousand characters of anything are parted in time that grows with their number alone."""
    size = 50_000
    long_lines = f"On 2020 {(piece * 400)[:380].replace(chr(10), ' ')}:\n"
    for body in (piece * (size // len(piece)), long_lines * (size // len(long_lines))):
        began = time.thread_time()
        visible(body)
        assert time.thread_time() - began < LINEAR_S
