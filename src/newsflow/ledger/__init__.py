"""The SQL store of every decision: SQLite and PostgreSQL."""
