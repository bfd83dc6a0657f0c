"""What the tests share: an embedded PostgreSQL for the session, fresh databases, the recorded responses."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "home")
    yield postgres.start()
    postgres.stop()


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
