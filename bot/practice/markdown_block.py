"""The `markdown` block to HTML: standard Markdown, then sanitised.

Source: https://docs.slack.dev/reference/block-kit/blocks/markdown-block. Slack shows raw HTML as text and
images as links, and so does this. What the parser lets through, nh3 still takes out.
"""

from html import escape
from xml.etree.ElementTree import Element

import markdown
import nh3
from markdown.extensions import Extension
from markdown.inlinepatterns import SimpleTagInlineProcessor
from markdown.treeprocessors import Treeprocessor

from bot.practice.mrkdwn import SAFE_LINK

MAX_BRACKETS = 500  # the library looks for each one's end: 6,000 of them took it 7 s
_TAGS = {
    *("p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}


def render(text: str) -> str:
    """Standard Markdown as HTML; never raises, and never lets anything but plain formatting through."""
    if text.count("[") > MAX_BRACKETS:
        return f"<pre>{escape(text)}</pre>"
    extensions: list[Extension | str] = ["fenced_code", "tables", "sane_lists", "nl2br", _AsSlack()]
    try:
        html = markdown.markdown(text, extensions=extensions, tab_length=2)
    except RecursionError:  # nested deeper than the library can follow
        html = f"<pre>{escape(text)}</pre>"
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_followed,
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _followed(_tag: str, name: str, value: str) -> str | None:
    """Keep only addresses that people may follow; a relative one would lead into the room itself."""
    return value if name != "href" or SAFE_LINK.match(value) else None


class _AsSlack(Extension):
    """The differences: HTML is text, `~~` strikes through, images are links."""

    def extendMarkdown(self, md: markdown.Markdown) -> None:  # noqa: N802  the library's name
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.inlinePatterns.register(SimpleTagInlineProcessor(r"()~~(.+?)~~", "del"), "strike", 60)
        md.treeprocessors.register(_ImagesAsLinks(md), "images", 5)


class _ImagesAsLinks(Treeprocessor):
    def run(self, root: Element) -> None:
        for image in root.iter("img"):
            image.tag = "a"
            image.text = image.get("alt") or image.get("src")
            image.set("href", image.get("src") or "")
