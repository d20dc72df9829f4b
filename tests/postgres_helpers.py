"""Databases of their own for tests, on the worker's PostgreSQL."""

from __future__ import annotations

import itertools

from newsflow.tools.postgres import LocalPostgres

_numbers = itertools.count(1)


def new_database(server: LocalPostgres) -> str:
    """The URL of a new, empty database."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.rsplit("/", 1)[0] + f"/{name}"
