"""Slack's markup looks as in Slack, and whatever people and bots write, it stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.practice import PracticeRoom, block_kit, letter_view, markdown_block, mrkdwn
from bot.practice.changes import Changes
from bot.practice.mailbox import Mailbox
from bot.practice.model import ApiError, File, Message
from bot.practice.mrkdwn import Names
from bot.practice.render import Renderer
from bot.practice.slack import BOT_USER, SlackSide

NAMES = Names({"U0ALICE": "Alice Ames"}, {"C0GENERAL": "general"})
HARMLESS = {
    *("article", "div", "header", "b", "time", "p", "span", "small", "a", "img", "button", "ul", "ol", "li"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "br", "pre", "code", "blockquote", "i", "s", "strong", "em"),
    *("del", "table", "thead", "tbody", "tr", "th", "td", "iframe", "dl", "dt", "dd"),
}
ATTRIBUTES = {
    *(
        "class",
        "href",
        "target",
        "rel",
        "title",
        "src",
        "alt",
        "datetime",
        "disabled",
        "aria-hidden",
        "start",
    ),
    *("aria-label", "data-ts", "data-thread", "data-tab", "data-pane", "role", "aria-selected", "sandbox"),
    *("hidden", "download"),
}
SHARDS = (
    *("<", ">", "&lt;", "&gt;", "&amp;", '"', "'", "*", "_", "~", "`", "```", "|", "\n", " ", "a", ":", "x:"),
    *(
        "<script>",
        "javascript:alert(1)",
        "<https://e.example|",
        "<@U0ALICE",
        "<!here",
        "onerror=",
        "[a](",
        ")",
    ),
    *(
        "&#x6a;",
        "data:text/html,",
        "![",
        "](",
        "> ",
        "- ",
        "1. ",
        "# ",
        "| a |",
        "\x00",
        "<img src=x ",
        "://",
    ),
)
HOSTILE = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(SHARDS), max_size=25).map("".join),
)


ADDRESS = re.compile(r"https?://|mailto:|files/F\d+$|letters/1/|#/mail/1$", re.IGNORECASE)
MENTION = '<span class="mention">'
OUT = 'target="_blank" rel="noopener noreferrer"'


class Judge(HTMLParser):
    """Complains about any tag, attribute or address that could do something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only what the room itself makes is let through."""
        assert tag in HARMLESS, tag
        for name, value in attrs:
            assert name in ATTRIBUTES, name
            if name in ("href", "src"):
                assert ADDRESS.match(value or ""), value


def harmless(html: str) -> None:
    """Check a piece of HTML."""
    judge = Judge(convert_charrefs=True)
    judge.feed(html)
    judge.close()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~", "<p><b>bold</b> <i>it</i> <s>no</s></p>"),
        ("*bold _and it_*", "<p><b>bold <i>and it</i></b></p>"),
        ("2*3*4 snake_case_name", "<p>2*3*4 snake_case_name</p>"),
        ("`*raw*`", "<p><code>*raw*</code></p>"),
        ("a &lt;b&gt; &amp;amp; <i>", "<p>a &lt;b&gt; &amp;amp; &lt;i&gt;</p>"),
        ("before\n```\nx = 1\n```\nafter", "<p>before</p><pre>x = 1</pre><p>after</p>"),
        ("&gt; one\n&gt; two\nthree", "<blockquote>one<br>two</blockquote><p>three</p>"),
        ("• one\n• *two*", "<ul><li>one</li><li><b>two</b></li></ul>"),
        (
            "<@U0ALICE> <#C0GENERAL> <!here>",
            f"<p>{MENTION}@Alice Ames</span> {MENTION}#general</span> {MENTION}@here</span></p>",
        ),
        (
            "<https://e.example/?a=1&amp;b=2|here>",
            f'<p><a href="https://e.example/?a=1&amp;b=2" {OUT}>here</a></p>',
        ),
        ("<javascript:alert(1)|here>", "<p>&lt;javascript:alert(1)|here&gt;</p>"),
        ("on https://e.ex/a.", f'<p>on <a href="https://e.ex/a" {OUT}>https://e.ex/a</a>.</p>'),
        (
            ":tada: :no_such: 10:30:15",
            '<p><span class="emoji" title=":tada:">🎉</span> :no_such: 10:30:15</p>',
        ),
    ],
)
def test_mrkdwn_is_drawn_as_slack_draws_it(text: str, html: str) -> None:
    """Slack's own markup, not Markdown's."""
    assert mrkdwn.render(text, NAMES) == html


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("# T\n**b** *i* ~~s~~", "<h1>T</h1>"),
        ("# T\n**b** *i* ~~s~~", "<strong>b</strong> <em>i</em> <del>s</del>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "<td>2</td>"),
        ("```sh\nls <a> && b\n```", "<pre><code>ls &lt;a&gt; &amp;&amp; b\n</code></pre>"),
        ("<b onclick=x>hi</b>", "&lt;b onclick=x&gt;hi&lt;/b&gt;"),
        ("- a\n  - b", "<ul>\n<li>a<ul>\n<li>b</li>"),
        ("![cat](https://e.example/c.png)", '<a href="https://e.example/c.png"'),
    ],
)
def test_markdown_is_standard_markdown_with_html_as_text(text: str, part: str) -> None:
    """Tables, nested lists and code work; raw HTML is shown, pictures are links."""
    assert part in markdown_block.render(text)


@pytest.mark.parametrize(
    "text", ["[a](javascript:alert(1))", "[a](../state)", "[a](data:text/html,x)", "<javascript:alert(1)>"]
)
def test_markdown_links_lead_nowhere_dangerous(text: str) -> None:
    """Only addresses that people may follow stay addresses."""
    html = markdown_block.render(text)
    assert "href" not in html


@given(HOSTILE)
def test_mrkdwn_never_becomes_anything_but_formatting(text: str) -> None:
    """No tag, attribute or address comes out that the renderer did not make."""
    harmless(mrkdwn.render(text, NAMES))
    harmless(mrkdwn.plain(text))


@given(HOSTILE)
def test_markdown_never_becomes_anything_but_formatting(text: str) -> None:
    """The same of standard Markdown."""
    harmless(markdown_block.render(text))


@pytest.mark.parametrize(
    "text", ["> " * 3000 + "x", "- " * 3000, "[" * 6000, "*a" * 6000, "`" * 12000, "<" * 12000]
)
def test_absurd_markup_is_drawn_all_the_same(text: str) -> None:
    """Neither depth nor repetition breaks the page."""
    harmless(markdown_block.render(text))
    harmless(mrkdwn.render(text, NAMES))


@given(HOSTILE, HOSTILE)
def test_blocks_and_files_never_become_anything_but_formatting(one: str, two: str) -> None:
    """Every text of every block, and every name of a file, is escaped."""
    slack = SlackSide(Changes(), Path())
    renderer = Renderer(slack, lambda file: f"files/{file.id}")
    text = {"type": "mrkdwn", "text": one[:70] or "x"}
    plain = {"type": "plain_text", "text": two[:70] or "x"}
    image = {
        "type": "image",
        "image_url": f"https://e.example/{''.join(one.split())}",
        "alt_text": two or "x",
    }
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain},
        {"type": "section", "text": text, "fields": [plain, text], "accessory": image},
        {"type": "context", "elements": [text, plain, image]},
        {"type": "actions", "elements": [{"type": "button", "text": plain, "url": one or "x"}]},
        {"type": "markdown", "text": two or "x"},
        image,
    ]
    try:
        kept = block_kit.check(blocks)
    except ApiError:
        kept = blocks
    files = [File("F1", one, 3, "t", 0, title=two), File("F2", two, 3, "t", 0, one, "image/png")]
    for message in (
        Message("1700000000.000001", "C0GENERAL", BOT_USER, one, kept, files=files),
        Message("1700000000.000002", "C0GENERAL", "U0ALICE", f"{one}\n{two}", kind="command"),
        Message("1700000000.000003", "C0GENERAL", BOT_USER, two, kind="ephemeral", only_for="U0ALICE"),
    ):
        harmless(renderer.message(slack.add(message)))


@given(HOSTILE, HOSTILE)
def test_letters_never_become_anything_but_formatting(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str
) -> None:
    """Heads, bodies and attachments' names are escaped in the list and in the reader."""
    mailbox = Mailbox(Changes(), tmp_path_factory.mktemp("mail"))
    subject, name = (" ".join(text.split()) for text in (one, two))
    head = f'From: {name}\r\nSubject: {subject}\r\nContent-Type: text/plain; name="{subject}"\r\n\r\n{two}'
    letter = mailbox.keep(one, [two], head.encode("utf-8", "replace"))
    harmless(letter_view.item(letter))
    harmless(letter_view.whole(letter))


async def test_a_saved_thread_needs_nothing_else(room: PracticeRoom, slack: AsyncWebClient) -> None:
    """One file with its own style and no script, its files beside it."""
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "T-1 <b>"}}]
    root = (await slack.chat_postMessage(channel="C0GENERAL", text="T-1", blocks=blocks))["ts"]
    await slack.files_upload_v2(channel="C0GENERAL", thread_ts=root, content="%PDF", filename="r.pdf")
    path = room.save_thread("general", root)
    html = path.read_text()
    assert path.is_absolute()
    assert "<title>T-1 &lt;b&gt; · #general</title>" in html
    assert "<style>" in html
    assert "<script" not in html
    assert "src=" not in html
    [link] = [part.split('"')[0] for part in html.split('href="')[1:]]
    assert (path.parent / link).read_bytes() == b"%PDF"
    with pytest.raises(LookupError, match="timestamp of its root"):
        room.save_thread("general", "1700000000.000001")
