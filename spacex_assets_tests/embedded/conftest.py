"""A PostgreSQL of its own for each test that kills, starves or misleads it."""

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
def open_path(tmp_path: Path) -> Path:
    """A folder that every OS user can enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == Path.home().owner() and folder.is_relative_to("/tmp/pytest-of-" + folder.owner()):
            folder.chmod(0o755)
    return tmp_path


@pytest.fixture
def postgres(open_path: Path) -> Iterator[EmbeddedPostgres]:
    """One whose home the server's user can enter."""
    postgres = EmbeddedPostgres(open_path / "with a späce" / "postgres")
    yield postgres
    postgres.stop()


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
