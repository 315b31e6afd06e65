"""The doors: each understands one kind of request, makes a `Call` of it, and has no rules of its own."""
