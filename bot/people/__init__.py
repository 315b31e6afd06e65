"""Who people are: how each door knows them, what they may do, and that they are one person at all doors."""

from bot.people.identities import (
    address,
    addresses,
    from_address,
    from_slack,
    known_by,
    known_in_slack,
    local_operator,
    slack_ids,
)
from bot.people.linking import ask_for_proof, prove, vouch
from bot.people.naming import label, meant, shown
from bot.people.roles import change_role, role_of, settings_name

__all__ = [
    "address",
    "addresses",
    "ask_for_proof",
    "change_role",
    "from_address",
    "from_slack",
    "known_by",
    "known_in_slack",
    "label",
    "local_operator",
    "meant",
    "prove",
    "role_of",
    "settings_name",
    "shown",
    "slack_ids",
    "vouch",
]
