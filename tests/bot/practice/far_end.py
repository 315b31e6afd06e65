"""A bot of the tests' own at the far end: it keeps what it is sent and answers as it is told."""

import json
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


class FarEnd:
    """Takes deliveries over HTTP.

    Attributes:
        requests: Headers and body of each, in order.
        answers: What is answered next, in order; afterwards an empty 200.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Response] = []
        self.app = Starlette(routes=[Route("/slack/events", self._answer, methods=["POST"])])

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """Everything that came, decoded: events and interactions as objects, commands as their fields."""
        return [_decoded(headers, body) for headers, body in self.requests]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The inner events."""
        return [body["event"] for body in self.bodies if body.get("type") == "event_callback"]

    async def _answer(self, request: Request) -> Response:
        self.requests.append((dict(request.headers), await request.body()))
        return self.answers.pop(0) if self.answers else PlainTextResponse("")


def _decoded(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    if headers["content-type"] == "application/json":
        return dict(json.loads(body))
    fields = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    return dict(json.loads(fields["payload"])) if "payload" in fields else fields
