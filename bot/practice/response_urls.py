"""Response URLs, and what the bot says through them or at once.

Sources: https://docs.slack.dev/interactivity/handling-user-interaction (five posts in 30 minutes; replace and
delete the original) and https://docs.slack.dev/interactivity/implementing-slash-commands.
"""

import secrets
import time
from dataclasses import dataclass, replace

from bot.practice import chat
from bot.practice.arguments import Arguments
from bot.practice.delivered import Delivered
from bot.practice.model import ApiError, Json, Message
from bot.practice.slack import BOT_USER, SlackSide

MAX_USES = 5
MAX_AGE_S = 30 * 60


@dataclass(slots=True)
class ResponseUrl:
    """One way to answer later.

    Attributes:
        url: The whole address.
        user: Id of the person who is answered.
        original: What `replace_original` and `delete_original` mean: the pressed button's message, or the
            last answer to a command.
    """

    url: str
    user: str
    channel: str
    made: float
    original: Message | None = None
    uses: int = 0


class ResponseUrls:
    """Every response URL that was handed out."""

    def __init__(self, slack: SlackSide) -> None:
        self._slack = slack
        self._made: dict[str, ResponseUrl] = {}

    def make(self, kind: str, user: str, channel: str, original: Message | None = None) -> ResponseUrl:
        """A new one; kind is `commands` or `actions`."""
        token = secrets.token_urlsafe(18)
        address = f"{self._slack.url}/{kind}/{token}"
        self._made[token] = ResponseUrl(address, user, channel, time.monotonic(), original)
        return self._made[token]

    def take(self, token: str, args: Arguments) -> None:
        """Take a post to a response URL.

        Raises:
            ApiError: `no_such_url`, `used_url`, `expired_url`, or what is wrong with the message.
        """
        url = self._made.get(token)
        if url is None:
            raise ApiError("no_such_url")
        if time.monotonic() - url.made > MAX_AGE_S:
            raise ApiError("expired_url")
        if url.uses >= MAX_USES:
            raise ApiError("used_url")
        self._say(args, url)
        url.uses += 1

    def show(self, answer: Delivered, what: str, url: ResponseUrl) -> Delivered:
        """Show a person the bot's immediate answer to a command, or that it failed.

        Args:
            answer: As it came.
            what: The command, for the failure's sentence.
            url: That command's.

        Returns:
            The answer, with the error `invalid_command_response` where Slack cannot use it.
        """
        error = answer.error
        if not error and answer.text.strip():
            try:
                self._say(_arguments(answer), url)
            except ApiError:
                error = "invalid_command_response"
        if error:
            said = f'`{what}` failed with the error "{error}"'
            self._slack.say_privately(url.user, url.channel, said)
        return replace(answer, error=error)

    def _say(self, args: Arguments, url: ResponseUrl) -> None:
        """Say an answer, at once or later: to one person, unless it asks for the channel."""
        original = url.original
        if args.flag("delete_original"):
            if original:
                original.deleted = True
                self._slack.touch(original)
            return
        kind = args.text("response_type") or "ephemeral"
        if kind not in ("ephemeral", "in_channel"):
            raise ApiError("invalid_arguments", ["must be one of ephemeral, in_channel"])
        text, blocks = chat.content(args, chat.MAX_TEXT)
        thread = chat.thread_root(self._slack, self._slack.channel(url.channel), args)
        if args.flag("replace_original") and original:
            original.text, original.blocks = text, blocks
            self._slack.touch(original)
        elif kind == "ephemeral":
            url.original = self._slack.say_privately(url.user, url.channel, text, blocks, thread)
        else:
            message = Message(self._slack.clock.next(), url.channel, BOT_USER, text, blocks, thread)
            url.original = self._slack.add(message)


def _arguments(answer: Delivered) -> Arguments:
    """A command's immediate answer: JSON by its content type, else plain text."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return Arguments({"text": answer.text})
    try:
        body: Json = answer.json()
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(body, dict):
        raise ApiError("json_not_object")
    return Arguments(body)
