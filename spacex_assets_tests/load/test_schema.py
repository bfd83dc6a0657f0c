import pytest
import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.embedded import Server
from spacex_assets.errors import WorldMismatch
from spacex_assets.load import migrate, triggers
from spacex_assets.load.errors import SchemaOutdated
from spacex_assets.load.schema import TABLES, all_layouts
from spacex_assets.load.warehouse import Warehouse


def test_the_migrations_make_exactly_the_declared_schema(warehouse: Warehouse) -> None:
    assert migrate.write_migration(warehouse.engine, "nothing") is None


def test_the_catalog_has_the_declared_columns_keys_checks_and_comments(warehouse: Warehouse) -> None:
    inspector = sa.inspect(warehouse.engine)
    for table in TABLES:
        found = {column["name"]: column for column in inspector.get_columns(table.name, schema=table.schema)}
        assert list(found) == [column.name for column in table.columns]
        for column in table.columns:
            there = found[column.name]
            assert there["comment"] == column.comment
            assert there["nullable"] == column.nullable
            dialect = warehouse.engine.dialect
            assert there["type"].compile(dialect) == column.type.compile(dialect)
        key = inspector.get_pk_constraint(table.name, schema=table.schema)
        assert key["constrained_columns"] == [column.name for column in table.primary_key]
        checks = inspector.get_check_constraints(table.name, schema=table.schema)
        assert len(checks) == sum(isinstance(constraint, sa.CheckConstraint) for constraint in table.constraints)
        assert inspector.get_table_comment(table.name, schema=table.schema)["text"] == table.comment
        indexes = {tuple(index["column_names"]) for index in inspector.get_indexes(table.name, schema=table.schema)}
        assert indexes == {tuple(column.name for column in index.columns) for index in table.indexes}


def test_children_refer_to_their_parents_deferred(warehouse: Warehouse) -> None:
    (key,) = sa.inspect(warehouse.engine).get_foreign_keys("launch_cores", schema="spacex")
    assert (key["constrained_columns"], key["referred_table"]) == (["launch_id"], "launches")
    assert key["options"] == {"deferrable": True, "initially": "DEFERRED"}


def test_every_table_has_its_trigger(warehouse: Warehouse) -> None:
    query = sa.text(
        "SELECT relname, obj_description(t.oid, 'pg_trigger') FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid "
        "WHERE NOT tgisinternal"
    )
    with warehouse.engine.connect() as connection:
        found = dict(connection.execute(query).all())
    assert {name: comment.split()[-1] for name, comment in found.items()} == {
        layout.name: triggers.fingerprint(layout) for layout in all_layouts()
    }


def test_a_changed_declaration_makes_a_migration(warehouse: Warehouse) -> None:
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql(
            "DROP TRIGGER foreign_edit ON spacex.cores; ALTER TABLE spacex.ships DROP COLUMN imo"
        )
    path = migrate.write_migration(warehouse.engine, "Mend")
    assert path is not None
    text = path.read_text()
    path.unlink()
    assert 'CREATE TRIGGER foreign_edit BEFORE UPDATE ON spacex."cores"' in text
    assert "op.add_column('ships', sa.Column('imo', sa.BigInteger()" in text


def test_a_second_upgrade_does_nothing(warehouse: Warehouse) -> None:
    migrate.upgrade(warehouse.engine)


def test_the_worlds_are_kept_apart(warehouse: Warehouse, database_url: str) -> None:
    warehouse.claim(World.REAL)
    with pytest.raises(WorldMismatch, match="holds real data"):
        warehouse.claim(World.SIMULATED)
    with pytest.raises(WorldMismatch, match="never mix"):
        Warehouse.connect(database_url, World.SIMULATED)


def test_a_database_without_schema_says_what_to_do(server: Server) -> None:
    server.ensure_database("bare")
    with pytest.raises(SchemaOutdated, match="spacex_assets migrate"):
        Warehouse.connect(server.url("bare"), World.REAL)
