"""SQL through SQLAlchemy Core: SQLite by default, PostgreSQL when told; one schema, one set of functions."""
