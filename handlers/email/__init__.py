"""The email door: how an incoming letter is read, and what becomes of it."""
