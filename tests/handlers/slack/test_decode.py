"""Slack's way of writing text, undone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.decode import decode

WRITTEN = {
    "plain text": "plain text",
    "a &amp; b &lt;c&gt;": "a & b <c>",
    "&amp;lt;": "&lt;",
    "&amp;amp;": "&amp;",
    "&quot; &nbsp; & &x;": "&quot; &nbsp; & &x;",
    "2 &lt; 3 | x &gt; 1": "2 < 3 | x > 1",
    "&lt;https://x.org|y&gt;": "<https://x.org|y>",
    # links
    "<https://x.org/a?b=1&amp;c=2>": "https://x.org/a?b=1&c=2",
    "<https://x.org|the page>": "https://x.org",
    "<https://x.org|>": "https://x.org",
    "see <https://x.org>, <https://y.org|y>.": "see https://x.org, https://y.org.",
    # what looks like a host to Slack is a link by the time we see it
    "sh <http://deploy.sh|deploy.sh>": "sh deploy.sh",
    "<https://setup.py|setup.py>": "setup.py",
    "git@<http://github.com|github.com>:o/r": "git@github.com:o/r",
    "<http://x.org/a&amp;b|x.org/a&amp;b>": "x.org/a&b",
    # addresses
    "--notify <mailto:a@b.org|a@b.org>": "--notify a@b.org",
    "<mailto:a@b.org>": "a@b.org",
    "<mailto:a@b.org|write me>": "a@b.org",
    # mentions
    "<@U012AB3CD|ana> go": "<@U012AB3CD|ana> go",
    "<@U012AB3CD>": "<@U012AB3CD>",
    "<@W012AB3CD|>": "<@W012AB3CD|>",
    "<#C012AB3CD|general>": "#general",
    "<#C012AB3CD>": "<#C012AB3CD>",
    "<#C012AB3CD|>": "<#C012AB3CD|>",
    "<!here>": "@here",
    "<!channel|channel>": "channel",
    "<!subteam^S012AB3CD>": "@subteam",
    "<!subteam^S012AB3CD|@ops>": "@ops",
    "<!date^1392734382^{date}|18 February>": "18 February",
    # what is no markup
    "<>": "<>",
    "< x>": "< x>",
    "<|x>": "<|x>",
    "<a": "<a",
    "a>": "a>",
    "<a b>": "<a b>",
    "<<https://x.org>>": "<https://x.org>",
    "a\n<https://x.org>\n\tb": "a\nhttps://x.org\n\tb",
}


@pytest.mark.parametrize(("slack", "typed"), WRITTEN.items())
def test_what_was_typed(slack: str, typed: str) -> None:
    """Entities, links and channels read as the person typed them; people stay as the grammar knows them."""
    assert decode(slack) == typed


@given(st.text().map(lambda text: text.replace("<", "").replace("&", "")))
def test_text_without_markup_is_left_alone(text: str) -> None:
    """Where there is neither `<` nor `&` nothing changes, to the last white space."""
    assert decode(text) == text


@given(st.text())
def test_what_slack_escapes_comes_back(text: str) -> None:
    """Any text, with its three characters as entities, is read as it was typed."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert decode(escaped) == text


@given(st.text(st.sampled_from("<>|@#!^:/&;amplgt \nhttps")) | st.text())
def test_no_text_breaks_it(text: str) -> None:
    """Whatever stands between angle brackets, the answer is a text, and no longer than what came."""
    assert len(decode(text)) <= len(text)


@pytest.mark.parametrize("piece", ["<", "<a", "<a|", "<@", "&amp", "<a|b", "<!^", ">", "|"])
def test_hostile_markup_takes_no_time(piece: str) -> None:
    """A hundred thousand characters of half-open markup are read at once."""
    text = piece * (100_000 // len(piece))
    began = time.thread_time()
    decode(text)
    decode("<" + text)
    assert time.thread_time() - began < 2
