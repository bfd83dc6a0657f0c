"""Where a version of a row comes from: the run, the response, the document in its body, and how long that held."""

import json
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


def last_run(connection: sa.Connection, endpoint: Endpoint, until: datetime) -> str | None:
    """The run that last loaded an endpoint before an instant: what it read, volatile columns have."""
    loads = LOADS.c
    query = (
        sa.select(loads.run_id)
        .where(loads.endpoint == endpoint.name, loads.outcome == LOADED, loads.finished_at < until)
        .order_by(loads.id.desc())
        .limit(1)
    )
    run_id: str | None = connection.scalar(query)
    return run_id


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


def confirmed_at(connection: sa.Connection, endpoint: Endpoint, origin: SourceDocument, until: datetime) -> datetime:
    """When the source was last asked and loaded before an instant, from which on the row may no longer be its."""
    loads = LOADS.c
    query = sa.select(sa.func.max(loads.fetched_at)).where(
        loads.endpoint == endpoint.name, loads.outcome == LOADED, loads.finished_at < until
    )
    return max(origin.fetched_at, connection.scalar(query) or origin.fetched_at)
