"""Legwork: a self-hosted chat-ops bot whose agents work in sandboxed workspaces."""
