"""Settings, and what a new installation starts with."""
