"""The peer of `legwork bench ack`: Bolt as it comes, with a handler that does nothing, on uvicorn."""

import argparse
import asyncio
import os

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.app.listening import bind, serving


async def _null(ack: AsyncAck) -> None:
    await ack()


async def main(address: str) -> None:
    """Serve until killed, on the very uvicorn that Legwork uses."""
    client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])
    app.command("/task")(_null)
    async with serving(AsyncSlackRequestHandler(app), bind(address)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    asyncio.run(main(parser.parse_args().address))
