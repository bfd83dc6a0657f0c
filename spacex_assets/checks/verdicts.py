"""What Dagster's instance knows of the asset checks: their last verdicts that were not good, and where one is missing.

A run that was killed, a step that crashed and a step that was skipped plan checks and give no verdict; the last real
one stays until the next. What does not belong here: what is done about it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES as JUDGED,
)
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
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


class Unjudged(BaseModel):
    """An asset check to which the last run that planned it gave no verdict: it crashed, was skipped or is to come.

    ``run_id`` is null if no run ever planned it. ``passed`` is the last verdict before, of ``evaluated_at``.
    """

    asset: str
    check: str
    run_id: str | None
    passed: bool | None
    evaluated_at: datetime | None


@dataclass(frozen=True)
class Verdicts:
    """Of a number of checks the last verdicts that were not good, errors first, and those without a present one.

    ``judged``: how many have one.
    """

    bad: tuple[Verdict, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    judged: int = 0


def verdicts(instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]) -> Verdicts:
    """How these checks stand."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    bad, unjudged = [], []
    for key in keys:
        planned = records.get(key)
        judged = _last_judged(instance, key) if planned is not None and planned.status not in JUDGED else planned
        evaluation = judged.evaluation if judged is not None else None
        at = datetime.fromtimestamp(judged.create_timestamp, UTC) if judged is not None else None
        if planned is None or planned is not judged:
            unjudged.append(
                Unjudged(
                    asset=key.asset_key.to_user_string(),
                    check=key.name,
                    run_id=planned.run_id if planned is not None else None,
                    passed=evaluation.passed if evaluation is not None else None,
                    evaluated_at=at,
                )
            )
        if judged is not None and at is not None and evaluation is not None and not evaluation.passed:
            bad.append(
                Verdict(
                    asset=key.asset_key.to_user_string(),
                    check=key.name,
                    severity=evaluation.severity.value,
                    description=evaluation.description,
                    run_id=judged.run_id,
                    evaluated_at=at,
                )
            )
    return Verdicts(
        tuple(sorted(bad, key=lambda one: (one.severity, one.asset, one.check))),
        tuple(sorted(unjudged, key=lambda one: (one.run_id or "", one.asset, one.check))),
        len(keys) - len(unjudged),
    )


def _last_judged(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> AssetCheckExecutionRecord | None:
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=1, status=JUDGED)
    return history[0] if history else None
