"""What there is to see of the platform: the ledger, Dagster's runs, checks and ticks, the destinations.

What does not belong here: what of it is a problem (``problems.py``).
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import RunFailureReason
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG

from spacex_assets.assets.failures import root_cause
from spacex_assets.assets.steps import endpoint_of_step, planned_endpoints
from spacex_assets.automation.alerts.problems import (
    BrokenRun,
    Facts,
    FailingTicks,
    RefusingDestination,
    Unloaded,
    check_subject,
)
from spacex_assets.automation.jobs import LOADING
from spacex_assets.checks.verdicts import verdicts
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load import ledger
from spacex_assets.load.incidents import DESTINATIONS

RUNS_SEEN = 100
"""How many runs that go on or are to be tried again are looked at."""
UNKNOWN = "no error was recorded"
FAILED_SEEN = 200
"""How many failed runs are looked at, of those since all endpoints were loaded."""
SAYS_NOTHING = "This run has been marked as failed from outside the execution context"
"""How Dagster words that somebody else ended a run."""
TICKS_SEEN = 100
"""How far back the ticks of a sensor or schedule that fails are looked at."""

_RUN_ENDS, _ENGINE_SAYS = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.ENGINE_EVENT
_STEP_BEGINS = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED}
_STEP_ENDS = {
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_SKIPPED,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
}

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

_LOADED_SINCE = sa.text("""\
SELECT e.name, last.finished_at FROM unnest(CAST(:endpoints AS text[])) AS e (name)
CROSS JOIN LATERAL (
    SELECT finished_at FROM ops.loads
    WHERE endpoint = e.name AND outcome = 'loaded' AND run_id <> ALL (:undecided) ORDER BY id DESC LIMIT 1
) last""")

_LOADED_AT = sa.text("""\
SELECT e.name, coalesce(
    (SELECT min(started_at) FROM ops.loads WHERE run_id = last.run_id AND outcome = 'loaded'),
    (SELECT min(started_at) FROM ops.loads WHERE outcome = 'loaded')
) AS loaded_at, last.run_id IS NULL AS never
FROM unnest(CAST(:endpoints AS text[])) AS e (name)
LEFT JOIN LATERAL (
    SELECT run_id FROM ops.loads WHERE endpoint = e.name AND outcome = 'loaded' ORDER BY id DESC LIMIT 1
) last ON true""")
"""All endpoints of a run count from its first load, so that they become stale together; one that was never loaded, from
the first load of all."""


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
    loaded = [row for row in connection.execute(_LOADED_AT, endpoints) if row.loaded_at is not None]
    return Facts(
        at=datetime.now(UTC),
        stale_after=stale_after,
        unloaded=tuple(Unloaded(*row) for row in unloaded),
        loaded_at={row.name: row.loaded_at for row in loaded},
        never_loaded={row.name for row in loaded if row.never},
        broken_runs=tuple(_broken_runs(connection, instance, repository.job_names, undecided)),
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


def left_to_do(connection: sa.Connection, instance: dg.DagsterInstance) -> set[str]:
    """The endpoints that runs which broke did not load or check, and none has since."""
    broken = _broken_runs(connection, instance, (), undecided_runs(instance))
    return set().union(*(run.endpoints for run in broken))


def _broken_runs(
    connection: sa.Connection, instance: dg.DagsterInstance, jobs: Iterable[str], undecided: Collection[str]
) -> Iterator[BrokenRun]:
    """Newest first; a run is over for an endpoint that was loaded since, and without any once its job has succeeded."""
    query = connection.execute(_LOADED_SINCE, {"endpoints": list(ENDPOINTS), "undecided": list(undecided)})
    loaded_at = {str(name): at.astimezone(UTC) for name, at in query}
    for record in _failed_runs(instance, jobs, min(loaded_at.values()) if len(loaded_at) == len(ENDPOINTS) else None):
        run, ended_at = record.dagster_run, _ended_at(record)
        if run.run_id in undecided or (broken := _broken(connection, instance, run)) is None:
            continue
        error, endpoints = broken
        left = [name for name in sorted(endpoints) if name not in loaded_at or loaded_at[name] < ended_at]
        if left or (not endpoints and not _succeeded_since(instance, run.job_name, ended_at)):
            yield BrokenRun(run.job_name, run.run_id, ended_at, error, left)


def _failed_runs(instance: dg.DagsterInstance, jobs: Iterable[str], since: datetime | None) -> list[dg.RunRecord]:
    """The failed runs since all endpoints were loaded, and the last of each job that has to do with none."""
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    found = list(instance.get_run_records(failed, limit=FAILED_SEEN))
    for job in set(jobs) - LOADING:
        of_job = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.FAILURE])
        found += instance.get_run_records(of_job, limit=1)
    return sorted({record.storage_id: record for record in found}.values(), key=_ended_at, reverse=True)


def _broken(connection: sa.Connection, instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[str, set[str]] | None:
    """Why a run failed and which endpoints that concerns, but for those of which the ledger tells; ``None``: of all."""
    loads = ledger.LOADS.c
    outcomes = sa.select(loads.endpoint, loads.outcome).where(loads.run_id == run.run_id).distinct()
    by_endpoint = dict(connection.execute(outcomes).tuples().all())
    told = {name for name, outcome in by_endpoint.items() if outcome in (ledger.FAILED, ledger.BLOCKED)}
    if run.tags.get(RUN_FAILURE_REASON_TAG) != RunFailureReason.STEP_FAILURE.value:
        planned = planned_endpoints(instance, run.run_id) - told
        return _death(instance, run.run_id), planned - by_endpoint.keys() or planned
    steps = _events(instance, run.run_id, dg.DagsterEventType.STEP_FAILURE)
    untold = [event for event in steps if endpoint_of_step(event.step_key or "") not in told]
    if not untold:
        return None
    concerned = {endpoint_of_step(event.step_key or "") for event in untold} & ENDPOINTS.keys()
    return f"{untold[0].step_key}: {_reason(untold[0])}", concerned


def _death(instance: dg.DagsterInstance, run_id: str) -> str:
    """Why a run ended before its steps did, and in which of them."""
    reason, said_before = UNKNOWN, ""
    at: list[str] = []
    for event in _events(instance, run_id, *_STEP_BEGINS, *_STEP_ENDS, _RUN_ENDS, _ENGINE_SAYS):
        step = event.step_key or ""
        if event.event_type in _STEP_BEGINS:
            at.append(step)
        elif event.event_type in _STEP_ENDS:
            at = [one for one in at if one != step]
        elif event.event_type is _ENGINE_SAYS:
            said_before = _reason(event)
        else:
            reason = _reason(event)
            if reason.startswith(SAYS_NOTHING):
                reason = said_before or reason
    return f"{', '.join(at)}: {reason}" if at else reason


def _succeeded_since(instance: dg.DagsterInstance, job: str, moment: datetime) -> bool:
    later = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=moment)
    return bool(instance.get_run_records(later, limit=1))


def _ended_at(record: dg.RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)


def _events(instance: dg.DagsterInstance, run_id: str, *kinds: dg.DagsterEventType) -> Iterator[dg.DagsterEvent]:
    for record in instance.get_records_for_run(run_id, of_type=set(kinds)).records:
        yield record.event_log_entry.get_dagster_event()


def _reason(event: dg.DagsterEvent) -> str:
    error = getattr(event.event_specific_data, "error", None)
    return root_cause(error).message.strip() if error else event.message or UNKNOWN


def _failing(instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, but: str) -> Iterator[FailingTicks]:
    sensors, schedules = repository.sensor_defs, repository.schedule_defs
    names = {*(one.name for one in sensors), *(one.name for one in schedules)} - {but}
    last: dict[str, tuple[bool, list[InstigatorTick]]] = {}
    for state in instance.all_instigator_state():
        if state.name not in names:
            continue
        ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
        ticks = list(instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=ended))
        if ticks and ticks[0].is_failure:
            ticks = list(
                instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=TICKS_SEEN, statuses=ended)
            )
        if ticks:
            seen = state.is_running, ticks
            last[state.name] = max(last.get(state.name, seen), seen, key=lambda one: (one[0], one[1][0].timestamp))
    for name, (running, ticks) in last.items():
        failures = next((index for index, tick in enumerate(ticks) if not tick.is_failure), len(ticks))
        if failures:
            error = ticks[0].error
            yield FailingTicks(
                name=name,
                since=datetime.fromtimestamp(ticks[failures - 1].timestamp, UTC),
                ticks=failures,
                error=root_cause(error).message.strip() if error else UNKNOWN,
                running=running,
            )


def _refusing(connection: sa.Connection) -> Iterator[RefusingDestination]:
    columns = DESTINATIONS.c
    query = sa.select(columns.name, columns.failing_since, columns.failures, columns.last_error)
    for row in connection.execute(query.where(columns.failures > 0).order_by(columns.name)):
        yield RefusingDestination(*row)
