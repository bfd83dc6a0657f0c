"""What the tests share: an embedded PostgreSQL for the session, fresh databases, the recorded responses."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from uuid import uuid4

import pytest
import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Callable[[str], Path]]:
    """Makes folders that every OS user can enter, so that root's PostgreSQL need not live outside of them.

    They are not below pytest's own folder, which every pytest that starts closes to others.
    """
    with TemporaryDirectory(prefix="spacex-tests-", ignore_cleanup_errors=True) as base:

        def make(name: str) -> Path:
            folder = Path(mkdtemp(prefix=f"{name}-", dir=base))
            folder.chmod(0o755)
            return folder

        Path(base).chmod(0o755)
        yield make


@pytest.fixture(scope="session")
def server(open_folder: Callable[[str], Path]) -> Iterator[Server]:
    postgres = EmbeddedPostgres(open_folder("postgres") / "home")
    yield postgres.start()
    postgres.stop()
    shutil.rmtree(postgres.place.outside, ignore_errors=True)


@pytest.fixture(scope="session")
def local_environment(open_folder: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    """The environment in which the command line has a folder of its own and nothing else is set."""
    local = open_folder("local")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SPACEX_", "DAGSTER_"))}
    environment |= {"SPACEX_LOCAL": str(local), "SPACEX_SIMULATED_LAUNCHES": "30"}
    yield environment
    subprocess.run([sys.executable, "-m", "spacex_assets", "stop"], env=environment, check=True, capture_output=True)
    shutil.rmtree(EmbeddedPostgres(local / "postgres").place.outside, ignore_errors=True)


@pytest.fixture
def database_url(server: Server) -> str:
    name = f"test_{uuid4().hex[:12]}"
    server.ensure_database(name)
    return server.url(name)


@pytest.fixture(scope="session")
def migrated(server: Server) -> str:
    """The name of a database at the present schema, to be copied."""
    server.ensure_database("migrated")
    engine = sa.create_engine(server.url("migrated"), poolclass=sa.NullPool)
    upgrade(engine)
    return "migrated"


@pytest.fixture
def warehouse(server: Server, migrated: str) -> Iterator[Warehouse]:
    name = f"test_{uuid4().hex[:12]}"
    anywhere = sa.create_engine(server.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with anywhere.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    engine = sa.create_engine(server.url(name))
    warehouse = Warehouse(engine)
    warehouse.claim(World.REAL)
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = os.environ.get("SPACEX_RECORDINGS")
    if not folder:
        pytest.skip("SPACEX_RECORDINGS does not name a folder of recorded responses")
    return Path(folder)
