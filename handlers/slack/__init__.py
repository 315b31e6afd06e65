"""Slack's door: slash commands."""
