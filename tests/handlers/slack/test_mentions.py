"""Whether a message speaks to the bot, by its text alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slack.mentions import Words, read

BOT = "U0BOT"
READ = {
    "hello": Words("hello", "hello", mentioned=False),
    "<@U0BOT> help": Words("help", "help", mentioned=True),
    "<@U0BOT|legwork>: help": Words("help", "help", mentioned=True),
    "<@U0BOT>, help": Words("help", "help", mentioned=True),
    "hey <@U0BOT> agent list": Words("hey agent list", "agent list", mentioned=True),
    "fix it, <@U0BOT>": Words("fix it,", "", mentioned=True),
    "<@U0BOT> fix it <@U0BOT> please": Words("fix it please", "fix it please", mentioned=True),
    "<@U0BOT> a &lt;b&gt; <https://x.org|y>": Words(
        "a <b> https://x.org", "a <b> https://x.org", mentioned=True
    ),
    "<@U0BOT> tell <@U0MEL>": Words("tell <@U0MEL>", "tell <@U0MEL>", mentioned=True),
    "<@U0BOT2> help": Words("<@U0BOT2> help", "<@U0BOT2> help", mentioned=False),
    "&gt; <@U0BOT> help": Words("> <@U0BOT> help", "> <@U0BOT> help", mentioned=False),
    "see:\n&gt; <@U0BOT> help\nok": Words(
        "see:\n> <@U0BOT> help\nok", "see:\n> <@U0BOT> help\nok", mentioned=False
    ),
    "&gt;&gt;&gt; a\n<@U0BOT> help": Words(">>> a\n<@U0BOT> help", ">>> a\n<@U0BOT> help", mentioned=False),
    "write `<@U0BOT> help`": Words("write `<@U0BOT> help`", "write `<@U0BOT> help`", mentioned=False),
    "```\n<@U0BOT> help\n```": Words("```\n<@U0BOT> help\n```", "```\n<@U0BOT> help\n```", mentioned=False),
    "a &gt; b <@U0BOT> help": Words("a > b help", "help", mentioned=True),
    "it`s <@U0BOT> help": Words("it`s help", "help", mentioned=True),
    "&gt; <@U0BOT> old\n<@U0BOT> new": Words("> <@U0BOT> old\nnew", "new", mentioned=True),
    "": Words("", "", mentioned=False),
}


@pytest.mark.parametrize(("text", "words"), READ.items())
def test_what_is_said_to_the_bot(text: str, words: Words) -> None:
    """A mention counts where it is said, not where it is quoted or shown as code; it is taken off."""
    assert read(text, BOT) == words


@given(st.text(st.sampled_from("<@U0BOT|>`&gt; \n:,ab")))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever was written, without a mention that counts nothing is taken off."""
    words = read(text, BOT)
    assert words.mentioned or words.whole == words.after
    assert len(words.whole) <= len(text)


@pytest.mark.parametrize(
    "piece", ["`", "```", "``` ", "&gt;", "&gt; ", "<@U0BOT", "<@U0BOT> ", "\n&gt;", "` \n"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    """Forty thousand characters, as many as a message may have, are read at once."""
    began = time.thread_time()
    read(piece * (40_000 // len(piece)), BOT)
    assert time.thread_time() - began < 2
