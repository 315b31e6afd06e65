"""The way out: which hosts may be reached, the sandbox's proxy, and the bot's own fetches."""

from bot.egress.addresses import Private, is_public
from bot.egress.allowlist import Allowlist, Entry
from bot.egress.fetching import Fetched, FetchLimits, fetch
from bot.egress.hosts import Host
from bot.egress.ledger import Ledger
from bot.egress.proxy import Proxy, serving
from bot.egress.rules import Rules
from bot.egress.terms import Connection, ProxyLimits, Report
from bot.egress.urls import Url

__all__ = [
    "Allowlist",
    "Connection",
    "Entry",
    "FetchLimits",
    "Fetched",
    "Host",
    "Ledger",
    "Private",
    "Proxy",
    "ProxyLimits",
    "Report",
    "Rules",
    "Url",
    "fetch",
    "is_public",
    "serving",
]
