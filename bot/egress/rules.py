"""The rules that one agent's connections obey, through the proxy and by the bot's own fetches alike."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.egress.addresses import Private, is_own, is_public
from bot.egress.allowlist import WEB_PORTS, Allowlist
from bot.egress.hosts import Address, Host
from bot.egress.resolving import Resolve, connected, lookup, resolved
from bot.errors import Refused, Retry

_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Rules:
    """Where connections may go.

    Attributes:
        allowlist: The hosts that an admin allowed.
        private: The addresses that the operator opened although they are not public; a line of the
            allowlist without a port stands for their ports too, but only at those addresses.
        advice: What to do about a refusal, as a sentence; `{host}` stands for the host.
        resolve: From a name and a port to addresses.
    """

    allowlist: Allowlist = field(default_factory=Allowlist)
    private: Private = field(default_factory=Private)
    advice: str = "An admin can allow it."
    resolve: Resolve = lookup

    async def connect(self, host: Host, port: int) -> tuple[socket.socket, Address]:
        """Connect, if it is allowed.

        Returns:
            A socket that does not block, and the address that it is connected to.

        Raises:
            Refused: It is not allowed; the text says why, and what to do.
            Retry: The far end was not reached.
        """
        addresses = await self.addresses(host, port)
        try:
            return await connected(addresses, port, _CONNECT_S)
        except OSError as fault:
            raise Retry(f"The host {host} did not answer at port {port}; try again later.") from fault

    async def addresses(self, host: Host, port: int) -> Sequence[Address]:
        """The addresses that may be connected to; whoever asked connects to one of them, and asks no more.

        Raises:
            Refused: The host is not allowed, or any of its addresses is not public.
            Retry: It has none.
        """
        if not self.allowlist.allows(host, port, WEB_PORTS | self.private.ports):
            raise self._not_allowed(host, port)
        found = [host.address] if host.address else await resolved(host.name, port, self.resolve)
        named = [address for address in found if self.private.names(address, port)]
        if named:
            return named
        if not self.allowlist.allows(host, port):
            raise self._not_allowed(host, port)
        if not all(is_public(address) and not is_own(address) for address in found):
            raise Refused(
                f"The host {host} is not on the public Internet, so it is not reached. Whoever runs Legwork "
                "can open its exact address and port with LEGWORK_EGRESS_PRIVATE."
            )
        return found

    def still_allow(self, host: Host, port: int) -> bool:
        """Whether what went by other rules may go on by these; its addresses are not judged again."""
        return self.allowlist.allows(host, port, WEB_PORTS | self.private.ports)

    def _not_allowed(self, host: Host, port: int) -> Refused:
        at = "" if port in WEB_PORTS else f" at port {port}"
        told = self.advice.replace("{host}", f"{host}" if port in WEB_PORTS else f"{host}:{port}")
        return Refused(f"The host {host} is not allowed{at} for this agent. {told}")
