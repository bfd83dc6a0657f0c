"""The PostgreSQL upsert: writes a table inside the transaction that its step holds open.

A step yields a :class:`TableWrite` per table; Dagster hands each to this IO manager between the yields, so that all
tables of an endpoint are one transaction, which ends when the step does.
"""

from dataclasses import dataclass

import dagster as dg
import polars as pl
import sqlalchemy as sa

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load.transaction import EndpointLoad
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.retries import retried


@dataclass(frozen=True)
class TableWrite:
    """One table of a load in progress."""

    load: EndpointLoad
    layout: TableLayout


class PostgresUpsertIOManager(dg.IOManager):
    """Upserts what a table asset yields; reads a table as a frame."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse

    def handle_output(self, context: dg.OutputContext, obj: TableWrite) -> None:
        """Upserts the table and reports what happened to its rows."""
        with retried(context.step_context.previous_attempt_count):
            counts = obj.load.write(obj.layout)
        context.add_output_metadata(
            {
                "dagster/row_count": counts.rows + counts.retained,
                "rows_inserted": counts.inserted,
                "rows_updated": counts.updated,
                "rows_deleted": counts.deleted,
                "rows_unchanged": counts.unchanged,
                "rows_retained": counts.retained,
                "snapshot": obj.load.origin.sha256,
                "source": obj.load.origin.source,
            }
        )

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """The data and bookkeeping columns of a table, for assets downstream."""
        name = context.asset_key.path[-1]
        with retried(context.step_context.previous_attempt_count), self.warehouse.engine.connect() as connection:
            return pl.read_database(sa.text(f'SELECT * FROM {SCHEMA}."{name}"'), connection)
