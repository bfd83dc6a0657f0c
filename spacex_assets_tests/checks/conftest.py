"""A simulated fleet that was loaded once, to be copied and damaged by every test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets.checks.findings import Findings
from spacex_assets.checks.look import findings
from spacex_assets.config import Settings, World
from spacex_assets.definitions import typed_lake
from spacex_assets.embedded import Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.assets.test_graph import materialize

Look = Callable[[str], tuple[Findings, Findings]]


def copied(server: Server, template: str) -> str:
    name = f"test_{uuid4().hex[:12]}"
    engine = sa.create_engine(server.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def settings_for(server: Server, template: str, folder: Path, source: str = "simulated") -> Settings:
    url = server.url(copied(server, template))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    Warehouse(engine).claim(World.SIMULATED if source == "simulated" else World.REAL)
    return Settings(source=source, database_url=SecretStr(url), local=folder, simulated_launches=30, http_rate=1000)


@pytest.fixture
def settings(server: Server, migrated: str, tmp_path: Path) -> Settings:
    """A new warehouse."""
    return settings_for(server, migrated, tmp_path)


@pytest.fixture(scope="session")
def loaded(server: Server, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse with all endpoints; not to be written to."""
    settings = settings_for(server, migrated, tmp_path_factory.mktemp("loaded"))
    assert materialize(settings).success
    return settings


@pytest.fixture
def damaged(server: Server, loaded: Settings) -> Iterator[Warehouse]:
    """A copy of that warehouse, to be damaged."""
    name = copied(server, str(sa.make_url(loaded.warehouse_url).database))
    warehouse = Warehouse(sa.create_engine(server.url(name), poolclass=sa.NullPool))
    yield warehouse
    warehouse.close()


@pytest.fixture
def look(loaded: Settings, damaged: Warehouse) -> Look:
    """The integrity and the quality of an endpoint in that copy."""
    return lambda endpoint: findings(ENDPOINTS[endpoint], damaged, typed_lake(loaded), loaded)
