"""How the graph stands, in the instance of DAGSTER_HOME: the verdicts on its checks, the runs that broke off.

A killed process leaves its run as if it went on, and of the endpoints that it did not come to no word in the ledger.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from pydantic import BaseModel

from spacex_assets.assets.steps import planned_endpoints
from spacex_assets.checks.verdicts import Verdicts, verdicts
from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.launcher import PROCESS_TAG
from spacex_assets.processes import lives

RUNS_SEEN = 25
"""How many of the last runs that have not ended, and of those that broke off, are looked at."""
BROKEN_OFF = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class OpenRun(BaseModel):
    """A run that has not ended, or that ended before it came to all its endpoints.

    ``alive``: whether its process lives; null if nobody here can tell. ``unloaded``: the endpoints that it was to load
    and of which the ledger has heard nothing since it began, not even a failure.
    """

    run_id: str
    job: str
    status: str
    created_at: datetime
    alive: bool | None
    unloaded: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether Dagster takes it for over."""
        return self.status in {status.value for status in BROKEN_OFF}


@dataclass(frozen=True)
class Graph:
    """What Dagster knows."""

    verdicts: Verdicts
    runs: tuple[OpenRun, ...]


def graph(settings: Settings, heard_at: Mapping[str, datetime]) -> Graph:
    """How the graph stands; ``heard_at`` is when the last load of an endpoint began."""
    keys = build_defs(settings).resolve_asset_graph().asset_check_keys
    with dg.DagsterInstance.get() as instance:
        return Graph(verdicts(instance, keys), tuple(open_runs(instance, heard_at)))


def open_runs(instance: dg.DagsterInstance, heard_at: Mapping[str, datetime]) -> Iterator[OpenRun]:
    """The runs that have not ended, then those that broke off, each newest first."""
    for statuses in (NOT_FINISHED_STATUSES, BROKEN_OFF):
        for record in instance.get_run_records(dg.RunsFilter(statuses=list(statuses)), limit=RUNS_SEEN):
            unheard = [name for name in ENDPOINTS if name not in heard_at or heard_at[name] < record.create_timestamp]
            planned = planned_endpoints(instance, record.dagster_run.run_id) if unheard else set()
            one = _open_run(record, [name for name in unheard if name in planned])
            if one.unloaded or not one.ended:
                yield one


def _open_run(record: dg.RunRecord, unloaded: Iterable[str]) -> OpenRun:
    run = record.dagster_run
    return OpenRun(
        run_id=run.run_id,
        job=run.job_name,
        status=run.status.value,
        created_at=record.create_timestamp,
        alive=lives(run.tags[PROCESS_TAG]) if PROCESS_TAG in run.tags else None,
        unloaded=tuple(unloaded),
    )
