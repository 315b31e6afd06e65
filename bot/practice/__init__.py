"""The practice room: a Slack-compatible loopback server, a mailbox and a web page that shows both.

It stands beside the house: nothing imports it but the roof and the tests.
"""

from bot.practice.deliveries import Delivered
from bot.practice.letters import Parsed
from bot.practice.mailbox import Letter
from bot.practice.model import ApiCall, Message
from bot.practice.room import PracticeRoom

__all__ = ["ApiCall", "Delivered", "Letter", "Message", "Parsed", "PracticeRoom"]
