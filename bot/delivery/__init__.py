"""Telling people: the pump moves subscriptions along their logs, the notifier says what belongs to none."""
