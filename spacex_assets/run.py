"""The graph, or a part of it, in one process, with progress and a summary: what `make run` does.

It does not wait in the daemon's queue as other runs do, so it begins only while no other run has its endpoints, nor
another command; once it is in progress, runs of them wait in the queue, as each endpoint is a pool.

What does not belong here: what has to be there before (``local.py``) and the commands that call it (``cli/``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
import dagster as dg
import sqlalchemy as sa
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher.base import WorkerStatus
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy.exc import DBAPIError

from spacex_assets.assets.failures import root_cause
from spacex_assets.assets.steps import endpoint_of_step
from spacex_assets.automation.alone import alone
from spacex_assets.automation.jobs import EVERYTHING, endpoints_of, listed, unfinished_runs
from spacex_assets.config import Executor, LogFormat, Settings
from spacex_assets.databases import embedded, is_embedded
from spacex_assets.definitions import build_defs
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.errors import PlatformError
from spacex_assets.inspection.words import shortened
from spacex_assets.launcher import PROCESS_TAG
from spacex_assets.load import ledger
from spacex_assets.load.errors import is_fault
from spacex_assets.local import MODULE
from spacex_assets.processes import this_process
from spacex_assets.progress import warnings_in_lines

WIDTHS = {"documents": 11, "quarantined": 13, "inserted": 11, "updated": 11, "deleted": 11, "unchanged": 11}
SECONDS = 11

Result = dg.ExecuteInProcessResult | dg.JobExecutionResult


class PostgresLost(PlatformError):
    """The database went away in the middle of a run."""


class EndpointsBusy(PlatformError):
    """Another run has endpoints that this one is to load."""


@dataclass(frozen=True)
class Failure:
    """A step that failed, and why."""

    step: str
    reason: str


def run_everything(settings: Settings) -> list[Failure]:
    """Materializes every asset, prints the summary, returns what failed. Raises :class:`EndpointsBusy`."""
    return _run(settings, ENDPOINTS, None)


def run_from_snapshots(settings: Settings, endpoints: Collection[str]) -> list[Failure]:
    """Types the latest raw snapshots of some endpoints anew and loads them, without fetching; else the same."""
    layouts = [layout for name in endpoints for layout in ENDPOINTS[name].layouts]
    selection = [dg.AssetKey([layer, layout.name]) for layout in layouts for layer in ("typed", SCHEMA)]
    return _run(settings, endpoints, selection)


def _run(settings: Settings, endpoints: Collection[str], selection: list[dg.AssetKey] | None) -> list[Failure]:
    with (
        warnings_in_lines(),
        _unless_lost(settings, "Dagster's storage", settings.dagster_url or ""),
        dg.DagsterInstance.get() as instance,
        _held(settings, instance, endpoints),
    ):
        result = _executed(settings, instance, selection)
    failed = list(failures(result))
    try:
        with _unless_lost(settings, "The warehouse", settings.warehouse_url):
            click.echo(summary(settings, result, endpoints))
    except PostgresLost as error:
        failed.append(Failure("the summary", str(error)))
    for line in warnings(result):
        click.secho(line, fg="yellow")
    return failed


@contextmanager
def _held(settings: Settings, instance: dg.DagsterInstance, endpoints: Collection[str]) -> Iterator[None]:
    """Keeps other commands from these endpoints. Raises :class:`EndpointsBusy` if they, or a run, have some."""
    engine = sa.create_engine(settings.dagster_url or "", poolclass=sa.NullPool)
    with alone(engine, *(f"run {name}" for name in endpoints)) as allowed:
        _require_idle(instance, endpoints)
        if not allowed:
            raise EndpointsBusy(
                "Expected no other command that runs these endpoints, as two of one never overlap; another is about to "
                "begin its run, or to end.\nNothing was done. Next: wait until it has ended, then run again."
            )
        yield


def _require_idle(instance: dg.DagsterInstance, endpoints: Collection[str]) -> None:
    """Raises :class:`EndpointsBusy` for a run that has some of these, unless its process is gone."""
    busy = [
        f"  {run.run_id} {run.job_name}, {run.status.value}: {listed(held)}"
        for run in unfinished_runs(instance)
        if (held := endpoints_of(run).intersection(endpoints)) and not _is_dead(instance, run)
    ]
    if busy:
        raise EndpointsBusy(
            "Expected no other run of these endpoints, as two of one never overlap; queued or in progress:\n"
            + "\n".join(busy)
            + "\nNothing was done. Next: wait until `make status` shows 0 unfinished runs, or end it under Runs "
            "in `make ui`, whose daemon also takes what is queued."
        )


def _is_dead(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    launcher = instance.run_launcher
    return (
        launcher.supports_check_run_worker_health
        and launcher.check_run_worker_health(run).status is WorkerStatus.FAILED
    )


@contextmanager
def _unless_lost(settings: Settings, what: str, url: str) -> Iterator[None]:
    """Raises :class:`PostgresLost` for what follows from a lost connection; a step's own is a failure of that step."""
    try:
        yield
    except Exception as error:
        fault = _fault(error)
        if fault is None:
            raise
        said = str(fault.orig).splitlines()[0]
        log, start = "the log of its server", "Start it"
        if is_embedded(settings):
            log, start = str(embedded(settings).log), "`make run` starts it again"
        raise PostgresLost(
            f"{what} {sa.make_url(url).render_as_string()} went away during the run: {said}\n"
            f"An endpoint is loaded where a line above says so; of each other the tables are all old or all new. Why "
            f"it went away is in {log}.\nNext: {start}; the next run loads what is left."
        ) from error


