"""The page belongs to the browser on this machine that knows its token, and to nobody else."""

import asyncio
import smtplib
from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.practice import PracticeRoom

GENERAL = "C0GENERAL"
Serve = Callable[[ASGIApp], Awaitable[str]]
SCRIPTS_OFF = "default-src 'none'"


async def put_letter(room: PracticeRoom) -> None:
    """A letter that would do harm if it could."""
    message = EmailMessage()
    message["From"], message["To"] = "<script>alert(1)</script> <a@b.example>", "c@d.example"
    message["Subject"] = "<img src=x onerror=alert(1)>"
    message.set_content("</pre><script>alert(1)</script>")
    message.add_alternative("<script>alert(1)</script><p>rich</p>", subtype="html")
    message.add_attachment(
        "<script>alert(1)</script>", subtype="html", filename='"><svg onload=alert(1)>.html'
    )
    port = int(room.mailbox.url.rpartition(":")[2])

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
            client.send_message(message)

    await asyncio.to_thread(send)


async def test_the_page_comes_with_all_its_parts_and_a_strict_policy(browser: httpx.AsyncClient) -> None:
    """No part is fetched from elsewhere, nothing inline runs, no other site may frame it."""
    page = await browser.get("")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert SCRIPTS_OFF in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    for header, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")):
        assert page.headers[header] == value
    for name in ("style.css", "script.js", "icon.svg"):
        part = await browser.get(f"page/{name}")
        assert part.status_code == 200
        assert "//" not in part.text.replace("http://www.w3.org/2000/svg", "").replace("// ", "")
    assert (await browser.get("page/..%2Froom.py")).status_code == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""]
)
async def test_another_host_name_is_refused_everywhere(room: PracticeRoom, host: str) -> None:
    """A name that was rebound to this machine opens no door, not even the API's."""
    port = room.url.rpartition(":")[2]
    async with httpx.AsyncClient(headers={"Host": host.format(port=port)}) as client:
        for url in (room.page_url, f"{room.url}/", f"{room.page_url}state", f"{room.api_url}auth.test"):
            assert (await client.get(url)).status_code in (400, 403)


async def test_localhost_is_this_machine_too(room: PracticeRoom) -> None:
    """Both names of the loopback address are let in."""
    port = room.url.rpartition(":")[2]
    async with httpx.AsyncClient(headers={"Host": f"localhost:{port}"}) as client:
        assert (await client.get(room.page_url)).status_code == 200


@pytest.mark.parametrize(
    "path", ["", "page/script.js", "state", "files/F00000001/a", "letters/1", "letters/1/html"]
)
async def test_nothing_is_shown_without_the_token(
    room: PracticeRoom, slack: AsyncWebClient, path: str
) -> None:
    """A wrong token is a missing page, whatever lies behind it."""
    await slack.files_upload_v2(channel=GENERAL, content="x", filename="a")
    await put_letter(room)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{room.page_url}{path}")).status_code == 200
        for token in ("x", room.page_url.split("/")[-2][:-1], "%C3%A9"):
            answer = await client.get(f"{room.url}/{token}/{path}")
            assert (answer.status_code, "legwork demo" in answer.text) == (404, True)
        assert "legwork demo" in (await client.get(f"{room.url}/")).text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", None])
async def test_another_site_cannot_act(room: PracticeRoom, origin: str | None) -> None:
    """A post with a foreign Origin, or with none, types nothing; and no answer invites other origins."""
    headers = {} if origin is None else {"Origin": origin}
    async with httpx.AsyncClient(headers=headers) as client:
        body = {"user": "alice", "channel": "general", "text": "/agent list"}
        answer = await client.post(f"{room.page_url}command", json=body)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in (await client.get(room.page_url)).headers
    assert room.slack.messages == []


