"""Who may do what: people by their role, agents by the rules that admins set."""

from bot.permissions.roles import eyes, may, sees_workspace
from bot.permissions.verdict import Verdict, verdict
from storage.policies import Effect, Rule

__all__ = ["Effect", "Rule", "Verdict", "eyes", "may", "sees_workspace", "verdict"]
