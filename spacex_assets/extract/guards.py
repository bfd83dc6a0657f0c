"""What a complete body is still asked before it is believed: is it of this world, and has it not shrunk?"""

import json
from typing import Any

from spacex_assets.config import World
from spacex_assets.endpoints.base import SIMULATED_MARK, Endpoint
from spacex_assets.errors import WorldMismatch
from spacex_assets.extract.errors import SnapshotShrunk
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.transform.parse import split


def check_world(endpoint: Endpoint, snapshot: Snapshot, world: World) -> None:
    """Holds the first document that can tell against the world; the typed step looks at every one.

    Raises :class:`WorldMismatch`.
    """
    texts = (_text(json.loads(document), endpoint.mark) for document in split(next(snapshot.iter_batches(), b"[]")))
    first = next((text for text in texts if text is not None), None)
    if first is None:
        return
    simulated = first.endswith(SIMULATED_MARK)
    if simulated is not (world is World.SIMULATED):
        raise WorldMismatch(
            f"{endpoint.name}: {snapshot.url} serves {'simulated' if simulated else 'real'} documents, but this is the "
            f"{world} world; the two never mix. Nothing was published. SPACEX_SOURCE=simulated is the simulated world, "
            f"any URL or folder is the real one."
        )


def _text(document: Any, path: tuple[str, ...]) -> str | None:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, str) else None


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
