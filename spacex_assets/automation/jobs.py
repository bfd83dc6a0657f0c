"""The jobs: everything, everything compared by value, and each endpoint with all that follows from it."""

from collections.abc import Collection, Iterable
from typing import Any

import dagster as dg
from dagster._core.storage.tags import WILL_RETRY_TAG

from spacex_assets.assets.tables import FULL_COMPARE_TAG
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import SCHEMA

EVERYTHING, FULL_COMPARE = "everything", "full_compare"
LOADING = {EVERYTHING, FULL_COMPARE, *ENDPOINTS}
"""The jobs of which every run has to do with endpoints."""
ANEW = {"dagster/retry_strategy": "ALL_STEPS"}
"""A run that is begun anew because its process died fetches again: a newer snapshot has no frames yet."""
FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


def refresh_jobs() -> list[Any]:
    """Every job; those of single endpoints have the endpoints' names."""
    return [
        dg.define_asset_job(
            EVERYTHING, dg.AssetSelection.all(), description="Every endpoint, from the source to the checks.", tags=ANEW
        ),
        dg.define_asset_job(
            FULL_COMPARE,
            dg.AssetSelection.all(),
            description="The same, with every row and every leaf compared by value: no row hash is trusted.",
            tags={**ANEW, FULL_COMPARE_TAG: "true"},
        ),
        *(
            dg.define_asset_job(
                name,
                dg.AssetSelection.assets(["raw", name]).downstream(),
                description=f"{endpoint.path} and all that follows from it: raw, typed, guard, tables, checks.",
                tags=ANEW,
            )
            for name, endpoint in ENDPOINTS.items()
        ),
    ]


def run_request(endpoints: Iterable[str], **options: Any) -> dg.RunRequest:
    """The request of a run of :data:`EVERYTHING` for some endpoints; their checks come along."""
    keys = []
    for name in endpoints:
        keys.append(dg.AssetKey(["raw", name]))
        layouts = ENDPOINTS[name].layouts
        keys += [dg.AssetKey([room, layout.name]) for room in ("typed", SCHEMA) for layout in layouts]
    return dg.RunRequest(asset_selection=keys, **options)


def unfinished_runs(instance: dg.DagsterInstance, job: str | None = None) -> list[dg.DagsterRun]:
    """The runs, of a job or any, that are queued or in progress."""
    statuses = [status for status in dg.DagsterRunStatus if status not in FINISHED]
    return list(instance.get_runs(dg.RunsFilter(job_name=job, statuses=statuses)))


def busy_endpoints(instance: dg.DagsterInstance) -> set[str]:
    """The endpoints that a run has steps of which is queued, in progress, or about to be begun anew."""
    died = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags={WILL_RETRY_TAG: "true"}))
    anew = (run for run in died if run.is_complete_and_waiting_to_retry)
    return set().union(*map(endpoints_of, (*unfinished_runs(instance), *anew)))


def endpoints_of(run: dg.DagsterRun) -> set[str]:
    """The endpoints that a run has steps of: each endpoint is a pool."""
    pools = run.run_op_concurrency.all_pools if run.run_op_concurrency else None
    return set(pools or ()) & ENDPOINTS.keys()


def listed(names: Collection[str]) -> str:
    """Names as a text."""
    return ", ".join(sorted(names))
