"""The whole graph in one process, with progress and a summary: what `make run` does.

What does not belong here: what has to be there before (``local.py``) and the words of the command line (``cli.py``).
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import click
import dagster as dg
import sqlalchemy as sa
from dagster_shared.error import SerializableErrorInfo

from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load import ledger

COLUMNS = ("documents", "inserted", "updated", "deleted", "unchanged", "seconds")


@dataclass(frozen=True)
class Failure:
    """A step that failed, and why."""

    step: str
    reason: str


def run_everything(settings: Settings) -> list[Failure]:
    """Materializes every asset, prints the summary, returns what failed."""
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, run_config={"loggers": {"progress": {}}}
        )
    click.echo(summary(settings, result))
    return list(failures(result))


def failures(result: dg.ExecuteInProcessResult) -> Iterator[Failure]:
    """Every failed step, or the run that failed before any, with the message of the error that our code raised."""
    for event in result.all_events:
        if event.is_step_failure:
            yield _failure(event.step_key or "", event.step_failure_data.error)
        elif event.event_type is dg.DagsterEventType.RUN_FAILURE and not result.get_step_failure_events():
            yield _failure("the run", event.job_failure_data.error)


def _failure(step: str, error: SerializableErrorInfo | None) -> Failure:
    return Failure(step, _ours(error).message.strip() if error else "no error was recorded")


def _ours(error: SerializableErrorInfo) -> SerializableErrorInfo:
    while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return error


def summary(settings: Settings, result: dg.ExecuteInProcessResult) -> str:
    """A line per endpoint: documents read, rows by what happened to them, seconds of all its steps."""
    seconds: dict[str, float] = defaultdict(float)
    for event in result.all_events:
        if event.is_step_success or event.is_step_failure:
            name = (event.step_key or "").removeprefix("raw__").removeprefix("typed_").removeprefix("spacex_")
            if event.is_step_success:
                seconds[name] += event.step_success_data.duration_ms / 1000
    loads = _loads(settings, result.run_id)
    lines = [f"{'endpoint':<12}" + "".join(f"{column:>11}" for column in COLUMNS)]
    totals = [0] * 5
    for name in ENDPOINTS:
        counts = loads.get(name)
        cells = [f"{count:>11,}" for count in counts] if counts else [f"{'-':>11}"] * 5
        totals = [total + count for total, count in zip(totals, counts or [0] * 5, strict=True)]
        lines.append(f"{name:<12}" + "".join(cells) + f"{seconds[name]:>11.2f}")
    lines.append(f"{'total':<12}" + "".join(f"{total:>11,}" for total in totals) + f"{sum(seconds.values()):>11.2f}")
    return "\n".join(lines)


def _loads(settings: Settings, run_id: str) -> dict[str, list[int]]:
    loads = ledger.LOADS.c
    query = (
        sa.select(
            loads.endpoint,
            sa.func.max(loads.documents),
            *(sa.func.sum(loads[f"rows_{what}"]) for what in ("inserted", "updated", "deleted", "unchanged")),
        )
        .where(loads.run_id == run_id, loads.outcome == ledger.LOADED)
        .group_by(loads.endpoint)
    )
    engine = sa.create_engine(settings.warehouse_url)
    try:
        with engine.connect() as connection:
            return {name: [int(count) for count in counts] for name, *counts in connection.execute(query)}
    finally:
        engine.dispose()
