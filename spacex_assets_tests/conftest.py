"""What the tests share: an embedded PostgreSQL for the session, fresh databases, the recorded responses."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from spacex_assets.cli import main
from spacex_assets.config import Settings, World
from spacex_assets.definitions import build_defs
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.object_store import ObjectStore, running

DEPLOY = Path(__file__).parent.parent / "deploy" / "postgres"


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
    """SPACEX_TEST_POSTGRES names another installation, such as /usr/lib/postgresql/14."""
    postgres = EmbeddedPostgres(open_folder("postgres") / "home")
    if installation := os.environ.get("SPACEX_TEST_POSTGRES"):
        vars(postgres.place)["packaged"] = Path(installation)
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
def secrets(open_folder: Callable[[str], Path]) -> Path:
    """A folder with the passwords of the roles of deploy/postgres, all of them `secret`."""
    folder = open_folder("secrets")
    for role in ("owner", "loader", "analyst", "backup", "dagster"):
        (folder / f"{role}_password").write_text("secret")
    return folder


def set_up(server: Server, secrets: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """What docs/scaling.md says of a PostgreSQL of one's own."""
    psql = str(server.binaries / "bin" / "psql")
    command = [psql, "-qX", "-v", f"secrets={secrets}", "-f", str(DEPLOY / "roles.sql")]
    given = os.environ | server.libpq_environment("postgres") | environment
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def deployed(open_folder: Callable[[str], Path], secrets: Path) -> Iterator[Server]:
    """A cluster with the roles and a warehouse as deploy/postgres makes them, migrated by the owner."""
    postgres = EmbeddedPostgres(open_folder("deployed") / "home")
    server = postgres.start()
    done = set_up(server, secrets)
    assert done.returncode == 0, done.stderr
    upgrade(as_role(server, "owner"))
    yield server
    postgres.stop()
    shutil.rmtree(postgres.place.outside, ignore_errors=True)


def as_role(server: Server, role: str) -> sa.Engine:
    url = sa.make_url(server.url("spacex_real")).set(username=f"spacex_{role}", password="secret")
    return sa.create_engine(url, poolclass=sa.NullPool)


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    with running() as store:
        yield store


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = os.environ.get("SPACEX_RECORDINGS")
    if not folder:
        pytest.skip("SPACEX_RECORDINGS does not name a folder of recorded responses")
    return Path(folder)


@dataclass(frozen=True)
class Platform:
    """The command line in this process, over a warehouse and a folder of its own."""

    url: str
    local: Path

    def call(self, *arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == status, result.output
        return result

    def answer(self, *arguments: str) -> Any:
        return json.loads(self.call(*arguments, "--json").stdout)

    def load(self, *endpoints: str) -> None:
        """Fetches, types and loads these endpoints or fails, without the command line and Dagster's storage."""
        layouts = [layout.name for name in endpoints for layout in ENDPOINTS[name].layouts]
        keys = [["raw", name] for name in endpoints] + [
            [room, name] for name in layouts for room in ("typed", "spacex")
        ]
        job = build_defs(Settings()).resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.ephemeral() as instance:
            job.execute_in_process(
                instance=instance, asset_selection=[dg.AssetKey(key) for key in keys], raise_on_error=False
            )

    def edit(self, endpoint: str, document_id: str, change: Any) -> None:
        self.call("simulator", "edit", endpoint, document_id, json.dumps(change))

    def unmark(self, endpoint: str, document_id: str) -> None:
        unmark(self.local, endpoint, document_id)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        engine = sa.create_engine(self.url)
        try:
            with engine.begin() as connection:
                result = connection.exec_driver_sql(statement)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()


def unmark(local: Path, endpoint: str, document_id: str) -> None:
    """Takes from a simulated document the text that says so, which no correction can."""
    edits = local / "simulator" / "edits.json"
    edits.parent.mkdir(exist_ok=True)
    known = json.loads(edits.read_text()) if edits.exists() else {}
    known.setdefault(endpoint, {}).setdefault(document_id, {})[".".join(ENDPOINTS[endpoint].mark)] = "Real"
    edits.write_text(json.dumps(known))


@pytest.fixture(scope="module")
def platform(server: Server, migrated: str, open_folder: Callable[[str], Path]) -> Iterator[Platform]:
    """A platform without any run, shared by the tests of a module."""
    name = f"test_{uuid4().hex[:12]}"
    anywhere = sa.create_engine(server.url("postgres"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with anywhere.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {migrated}")
    platform = Platform(server.url(name), open_folder("platform"))
    before = dict(os.environ)
    for variable in [name for name in before if name.startswith(("SPACEX_", "DAGSTER_"))]:
        del os.environ[variable]
    os.environ |= {
        "SPACEX_DATABASE_URL": platform.url,
        "SPACEX_LOCAL": str(platform.local),
        "SPACEX_SIMULATED_LAUNCHES": "30",
        "SPACEX_HTTP_RATE": "1000",
    }
    Warehouse(sa.create_engine(platform.url, poolclass=sa.NullPool)).claim(World.SIMULATED)
    yield platform
    os.environ.clear()
    os.environ.update(before)
