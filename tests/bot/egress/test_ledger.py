"""What is recorded of connections."""

from bot.egress import Connection, Ledger
from bot.events import HostAsked


def made(host: str, outcome: str = "allowed", **more: object) -> Connection:
    usual = {"port": 443, "address": "192.0.2.1", "sent": 10, "received": 20, "seconds": 0.5, "why": ""}
    return Connection(host=host, outcome=outcome, **usual | more)


def test_a_host_is_one_fact() -> None:
    """Connections to one host and port with one outcome are added up, in the order of the first ones."""
    ledger = Ledger()
    for one in (
        made("w3.org", why="It was cut off."),
        made("evil.example", "refused", address="", sent=0, received=0, why="No."),
        made("w3.org", address="192.0.2.2"),
        made("w3.org", port=80),
    ):
        ledger.add(one)
    both = HostAsked(
        step=3,
        call_id="3.1",
        host="w3.org",
        port=443,
        address="192.0.2.2",
        connections=2,
        sent=20,
        received=40,
        seconds=1.0,
        why="It was cut off.",
    )
    assert ledger.refusals() == ["No."]
    facts = ledger.take(3, "3.1")
    assert facts[0] == both
    assert [(one.host, one.port, one.outcome, one.connections) for one in facts] == [
        ("w3.org", 443, "allowed", 2),
        ("evil.example", 443, "refused", 1),
        ("w3.org", 80, "allowed", 1),
    ]
    assert ledger.take(3, "3.2") == []


def test_a_crowd_of_hosts_is_a_few_facts() -> None:
    """A program that asks for ever more hosts does not fill the log: the rest is one fact an outcome."""
    ledger = Ledger()
    for number in range(10_000):
        ledger.add(made(f"h{number}.example", "refused" if number % 2 else "allowed"))
    facts = ledger.take(1, "1")
    assert len(facts) == 52
    assert sum(fact.connections for fact in facts) == 10_000
    assert {(fact.host, fact.outcome) for fact in facts[50:]} == {("", "allowed"), ("", "refused")}


def test_nothing_asked_is_nothing_told() -> None:
    """A call that asks for no connection adds no fact."""
    assert Ledger().take(1, "1") == []
