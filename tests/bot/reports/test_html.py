"""Markdown to HTML that is safe to mail and to serve."""

import html
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reports.html import TAGS, render

HOSTILE = """
<script>alert(1)</script> <img/src=x/onerror=alert(1)> ![i](http://t.example/p.png) <svg/onload=x>
<!-- --> ]]> [a](javascript:alert(1)) [a](JaVa\tScript:x) [a](data:text/html,x) <a/href='vbscript:x'>
&#106; <![CDATA[ > -
<javascript:alert(1)> [a]:javascript:x [a] <style>*{}</style> <iframe/src=//x> <div/onclick=x>
klzzwxh:0001 \x02 "onmouseover=x [a](http://x'onclick="x"') [a](//x.example)
<http://a.example> wzxhzdk:0 \x03 `
"""
BREAKS = (
    "\n",
    "\n\n",
    "    ",
    "```\n",
    "| a | b |\n|---|---|\n",
    "[a](http://x 'onclick=x')",
    "[a]: javascript:x\n\n",
)
PIECES = st.sampled_from([*re.split(r"[ \n]", HOSTILE), *BREAKS])


class Guard(HTMLParser):
    """Fails on any tag or attribute that is not harmless."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        assert tag in TAGS
        for name, value in attrs:
            assert name in {"href", "rel", "title"}
            assert name != "href" or re.match(r"https?://", value or "", re.IGNORECASE)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_hostile_markdown_renders_harmless(text: str) -> None:
    """No script, no handler, no image, no address but http and https comes out."""
    page = render(text)
    Guard().feed(page)


def test_raw_html_is_shown_as_text() -> None:
    """Tags in the Markdown are seen by the reader, not by the browser."""
    assert render("<b onclick=x>hi</b>\n\n<script>y</script>") == (
        "<p>&lt;b onclick=x&gt;hi&lt;/b&gt;</p>\n<p>&lt;script&gt;y&lt;/script&gt;</p>"
    )


def test_nothing_is_fetched_from_afar() -> None:
    """An image of a tracker stays text."""
    assert "<img" not in render("![x](https://t.example/pixel.png)")


def test_links_are_plain_and_followed_by_nobody() -> None:
    """A link carries its address and tells the browser to keep to itself."""
    assert render("[a](https://a.example)") == (
        '<p><a href="https://a.example" rel="noopener noreferrer nofollow">a</a></p>'
    )
    assert "href" not in render("[a](javascript:alert(1))")


@pytest.mark.parametrize(
    "text",
    [
        "[Approve](mailto:ask+1.1.x@legwork.example?body=approve)",
        "[Approve](MAILTO:a@b.example)",
        "<mailto:a@b.example?body=approve>",
        "<a@b.example>",
        "[Approve][1]\n\n[1]: mailto:a@b.example",
        "[Approve](&#109;ailto:a@b.example)",
    ],
)
def test_no_link_opens_a_mail(text: str) -> None:
    """What an agent writes cannot pass for the buttons by which people decide."""
    page = render(text)
    assert "href" not in page
    assert "Approve" in page or "a@b.example" in html.unescape(page)


def test_code_is_shown_letter_by_letter() -> None:
    """Fenced code keeps its spaces and its angle brackets."""
    assert render("```sh\n  a <b> &amp; `c`\n```") == (
        "<pre><code>  a &lt;b&gt; &amp;amp; `c`\n</code></pre>"
    )


SLOW = ("[", "[a](", "![a](", "```a\n", "<![CDATA[", "> ", "*_", "|a", "`a", "- ", "&", "<a ")


@pytest.mark.parametrize("piece", SLOW)
def test_no_text_takes_long(piece: str) -> None:
    """What makes the library take minutes takes a moment."""
    begun = time.process_time()
    render(piece * (20_000 // len(piece)))
    assert time.process_time() - begun < 4
