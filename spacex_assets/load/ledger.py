"""``ops.loads``: one row per table and load, written with it or after it failed. ``ops.world``: whose data this is."""

import sqlalchemy as sa

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
    sa.Column("sha256", sa.Text(), nullable=False, comment="Content of the raw snapshot."),
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
    sa.CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
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
