"""A load generator that costs next to nothing: a few keep-alive clients, each with one request under way.

A program of its own, so that it shares no interpreter with what it measures. It reads an order as JSON from
standard input and writes what it saw, as JSON, to standard output.
"""

import hashlib
import hmac
import json
import secrets
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

PATIENCE_S = 3.0  # Slack waits this long for an answer
CHUNK = 1 << 16


def request(secret: str, user: int, command: str, text: str) -> bytes:
    """A slash command as Slack sends it: signed, with a trigger id of its own.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack (the v0 signature)

    Args:
        secret: The signing secret.
        user: Which person types it.
        command: With its slash.
        text: What follows it.
    """
    form = {
        "token": "practice-verification-token",
        "team_id": "T0PRACTICE",
        "team_domain": "practice",
        "channel_id": "C0GENERAL",
        "channel_name": "general",
        "user_id": f"U0BENCH{user}",
        "user_name": f"person{user}",
        "command": command,
        "text": text,
        "api_app_id": "A0LEGWORK",
        "is_enterprise_install": "false",
        "response_url": "http://127.0.0.1:9/commands/none",
        "trigger_id": secrets.token_hex(16),
    }
    body = urlencode(form).encode()
    stamp = str(int(time.time()))
    digest = hmac.digest(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hex()
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Slackbot 1.0\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={digest}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """One keep-alive connection.

    Args:
        address: Host and port.
        requests: What it sends, in order.
        expect: What every answer must hold.
    """

    def __init__(self, address: tuple[str, int], requests: list[bytes], expect: bytes) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.taken: list[float] = []
        self._left: Iterator[bytes] = iter(requests)
        self._expect = expect
        self._began = 0.0
        self._answer = b""

    def send(self) -> bool:
        """Send the next request; False if there is none."""
        upcoming = next(self._left, None)
        if upcoming is None:
            return False
        self._answer = b""
        self._began = time.perf_counter()
        self.socket.sendall(upcoming)
        return True

    def receive(self) -> bool:
        """Take what has come; whether the answer is whole."""
        chunk = self.socket.recv(CHUNK)
        self._answer += chunk
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length:")
        whole = bool(blank) and len(body) >= int(length.split(b"\r\n")[0])
        if whole:
            self.taken.append(time.perf_counter() - self._began)
        if (whole and not (head.startswith(b"HTTP/1.1 200") and self._expect in body)) or not chunk:
            raise SystemExit(f"An answer is not what it should be: {self._answer[:500]!r}")
        return whole


def play(order: dict[str, Any]) -> dict[str, Any]:
    """Send every request of an order; the seconds that each answer took, and that all took together."""
    address = (order["host"], order["port"])
    each = range(order["requests"] // order["clients"])
    clients = []
    for user in range(order["clients"]):
        requests = [request(order["secret"], user, order["command"], order["text"]) for _ in each]
        clients.append(Client(address, requests, order["expect"].encode()))
    with selectors.DefaultSelector() as ready:
        began = time.perf_counter()
        for client in clients:
            ready.register(client.socket, selectors.EVENT_READ, client)
            client.send()
        while ready.get_map():
            events = ready.select(PATIENCE_S)
            if not events:
                raise SystemExit(f"There was no answer within {PATIENCE_S:g} s.")
            for key, _ in events:
                client = key.data
                if client.receive() and not client.send():
                    ready.unregister(client.socket)
        seconds = time.perf_counter() - began
    return {"taken": [one for client in clients for one in client.taken], "seconds": seconds}


if __name__ == "__main__":
    json.dump(play(json.load(sys.stdin)), sys.stdout)
