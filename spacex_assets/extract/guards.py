"""What a complete body is still asked before it is believed: is it of this world, and has it not shrunk?"""

import json

from spacex_assets.config import World
from spacex_assets.endpoints.base import SIMULATED_MARK, Endpoint
from spacex_assets.errors import WorldMismatch
from spacex_assets.extract.errors import SnapshotShrunk
from spacex_assets.extract.snapshot import Snapshot


def check_world(endpoint: Endpoint, snapshot: Snapshot, world: World) -> None:
    """Holds the first document against the world; the typed step looks at every one.

    Raises :class:`WorldMismatch`.
    """
    first = next(snapshot.iter_batches(), None)
    if first is None:
        return
    value = json.loads(first)[0]
    for name in endpoint.mark:
        value = value.get(name) if isinstance(value, dict) else None
    simulated = isinstance(value, str) and value.endswith(SIMULATED_MARK)
    if simulated is not (world is World.SIMULATED):
        raise WorldMismatch(
            f"{endpoint.name}: {snapshot.url} serves {'simulated' if simulated else 'real'} documents, but this is the "
            f"{world} world; the two never mix. Nothing was published. SPACEX_SOURCE=simulated is the simulated world, "
            f"any URL or folder is the real one."
        )


def check_volume(endpoint: Endpoint, snapshot: Snapshot, before: int | None, limit: float, minimum: int) -> None:
    """Refuses an empty list, and one that lost more than ``limit`` and at least ``minimum`` documents.

    Raises :class:`SnapshotShrunk`.
    """
    now = snapshot.documents
    if now == 0:
        raise SnapshotShrunk(
            f"{endpoint.name}: {snapshot.url} answered with an empty list, {before or 'no'} documents "
            f"were loaded before. Nothing was published. Look at the source."
        )
    lost = (before or 0) - now
    if before and lost >= minimum and lost > limit * before:
        raise SnapshotShrunk(
            f"{endpoint.name}: {snapshot.url} answered with {now} documents, {before} were loaded before: {lost} gone, "
            f"more than {limit:.0%}. Nothing was published. If that is right, raise SPACEX_SHRINK_LIMIT for one run."
        )
