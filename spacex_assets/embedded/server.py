"""A running server and how to reach it.

What does not belong here: how it came to run (``postgres.py``).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.sql import SQL, Identifier

USER = "spacex"
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    pid: int
    data: Path
    binaries: Path
    password: str

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database; ``{world}`` in its name stays."""
        return f"postgresql+psycopg2://{USER}:{quote(self.password)}@{HOST}:{self.port}/{quote(database, safe='{}')}"

    def libpq_environment(self, database: str) -> dict[str, str]:
        """What psql and its kin have to be given, so that no password stands in a process list."""
        return {
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGPASSWORD": self.password,
            "PGDATABASE": database,
        }

    def ensure_database(self, name: str) -> None:
        """Creates a database unless it is there."""
        ensure_database(name, dsn=self._dsn)

    def refusal(self) -> str | None:
        """Why it does not accept a connection with our password; ``None``: it does."""
        try:
            psycopg2.connect(self._dsn, connect_timeout=2).close()
        except psycopg2.OperationalError as error:
            return str(error).strip()
        return None

    @property
    def _dsn(self) -> str:
        return f"host={HOST} port={self.port} user={USER} password={self.password} dbname=postgres"


def ensure_database(name: str, **beside: Any) -> None:
    """Creates a database unless it is there, through a connection to another one of the same server."""
    connection = psycopg2.connect(**beside)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('ensure_database'))")
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    finally:
        connection.close()
