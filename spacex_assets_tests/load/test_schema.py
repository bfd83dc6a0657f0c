import pytest
import sqlalchemy as sa
from alembic import command

from spacex_assets.config import World
from spacex_assets.embedded import Server
from spacex_assets.errors import WorldMismatch
from spacex_assets.load import migrate
from spacex_assets.load.errors import SchemaOutdated
from spacex_assets.load.schema import METADATA, SCHEMAS, all_layouts, routines
from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.load.catalog import catalog


def test_the_migrations_make_exactly_the_declared_schema(warehouse: Warehouse) -> None:
    assert migrate.write_migration(warehouse.engine, "nothing") is None


def test_a_migration_can_be_written_again_from_a_new_connection(warehouse: Warehouse) -> None:
    """By then the user's default schema exists, which bears its name."""
    assert migrate.write_migration(sa.create_engine(warehouse.engine.url), "nothing") is None


def test_the_catalog_is_the_declared_one(warehouse: Warehouse, database_url: str) -> None:
    """In all schemas: tables, columns, keys, checks, indexes, comments, triggers, functions and who may call them."""
    declared = sa.create_engine(database_url, poolclass=sa.NullPool)
    with declared.begin() as connection:
        for schema in SCHEMAS:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        METADATA.create_all(connection)
        for routine in routines():
            for statement in routine.statements:
                connection.exec_driver_sql(statement)
    assert catalog(warehouse.engine) == catalog(declared)


def test_every_table_has_its_history_and_its_routines(warehouse: Warehouse) -> None:
    found = catalog(warehouse.engine)
    for layout in all_layouts():
        assert sum(f" ON spacex.{layout.name} " in text for text in found if text.startswith("CREATE TRIGGER")) == 4
        for routine in ("stamp()", "keep()", "at(instant timestamp with time zone)"):
            name = f"FUNCTION history.{layout.name}_{routine}"
            assert sum(name in text for text in found if text.startswith("CREATE OR REPLACE FUNCTION")) == 1
        assert any(text.startswith(f"table history.{layout.name}: Versions of spacex.") for text in found)


def test_a_warehouse_of_the_first_schema_is_upgraded_without_loss_and_back(database_url: str) -> None:
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    migrate.upgrade(engine, "0001")
    first = catalog(engine)
    rows = "SELECT id, serial, status, _first_seen_at, _changed_at, _run_id, _row_hash FROM spacex.cores ORDER BY id"
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO spacex.cores (id, serial, status, _run_id, _row_hash) "
            "SELECT repeat(n, 24), 'B' || n, 'active', 'run', 1 FROM unnest('{a,b,c}'::text[]) n"
        )
        before = connection.exec_driver_sql(rows).all()
    migrate.upgrade(engine)
    with engine.begin() as connection:
        assert connection.exec_driver_sql(rows).all() == before
        connection.exec_driver_sql("UPDATE spacex.cores SET block = 5; DELETE FROM spacex.cores")
        ended = connection.exec_driver_sql("SELECT serial, ended_by FROM history.cores ORDER BY valid_to, serial").all()
    assert ended == [(f"B{n}", how) for how in ("update", "delete") for n in "abc"]
    with engine.begin() as connection:
        command.downgrade(migrate._config(connection), "0001")
    assert catalog(engine) == first


def test_children_refer_to_their_parents_deferred(warehouse: Warehouse) -> None:
    (key,) = sa.inspect(warehouse.engine).get_foreign_keys("launch_cores", schema="spacex")
    assert (key["constrained_columns"], key["referred_table"]) == (["launch_id"], "launches")
    assert key["options"] == {"deferrable": True, "initially": "DEFERRED"}


def test_a_changed_declaration_makes_a_migration(warehouse: Warehouse) -> None:
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql(
            "DROP TRIGGER foreign_edit ON spacex.cores; ALTER TABLE spacex.ships DROP COLUMN imo"
        )
    path = migrate.write_migration(warehouse.engine, "Mend")
    assert path is not None
    text = path.read_text()
    path.unlink()
    assert 'CREATE OR REPLACE TRIGGER foreign_edit BEFORE UPDATE ON "spacex"."cores"' in text
    assert "op.add_column('ships', sa.Column('imo', sa.BigInteger()" in text


def test_a_second_upgrade_does_nothing(warehouse: Warehouse) -> None:
    migrate.upgrade(warehouse.engine)


def test_the_worlds_are_kept_apart(warehouse: Warehouse) -> None:
    warehouse.claim(World.REAL)
    with pytest.raises(WorldMismatch, match="holds real data"):
        warehouse.claim(World.SIMULATED)
    with pytest.raises(WorldMismatch, match="never mix"):
        Warehouse.connect(warehouse.engine.url.render_as_string(hide_password=False), World.SIMULATED)


def test_a_database_without_schema_says_what_to_do(server: Server) -> None:
    server.ensure_database("bare")
    with pytest.raises(SchemaOutdated, match="spacex_assets migrate"):
        Warehouse.connect(server.url("bare"), World.REAL)
