"""The tables, as peewee models. Migrations create them; nothing here does.

Times are whole microseconds since 1970 in UTC: exact on every database, and read back as aware datetimes.
"""

from storage.tables.base import EPOCH, MICROSECOND, InstantField, Table, instant
from storage.tables.house import (
    Agents,
    Approvers,
    Discussions,
    Identities,
    LinkCodes,
    People,
    Policies,
    Runbooks,
)
from storage.tables.post import Cadence, Deliveries, Inbox, Letters, Messages, Notices, Subscriptions
from storage.tables.work import Approvals, Events, Runs, Streams, Tasks, Workspaces

__all__ = [
    "EPOCH",
    "MICROSECOND",
    "Agents",
    "Approvals",
    "Approvers",
    "Cadence",
    "Deliveries",
    "Discussions",
    "Events",
    "Identities",
    "Inbox",
    "InstantField",
    "Letters",
    "LinkCodes",
    "Messages",
    "Notices",
    "People",
    "Policies",
    "Runbooks",
    "Runs",
    "Streams",
    "Subscriptions",
    "Table",
    "Tasks",
    "Workspaces",
    "instant",
]
