"""Dagster's storage on pooled connections, named by ``storage.custom`` in dagster.yaml.

The stock storage opens a connection per event, asks the catalog for its own tables again at each, and commits one event
in up to four transactions (docs/adr/0003 has the figures). The pool looks at a connection before use, so that a
restart of PostgreSQL in mid-run costs nothing. What does not belong here: the warehouse.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Self, cast

import sqlalchemy as sa
from dagster import AssetKey, DagsterEventType, EventLogEntry, EventLogRecord
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.config import PostgresStorageConfig
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData, deserialize_value
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config, set_pg_statement_timeout
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql import psycopg2

from spacex_assets.config import Settings
from spacex_assets.load.pools import pooled_engine

POOL_SIZE = 2
MAX_OVERFLOW = 20
NOT_AWAITED = "SET LOCAL synchronous_commit TO off; "
"""Before a statement: its commit reaches the disk with the next one that is awaited, or within a second."""
EVALUATED = """
WITH event AS ({insertion} RETURNING id), evaluated AS (
    UPDATE asset_check_executions SET execution_status = %(execution_status)s, evaluation_event = %(event)s,
        evaluation_event_timestamp = %(timestamp)s, evaluation_event_storage_id = event.id,
        materialization_event_storage_id = %(materialization_event_storage_id)s
    FROM event WHERE asset_key = %(checked_asset)s AND check_name = %(check_name)s AND run_id = %(run_id)s
        AND partition IS NOT DISTINCT FROM %(checked_partition)s RETURNING 1)
