"""What Dagster's instance knows of the asset checks: those whose last verdict was not good."""

from collections.abc import Collection
from datetime import UTC, datetime

import dagster as dg
from pydantic import BaseModel


class Verdict(BaseModel):
    """An asset check that did not pass when it was last evaluated; ``severity`` is ERROR or WARN."""

    asset: str
    check: str
    severity: str
    description: str | None
    run_id: str
    evaluated_at: datetime

    @property
    def endpoint(self) -> str:
        """The endpoint: our checks are on the asset of its main table."""
        return self.asset.rpartition("/")[2]


def bad_verdicts(instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]) -> list[Verdict]:
    """Those of the checks that failed or warned at their last evaluation, errors first, by asset and name."""
    return verdicts(instance, keys)[0]


def verdicts(
    instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]
) -> tuple[list[Verdict], set[dg.AssetCheckKey]]:
    """The same, and the checks without a verdict in the last run that planned them: skipped, crashed or to come."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    bad, without = [], set()
    for key, record in records.items():
        event = record.event and record.event.dagster_event
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            without.add(key)
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
    return sorted(bad, key=lambda verdict: (verdict.severity, verdict.asset, verdict.check)), without
