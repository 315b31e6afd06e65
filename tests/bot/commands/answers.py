"""What commands answered."""

import json

from bot.replies import Reply


def told(reply: Reply) -> str:
    """The text of a command that was carried out, whose data a program can read."""
    assert reply.ok, reply.text
    json.dumps(reply.data)
    return reply.text


def refused(reply: Reply) -> str:
    """The text of a command that was not."""
    assert not reply.ok
    return reply.text
