"""A PostgreSQL of its own for each test that kills, starves or misleads it."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from spacex_assets.embedded import EmbeddedPostgres, Server

START = (
    "import sys; from pathlib import Path; from spacex_assets.embedded import EmbeddedPostgres;"
    "print(EmbeddedPostgres(Path(sys.argv[1])).start().port)"
)
Execute = Callable[[Server, str], list[tuple[object, ...]]]
Starter = Callable[[Path], subprocess.Popen[str]]


@pytest.fixture
def open_path(open_folder: Callable[[str], Path]) -> Path:
    return open_folder("open")


@pytest.fixture
def postgres(open_path: Path) -> Iterator[EmbeddedPostgres]:
    """One whose home the server's user can enter."""
    postgres = EmbeddedPostgres(open_path / "with a späce" / "postgres")
    yield postgres
    postgres.stop()
    shutil.rmtree(postgres.place.outside, ignore_errors=True)


@pytest.fixture
def execute() -> Execute:
    """Executes one statement in a connection of its own."""

    def execute(server: Server, statement: str) -> list[tuple[object, ...]]:
        connection = psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    return execute


@pytest.fixture
def starter() -> Starter:
    """Starts the PostgreSQL of a home in another process, which prints the port."""
    return lambda home: subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True)
