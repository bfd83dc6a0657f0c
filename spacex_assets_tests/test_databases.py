"""The two databases: never one, never the other world's, and found again by a child process with another source."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from spacex_assets import local
from spacex_assets.config import Settings, World
from spacex_assets.databases import WORLD_KEY, DatabaseNotUsable, databases, warehouse
from spacex_assets.embedded import EmbeddedPostgres, Server
from spacex_assets.errors import WorldMismatch
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.local import attach, environment, prepare
from spacex_assets_tests.conftest import as_role

Sources = Callable[..., Settings]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    """Makes settings of a checkout of its own; what they put into the environment goes with the test."""
    monkeypatch.setattr(local.os, "environ", {})

    def make(source: str = "simulated", **urls: str) -> Settings:
        secret = {name: SecretStr(url) for name, url in urls.items()}
        return Settings(source=source, local=tmp_path / "local", **secret)  # type: ignore[arg-type]

    return make


def ensure(server: Server, *names: str) -> str:
    """Makes databases whose names have this in common."""
    prefix = f"test_{uuid4().hex[:12]}"
    for name in names:
        server.ensure_database(f"{prefix}_{name}")
    return prefix


def test_one_database_for_both_is_refused_however_it_is_spelled(
    server: Server, database_url: str, settings: Sources
) -> None:
    for other in (database_url, database_url.replace("+psycopg2", ""), f"{database_url}?application_name=other"):
        with pytest.raises(DatabaseNotUsable, match="SPACEX_DAGSTER_DATABASE_URL: expected another database than"):
            prepare(settings(database_url=database_url, dagster_database_url=other))
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    assert sa.inspect(engine).get_table_names("public") == []


def test_two_worlds_do_not_share_a_storage_of_dagster(server: Server, settings: Sources, tmp_path: Path) -> None:
    prefix = ensure(server, "simulated", "real", "shared")
    urls = {
        "database_url": server.url(f"{prefix}_{{world}}"),
        "dagster_database_url": server.url(f"{prefix}_shared"),
    }
    prepare(settings(**urls))
    prepare(settings(**urls))
    with pytest.raises(WorldMismatch, match=r"Dagster's storage .*holds the runs of simulated data"):
        prepare(settings(str(tmp_path), **urls))
    engine = sa.create_engine(server.url(f"{prefix}_real"), poolclass=sa.NullPool)
    assert sa.inspect(engine).get_table_names("public") == [], "nothing was begun in the warehouse"


def test_two_claims_of_a_new_storage_at_once_do_not_both_succeed(
    server: Server, settings: Sources, tmp_path: Path
) -> None:
    prefix = ensure(server, "simulated", "real", "shared")
    urls = {
        "database_url": server.url(f"{prefix}_{{world}}"),
        "dagster_database_url": server.url(f"{prefix}_shared"),
    }
    both = [databases(settings(**urls)), databases(settings(str(tmp_path), **urls))]
    local._create_dagster_storage(both[0].dagster_url or "")
    meeting = Barrier(2)

    def meet(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO public.kvs"):  # whatever is looked at before, both have seen
            meeting.wait(10)

    def claim(chosen: Settings) -> str | None:
        try:
            local.claim_storage(chosen)
        except WorldMismatch:
            return None
        return chosen.world

    sa.event.listen(sa.Engine, "before_cursor_execute", meet)
    try:
        with ThreadPoolExecutor(2) as pool:
            claimed = [world for world in pool.map(claim, both) if world is not None]
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", meet)
    engine = sa.create_engine(server.url(f"{prefix}_shared"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.scalars(sa.text(f"SELECT value FROM kvs WHERE key = '{WORLD_KEY}'")).all() == claimed
    assert len(claimed) == 1


def test_a_role_that_owns_only_dagsters_storage_stamps_it(deployed: Server, settings: Sources, tmp_path: Path) -> None:
    urls = {
        "database_url": f"postgresql://spacex_owner:secret@127.0.0.1:{deployed.port}/spacex_{{world}}",
        "dagster_database_url": f"postgresql://spacex_dagster:secret@127.0.0.1:{deployed.port}/dagster_real",
    }
    warehouse = sa.create_engine(deployed.url("spacex_real"), poolclass=sa.NullPool)
    with warehouse.begin() as connection:  # other tests load what is simulated into it
        before = connection.exec_driver_sql("DELETE FROM ops.world RETURNING name").scalars().all()
    prepare(settings(str(tmp_path), **urls))
    simulated = {**urls, "database_url": urls["database_url"].replace("{world}", "real")}
    with pytest.raises(WorldMismatch, match="holds real data"):
        prepare(settings(**simulated))
    engine = sa.create_engine(deployed.url("dagster_real"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT value FROM kvs WHERE key = 'spacex/world'")) == "real"
    with warehouse.begin() as connection:
        for name in before:
            connection.execute(sa.text("UPDATE ops.world SET name = :name"), {"name": name})


def test_a_role_that_only_loads_finds_everything_ready(deployed: Server) -> None:
    for role in ("owner", "loader"):
        upgrade(as_role(deployed, role))
        Warehouse(as_role(deployed, role)).claim(World.REAL)


def test_a_storage_of_ones_own_serves_beside_the_embedded_warehouse(
    server: Server, database_url: str, settings: Sources, open_folder: Callable[[str], Path]
) -> None:
    chosen = settings(dagster_database_url=database_url).model_copy(update={"local": open_folder("mixed")})
    try:
        ready = prepare(chosen)
        assert ready.dagster_url == database_url
        assert ready.warehouse_url.endswith("/spacex_simulated")
        with pytest.raises(DatabaseNotUsable, match="SPACEX_DAGSTER_DATABASE_URL is no URL of a PostgreSQL"):
            prepare(chosen.model_copy(update={"dagster_database_url": SecretStr("garbage")}))
    finally:
        EmbeddedPostgres(chosen.local / "postgres").stop()


def test_the_other_worlds_warehouse_is_refused_before_anybody_reads_it(
    server: Server, database_url: str, settings: Sources, tmp_path: Path
) -> None:
    prepare(settings(database_url=database_url))
    assert warehouse(settings(database_url=database_url)).warehouse_url == database_url
    with pytest.raises(WorldMismatch, match=r"the warehouse .* holds simulated data"):
        warehouse(settings(str(tmp_path), database_url=database_url))


def test_a_password_of_its_own_reaches_the_storage_beside_and_the_children(server: Server, settings: Sources) -> None:
    prefix = ensure(server, "simulated")
    url = server.url(f"{prefix}_{{world}}").replace(f":{server.password}@", "@")
    ready = prepare(settings(database_url=url, database_password=server.password))
    assert ready.dagster_url == server.url(f"{prefix}_simulated_dagster")
    given = environment(ready)
    children = settings(
        database_url=given["SPACEX_DATABASE_URL"],
        database_password=given["SPACEX_DATABASE_PASSWORD"],
        dagster_database_url=given["SPACEX_DAGSTER_DATABASE_URL"],
        dagster_database_password=given["SPACEX_DAGSTER_DATABASE_PASSWORD"],
    )
    assert (children.warehouse_url, children.dagster_url) == (ready.warehouse_url, ready.dagster_url)


def test_a_child_with_the_other_source_gets_a_storage_of_its_own(
    server: Server, settings: Sources, tmp_path: Path
) -> None:
    prefix = ensure(server, "simulated", "real")
    url = server.url(f"{prefix}_{{world}}").replace(f":{server.password}@", "@")
    given = environment(prepare(settings(database_url=url, database_password=server.password)))
    names = ("database_url", "database_password", "dagster_database_url", "dagster_database_password")
    child = settings(str(tmp_path), **{name: given[f"SPACEX_{name.upper()}"] for name in names})
    assert prepare(child).dagster_url == server.url(f"{prefix}_real_dagster")


def test_a_role_that_may_not_see_whose_storage_it_is_attaches(server: Server, settings: Sources) -> None:
    prefix = ensure(server, "warehouse", "storage")
    urls = {name: server.url(f"{prefix}_{name}") for name in ("warehouse", "storage")}
    prepare(settings(database_url=urls["warehouse"], dagster_database_url=urls["storage"]))
    engine = sa.create_engine(urls["storage"], poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {prefix} LOGIN PASSWORD 'secret'")
    url = engine.url.set(username=prefix, password="secret").render_as_string(hide_password=False)
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        assert not connection.scalar(sa.text("SELECT has_table_privilege('kvs', 'SELECT')"))
    assert attach(settings(database_url=urls["warehouse"], dagster_database_url=url)).dagster_url == url
    with engine.begin() as connection:
        connection.exec_driver_sql("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    assert attach(settings(database_url=urls["warehouse"], dagster_database_url=url)).dagster_url == url


def test_a_refused_password_is_told_with_what_to_do(server: Server, settings: Sources) -> None:
    url = sa.make_url(server.url("postgres")).set(password="another").render_as_string(hide_password=False)
    with pytest.raises(DatabaseNotUsable, match=r"knows another password for this role.*ALTER ROLE") as raised:
        prepare(settings(database_url=url))
    assert "another@" not in str(raised.value)
