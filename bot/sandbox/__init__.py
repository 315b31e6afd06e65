"""The sandbox: commands of agents run here, and nowhere else."""

from bot.sandbox.policy import interpreter
from bot.sandbox.probe import Tier, probe
from bot.sandbox.sandbox import Sandbox, kill
from bot.sandbox.scratch import sweep
from bot.sandbox.session import Session
from bot.sandbox.terms import (
    Handle,
    Kind,
    Limits,
    Outcome,
    Owner,
    Problem,
    SandboxUnavailable,
    owner_for_this_process,
)

__all__ = [
    "Handle",
    "Kind",
    "Limits",
    "Outcome",
    "Owner",
    "Problem",
    "Sandbox",
    "SandboxUnavailable",
    "Session",
    "Tier",
    "interpreter",
    "kill",
    "owner_for_this_process",
    "probe",
    "sweep",
]
