"""structlog over standard logging: every line of ours says run, step and endpoint.

What does not belong here: what is logged, and alerts.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import structlog


def configure() -> None:
    """Routes structlog to standard logging, where Dagster and the command line pick the lines up."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event", "endpoint"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.getLogger("spacex_assets").setLevel(logging.INFO)


@contextmanager
def step_context(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, endpoint: str) -> Iterator[None]:
    """Binds run, step and endpoint to every line that is logged inside."""
    step = context.op_execution_context.op_def.name
    with structlog.contextvars.bound_contextvars(
        run_id=context.op_execution_context.run_id, step=step, endpoint=endpoint
    ):
        yield