SELECT id, EXISTS (SELECT FROM evaluated) FROM event"""
"""Stores the evaluation of a check, and the verdict where a run planned one; whether it did."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Run, event and schedule storage in one database, over one pool of connections."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        self._event_log_storage = EventLog(postgres_url, should_autocreate_tables=False)
        self.engine = pooled_engine(
            postgres_url, isolation_level="AUTOCOMMIT", pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = self.engine
            # The stock one replaces the engine by one that does not ping.
            storage.optimize_for_webserver = self._limit_statements  # type: ignore[method-assign]
        # A code server makes an instance per tick of a sensor; the stock one leaves the pool to the garbage collector.
        self._run_storage.dispose = self.engine.dispose  # type: ignore[method-assign]

    def _limit_statements(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """What the webserver asks of each storage; the pool stays ours."""
        sa.event.listen(
            self.engine, "connect", lambda connection, _: set_pg_statement_timeout(connection, statement_timeout)
        )
        self.engine.dispose()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Overridden because the inherited one builds the stock class, in silence; the settings know the password."""
        url = pg_url_from_config(cast(PostgresStorageConfig, config_value))
        return cls(
            postgres_url=Settings(dagster_database_url=SecretStr(url)).dagster_url or url,
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
        )


class EventLog(PostgresEventLogStorage):
    """The event log: an event and what follows from it are one transaction, and tables that were seen are there."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True) -> None:
        self._seen: set[str] = set()
        self._open: ContextVar[sa.Connection | None] = ContextVar("transaction", default=None)
        super().__init__(postgres_url, should_autocreate_tables)

    def has_table(self, table_name: str) -> bool:
        """Whether the table is there; asked until it is."""
        if table_name not in self._seen and super().has_table(table_name):
            self._seen.add(table_name)
        return table_name in self._seen

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        column = f"asset_keys.{column_name}"
        if column not in self._seen and super()._has_asset_key_col_on_connection(conn, column_name):
            self._seen.add(column)
        return column in self._seen

    def store_event(self, event: EventLogEntry) -> None:
        """Stores an event, unless it says that a hook had nothing to do; nobody listens to a notification of it.

        One from which nothing follows is not awaited on disk: the next asset, check or status of a run takes it along.
        """
        kind = event.dagster_event_type
        if kind is DagsterEventType.HOOK_SKIPPED:
            return
        if kind not in ASSET_EVENTS and kind not in ASSET_CHECK_EVENTS and self._open.get() is None:
            with self._connect() as connection:
                _inserted(connection, self._event_to_row(event), NOT_AWAITED)
            return
        row = self._event_to_row(event)
        if kind is DagsterEventType.ASSET_CHECK_EVALUATION:
            self._store_evaluation(event, row)
            return
        with self._transaction() as connection:
            self._follow(connection, event, row, _inserted(connection, row))

    def _store_evaluation(self, event: EventLogEntry, row: Mapping[str, Any]) -> None:
        """Stores the evaluation of a check in one statement, unless no run planned it."""
        found = event.get_dagster_event().asset_check_evaluation_data
        status = AssetCheckExecutionRecordStatus.SUCCEEDED if found.passed else AssetCheckExecutionRecordStatus.FAILED
        target = found.target_materialization_data
        verdict = {
            "checked_asset": found.asset_key.to_string(),
            "checked_partition": found.partition,
            "check_name": found.check_name,
            "execution_status": status.value,
            "materialization_event_storage_id": target and target.storage_id,
        }
        statement = EVALUATED.format(insertion=_insertion(SqlEventLogStorageTable, tuple(row)))
        with self._connect() as connection:
            event_id, planned = connection.exec_driver_sql(statement, {**row, **verdict}).one()
        if not planned:
            self.store_asset_check_event(event, event_id)

    def _follow(self, connection: sa.Connection, event: EventLogEntry, row: Mapping[str, Any], event_id: int) -> None:
        """Stores what follows from an event that was stored as a row."""
        kind = event.dagster_event_type
        if kind is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            self._store_plan(connection, event, row["event"], event_id)
        elif kind in ASSET_CHECK_EVENTS:
            self.store_asset_check_event(event, event_id)
        elif kind in ASSET_EVENTS and event.get_dagster_event().asset_key:
            self._store_asset_event_tags(connection, [event], [event_id])
            self._store_asset_event(connection, event, event_id)

    def _get_latest_materialization_records(
        self, raw_asset_rows: Sequence[Mapping[str, Any]]
    ) -> Mapping[AssetKey, EventLogRecord | None]:
        """Without the query for records of old releases and for wiped assets, where there is none of either."""
        records: dict[AssetKey, EventLogRecord | None] = {}
        for row in raw_asset_rows:
            stored = row["last_materialization"]
            record = deserialize_value(stored) if stored and not row["asset_details"] else None
            if not isinstance(record, EventLogRecord):
                return super()._get_latest_materialization_records(raw_asset_rows)
            records[record.event_log_entry.get_dagster_event().asset_key or AssetKey([])] = record
        return records

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores all of the events or none: what a run plans, if DAGSTER_EVENT_BATCH_SIZE says to keep it together."""
        if not events:
            return
        with self._transaction() as connection:
            rows = [self._event_to_row(event) for event in events]
            statement = sa.insert(SqlEventLogStorageTable).returning(
                SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
            )
            for event, row, event_id in zip(events, rows, connection.scalars(statement, rows), strict=True):
                self._follow(connection, event, row, event_id)

    def _store_plan(self, connection: sa.Connection, event: EventLogEntry, text: str, event_id: int) -> None:
        """Stores that a run plans a check."""
        found = event.get_dagster_event().event_specific_data
        assert isinstance(found, AssetCheckEvaluationPlanned)
        if found.partitions_subset is not None:
            self.store_asset_check_event(event, event_id)
            return
        row = {
            "asset_key": found.asset_key.to_string(),
            "check_name": found.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": text,
            "evaluation_event_timestamp": self._event_insert_timestamp(event),  # type: ignore[no-untyped-call]
            "evaluation_event_storage_id": event_id,
        }
        connection.exec_driver_sql(_insertion(AssetCheckExecutionsTable, tuple(row)), row)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        """The open transaction of this context, or a new one, which every connection asked for inside then is."""
        if (current := self._open.get()) is not None:
            yield current
            return
        with self.index_transaction() as connection:
            token = self._open.set(connection)
            try:
                yield connection
            finally:
                self._open.reset(token)

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        if (current := self._open.get()) is not None:
            yield current
            return
        with super()._connect() as connection:
            yield connection


def _inserted(connection: sa.Connection, row: Mapping[str, Any], how: str = "") -> int:
    """Stores an event; its id."""
    statement = f"{how}{_insertion(SqlEventLogStorageTable, tuple(row))} RETURNING id"
    event_id: int = connection.exec_driver_sql(statement, dict(row)).scalar_one()
    return event_id


@cache
def _insertion(table: sa.Table, columns: tuple[str, ...]) -> str:
    """The statement that stores a row, compiled once instead of at every row."""
    dialect = psycopg2.dialect()  # type: ignore[no-untyped-call]
    return str(table.insert().inline().compile(dialect=dialect, column_keys=columns))
