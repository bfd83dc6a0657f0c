"""The job that keeps the platform small, once a day: old runs of Dagster, old files of the lake, old versions of rows.

What goes is decided first, as a plan that a dry run only prints. What does not belong here: which files and versions
may go (``upkeep/``, ``load/forget.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from spacex_assets.automation.runs import RunEvents, delete_run, expendable_runs, unfinished_runs
from spacex_assets.automation.schedules import schedule_status
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.store import Store, open_store
from spacex_assets.load.forget import Versions, expendable_versions, forget
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.retries import retried
from spacex_assets.upkeep.lake import ABANDONED_AFTER, Contracts, LakeFile, expendable, listing
from spacex_assets.upkeep.needed import needed
from spacex_assets.upkeep.tally import Item, tally, told

RUNS, EVENTS = "runs of Dagster", "their events"
DAILY = "17 3 * * *"


@dataclass(frozen=True)
class Plan:
    """All that may go, as of a moment. Versions ended before ``history_before``; ``None``: they stay for ever."""

    runs: tuple[RunEvents, ...]
    files: tuple[LakeFile, ...]
    versions: tuple[Versions, ...]
    history_before: datetime | None

    @property
    def items(self) -> list[Item]:
        """How much of what."""
        return tally(
            [
                *(item for run in self.runs for item in _of_run(run)),
                *(_of_file(file) for file in self.files),
                *(_of_versions(some.table, some.count, some.size) for some in self.versions),
            ]
        )


def plan(instance: dg.DagsterInstance, warehouse: Warehouse, store: Store, settings: Settings, now: datetime) -> Plan:
    """What may go now; ``store`` is the lake's. Changes nothing."""
    keep = settings.keep_history_days
    history_before = None if keep is None else now - timedelta(days=keep)
    files = listing(store)
    in_progress = unfinished_runs(instance)
    with warehouse.engine.connect() as connection:
        stays = needed(connection, in_progress)
        versions = () if history_before is None else tuple(expendable_versions(connection, _LAYOUTS, history_before))
    return Plan(
        runs=tuple(expendable_runs(instance, now - timedelta(days=settings.keep_events_days))),
        files=tuple(
            expendable(
                files,
                stays,
                Contracts.of(ENDPOINTS.values()),
                before=now - timedelta(days=settings.keep_snapshots_days),
                abandoned=now - ABANDONED_AFTER,
            )
        ),
        versions=versions,
        history_before=history_before,
    )


def carry_out(planned: Plan, instance: dg.DagsterInstance, warehouse: Warehouse, store: Store) -> list[Item]:
    """Does what was planned; what really went."""
    return tally(_went(planned, instance, warehouse, store))


def upkeep(
    instance: dg.DagsterInstance, warehouse: Warehouse, store: Store, settings: Settings, *, dry_run: bool
) -> list[str]:
    """Plans and, unless it is a dry run, carries out; a line per kind of thing that goes or went."""
    planned = plan(instance, warehouse, store, settings, datetime.now(UTC))
    items = planned.items if dry_run else carry_out(planned, instance, warehouse, store)
    return list(told(items)) or ["Nothing is old enough to go."]


def upkeep_here(settings: Settings, *, dry_run: bool) -> list[str]:
    """The same with the instance of DAGSTER_HOME and the warehouse of the settings."""
    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    try:
        with dg.DagsterInstance.get() as instance:
            return upkeep(instance, warehouse, open_store(settings), settings, dry_run=dry_run)
    finally:
        warehouse.close()


class UpkeepConfig(dg.Config):
    """The configuration of the job's only step."""

    dry_run: bool = False


def upkeep_job(settings: Settings) -> dg.JobDefinition:
    """The job ``upkeep``; with ``dry_run`` it only says what would go."""

    @dg.op(name="delete_what_is_old", required_resource_keys={"lake", "warehouse"})
    def step(context: dg.OpExecutionContext, config: UpkeepConfig) -> None:
        resources, dry_run = context.resources, config.dry_run
        # Whatever went before a fault is not planned again.
        with retried(context.retry_number):
            lines = upkeep(context.instance, resources.warehouse, resources.lake.store, settings, dry_run=dry_run)
        for line in lines:
            context.log.info(f"{'would go: ' if dry_run else 'went: '}{line}")

    @dg.job(
        name="upkeep",
        description="Deletes what is older than SPACEX_KEEP_EVENTS_DAYS, _SNAPSHOTS_DAYS and _HISTORY_DAYS say.",
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        step()

    return job


def upkeep_schedule(job: dg.JobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """Once a day, at night in UTC, where the platform runs unattended."""
    return dg.ScheduleDefinition(
        name="upkeep_daily", job=job, cron_schedule=DAILY, default_status=schedule_status(settings)
    )


_LAYOUTS = [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]


def _went(planned: Plan, instance: dg.DagsterInstance, warehouse: Warehouse, store: Store) -> Iterator[Item]:
    for run in planned.runs:
        delete_run(instance, run.run_id)
        yield from _of_run(run)
    for file in planned.files:
        if store.remove(file.stored):
            yield _of_file(file)
    for some in planned.versions:
        assert planned.history_before is not None
        count = forget(warehouse.engine, some.table, planned.history_before)
        yield _of_versions(some.table, count, some.size)


def _of_run(run: RunEvents) -> tuple[Item, Item]:
    return Item(RUNS, 1, 0), Item(EVENTS, run.events, run.size)


def _of_file(file: LakeFile) -> Item:
    return Item(file.kind, 1, file.stored.size)


def _of_versions(table: str, count: int, size: int) -> Item:
    return Item(f"versions in history.{table}", count, size)
