"""Makes the lines that Dagster itself writes in a run JSON, where ours are.

A run writes with the loggers that its config names, else with Dagster's default, which is coloured text and which no
setting changes (``Definitions(loggers=...)`` does not: dagster-io/dagster#23984). A person who launches a run in the UI
names none, so the default itself is replaced. A test reads the lines of such a run.
"""

import logging
import sys
from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.execution import context_creation_job

from spacex_assets.config import Settings
from spacex_assets.logs import JsonLines
from spacex_assets.scrub import scrubber


def use(settings: Settings) -> None:
    """From now on runs in this process write JSON unless their config names a logger."""
    formatter = JsonLines(scrubber(settings))

    def json_lines(_: dg.InitLoggerContext) -> logging.Logger:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(formatter)
        logger = logging.Logger("dagster", level=logging.DEBUG)
        logger.addHandler(handler)
        return logger

    definition = dg.LoggerDefinition(json_lines, description="Every event and line of a run as a JSON object.")

    def loggers(_: dg.DagsterInstance | None) -> Sequence[tuple[dg.LoggerDefinition, Mapping[str, object]]]:
        return [(definition, {})]

    vars(context_creation_job)["default_system_loggers"] = loggers
