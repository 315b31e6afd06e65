"""A thread saved as one HTML file that needs nothing else but the thread's own files."""

from html import escape
from pathlib import Path

from bot.practice.model import File
from bot.practice.render import Renderer, title
from bot.practice.slack import SlackSide

_STYLE = Path(__file__).parent / "page" / "style.css"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file: data:"


def save_thread(slack: SlackSide, channel: str, thread_ts: str) -> Path:
    """Write a thread as a static page.

    Args:
        slack: Where it was said.
        channel: Name or id of the channel.
        thread_ts: The root's timestamp.

    Returns:
        `threads/CHANNEL-TS.html` in the room's folder; its files lie beside it in `files/`.

    Raises:
        LookupError: There is no such thread.
    """
    where = slack.channel(channel)
    messages = slack.thread(where.id, thread_ts)
    if not messages:
        raise LookupError(f"There is no thread {thread_ts} in #{where.name}; give the timestamp of its root.")
    renderer = Renderer(slack, _beside)
    name = escape(title(slack, messages[0]))
    said = "\n".join(map(renderer.message, messages))
    count = len(messages) - 1
    html = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{name} · #{escape(where.name)}</title>
<style>{_STYLE.read_text()}</style></head>
<body class="transcript"><main>
<header class="bar"><div><h1>{name}</h1>
<p class="topic">#{escape(where.name)} · {count} {"reply" if count == 1 else "replies"}</p></div></header>
<section class="messages">
{said}
</section></main></body></html>
"""
    folder = slack.folder / "threads"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{where.name}-{thread_ts}.html"
    path.write_text(html)
    return path


def _beside(file: File) -> str:
    return f"../files/{file.path.name}" if file.path else ""
