from spacex_assets.load.routines import changes
from spacex_assets.load.schema import routines
from spacex_assets.load.warehouse import Warehouse
from spacex_assets_tests.load.catalog import catalog


def run(warehouse: Warehouse, *statements: str) -> None:
    with warehouse.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_routines_are_replaced_dropped_and_restored(warehouse: Warehouse) -> None:
    run(
        warehouse,
        "CREATE FUNCTION ops.theirs() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COMMENT ON FUNCTION ops.theirs() IS 'Not ours.'",
    )
    declared = catalog(warehouse.engine)
    run(
        warehouse,
        "DROP TRIGGER keep_deleted ON spacex.cores",
        "DROP FUNCTION history.ships_at(timestamptz)",
        "CREATE FUNCTION history.ships_at(timestamptz) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COMMENT ON FUNCTION history.ships_at(timestamptz) IS 'An earlier text. Text: 0123456789ab'",
        "CREATE OR REPLACE TRIGGER keep_deleted AFTER DELETE ON spacex.crew EXECUTE FUNCTION history.cores_keep()",
        "COMMENT ON TRIGGER keep_deleted ON spacex.crew IS 'An earlier text. Text: 0123456789ab'",
        "CREATE FUNCTION ops.former() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "COMMENT ON FUNCTION ops.former() IS 'No longer declared. Text: 0123456789ab'",
        "CREATE TRIGGER former AFTER DELETE ON spacex.crew EXECUTE FUNCTION ops.former()",
        "COMMENT ON TRIGGER former ON spacex.crew IS 'It''s no longer declared. Text: 0123456789ab'",
    )
    earlier = catalog(warehouse.engine)
    with warehouse.engine.connect() as connection:
        forth, back = changes(connection, routines())
    run(warehouse, *forth)
    assert catalog(warehouse.engine) == declared
    with warehouse.engine.connect() as connection:
        assert changes(connection, routines()) == ([], [])
    run(warehouse, *back)
    assert catalog(warehouse.engine) == earlier
