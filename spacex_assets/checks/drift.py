"""In what the source drifts at present, as the last load recorded it; and what a frozen contract does not let pass.

What does not belong here: what counts as drift (``transform/drift.py``).
"""

from collections import Counter

import sqlalchemy as sa

from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.load.drift import open_drift
from spacex_assets.transform.intake import Intake


def drift(connection: sa.Connection, endpoint: str) -> Findings:
    """The differences of the source from the record and from the snapshot loaded before."""
    found = open_drift(connection, endpoint)
    totals = Counter(one.drift.change.value for one in found)
    return Findings(
        tuple(
            Finding(
                one.drift.change.value,
                one.drift.path,
                f"{one.drift.described}; since {one.first_seen_at:%Y-%m-%d %H:%M}, run {one.first_run_id}",
                totals[one.drift.change.value],
            )
            for one in found
        ),
        {"drift": len(found)},
    )


def refused(intake: Intake) -> Findings:
    """Why a frozen contract lets nothing of a snapshot pass."""
    return Findings(() if intake.refusal is None else (Finding("frozen", "", intake.refusal),))