def _fault(error: BaseException | None) -> DBAPIError | None:
    """The lost connection from which an error follows, if it follows from one."""
    while error is not None and not (isinstance(error, DBAPIError) and is_fault(error)):
        error = error.__cause__ or error.__context__
    return error


def _executed(settings: Settings, instance: dg.DagsterInstance, selection: list[dg.AssetKey] | None) -> Result:
    """The run, by the executor of the settings; other processes find the same settings in their environment."""
    run_config: dict[str, object] = {} if settings.log_format is LogFormat.JSON else {"loggers": {"progress": {}}}
    job = build_defs(settings).resolve_job_def(EVERYTHING)
    tags = {PROCESS_TAG: this_process()}
    if settings.executor is not Executor.IN_PROCESS:
        found_again = ReconstructableRepository.for_module(MODULE, "defs").get_reconstructable_job(job.name)
        return dg.execute_job(found_again, instance, asset_selection=selection, run_config=run_config, tags=tags)
    return job.execute_in_process(
        instance=instance, asset_selection=selection, raise_on_error=False, run_config=run_config, tags=tags
    )


def failures(result: Result) -> Iterator[Failure]:
    """Every failed step, or the run that failed before any, with the message of the error that our code raised."""
    for event in result.all_events:
        if event.is_step_failure:
            yield _failure(event.step_key or "", event.step_failure_data.error)
        elif event.event_type is dg.DagsterEventType.RUN_FAILURE and not result.get_step_failure_events():
            yield _failure("the run", event.job_failure_data.error)


def _failure(step: str, error: SerializableErrorInfo | None) -> Failure:
    if error is None:
        return Failure(step, "no error was recorded")
    ours = root_cause(error)
    interrupted = ours.cls_name in ("DagsterExecutionInterruptedError", "KeyboardInterrupt")
    return Failure(step, "interrupted" if interrupted else ours.message.strip())


def warnings(result: Result) -> Iterator[str]:
    """A line per check that did not pass and withheld nothing."""
    for one in result.get_asset_check_evaluations():
        if not one.passed and not one.blocking:
            yield f"{one.severity.value:<6}{one.asset_key.to_user_string()} {one.check_name}: {one.description}"


def summary(settings: Settings, result: Result, endpoints: Collection[str] = tuple(ENDPOINTS)) -> str:
    """A line per endpoint: documents read, rows by what happened to them, seconds of all its steps."""
    seconds: dict[str, float] = defaultdict(float)
    for event in result.all_events:
        if event.is_step_success or event.is_step_failure:
            name = endpoint_of_step(event.step_key or "")
            if event.is_step_success:
                seconds[name] += event.step_success_data.duration_ms / 1000
    engine = sa.create_engine(settings.warehouse_url)
    try:
        with engine.connect() as connection:
            loads, retained = _loads(connection, result.run_id), _retained(connection)
    finally:
        engine.dispose()
    header = "".join(f"{name:>{width}}" for name, width in WIDTHS.items())
    lines = [f"{'endpoint':<12}{header}{'seconds':>{SECONDS}}"]
    totals = [0] * len(WIDTHS)
    for name in endpoints:
        counts = loads.get(name)
        totals = [total + count for total, count in zip(totals, counts or [0] * len(WIDTHS), strict=True)]
        lines.append(_line(name, counts, seconds[name]))
    lines.append(_line("total", totals, sum(seconds.values())))
    if retained:
        lines.append("\nRetained as last loaded; why: python -m spacex_assets quarantine")
        lines += [f"  {name}: {shortened(documents)}" for name, documents in retained.items()]
    return "\n".join(lines)


def _line(name: str, counts: Sequence[int] | None, seconds: float) -> str:
    cells = (f"{count:,}" for count in counts) if counts else ("-" for _ in WIDTHS)
    row = "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS.values(), strict=True))
    return f"{name:<12}{row}{seconds:>{SECONDS}.2f}"


def _loads(connection: sa.Connection, run_id: str) -> dict[str, list[int]]:
    loads = ledger.LOADS.c
    query = (
        sa.select(
            loads.endpoint,
            sa.func.max(loads.documents),
            sa.func.max(loads.documents_quarantined),
            *(sa.func.sum(loads[f"rows_{what}"]) for what in ("inserted", "updated", "deleted", "unchanged")),
        )
        .where(loads.run_id == run_id, loads.outcome == ledger.LOADED)
        .group_by(loads.endpoint)
    )
    return {name: [int(count) for count in counts] for name, *counts in connection.execute(query)}


def _retained(connection: sa.Connection) -> dict[str, list[str]]:
    query = sa.text(
        "SELECT endpoint, array_agg(document_id ORDER BY document_id) FROM ops.retained GROUP BY endpoint ORDER BY 1"
    )
    return dict(connection.execute(query).tuples().all())
