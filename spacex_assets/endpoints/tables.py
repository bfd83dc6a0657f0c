"""From a layout to its SQLAlchemy table, the form in which Alembic owns it.

Also the bookkeeping columns that every table has. What does not belong here: which columns carry data (``layout.py``).
"""

from functools import cache

import sqlalchemy as sa

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.layout import TableLayout

SCHEMA = "spacex"

METADATA = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_name)s_idx",
    }
)


def bookkeeping_columns() -> list[sa.Column[object]]:
    """When a row was first seen, since when this version has been so, which run made it, and the hash of its data."""
    now = sa.func.clock_timestamp()
    moment = sa.DateTime(timezone=True)
    return [
        sa.Column(
            "_first_seen_at", moment, nullable=False, server_default=now, comment="When the row was first loaded."
        ),
        sa.Column(
            "_changed_at", moment, nullable=False, server_default=now, comment="Since when the row has been as it is."
        ),
        sa.Column("_run_id", sa.Text(), comment="The Dagster run that made this version; null for a foreign edit."),
        sa.Column("_row_hash", sa.BigInteger(), comment="Hash of the data columns; null makes the next run repair it."),
    ]


@cache
def table_of(layout: TableLayout) -> sa.Table:
    """The table in schema ``spacex``: keys, checks, indexes and comments as the layout declares them."""
    columns = [
        sa.Column(column.name, column.kind.sql, nullable=column.nullable, comment=column.comment)
        for column in layout.columns
    ]
    constraints: list[sa.Constraint] = [sa.PrimaryKeyConstraint(*layout.key)]
    for column in layout.columns:
        if column.kind in (kinds.ID, kinds.REFERENCE):
            quoted = '"' + column.name.replace('"', '""') + '"'
            constraints.append(sa.CheckConstraint(f"{quoted} ~ '{kinds.HEX_24}'", name=column.name))
    if layout.parent is not None:
        parent_key = layout.key[0]
        constraints.append(
            sa.ForeignKeyConstraint(
                [parent_key], [f"{SCHEMA}.{layout.parent}.id"], deferrable=True, initially="DEFERRED"
            )
        )
    table = sa.Table(
        layout.name, METADATA, *columns, *bookkeeping_columns(), *constraints, schema=SCHEMA, comment=layout.comment
    )
    for column in layout.columns:
        if column.kind is kinds.REFERENCE and column.name != layout.key[0]:
            sa.Index(None, table.c[column.name])
    return table
