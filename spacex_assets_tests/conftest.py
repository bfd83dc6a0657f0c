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


@pytest.fixture
def warehouse(database_url: str) -> Iterator[Warehouse]:
    engine = sa.create_engine(database_url)
    upgrade(engine)
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
