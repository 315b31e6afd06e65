"""Markdown to HTML that is safe to mail and to serve.

Raw HTML and images in the Markdown are shown as text. What is rendered then goes through nh3 (ammonia),
which keeps a short list of harmless tags: no scripts, no styles, nothing that is fetched from afar.
"""

import html
import re

import nh3
from markdown import Markdown
from markdown.preprocessors import Preprocessor

from bot.reports.prose import fenced

TAGS = {
    *(
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
    ),
    *("strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
SCHEMES = {"http", "https"}  # a mail to a prepared address could pass for a button of ours
MOST_BRACKETS = 300  # Python-Markdown takes time in their square and worse: 20,000 of them took 70 s

_ADDRESS = re.compile(r"https?://\S+$", re.IGNORECASE)  # none that depends on where it is shown
_IMAGES = ("image_link", "image_reference", "short_image_ref")
_LINKS = ("link", "reference", "short_reference")


def render(markdown_text: str) -> str:
    """Render Markdown as a fragment of HTML.

    Args:
        markdown_text: CommonMark with tables and fenced code, by anyone at all.

    Returns:
        Balanced HTML of known tags. Addresses are http or https, and carry `rel="noopener
        noreferrer nofollow"`. Text that is nested too deep to be read is shown as it is; in one with
        hundreds of brackets outside code, bracketed links stay text (addresses in `<>` do not).
    """
    parser = Markdown(extensions=["sane_lists", "tables"], output_format="html")
    parser.preprocessors.deregister("html_block")
    parser.preprocessors.register(_Fences(parser), "fences", 25)
    for pattern in ("html", *_IMAGES):
        parser.inlinePatterns.deregister(pattern)
    try:
        rendered = parser.convert(markdown_text)
    except RecursionError:
        return f"<pre>{html.escape(markdown_text)}</pre>"
    return nh3.clean(
        rendered,
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        attribute_filter=lambda _tag, name, value: value if name != "href" or _ADDRESS.match(value) else None,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


class _Fences(Preprocessor):
    """Takes fenced code out of the text before anything else reads it.

    The library's own extension takes time in the square of the fences that nobody closed: 5,000 took 107 s.
    """

    def run(self, lines: list[str]) -> list[str]:
        kept: list[str] = []
        place = 0
        while place < len(lines):
            found = fenced(lines, place)
            if found is None:
                kept.append(lines[place])
                place += 1
                continue
            code, place = found
            shown = f"<pre><code>{html.escape(code.text, quote=False)}\n</code></pre>"
            kept += ["", self.md.htmlStash.store(shown), ""]
        if sum(line.count("[") for line in kept) > MOST_BRACKETS:
            for pattern in _LINKS:
                self.md.inlinePatterns.deregister(pattern)
        return kept
