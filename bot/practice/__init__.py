"""The practice room: a Slack-compatible loopback server, a mailbox and a web page that shows both.

It stands beside the house: nothing imports it but the roof and the tests.
"""

from bot.practice.delivered import Delivered
from bot.practice.interactions import Submitted
from bot.practice.letter import Letter
from bot.practice.letters import Parsed
from bot.practice.model import ApiCall, Message, View
from bot.practice.outgoing import SmtpAnswer
from bot.practice.room import PracticeRoom
from bot.practice.talk import Said

__all__ = [
    "ApiCall",
    "Delivered",
    "Letter",
    "Message",
    "Parsed",
    "PracticeRoom",
    "Said",
    "SmtpAnswer",
    "Submitted",
    "View",
]
