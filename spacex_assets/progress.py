"""What a person sees while the graph runs in a terminal: a line per endpoint, on standard error.

A Dagster logger, selected by the run config ``{"loggers": {"progress": {}}}``. What does not belong here: the summary
at the end (``run.py``).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click
import dagster as dg
from dagster import DagsterEvent, DagsterEventType


def _progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger of its own, so that nothing else of the run is printed."""
    logger = logging.Logger("spacex_assets.progress", level=logging.DEBUG)
    logger.addHandler(_ProgressHandler())
    return logger


progress_logger = dg.LoggerDefinition(_progress_logger, description="One line per endpoint, for a terminal.")


class _ProgressHandler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.written: set[str | None] = set()
        """Steps that materialized something: one whose snapshot is superseded loads nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event")
        if isinstance(event, DagsterEvent):
            if event.event_type is DagsterEventType.ASSET_MATERIALIZATION:
                self.written.add(event.step_key)
            line = _line(event) if event.step_key in self.written or event.is_step_failure else None
            if line:
                click.echo(line, err=True)
        elif record.levelno >= logging.WARNING and meta.get("orig_message"):
            click.secho(f"  warning   {meta['orig_message']}", fg="yellow", err=True)


@contextmanager
def warnings_in_lines() -> Iterator[None]:
    """Inside, what Dagster's libraries warn of outside of a run's own log is a line, and said once."""
    handler = _WarningHandler(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


class _WarningHandler(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage().partition("\n")[0]
        if line not in self.said:
            self.said.add(line)
            click.secho(f"  warning   {line}", fg="yellow", err=True)


def _line(event: DagsterEvent) -> str | None:
    step = event.step_key or ""
    if event.event_type is DagsterEventType.STEP_SUCCESS:
        if step.startswith("raw__"):
            return f"  fetched   {step.removeprefix('raw__')}"
        if step.startswith("spacex_"):
            return f"  loaded    {step.removeprefix('spacex_')}"
    if event.event_type is DagsterEventType.STEP_FAILURE:
        return click.style(f"  FAILED    {step}", fg="red")
    return None
