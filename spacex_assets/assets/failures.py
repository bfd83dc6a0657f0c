"""What a step that failed leaves in the ledger: the tables that it kept from being loaded, and why."""

from datetime import UTC, datetime

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.load.ledger import record_unloaded

_WRAPPERS = ("Dagster", "RetryRequested", "SensorExecutionError", "ScheduleExecutionError")
"""How the errors begin that Dagster wraps around ours."""


def ledger_hook(endpoint: Endpoint) -> dg.HookDefinition:
    """The hook that every step of an endpoint has; a step that is to be repeated has not failed.

    A load that failed by itself has written more already.
    """

    @dg.failure_hook(name=f"ledger_{endpoint.name}", required_resource_keys={"source", "lake", "warehouse"})
    def record_failure(context: dg.HookContext) -> None:
        snapshot = context.resources.lake.raw.pinned(endpoint.name, context.run_id)
        (stats,) = context.instance.get_run_step_stats(context.run_id, [context.step_key])
        now = datetime.now(UTC)
        started_at = datetime.fromtimestamp(stats.start_time, UTC) if stats.start_time else now
        record_unloaded(
            context.resources.warehouse.engine,
            endpoint.layouts,
            run_id=context.run_id,
            endpoint=endpoint.name,
            source=snapshot.source if snapshot else context.resources.source.identity,
            sha256=snapshot.sha256 if snapshot else None,
            fetched_at=snapshot.fetched_at if snapshot else started_at,
            documents=snapshot.documents if snapshot else 0,
            started_at=started_at,
            error=_told(context.op_exception),
        )

    return record_failure


def root_cause(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """The error that our code raised, below those in which Dagster wraps it."""
    while error.cause is not None and (error.cls_name or "").startswith(_WRAPPERS):
        error = error.cause
    return error


def _told(error: BaseException | None) -> str:
    while isinstance(error, (dg.DagsterError, dg.RetryRequested)) and error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}" if error else "no error was recorded"
