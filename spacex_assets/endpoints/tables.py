"""From a layout to its SQLAlchemy tables, present and past, the form in which Alembic owns them.

Also the bookkeeping columns that every table has. What does not belong here: which columns carry data (``layout.py``).
"""

from functools import cache
from typing import Any

import sqlalchemy as sa

from spacex_assets.endpoints import kinds
from spacex_assets.endpoints.layout import TableLayout

SCHEMA = "spacex"
HISTORY = "history"

FIRST_SEEN = "When the row was first loaded."
RUN = "The Dagster run that made this version; null for a foreign edit."

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
        sa.Column("_first_seen_at", moment, nullable=False, server_default=now, comment=FIRST_SEEN),
        sa.Column(
            "_changed_at", moment, nullable=False, server_default=now, comment="Since when the row has been as it is."
        ),
        sa.Column("_run_id", sa.Text(), comment=RUN),
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


@cache
def history_of(layout: TableLayout) -> sa.Table:
    """The table in schema ``history``: every version of a row that has ended, by key and beginning.

    Only the key is NOT NULL, no data is checked, nothing refers: a version stays as it was, whatever is declared later.
    """
    moment = sa.DateTime(timezone=True)
    data: list[sa.Column[Any]] = [
        sa.Column(column.name, column.kind.sql, nullable=column.name not in layout.key, comment=column.comment)
        for column in layout.columns
    ]
    version: list[sa.Column[Any]] = [
        sa.Column("_first_seen_at", moment, nullable=False, comment=FIRST_SEEN),
        sa.Column("_run_id", sa.Text(), comment=RUN),
        sa.Column("valid_from", moment, nullable=False, comment="Since when the row was so: its _changed_at."),
        sa.Column("valid_to", moment, nullable=False, comment="Until when; at this instant it was so no longer."),
        sa.Column("ended_by", sa.Text(), nullable=False, comment="How it ended: update, delete or truncate."),
        sa.Column("ended_run_id", sa.Text(), comment="The Dagster run that ended it; null for a foreign edit."),
        sa.Column("ended_user", sa.Text(), nullable=False, comment="The session_user that ended it."),
    ]
    return sa.Table(
        layout.name,
        METADATA,
        *data,
        *version,
        sa.PrimaryKeyConstraint(*layout.key, "valid_from"),
        sa.CheckConstraint("valid_from < valid_to", name="valid"),
        sa.CheckConstraint("ended_by IN ('update', 'delete', 'truncate')", name="ended_by"),
        schema=HISTORY,
        comment=f"Versions of {SCHEMA}.{layout.name} that have ended. {layout.comment}",
    )
