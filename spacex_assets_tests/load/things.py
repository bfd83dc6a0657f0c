"""A table with a column of every kind, under an awkward name, and how the tests load and edit it."""

from datetime import UTC, datetime, timedelta

import polars as pl
import sqlalchemy as sa

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.layout import Column, TableLayout
from spacex_assets.endpoints.tables import METADATA, history_of, table_of
from spacex_assets.load import history, triggers
from spacex_assets.load.transaction import Origin
from spacex_assets.load.upsert import Counts
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.transform.intake import Intake

FETCHED = datetime(2026, 1, 1, tzinfo=UTC)
NAME = '"Things of ""all"" kinds"'


def column(name: str, kind: kinds.Kind, *, nullable: bool = True, volatile: bool = False) -> Column:
    return Column(name, (name,), kind, nullable, name, name, volatile=volatile)


THINGS = TableLayout(
    'Things of "all" kinds',
    "",
    (
        column("id", kinds.TEXT, nullable=False),
        column("select", kinds.TEXT),
        column("Upper", kinds.BIG_COUNT),
        column("measure", kinds.MEASURE),
        column("flag", kinds.FLAG),
        column("small", kinds.UTC_OFFSET),
        column("day", kinds.CALENDAR_DATE),
        column("at", kinds.MOMENT),
        column("texts", kinds.TEXTS),
        column("numbers", kinds.BIG_COUNTS),
        column("moving", kinds.MEASURE, volatile=True),
    ),
    ("id",),
)


def install(engine: sa.Engine, layout: TableLayout) -> None:
    """Creates a table that no migration knows, with its history and its routines."""
    with engine.begin() as connection:
        for table in (table_of(layout), history_of(layout)):
            table.create(connection)
            if table in METADATA.sorted_tables:
                METADATA.remove(table)
        for routine in (*triggers.foreign_edit(layout), *history.keep(layout), history.as_of(layout)):
            for statement in routine.statements:
                connection.exec_driver_sql(statement)


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in THINGS.schema} for row in rows], schema=THINGS.schema)


def load(
    warehouse: Warehouse, wanted: pl.DataFrame, *, run: str = "run", age: int = 0, **options: bool
) -> Counts | None:
    origin = Origin("things", "test", "0" * 64, FETCHED - timedelta(hours=age), Intake(accepted=wanted.height), run)
    with warehouse.load(origin, [THINGS], {THINGS.name: wanted}, **options) as opened:
        return None if opened.superseded else opened.write(THINGS)


def change(warehouse: Warehouse, statement: str) -> None:
    """Runs a statement by hand; THINGS stands for the table, PAST for its history."""
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql(statement.replace("THINGS", f"spacex.{NAME}").replace("PAST", f"history.{NAME}"))


def select(warehouse: Warehouse, query: str) -> list[dict[str, object]]:
    with warehouse.engine.connect() as connection:
        query = query.replace("THINGS", f"spacex.{NAME}").replace("PAST", f"history.{NAME}")
        return [dict(row) for row in connection.exec_driver_sql(query).mappings()]


def stored(warehouse: Warehouse) -> list[dict[str, object]]:
    return select(warehouse, "SELECT * FROM THINGS ORDER BY id")


def past(warehouse: Warehouse) -> list[dict[str, object]]:
    return select(warehouse, "SELECT * FROM PAST ORDER BY valid_to, id")
