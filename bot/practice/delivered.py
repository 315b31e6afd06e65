"""What came of a delivery to the bot."""

import json
from dataclasses import dataclass, field
from typing import Any

PATIENCE_S = 3.0  # Slack waits this long for the answer to anything it sends


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the bot answered to a delivery.

    Attributes:
        status_code: HTTP status; 0 where there was no answer. An acknowledgement over a socket is 200.
        text: The body.
        headers: By lower-case name.
        seconds: From sending to the end of the answer.
        error: Empty where all is well. Of a command or a button what the person is told:
            `operation_timeout`, `dispatch_failed` or `invalid_command_response`; of an event why Slack would
            send it again: `http_timeout`, `http_error` or `connection_failed`.
        event_id: Of an event.
        event_type: Of an event: `message`, `app_mention` …
        attempts: How often an event was sent so far.
    """

    status_code: int
    text: str
    seconds: float
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    event_id: str = ""
    event_type: str = ""
    attempts: int = 1

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.text)
