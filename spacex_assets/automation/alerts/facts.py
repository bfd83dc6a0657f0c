"""What there is to see of the platform: the ledger, Dagster's runs, checks and ticks, the destinations.

What does not belong here: what of it is a problem (``problems.py``).
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunRecord
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from spacex_assets.assets.failures import root_cause
from spacex_assets.assets.steps import endpoint_of_step
from spacex_assets.automation.alerts.problems import (
    Facts,
    FailingTicks,
    LastRun,
    RefusingDestination,
    Unloaded,
    check_subject,
)
from spacex_assets.checks.verdicts import verdicts
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load import ledger
from spacex_assets.load.incidents import DESTINATIONS

RUNS_SEEN = 100
"""How many runs that go on or are to be tried again are looked at."""
UNKNOWN = "no error was recorded"
TICKS_SEEN = 100
"""How far back the ticks of a sensor or schedule that fails are looked at."""

_UNLOADED = sa.text("""\
SELECT loads.endpoint, min(loads.finished_at), count(DISTINCT loads.run_id),
    (array_agg(loads.run_id ORDER BY loads.id DESC))[1],
    (array_agg(loads.outcome || ': ' || coalesce(loads.error, '') ORDER BY loads.id DESC))[1]
FROM unnest(CAST(:endpoints AS text[])) AS e (name)
CROSS JOIN LATERAL (
    SELECT coalesce(max(id), 0) AS id FROM (
        SELECT id FROM ops.loads
        WHERE endpoint = e.name AND outcome = 'loaded' AND run_id <> ALL (:undecided) ORDER BY id DESC LIMIT 1
    ) last
) good
JOIN ops.loads ON loads.endpoint = e.name AND loads.id > good.id
WHERE loads.outcome IN ('failed', 'blocked') AND loads.run_id <> ALL (:undecided)
GROUP BY loads.endpoint ORDER BY min(loads.id)""")

_LOADED_AT = sa.text("""\
SELECT e.name, (SELECT min(started_at) FROM ops.loads WHERE run_id = last.run_id AND outcome = 'loaded')
FROM unnest(CAST(:endpoints AS text[])) AS e (name)
CROSS JOIN LATERAL (
    SELECT run_id FROM ops.loads WHERE endpoint = e.name AND outcome = 'loaded' ORDER BY id DESC LIMIT 1
) last""")
"""All endpoints of a run count from its first load, so that they become stale together."""


def facts(
    connection: sa.Connection,
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    stale_after: timedelta,
    *,
    but: str,
) -> Facts:
    """All of it, now; ``but``: the sensor that looks, which cannot tell of its own failure."""
    undecided = undecided_runs(instance)
    checks = verdicts(instance, repository.asset_graph.asset_check_keys)
    endpoints = {"endpoints": list(ENDPOINTS)}
    unloaded = connection.execute(_UNLOADED, {**endpoints, "undecided": list(undecided)})
    return Facts(
        at=datetime.now(UTC),
        stale_after=stale_after,
        unloaded=tuple(Unloaded(*row) for row in unloaded),
        loaded_at=dict(connection.execute(_LOADED_AT, endpoints).tuples().all()),
        last_runs=tuple(_last_runs(connection, instance, repository.job_names, undecided)),
        verdicts=checks.bad,
        unjudged={check_subject(one.asset, one.check) for one in checks.unjudged},
        undecided_runs=undecided,
        failing=tuple(_failing(instance, repository, but)),
        refusing=tuple(_refusing(connection)),
    )


def undecided_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs that have not ended, and the failed ones that Dagster tries again."""
    going_on = instance.get_run_records(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES), limit=RUNS_SEEN)
    undecided = {record.dagster_run.run_id for record in going_on}
    retried = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "true"})
    for record in instance.get_run_records(retried, limit=RUNS_SEEN):  # newest first, so a retry before what it retries
        run = record.dagster_run
        if run.is_complete_and_waiting_to_retry or run.tags.get(AUTO_RETRY_RUN_ID_TAG) in undecided:
            undecided.add(run.run_id)
    return undecided


def _last_runs(
    connection: sa.Connection, instance: dg.DagsterInstance, jobs: Iterable[str], undecided: Collection[str]
) -> Iterator[LastRun]:
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]
    for job in jobs:
        records = instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=ended), limit=RUNS_SEEN, order_by="update_timestamp"
        )
        for record in records:
            if record.dagster_run.run_id not in undecided:
                yield _last_run(connection, instance, record)
                break


def _last_run(connection: sa.Connection, instance: dg.DagsterInstance, record: RunRecord) -> LastRun:
    run = record.dagster_run
    loads = ledger.LOADS.c
    outcomes = sa.select(loads.endpoint, loads.outcome).where(loads.run_id == run.run_id).distinct()
    by_endpoint = connection.execute(outcomes).tuples().all()
    told = {endpoint for endpoint, outcome in by_endpoint if outcome in (ledger.FAILED, ledger.BLOCKED)}
    return LastRun(
        job=run.job_name,
        run_id=run.run_id,
        ended_at=datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC),
        error=None if run.is_success else _untold(instance, run.run_id, told),
        succeeded=run.is_success,
        loads=any(outcome == ledger.LOADED for _, outcome in by_endpoint),
    )


def _untold(instance: dg.DagsterInstance, run_id: str, told: Collection[str]) -> str | None:
    """Why a run failed, but for the steps of the endpoints of which the ledger tells; ``None``: it tells all."""
    steps = list(_events(instance, run_id, dg.DagsterEventType.STEP_FAILURE))
    untold = [event for event in steps if endpoint_of_step(event.step_key or "") not in told]
    if untold:
        return f"{untold[0].step_key}: {_reason(untold[0])}"
    ends = list(_events(instance, run_id, dg.DagsterEventType.RUN_FAILURE))
    return None if steps else _reason(ends[-1]) if ends else UNKNOWN


def _events(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> Iterator[dg.DagsterEvent]:
    for record in instance.get_records_for_run(run_id, of_type=kind).records:
        yield record.event_log_entry.get_dagster_event()


def _reason(event: dg.DagsterEvent) -> str:
    error = getattr(event.event_specific_data, "error", None)
    return root_cause(error).message.strip() if error else event.message or UNKNOWN


def _failing(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, but: str) -> Iterator[FailingTicks]:
    sensors, schedules = repository.sensor_defs, repository.schedule_defs
    names = {*(one.name for one in sensors), *(one.name for one in schedules)} - {but}
    last: dict[str, list[InstigatorTick]] = {}
    for state in instance.all_instigator_state():
        if state.name not in names or not state.is_running:
            continue
        ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
        ticks = list(instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended))
        if ticks and ticks[0].is_failure:
            ticks = list(
                instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=TICKS_SEEN, statuses=ended)
            )
        if ticks and (state.name not in last or ticks[0].timestamp > last[state.name][0].timestamp):
            last[state.name] = ticks
    for name, ticks in last.items():
        failures = next((index for index, tick in enumerate(ticks) if not tick.is_failure), len(ticks))
        if failures:
            error = ticks[0].error
            yield FailingTicks(
                name=name,
                since=datetime.fromtimestamp(ticks[failures - 1].timestamp, UTC),
                ticks=failures,
                error=root_cause(error).message.strip() if error else UNKNOWN,
            )


def _refusing(connection: sa.Connection) -> Iterator[RefusingDestination]:
    columns = DESTINATIONS.c
    query = sa.select(columns.name, columns.failing_since, columns.failures, columns.last_error)
    for row in connection.execute(query.where(columns.failures > 0).order_by(columns.name)):
        yield RefusingDestination(*row)
