"""Which of Dagster's runs may go, with their events, and how they go. What does not belong here: when.

The UI shows an asset's and a check's last verdict by the run that made it, so that run stays, however old.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._core.storage.dagster_run import FINISHED_STATUSES, NOT_FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

AT_ONCE = 500


@dataclass(frozen=True)
class RunEvents:
    """A run that ended, how many events it has, and their bytes."""

    run_id: str
    events: int
    size: int


def expendable_runs(instance: dg.DagsterInstance, before: datetime) -> list[RunEvents]:
    """The finished runs last touched ``before``, but for those that the UI needs; oldest first."""
    records = instance.get_run_records(
        dg.RunsFilter(statuses=FINISHED_STATUSES, updated_before=before), order_by="id", ascending=True
    )
    kept = telling_runs(instance)
    runs = [record.dagster_run.run_id for record in records if record.dagster_run.run_id not in kept]
    found = dict(_events(instance, runs))
    return [RunEvents(run_id, *found.get(run_id, (0, 0))) for run_id in runs]


def telling_runs(instance: dg.DagsterInstance) -> set[str]:
    """The last run of each asset, the one that last materialized it, and the same of each check."""
    runs = set()
    for record in instance.get_asset_records():
        entry = record.asset_entry
        materialization = entry.last_materialization_record
        runs |= {entry.last_run_id, materialization.run_id if materialization else None}
    checks = AssetCheckExecutionsTable.c
    completed = [status.value for status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES]
    with _events_of(instance).index_connection() as connection:
        for those in (sa.true(), checks.execution_status.in_(completed)):
            last = sa.select(sa.func.max(checks.id)).where(those).group_by(checks.asset_key, checks.check_name)
            runs |= set(connection.scalars(sa.select(checks.run_id).where(checks.id.in_(last))))
    return {run_id for run_id in runs if run_id}


def unfinished_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs that wait or are in progress."""
    records = instance.get_run_records(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return {record.dagster_run.run_id for record in records}


def delete_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Deletes a run with all that it left; the run last, so that what is interrupted is found again.

    Dagster itself would first delete the run, and leave the executions of its checks.
    """
    events = _events_of(instance)
    with events.index_connection() as connection:
        connection.execute(sa.delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id == run_id))
    events.delete_events(run_id)
    instance.delete_run(run_id)


def _events(instance: dg.DagsterInstance, runs: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    logs = SqlEventLogStorageTable.c
    with _events_of(instance).index_connection() as connection:
        for some in _batches(runs):
            query = (
                sa.select(logs.run_id, sa.func.count(), sa.func.sum(sa.func.octet_length(logs.event)))
                .where(logs.run_id.in_(some))
                .group_by(logs.run_id)
            )
            for run_id, events, size in connection.execute(query):
                yield run_id, (events, int(size))


def _batches(runs: Sequence[str]) -> Iterator[Collection[str]]:
    return (runs[start : start + AT_ONCE] for start in range(0, len(runs), AT_ONCE))


def _events_of(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    return storage
