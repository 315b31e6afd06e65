"""A modal to an HTML form, for the page."""

from html import escape

from bot.practice import mrkdwn
from bot.practice.elements import MAX_INPUT
from bot.practice.model import Json, View
from bot.practice.render import Renderer


def form(renderer: Renderer, view: View) -> str:
    """A modal with its fields and what was wrong with them."""
    content = view.content
    blocks = "".join(
        _field(view, block) if block["type"] == "input" else renderer.block(block)
        for block in content["blocks"]
    )
    trouble = view.errors.get("")
    alert = f'<p class="wrong" role="alert">{escape(trouble)}</p>' if trouble else ""
    send = content["submit"]
    button = f'<button class="button primary">{mrkdwn.plain(send["text"])}</button>' if send else ""
    close = content["close"]["text"] if content["close"] else "Cancel"
    return (
        f'<form class="view" data-view-id="{view.id}" novalidate>'
        f"<h2>{mrkdwn.plain(content['title']['text'])}</h2>"
        f'<div class="body">{blocks}</div>{alert}<div class="ends">'
        f'<button type="button" class="button" data-dismiss>{mrkdwn.plain(close)}</button>'
        f"{button}</div></form>"
    )


def _field(view: View, block: Json) -> str:
    element, id_ = block["element"], escape(str(block["block_id"]))
    wrong = view.errors.get(block["block_id"])
    hint = f"<small>{mrkdwn.plain(block['hint']['text'])}</small>" if "hint" in block else ""
    optional = " <i>(optional)</i>" if block.get("optional") else ""
    shadow = element.get("placeholder", {}).get("text", "")
    common = (
        f'name="{id_}" maxlength="{int(element.get("max_length", MAX_INPUT))}"'
        f' placeholder="{escape(mrkdwn.unmarked(shadow))}"' + (' aria-invalid="true"' if wrong else "")
    )
    begun = escape(str(element.get("initial_value", "")))
    box = (
        f'<textarea rows="4" {common}>\n{begun}</textarea>'
        if element.get("multiline")
        else f'<input {common} value="{begun}">'
    )
    alert = f'<span class="wrong" role="alert">{escape(wrong)}</span>' if wrong else ""
    return f"<label><span>{mrkdwn.plain(block['label']['text'])}{optional}</span>{box}{hint}{alert}</label>"
