"""Telling people: the pump moves each subscription along its task's log, outlets say it in their way."""
