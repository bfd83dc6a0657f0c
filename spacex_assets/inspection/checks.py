"""What Dagster's instance knows of the asset checks: those whose last verdict was not good."""

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg
from pydantic import BaseModel

from spacex_assets.config import Settings
from spacex_assets.definitions import build_defs


class Verdict(BaseModel):
    """An asset check that did not pass when it was last evaluated; ``severity`` is ERROR or WARN."""

    asset: str
    check: str
    severity: str
    description: str | None
    run_id: str
    evaluated_at: datetime


def graph_verdicts(settings: Settings) -> list[Verdict]:
    """The bad verdicts on the checks of the graph, in the instance of DAGSTER_HOME."""
    keys = build_defs(settings).resolve_asset_graph().asset_check_keys
    with dg.DagsterInstance.get() as instance:
        return bad_verdicts(instance, keys)


def bad_verdicts(instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]) -> list[Verdict]:
    """Those of the checks that failed or warned at their last evaluation, errors first, by asset and name."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    bad = []
    for record in records.values():
        event = record.event and record.event.dagster_event
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        evaluation = event.asset_check_evaluation_data
        if not evaluation.passed:
            bad.append(
                Verdict(
                    asset=evaluation.asset_key.to_user_string(),
                    check=evaluation.check_name,
                    severity=evaluation.severity.value,
                    description=evaluation.description,
                    run_id=record.run_id,
                    evaluated_at=datetime.fromtimestamp(record.create_timestamp, UTC),
                )
            )
    return sorted(bad, key=lambda verdict: (verdict.severity, verdict.asset, verdict.check))
