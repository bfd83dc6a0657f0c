"""Where a version of a row comes from: the run, the response, the document in its body, and how long that held."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.load.ledger import LOADED, LOADS
from spacex_assets.transform.parse import document_id, split


class SourceDocument(BaseModel):
    """The document that a version was loaded from: which response, when, and where in its body.

    ``position`` counts documents from 0. Without ``body``, the lake no longer has the snapshot of that run.
    """

    run_id: str
    source: str
    sha256: str | None
    fetched_at: datetime
    url: str | None = None
    body: str | None = None
    position: int | None = None
    document: dict[str, Any] | None = None


def origin_of(
    connection: sa.Connection, lake: RawLake, endpoint: Endpoint, layout: TableLayout, run_id: str, document: str
) -> SourceDocument | None:
    """The document that a run loaded a row from; ``None`` if the ledger does not know the run."""
    loads = LOADS.c
    query = (
        sa.select(loads.run_id, loads.source, loads.sha256, loads.fetched_at)
        .where(loads.run_id == run_id, loads.table_name == layout.name, loads.outcome == LOADED)
        .order_by(loads.id.desc())
        .limit(1)
    )
    load = connection.execute(query).mappings().one_or_none()
    if load is None:
        return None
    snapshot = lake.pinned(endpoint.name, run_id)
    if snapshot is None or snapshot.sha256 != load["sha256"]:
        return SourceDocument(**load)
    place = _place(snapshot, document)
    position, found = place if place else (None, None)
    return SourceDocument(**load, url=snapshot.url, body=str(snapshot.path), position=position, document=found)


@dataclass(frozen=True)
class Reading:
    """The last load that read a document, and whether the loads since left its rows in place without it."""

    run_id: str
    fetched_at: datetime
    missed: bool


def last_reading(
    connection: sa.Connection, lake: RawLake, endpoint: Endpoint, begun: str, document: str, until: datetime
) -> Reading | None:
    """The last load before an instant that read a document, of those since the run that made a version of its row.

    ``None`` if that run is in no ledger. The body of a load says whether it did; where the lake has it no more, it did.
    """
    loads = LOADS.c
    ours = (loads.endpoint == endpoint.name) & (loads.outcome == LOADED)
    first = sa.select(sa.func.min(loads.id)).where(ours, loads.run_id == begun).scalar_subquery()
    query = (
        sa.select(loads.run_id, loads.sha256, sa.func.min(loads.fetched_at))
        .where(ours, loads.id >= first, (loads.finished_at < until) | (loads.run_id == begun))
        .group_by(loads.run_id, loads.sha256)
        .order_by(sa.func.max(loads.id).desc())
    )
    without: set[str] = set()
    for run_id, sha256, fetched_at in connection.execute(query):
        if run_id == begun or (sha256 not in without and _has(lake.pinned(endpoint.name, run_id), sha256, document)):
            return Reading(run_id, fetched_at, missed=bool(without))
        without.add(sha256)
    return None


def _has(snapshot: Snapshot | None, sha256: str, document: str) -> bool:
    return snapshot is None or snapshot.sha256 != sha256 or _place(snapshot, document) is not None


def _place(snapshot: Snapshot, document: str) -> tuple[int, dict[str, Any]] | None:
    """The position of a document in a snapshot, and the document; only batches that mention its id are read."""
    position = 0
    for spot, batch in zip(snapshot.batches, snapshot.iter_batches(), strict=True):
        if document.encode() in batch:
            for index, text in enumerate(split(batch)):
                found = json.loads(text)
                if document_id(found) == document:
                    return position + index, found
        position += spot.documents
    return None


def kept_since(connection: sa.Connection, endpoint: Endpoint, document: str, at: datetime) -> datetime | None:
    """Since when, at an instant, a document's last good rows had stayed without it."""
    query = """\
SELECT min(since) FROM (
    SELECT first_seen_at AS since FROM ops.quarantine WHERE endpoint = :endpoint AND document_id = :document
        AND first_seen_at <= :at AND (resolved_at IS NULL OR :at < resolved_at)
    UNION ALL SELECT since FROM ops.retained WHERE endpoint = :endpoint AND document_id = :document AND since <= :at
) kept"""
    since: datetime | None = connection.scalar(
        sa.text(query), {"endpoint": endpoint.name, "document": document, "at": at}
    )
    return since
