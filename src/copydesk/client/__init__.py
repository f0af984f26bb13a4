"""The API's models, and a small typed client of it."""
