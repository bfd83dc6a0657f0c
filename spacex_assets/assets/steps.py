"""Which endpoint a step of the graph is about, by the step's key, and which endpoints a run was to do."""

import re

import dagster as dg

from spacex_assets.endpoints.registry import ENDPOINTS

_LAYER = re.compile(r"^(raw__|typed_|guard_|spacex_|check_)")


def endpoint_of_step(step_key: str) -> str:
    """The endpoint; the key itself for a step of none."""
    return _LAYER.sub("", step_key)


def planned_endpoints(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """The endpoints that a run was to load or to check."""
    planned = {dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
    events = [
        record.event_log_entry.get_dagster_event()
        for record in instance.get_records_for_run(run_id, of_type=planned).records
    ]
    keys = [event.asset_key or event.asset_check_planned_data.asset_key for event in events]
    return {key.path[-1] for key in keys} & ENDPOINTS.keys()
