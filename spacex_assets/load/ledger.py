"""``ops.loads``: one row per table and run, also of a run that failed. ``ops.world``: whose data this is.

A load writes its rows itself (``transaction.py``); :func:`record_unloaded` writes those of a run that never came to it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import METADATA

LOADED, SUPERSEDED, BLOCKED, FAILED = OUTCOMES = ("loaded", "superseded", "blocked", "failed")

_moment = sa.DateTime(timezone=True)

LOADS = sa.Table(
    "loads",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True, comment="Order of the loads."),
    sa.Column("run_id", sa.Text(), nullable=False, comment="The Dagster run."),
    sa.Column("endpoint", sa.Text(), nullable=False, comment="The endpoint."),
    sa.Column("table_name", sa.Text(), nullable=False, comment="The table in schema spacex."),
    sa.Column("source", sa.Text(), nullable=False, comment="Where the snapshot came from, without credentials."),
    sa.Column("sha256", sa.Text(), comment="Content of the raw snapshot; null: none came."),
    sa.Column("fetched_at", _moment, nullable=False, comment="When the source was asked."),
    sa.Column("documents", sa.BigInteger(), nullable=False, comment="Documents in the snapshot."),
    sa.Column(
        "documents_quarantined",
        sa.BigInteger(),
        nullable=False,
        server_default="0",
        comment="Of them, in quarantine.",
    ),
    sa.Column(
        "documents_collapsed",
        sa.BigInteger(),
        nullable=False,
        server_default="0",
        comment="Of them, further copies of others.",
    ),
    sa.Column("started_at", _moment, nullable=False, comment="When the load began."),
    sa.Column("finished_at", _moment, nullable=False, comment="When it ended."),
    sa.Column("outcome", sa.Text(), nullable=False, comment="loaded, superseded, blocked (by a check) or failed."),
    sa.Column("rows_read", sa.BigInteger(), nullable=False, comment="Rows in the typed frame."),
    sa.Column("rows_inserted", sa.BigInteger(), nullable=False, comment="Rows inserted."),
    sa.Column("rows_updated", sa.BigInteger(), nullable=False, comment="Rows whose values changed."),
    sa.Column("rows_deleted", sa.BigInteger(), nullable=False, comment="Rows that the source no longer has."),
    sa.Column("rows_unchanged", sa.BigInteger(), nullable=False, comment="Rows that were not written."),
    sa.Column(
        "rows_retained",
        sa.BigInteger(),
        nullable=False,
        server_default="0",
        comment="Rows of documents in quarantine that stay beside those.",
    ),
    sa.Column("error", sa.Text(), comment="Why the load failed."),
    sa.Column("contract_mode", sa.Text(), comment="The contract mode of the snapshot's typing; null: not typed."),
    sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
    sa.CheckConstraint(f"contract_mode IN {tuple(map(str, ContractMode))}", name="contract_mode"),
    sa.Index(None, "endpoint", "id"),
    sa.Index(None, "run_id"),
    schema="ops",
    comment="The ledger: what each load did to each table.",
)

WORLD = sa.Table(
    "world",
    METADATA,
    sa.Column("name", sa.Text(), primary_key=True, comment="simulated or real."),
    sa.CheckConstraint("name IN ('simulated', 'real')", name="name"),
    schema="ops",
    comment="The world that this database belongs to; one row.",
)


def record_unloaded(
    engine: sa.Engine,
    layouts: Sequence[TableLayout],
    *,
    run_id: str,
    endpoint: str,
    source: str,
    sha256: str | None,
    fetched_at: datetime,
    documents: int,
    started_at: datetime,
    error: str,
) -> None:
    """Writes that a run failed for all tables of an endpoint, unless the load that failed has done so itself."""
    same = {
        "run_id": run_id,
        "endpoint": endpoint,
        "source": source,
        "sha256": sha256,
        "fetched_at": fetched_at,
        "documents": documents,
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "outcome": FAILED,
        "error": error,
        **dict.fromkeys(("rows_read", "rows_inserted", "rows_updated", "rows_deleted", "rows_unchanged"), 0),
    }
    recorded = sa.select(LOADS.c.id).where(LOADS.c.run_id == run_id, LOADS.c.endpoint == endpoint).limit(1)
    with engine.begin() as connection:
        if connection.scalar(recorded) is None:
            connection.execute(LOADS.insert(), [{**same, "table_name": layout.name} for layout in layouts])
