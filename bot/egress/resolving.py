"""From a name to a connected socket: resolved once, and connected to the very address that was judged."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from ipaddress import IPv6Address, ip_address

from bot.egress.hosts import Address
from bot.errors import Retry

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_LOOKUP_S = 5.0
_LOOKUPS = 8  # a far end whose name servers never answer holds up these threads, and no others of the bot
_TRIED = 8  # addresses of one name


async def lookup(name: str, port: int) -> list[str]:
    """The addresses of a name, as the machine's own resolver gives them.

    Raises:
        OSError: There are none.
    """
    asked = partial(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_threads(), asked)
    return [str(place[0]) for *_, place in found]


async def resolved(name: str, port: int, resolve: Resolve) -> list[Address]:
    """The addresses of a name, in the resolver's order, each once.

    Raises:
        Retry: There are none, or they did not come in time.
    """
    try:
        async with asyncio.timeout(_LOOKUP_S):
            found = await resolve(name, port)
    except OSError as fault:
        raise Retry(f"The name {name} could not be resolved; check how it is written.") from fault
    if not found:
        raise Retry(f"The name {name} has no address; check how it is written.")
    return [ip_address(text) for text in dict.fromkeys(found)]


async def connected(
    addresses: Sequence[Address], port: int, within_s: float
) -> tuple[socket.socket, Address]:
    """Connect to the first address that takes us.

    Args:
        addresses: In the order in which they are tried; each has its share of the time that is left.
        port: The same for all.
        within_s: Seconds for all of them together.

    Returns:
        The socket, which does not block, and its address.

    Raises:
        OSError: None of them took us; the fault of the last one.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    tried = addresses[:_TRIED]
    fault = OSError("There is no address to connect to.")
    for place, address in enumerate(tried):
        family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
        try:
            far = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:  # a machine without IPv6
            fault = error
            continue
        try:
            async with asyncio.timeout((end - loop.time()) / (len(tried) - place)):
                await loop.sock_connect(far, (str(address), port))
        except OSError as error:
            far.close()
            fault = error
        except BaseException:
            far.close()
            raise
        else:
            return far, address
    raise fault


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")
