"""What the warehouse still needs of the lake: the snapshots last loaded, and those with documents in quarantine."""

from collections.abc import Collection

import sqlalchemy as sa

from spacex_assets.load.ledger import LOADED, LOADS
from spacex_assets.load.quarantine import QUARANTINE
from spacex_assets.upkeep.lake import Needed


def needed(connection: sa.Connection, runs: Collection[str]) -> Needed:
    """What stays whatever its age, by the ledger and the quarantine; ``runs`` are in progress.

    The pin of the run that loaded an endpoint last is what the checks on its tables compare with.
    """
    loads, entries = LOADS.c, QUARANTINE.c
    last = (
        sa.select(loads.endpoint, loads.run_id, loads.sha256)
        .where(loads.outcome == LOADED)
        .distinct(loads.endpoint)
        .order_by(loads.endpoint, loads.id.desc())
    )
    loaded = connection.execute(last).tuples().all()
    in_quarantine = sa.select(entries.endpoint, entries.sha256).where(entries.resolved_at.is_(None))
    return Needed(
        bodies=frozenset((endpoint, sha256) for endpoint, _, sha256 in loaded)
        | frozenset(connection.execute(in_quarantine).tuples().all()),
        pins=frozenset((endpoint, run_id) for endpoint, run_id, _ in loaded),
        runs=frozenset(runs),
    )
