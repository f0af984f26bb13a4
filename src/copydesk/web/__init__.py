"""The HTTP API: people and programs come in here."""
