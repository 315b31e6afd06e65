"""The HTTP door: one FastAPI app for Slack's requests, health checks and, later, the REST API."""