async def test_a_typed_command_reaches_the_bot(
    room: PracticeRoom, browser: httpx.AsyncClient, serve: Serve
) -> None:
    """As the chosen person, with all its lines; other words are answered with what to type."""
    got: list[dict[str, str]] = []

    async def bot(request: Request) -> Response:
        got.append({name: str(value) for name, value in (await request.form()).items()})
        return PlainTextResponse("")

    room.bot_url = await serve(Starlette(routes=[Route("/", bot, methods=["POST"])]))
    text = "/agent assign @coder\n```sh\nls\n```"
    sent = await browser.post("command", json={"user": "U0DANA", "channel": GENERAL, "text": text})
    assert sent.json() == {"status": 200, "error": ""}
    assert (got[0]["user_name"], got[0]["command"]) == ("dana", "/agent")
    assert got[0]["text"] == "assign @coder\n```sh\nls\n```"
    refused = await browser.post("command", json={"user": "U0DANA", "channel": GENERAL, "text": "hello"})
    assert (refused.status_code, "/agent or /task" in refused.json()["error"]) == (400, True)
    assert (await browser.post("command", content=b"{")).status_code == 400
    nobody = {"user": "nobody", "channel": GENERAL, "text": "/agent list"}
    assert (await browser.post("command", json=nobody)).status_code == 400


async def test_the_page_hears_of_changes_at_once(slack: AsyncWebClient, browser: httpx.AsyncClient) -> None:
    """The waiting request is answered by the next change, and holds only what changed."""
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    first = (await browser.get("state")).json()
    assert [m["ts"] for m in first["messages"]] == [root]
    waiting = asyncio.create_task(browser.get("state", params={"after": first["version"]}))
    await slack.chat_postMessage(channel=GENERAL, text="reply", thread_ts=root)
    news = (await waiting).json()
    assert [m["thread"] for m in news["messages"]] == ["", root]
    assert "1 reply" in news["messages"][0]["html"]
    await slack.chat_delete(channel=GENERAL, ts=root)
    after = (await browser.get("state", params={"after": news["version"]})).json()
    assert [(m["ts"], m["html"]) for m in after["messages"]] == [(root, "")]
    assert (await browser.get("state", params={"after": "x"})).status_code == 400


async def test_closing_the_room_lets_the_page_go(room: PracticeRoom, browser: httpx.AsyncClient) -> None:
    """A waiting page does not keep the server from ending."""
    waiting = asyncio.create_task(browser.get("state", params={"after": room.changes.version}))
    await room.close()
    assert (await waiting).status_code == 200


async def test_files_are_served_so_that_they_cannot_run(
    room: PracticeRoom, slack: AsyncWebClient, browser: httpx.AsyncClient
) -> None:
    """A PDF opens in the browser; what could run is a download of plain bytes."""
    for name in ("a.pdf", "b.html", "c.svg", "d.txt"):
        await slack.files_upload_v2(channel=GENERAL, content="<script>1</script>", filename=name)
    expected = [
        ("application/pdf", "inline"),
        ("application/octet-stream", "attachment"),
        ("application/octet-stream", "attachment"),
        ("text/plain; charset=utf-8", "inline"),
    ]
    for file, (media_type, way) in zip(room.slack.files.values(), expected, strict=True):
        answer = await browser.get(f"files/{file.id}/{file.name}")
        assert answer.headers["content-type"] == media_type
        assert answer.headers["content-disposition"].startswith(way)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert SCRIPTS_OFF in answer.headers["content-security-policy"]
    assert (await browser.get("files/F99999999/x")).status_code == 404


async def test_a_hostile_letter_is_shown_and_does_nothing(
    room: PracticeRoom, browser: httpx.AsyncClient
) -> None:
    """Its words are text, its HTML is sandboxed without scripts, its attachment is bytes."""
    await put_letter(room)
    listed = (await browser.get("state")).json()["letters"][0]["html"]
    shown = (await browser.get("letters/1")).json()["html"]
    for html in (listed, shown):
        assert "<script" not in html
        assert "<img" not in html
        assert "<svg" not in html
    assert "sandbox=" in shown
    assert "allow-scripts" not in shown
    inner = await browser.get("letters/1/html")
    policy = inner.headers["content-security-policy"]
    assert SCRIPTS_OFF in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    part = await browser.get("letters/1/parts/0/x.html")
    assert part.headers["content-type"] == "application/octet-stream"
    raw = await browser.get("letters/1/raw")
    assert raw.content == room.mailbox.letters[0].raw
    for path in ("letters/2", "letters/0", "letters/1/parts/7/x"):
        assert (await browser.get(path)).status_code == 404
