"""structlog over standard logging: every line of ours says run, job, step, asset, endpoint and attempt, if any.

Inside a run Dagster takes the lines (``managed_python_loggers`` in dagster.yaml): they go to its event log and UI, and
to its loggers; outside of runs a handler of ours writes them. Secrets are taken out. What does not belong here: what is
logged, and alerts.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog

from spacex_assets.config import LogFormat, Settings
from spacex_assets.scrub import Scrubber, scrubber

if TYPE_CHECKING:
    import dagster as dg

OURS = "spacex_assets"
FIELDS = "spacex_fields"
"""The attribute of a log record that holds the fields of a line of ours."""
DIRECT = "EPHEMERAL"
"""The id that Dagster gives the run of a step's function which is called directly, as tests do: there is no run."""


def configure(settings: Settings) -> None:
    """Sets up the lines of this process; a later call replaces what an earlier one did."""
    scrub = scrubber(settings)

    def scrubbed(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {name: _scrubbed(value, scrub) for name, value in event.items()}

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            scrubbed,
            _handed_over,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logger = logging.getLogger(OURS)
    logger.setLevel(logging.INFO)
    for handler in [one for one in logger.handlers if isinstance(one, _Handler)]:
        logger.removeHandler(handler)
    logger.addHandler(_Handler(_formatter(settings, scrub)))
    # Whatever else this process logs to its root is Dagster's; our lines would be written twice.
    logger.propagate = False


def writes_json(settings: Settings) -> bool:
    """Whether lines are JSON."""
    wanted = settings.log_format
    return wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not sys.stderr.isatty())


@contextmanager
def step_context(context: "dg.AssetExecutionContext | dg.AssetCheckExecutionContext", endpoint: str) -> Iterator[None]:
    """Binds what every line inside a step says."""
    step = context.op_execution_context
    with structlog.contextvars.bound_contextvars(
        run_id=step.run_id,
        job=None if step.run_id == DIRECT else step.job_name,
        step=step.op_def.name,
        asset=_asset(step, endpoint),
        endpoint=endpoint,
        attempt=retries(context) + 1,
    ):
        yield


def retries(context: "dg.AssetExecutionContext | dg.AssetCheckExecutionContext") -> int:
    """How often the step was repeated already; a function that is called directly is no step, and never was."""
    step = context.op_execution_context
    return 0 if step.run_id == DIRECT else step.retry_number


@contextmanager
def tick_context(**of: str) -> Iterator[None]:
    """Binds the name of what ticks to every line inside a tick: ``sensor=`` or ``schedule=``."""
    with structlog.contextvars.bound_contextvars(**of):
        yield


class _Handler(logging.Handler):
    """Writes to standard error, outside of runs: inside one Dagster's own handler is there and hands the lines on."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:  # as every handler of standard logging: says so on standard error and goes on
            self.handleError(record)

    def filter(self, record: logging.LogRecord) -> bool:
        handlers = logging.getLogger(OURS).handlers
        return not any(type(one).__name__ == "DagsterLogHandler" for one in handlers) and bool(super().filter(record))


class JsonLines(logging.Formatter):
    """A line of ours, or one of Dagster's in a run, as a JSON object; the keys are the same."""

    def __init__(self, scrub: Scrubber) -> None:
        super().__init__()
        self.scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"timestamp": at, "level": record.levelname.lower(), **fields_of(record)}
        fields.setdefault("logger", record.name)
        if record.exc_info:
            fields.setdefault("exception", self.formatException(record.exc_info))
        return json.dumps(
            {name: _scrubbed(value, self.scrub) for name, value in fields.items()}, ensure_ascii=False, default=str
        )


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record says, beside when and how urgent it is."""
    if (fields := getattr(record, FIELDS, None)) is not None:
        return {"event": fields["event"], **fields}
    meta = getattr(record, "dagster_meta", None)
    if meta is None:
        return {"event": record.getMessage()}
    event = meta["dagster_event"]
    found = {
        "event": meta["orig_message"],
        "run_id": meta["run_id"],
        "job": meta["job_name"],
        "step": meta["step_key"],
        "dagster_event": event.event_type_value if event else None,
        "error": _error(event),
    }
    return {name: value for name, value in found.items() if value is not None}


def _formatter(settings: Settings, scrub: Scrubber) -> logging.Formatter:
    if writes_json(settings):
        return JsonLines(scrub)
    return _Readable(colors=sys.stderr.isatty())


class _Readable(logging.Formatter):
    def __init__(self, *, colors: bool) -> None:
        super().__init__()
        self.render = structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="seconds")
        return str(self.render(None, "", {"timestamp": at, "level": record.levelname.lower(), **fields_of(record)}))


def _handed_over(logger: Any, _: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """To standard logging: a text for people and Dagster's UI, which knows run and step by itself, and all fields."""
    bound = structlog.contextvars.get_contextvars()
    own = " ".join(f"{name}={value}" for name, value in event.items() if name != "event" and name not in bound)
    text = f"{event.get('event', '')} {own}".strip()
    return {"msg": text, "extra": {FIELDS: {**event, "logger": logger.name}}}


def _scrubbed(value: Any, scrub: Scrubber) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list | tuple):
        return [_scrubbed(one, scrub) for one in value]
    if isinstance(value, BaseException):
        return scrub(f"{type(value).__name__}: {value}")
    return value


def _asset(step: "dg.OpExecutionContext", endpoint: str) -> str:
    """The asset of the step, the main one if it has several; of a check, the one that it is on."""
    definition = step.assets_def
    keys = {*definition.keys, *(key.asset_key for key in definition.check_keys)}
    return next(key.to_user_string() for key in keys if key.path[-1] == endpoint)


def _error(event: Any) -> str | None:
    data = event.event_specific_data if event else None
    error = getattr(data, "error", None)
    return error.to_string() if error else None
