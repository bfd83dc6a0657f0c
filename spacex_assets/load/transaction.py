"""One endpoint's load: one transaction and one lock around all its tables.

Readers see all tables before or after. A snapshot fetched earlier than the one last loaded is superseded. What does
not belong here: how one table is written (``upsert.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
import sqlalchemy as sa
import structlog
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier, Literal

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load import ledger
from spacex_assets.load.precheck import check_frame
from spacex_assets.load.triggers import RUN_SETTING, VERSION_SETTING
from spacex_assets.load.upsert import Counts, Version, set_local, upsert

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Origin:
    """Which snapshot is being loaded, and by which run."""

    endpoint: str
    source: str
    sha256: str
    fetched_at: datetime
    documents: int
    run_id: str


@dataclass
class EndpointLoad:
    """A load in progress. :attr:`superseded` means that there is nothing to write."""

    connection: Connection
    origin: Origin
    frames: Mapping[str, pl.DataFrame]
    layouts: Sequence[TableLayout]
    version: Version
    superseded: bool
    full_compare: bool
    counts: dict[str, Counts] = field(default_factory=dict)

    def write(self, layout: TableLayout) -> Counts:
        """Upserts one table. After the last one every constraint has been checked; only the commit is left."""
        counts = upsert(self.connection, self.frames[layout.name], layout, self.version, full_compare=self.full_compare)
        self.counts[layout.name] = counts
        if len(self.counts) == len(self.layouts):
            with self.connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        log.info(
            "table upserted",
            table=layout.name,
            inserted=counts.inserted,
            updated=counts.updated,
            deleted=counts.deleted,
            unchanged=counts.unchanged,
        )
        return counts


@contextmanager
def endpoint_load(
    engine: sa.Engine,
    origin: Origin,
    layouts: Sequence[TableLayout],
    frames: Mapping[str, pl.DataFrame],
    *,
    full_compare: bool = False,
    force: bool = False,
) -> Iterator[EndpointLoad]:
    """Opens the load; leaving the block commits all tables and the ledger, an exception leaves all tables as they were.

    The frames are checked before a connection is taken. A failed load is written to the ledger as well.
    """
    started = datetime.now(UTC)
    try:
        for layout in layouts:
            check_frame(frames[layout.name], layout)
        with _transaction(engine) as connection:
            last = _locked_last_load(connection, origin.endpoint)
            superseded = not force and last is not None and last > origin.fetched_at
            version = Version(_version_time(connection, layouts), origin.run_id)
            set_local(connection, RUN_SETTING, origin.run_id)
            set_local(connection, VERSION_SETTING, version.at.isoformat())
            load = EndpointLoad(connection, origin, frames, layouts, version, superseded, full_compare)
            yield load
            outcome = ledger.SUPERSEDED if superseded else ledger.LOADED
            _record(connection, origin, layouts, load.counts, started, outcome)
    except BaseException as error:
        failure = f"{type(error).__name__}: {error}"
        with _transaction(engine) as connection:
            _record(connection, origin, layouts, {}, started, ledger.FAILED, failure)
        raise


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[Connection]:
    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, Connection)
        yield connection
        connection.commit()
    except BaseException:
        pooled.invalidate()
        raise
    finally:
        pooled.close()


def _locked_last_load(connection: Connection, endpoint: str) -> datetime | None:
    """Waits for the endpoint's lock; when the snapshot last loaded was fetched."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('spacex_assets.load'), hashtext(%s))", [endpoint])
        cursor.execute(
            "SELECT fetched_at FROM ops.loads WHERE endpoint = %s AND outcome = %s ORDER BY id DESC LIMIT 1",
            [endpoint, ledger.LOADED],
        )
        row = cursor.fetchone()
        return row[0] if row else None


def _version_time(connection: Connection, layouts: Sequence[TableLayout]) -> datetime:
    """One instant for all that this load writes, taken when no one else can write to its tables; readers go on."""
    tables = SQL(", ").join(Identifier(SCHEMA, layout.name) for layout in layouts)
    with connection.cursor() as cursor:
        cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(tables))
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone() or (datetime.now(UTC),)
        assert isinstance(moment, datetime)
        return moment


def _record(
    connection: Connection,
    origin: Origin,
    layouts: Sequence[TableLayout],
    counts: Mapping[str, Counts],
    started: datetime,
    outcome: str,
    error: str | None = None,
) -> None:
    nothing = Counts(0, 0, 0, 0)
    rows = []
    for layout in layouts:
        count = counts.get(layout.name, nothing)
        rows.append(
            [
                *(origin.run_id, origin.endpoint, layout.name, origin.source, origin.sha256, origin.fetched_at),
                *(origin.documents, started, datetime.now(UTC), outcome),
                *(count.rows, count.inserted, count.updated, count.deleted, count.unchanged, error),
            ]
        )
    columns = SQL(
        "run_id, endpoint, table_name, source, sha256, fetched_at, documents, started_at, finished_at, outcome, "
        "rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, error"
    )
    values = SQL(", ").join(SQL("({})").format(SQL(", ").join(map(Literal, row))) for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(SQL("INSERT INTO ops.loads ({}) VALUES {}").format(columns, values))
