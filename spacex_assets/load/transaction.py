"""One endpoint's load: one transaction and one lock around all its tables.

Readers see all tables before or after. A snapshot fetched earlier than the one last loaded is superseded. What does
not belong here: how one table is written (``upsert.py``).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl
import psycopg2
import sqlalchemy as sa
import structlog
from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier, Literal

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load import ledger
from spacex_assets.load.drift import record_drift
from spacex_assets.load.errors import TablesInUse, is_fault
from spacex_assets.load.precheck import check_frame
from spacex_assets.load.quarantine import Keep, open_entries, record_quarantine, record_retention
from spacex_assets.load.triggers import RUN_SETTING, VERSION_SETTING
from spacex_assets.load.upsert import Counts, Version, set_local, upsert
from spacex_assets.transform.intake import Intake

log = structlog.get_logger(__name__)

LOCK_SECONDS = 30
"""How long a load waits for a session that has written to its tables."""
LOCK_POLL_SECONDS = 0.1
"""Between two attempts to have an endpoint's lock."""


@dataclass(frozen=True)
class Origin:
    """Which snapshot is being loaded, and by which run."""

    endpoint: str
    source: str
    sha256: str
    fetched_at: datetime
    intake: Intake
    run_id: str


@dataclass
class EndpointLoad:
    """A load in progress. :attr:`superseded` means that there is nothing to write."""

    engine: sa.Engine
    connection: Connection
    started: datetime
    origin: Origin
    frames: Mapping[str, pl.DataFrame]
    layouts: Sequence[TableLayout]
    version: Version
    superseded: bool
    full_compare: bool
    counts: dict[str, Counts] = field(default_factory=dict)
    failed: bool = False

    def write(self, layout: TableLayout) -> Counts:
        """Makes sure that the table is written; what happened to its rows.

        The first call writes every table and checks every constraint, so that once a table is reported only the commit
        is left to fail. A failure ends the transaction at once: whoever writes between our yields keeps the error to
        himself, and may keep our generator open for long.
        """
        if not self.counts:
            try:
                self._write_all()
            except BaseException as error:
                self.failed = True
                self.connection.close()
                _record_failure(self.engine, self.origin, self.layouts, self.started, error)
                raise
        return self.counts[layout.name]

    def _write_all(self) -> None:
        origin, main = self.origin, self.layouts[0]
        keep, accepted = Keep(origin.intake.rejected), self.frames[main.name][main.key[0]]
        for layout in self.layouts:
            counts = upsert(
                self.connection,
                self.frames[layout.name],
                layout,
                self.version,
                full_compare=self.full_compare,
                keep=keep,
                accepted=accepted,
            )
            self.counts[layout.name] = counts
        if origin.intake.rejected or open_entries(self.connection, origin.endpoint):
            self._record_quarantine(accepted.to_list())
        record_drift(
            self.connection, origin.endpoint, origin.intake.profile, self.version.at, origin.run_id, origin.sha256
        )
        with self.connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    def _record_quarantine(self, accepted: list[str]) -> None:
        origin, version = self.origin, self.version
        record_quarantine(
            self.connection,
            origin.endpoint,
            origin.intake.rejected,
            accepted,
            version.at,
            origin.run_id,
            origin.sha256,
        )
        table = Identifier(SCHEMA, self.layouts[0].name)
        record_retention(self.connection, origin.endpoint, table, accepted, version.at, origin.run_id)


