"""A PostgreSQL of one's own through SPACEX_DATABASE_URL, by a role that may do little: each that is installed here."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from spacex_assets.databases import OLDEST
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.embedded.place import Place

INSTALLATIONS = [
    pytest.param(path, id=path.name)
    for path in sorted(Path("/usr/lib/postgresql").glob("*"))
    if path.name.isdigit() and int(path.name) >= OLDEST and (path / "bin" / "initdb").exists()
]
STATEMENTS = (
    "CREATE ROLE ordinary LOGIN CREATEDB PASSWORD 'a b@c/d:%41'",
    'CREATE DATABASE "My Warehouse" OWNER ordinary',
)


@pytest.fixture(params=INSTALLATIONS or [pytest.param(None, marks=pytest.mark.skip("no PostgreSQL is installed"))])
def environment(
    request: pytest.FixtureRequest,
    open_folder: Callable[[str], Path],
    local_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    monkeypatch.setattr(Place, "packaged", request.param)
    folder = open_folder("external")
    postgres = EmbeddedPostgres(folder / "postgres")
    server = postgres.start()
    connection = psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))
    connection.autocommit = True
    for statement in STATEMENTS:
        connection.cursor().execute(statement)
    connection.close()
    yield {
        **local_environment,
        "SPACEX_LOCAL": str(folder / "local"),
        "SPACEX_DATABASE_URL": f"postgres://ordinary:a%20b%40c%2Fd%3A%2541@127.0.0.1:{server.port}/My Warehouse",
    }
    postgres.stop()


def test_it_serves_as_the_embedded_one_does(environment: dict[str, str]) -> None:
    def call(*arguments: str) -> str:
        command = [sys.executable, "-m", "spacex_assets", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def total() -> list[int]:
        [line] = [line for line in call("run").splitlines() if line.startswith("total")]
        return [int(cell.replace(",", "")) for cell in line.split()[3:7]]

    inserted, updated, deleted, unchanged = total()
    assert inserted > 30
    assert (updated, deleted, unchanged) == (0, 0, 0)
    assert total() == [0, 0, 0, inserted]
    ask = "SELECT current_user, current_database(), count(*) FROM spacex.launches"
    assert call("psql", "--", "-Atc", ask) == "ordinary|My Warehouse|30\n"
    assert call("db-url").startswith("postgresql+psycopg2://ordinary:")
    assert not (Path(environment["SPACEX_LOCAL"]) / "postgres").exists()


def test_a_role_that_may_not_create_schemas_is_told_so(environment: dict[str, str]) -> None:
    url = environment["SPACEX_DATABASE_URL"]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.cursor().execute('REVOKE CREATE ON DATABASE "My Warehouse" FROM ordinary')
    connection.close()
    command = [sys.executable, "-m", "spacex_assets", "run"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be brought to the present schema by ordinary: permission denied" in done.stderr
    assert "Traceback" not in done.stderr
