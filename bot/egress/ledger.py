"""What is recorded of connections: one fact a host, however often a program asks for it."""

from bot.egress.terms import Connection
from bot.events import HostAsked

_HOSTS = 50


class Ledger:
    """Adds up connections by host, port and outcome."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, int, str], HostAsked] = {}

    def add(self, connection: Connection) -> None:
        """Count one; this is what a proxy reports to."""
        host, port, outcome = connection.host, connection.port, connection.outcome
        if (host, port, outcome) not in self._facts and len(self._facts) >= _HOSTS:
            host, port = "", 0
        one = HostAsked(
            step=0,
            call_id="",
            host=host,
            port=port,
            outcome=outcome,
            address=connection.address,
            connections=1,
            sent=connection.sent,
            received=connection.received,
            seconds=connection.seconds,
            why=connection.why,
        )
        so_far = self._facts.get((host, port, outcome))
        self._facts[host, port, outcome] = so_far + one if so_far else one

    def refusals(self) -> list[str]:
        """Why hosts were not reached, a sentence each, since the facts were taken."""
        return list(dict.fromkeys(fact.why for fact in self._facts.values() if fact.outcome != "allowed"))

    def take(self, step: int, call_id: str) -> list[HostAsked]:
        """What to record, in the order in which the hosts were first asked for; then it begins anew.

        Args:
            step: The step that it belongs to.
            call_id: The call; empty where it came after the last one.
        """
        facts, self._facts = self._facts, {}
        whose = {"step": step, "call_id": call_id}
        return [fact.model_copy(update=whose) for fact in facts.values()]