def record_blocked(engine: sa.Engine, origin: Origin, layouts: Sequence[TableLayout], reason: str) -> None:
    """Writes to the ledger and to quarantine that a check withheld a snapshot; the tables stay as they are."""
    started = datetime.now(UTC)
    with _transaction(engine) as connection:
        _locked_last_load(connection, origin.endpoint)
        record_quarantine(
            connection, origin.endpoint, origin.intake.rejected, None, started, origin.run_id, origin.sha256
        )
        record_drift(
            *(connection, origin.endpoint, origin.intake.profile, started, origin.run_id, origin.sha256), loaded=False
        )
        _record(connection, origin, layouts, {}, started, ledger.BLOCKED, reason)


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

    The frames are checked before a connection is taken. A failed load is written to the ledger as well, unless it
    failed by a fault (:func:`is_fault`).
    """
    started = datetime.now(UTC)
    load = None
    try:
        for layout in layouts:
            check_frame(frames[layout.name], layout)
        with _transaction(engine) as connection:
            last = _locked_last_load(connection, origin.endpoint)
            superseded = not force and last is not None and last > origin.fetched_at
            version = Version(_version_time(connection, layouts), origin.run_id)
            set_local(connection, RUN_SETTING, origin.run_id)
            set_local(connection, VERSION_SETTING, version.at.isoformat())
            load = EndpointLoad(engine, connection, started, origin, frames, layouts, version, superseded, full_compare)
            yield load
            outcome = ledger.SUPERSEDED if superseded else ledger.LOADED
            _record(connection, origin, layouts, load.counts, started, outcome)
        _say(load, outcome)
    except BaseException as error:
        if load is None or not load.failed:
            _record_failure(engine, origin, layouts, started, error)
        raise


def _say(load: EndpointLoad, outcome: str) -> None:
    rows = {
        what: sum(getattr(counts, what) for counts in load.counts.values())
        for what in ("inserted", "updated", "deleted", "unchanged", "retained")
    }
    log.info(outcome, tables=len(load.counts), **rows, source=load.origin.source, sha256=load.origin.sha256)


def _record_failure(
    engine: sa.Engine, origin: Origin, layouts: Sequence[TableLayout], started: datetime, error: BaseException
) -> None:
    """Writes a failed load to the ledger; where that fails too, says so, and leaves the first error to be raised.

    A fault is left to the caller, who may try again, and knows which attempt was the last.
    """
    if is_fault(error):
        return
    reason = f"{type(error).__name__}: {error}"
    try:
        with _transaction(engine) as connection:
            _record(connection, origin, layouts, {}, started, ledger.FAILED, reason)
    except (sa.exc.SQLAlchemyError, psycopg2.Error) as second:
        log.error("the failed load is missing in the ledger", failed_with=reason, ledger_failed_with=str(second))


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
    """Waits for the endpoint's lock; when the snapshot last loaded was fetched.

    It waits here and not in PostgreSQL, whose answer no Ctrl-C and no cancellation could interrupt.
    """
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('spacex_assets.load'), hashtext(%s))", [endpoint])
            if cursor.fetchone() == (True,):
                break
            time.sleep(LOCK_POLL_SECONDS)
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
        cursor.execute("SET LOCAL lock_timeout = %s", [f"{LOCK_SECONDS}s"])
        try:
            cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(tables))
        except LockNotAvailable as error:
            raise TablesInUse(
                f"{', '.join(layout.name for layout in layouts)}: expected to lock them within {LOCK_SECONDS} s, but "
                f"another session wrote to one and has not ended its transaction. Nothing was written. See "
                f"pg_stat_activity for sessions that are 'idle in transaction', end them, and run again."
            ) from error
        cursor.execute("SET LOCAL lock_timeout = 0")
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
                *(origin.intake.documents, origin.intake.quarantined, origin.intake.collapsed),
                *(started, datetime.now(UTC), outcome),
                *(count.rows, count.inserted, count.updated, count.deleted, count.unchanged, count.retained, error),
                origin.intake.mode.value,
            ]
        )
    columns = SQL(
        "run_id, endpoint, table_name, source, sha256, fetched_at, documents, documents_quarantined, "
        "documents_collapsed, started_at, finished_at, outcome, "
        "rows_read, rows_inserted, rows_updated, rows_deleted, rows_unchanged, rows_retained, error, contract_mode"
    )
    values = SQL(", ").join(SQL("({})").format(SQL(", ").join(map(Literal, row))) for row in rows)
    with connection.cursor() as cursor:
        cursor.execute(SQL("INSERT INTO ops.loads ({}) VALUES {}").format(columns, values))
