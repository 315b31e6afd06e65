"""Messages and their blocks to HTML, for the page and for saved threads.

All HTML of the room's messages is made here and in the two markup modules, so that escaping has one home.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlsplit

from bot.practice import markdown_block, mrkdwn
from bot.practice.emoji import EMOJI
from bot.practice.model import File, Json, Message
from bot.practice.mrkdwn import Names
from bot.practice.slack import BOT_USER, SlackSide

SHOWN_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


class Renderer:
    """Draws messages.

    Args:
        slack: Whose messages.
        href: Where a file can be opened from the place that the HTML is for.
        live: Whether buttons can be pressed there.
    """

    def __init__(self, slack: SlackSide, href: Callable[[File], str], *, live: bool = False) -> None:
        self._slack = slack
        self._href = href
        self._live = live
        self._names = Names(
            {user.id: user.real_name for user in slack.users.values()},
            {channel.id: channel.name for channel in slack.channels.values()},
        )

    def message(self, message: Message) -> str:
        """One message as an `<article>`; a deleted one is empty."""
        if message.deleted:
            return ""
        user = self._slack.users[message.user]
        if message.kind == "command":
            typed = _typed(message.text)
            return (
                f'<article class="message command" data-ts="{message.ts}">'
                '<div class="gutter"></div>'
                f'<div class="said"><div class="note">{escape(user.real_name)} used {typed}</div></div>'
                "</article>"
            )
        note = '<p class="note private">Only visible to you</p>' if message.kind == "ephemeral" else ""
        app = '<span class="app">App</span>' if user.is_bot else ""
        edited = '<span class="edited">(edited)</span>' if message.edited_ts else ""
        return (
            f'<article class="message {message.kind}" data-ts="{message.ts}">'
            f"{avatar(user.real_name, is_bot=user.is_bot)}"
            f'<div class="said">{note}'
            f"<header><b>{escape(user.real_name)}</b>{app}{clock(message.ts)}</header>"
            f'<div class="body">{self.body(message)}{edited}</div>'
            f"{self._files(message)}{_reactions(message)}{self._replies(message)}</div></article>"
        )

    def body(self, message: Message) -> str:
        """What the message says: its blocks, or its text where it has none."""
        if message.blocks:
            return "".join(map(self.block, message.blocks))
        return mrkdwn.render(message.text, self._names)

    def block(self, block: Json) -> str:
        """One block that `block_kit.check` let through."""
        match block["type"]:
            case "header":
                return f"<h3>{mrkdwn.plain(block['text']['text'])}</h3>"
            case "divider":
                return "<hr>"
            case "markdown":
                return f'<div class="markdown">{markdown_block.render(block["text"])}</div>'
            case "section":
                return self._section(block)
            case "context" | "actions" as name:
                made = "".join(self._element(block, element) for element in block["elements"])
                return f'<div class="{name}">{made}</div>'
            case _:
                title = f"<p>{mrkdwn.plain(block['title']['text'])}</p>" if "title" in block else ""
                return title + _image(block)

    def _section(self, block: Json) -> str:
        text = self._text(block["text"]) if "text" in block else ""
        fields = "".join(f"<div>{self._text(item)}</div>" for item in block.get("fields", ()))
        grid = f'<div class="fields">{fields}</div>' if fields else ""
        if "accessory" not in block:
            return f'<div class="section">{text}{grid}</div>'
        side = self._element(block, block["accessory"])
        return f'<div class="section with-accessory"><div>{text}{grid}</div><div>{side}</div></div>'

    def _text(self, text: Json) -> str:
        if text["type"] == "plain_text":
            return f"<p>{mrkdwn.plain(text['text'])}</p>"
        return mrkdwn.render(text["text"], self._names)

    def _element(self, block: Json, element: Json) -> str:
        match element["type"]:
            case "image":
                return _image(element)
            case "button":
                return self._button(block, element)
            case _:
                return f"<div>{self._text(element)}</div>"

    def _button(self, block: Json, element: Json) -> str:
        style = f"button {element.get('style', '')}".strip()
        label = mrkdwn.plain(element["text"]["text"])
        if url := element.get("url"):
            return mrkdwn.link(str(url), f'<span class="{style}">{label}</span>')
        if not self._live:
            return f'<button class="{style}" disabled>{label}</button>'
        name = f"{block['block_id']}/{element['action_id']}"
        return f'<button class="{style}" data-press="{escape(name)}"{_confirmation(element)}>{label}</button>'

    def _files(self, message: Message) -> str:
        return f'<div class="files">{"".join(map(self._file, message.files))}</div>' if message.files else ""

    def _file(self, file: File) -> str:
        href, title = escape(self._href(file)), escape(file.title or file.name)
        if file.media_type in SHOWN_IMAGES:
            return f'<a class="picture" href="{href}" target="_blank"><img src="{href}" alt="{title}"></a>'
        kind = file.name.rpartition(".")[2].upper()[:4] if "." in file.name else "FILE"
        return (
            f'<a class="file" href="{href}" target="_blank"><span class="kind kind-{escape(kind.lower())}">'
            f"{escape(kind)}</span><span><b>{title}</b><small>{escape(file.name)} · {size(file.size)}</small>"
            "</span></a>"
        )

    def _replies(self, message: Message) -> str:
        if message.thread_ts or message.kind != "message":
            return ""
        replies = self._slack.thread(message.channel, message.ts)[1:]
        if not replies:
            return f'<button class="begin" data-thread="{message.ts}">Reply</button>' if self._live else ""
        people = [self._slack.users[user] for user in dict.fromkeys(reply.user for reply in replies)]
        faces = "".join(avatar(user.real_name, is_bot=user.is_bot) for user in people)
        count = "1 reply" if len(replies) == 1 else f"{len(replies)} replies"
        return (
            f'<button class="replies" data-thread="{message.ts}">{faces}<b>{count}</b>'
            f"<span>Last reply {clock(replies[-1].ts)}</span></button>"
        )


def avatar(name: str, *, is_bot: bool) -> str:
    """A coloured tile with the first letter, the same for the same name."""
    if is_bot:
        return '<div class="avatar bot" aria-hidden="true">L</div>'
    hue = sum(name.encode()) % 6
    return f'<div class="avatar hue-{hue}" aria-hidden="true">{escape(name[:1].upper())}</div>'


def clock(ts: str) -> str:
    """A timestamp as the time of day, with the whole moment on hover."""
    moment = datetime.fromtimestamp(float(ts), UTC).astimezone()
    return f'<time datetime="{moment.isoformat()}" title="{moment:%d %B %Y, %H:%M:%S}">{moment:%H:%M}</time>'


def size(count: int) -> str:
    """Bytes as people read them."""
    if count < 1000:  # noqa: PLR2004  where the next unit begins
        return f"{count} bytes"
    kilo = count / 1000
    return f"{kilo:.0f} kB" if kilo < 1000 else f"{kilo / 1000:.1f} MB"  # noqa: PLR2004  the same


def _typed(text: str) -> str:
    first, newline, rest = text.partition("\n")
    if not newline:
        return f"<code>{escape(first)}</code>"
    return f"<code>{escape(first)}</code><pre>{escape(rest)}</pre>"


def _image(element: Json) -> str:
    """A picture from elsewhere is a link: the page fetches nothing from other hosts."""
    url, label = str(element["image_url"]), str(element["alt_text"])
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return f'<p class="outside">{mrkdwn.link(url, f"🖼 {escape(label)}")} <small>{escape(host)}</small></p>'


def _confirmation(element: Json) -> str:
    """What is asked before the button acts."""
    if "confirm" not in element:
        return ""
    parts = {
        key: mrkdwn.unmarked(element["confirm"][key]["text"]) for key in ("title", "text", "confirm", "deny")
    }
    return "".join(f' data-confirm-{key}="{escape(value)}"' for key, value in parts.items())


def _reactions(message: Message) -> str:
    if not message.reactions:
        return ""
    items = "".join(
        f'<li title=":{escape(name)}:">{EMOJI[name]} <small>{len(users)}</small></li>'
        for name, users in message.reactions.items()
    )
    return f'<ul class="reactions" aria-label="Reactions">{items}</ul>'


def title(slack: SlackSide, message: Message) -> str:
    """One line that names a thread."""
    words = next(
        (str(block["text"]["text"]) for block in message.blocks if block["type"] == "header"), message.text
    )
    return words.strip().split("\n")[0][:80] or f"A thread by {slack.users[BOT_USER].real_name}"
