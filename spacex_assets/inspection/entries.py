"""The entries of ``ops.quarantine``: the list, one with its document, and what a retry made of them."""

import json
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import PlatformError
from spacex_assets.inspection.words import moment, pretty, shortened
from spacex_assets.load.quarantine import QUARANTINE
from spacex_assets.transform.intake import Breach


class NoSuchEntry(PlatformError):
    """Nothing in quarantine has this name."""


class Entry(BaseModel):
    """A document that breaks its record, or did until ``resolved_at``; ``document`` is the text the source sent.

    ``retained`` says that its last good rows are still in their tables.
    """

    id: int
    endpoint: str
    key: str
    document_id: str | None
    documents: int
    document: str
    errors: tuple[Breach, ...]
    first_seen_at: datetime
    last_seen_at: datetime
    first_run_id: str
    last_run_id: str
    sha256: str
    resolved_at: datetime | None
    resolution: str | None
    retained: bool


def entries(
    connection: sa.Connection, endpoint: str | None = None, key: str | None = None, *, resolved: bool = False
) -> list[Entry]:
    """The open entries, newest first, of an endpoint and with a key if these are given; on demand also the resolved.

    Raises :class:`NoSuchEntry` if there is no such endpoint.
    """
    if endpoint is not None and endpoint not in ENDPOINTS:
        raise NoSuchEntry(f"There is no endpoint {endpoint!r}; there are {', '.join(ENDPOINTS)}.")
    table = QUARANTINE.c
    retained = sa.text(
        "EXISTS (SELECT FROM ops.retained r WHERE r.quarantine_id = quarantine.id) AS retained",
    )
    query = sa.select(QUARANTINE, retained).order_by(table.id.desc())
    if endpoint is not None:
        query = query.where(table.endpoint == endpoint)
    if key is not None:
        query = query.where(table.key == key)
    if not resolved:
        query = query.where(table.resolved_at.is_(None))
    return [Entry.model_validate(row, from_attributes=True) for row in connection.execute(query)]


def entries_of(connection: sa.Connection, endpoint: str, key: str) -> list[Entry]:
    """All entries of one document, newest first. Raises :class:`NoSuchEntry`."""
    found = entries(connection, endpoint, key, resolved=True)
    if not found:
        others = [entry.key for entry in entries(connection, endpoint, resolved=True)]
        known = shortened(others) if others else "none"
        raise NoSuchEntry(
            f"{endpoint} has no entry {key!r} in quarantine; it has {known}. "
            f"`python -m spacex_assets quarantine --all` lists every one."
        )
    return found


def listed(found: Sequence[Entry]) -> str:
    """A line per entry, and one per error."""
    return "\n".join("\n".join([_title(entry), *(f"    {error}" for error in entry.errors)]) for entry in found)


def shown(entry: Entry) -> str:
    """An entry with its document."""
    return "\n".join(
        [
            _title(entry),
            *(f"    {error}" for error in entry.errors),
            f"  first seen  {moment(entry.first_seen_at)}, run {entry.first_run_id}",
            f"  last seen   {moment(entry.last_seen_at)}, run {entry.last_run_id}, snapshot {entry.sha256}",
            pretty(json.loads(entry.document)),
        ]
    )


def became(before: Sequence[Entry], after: Sequence[Entry]) -> str:
    """What a retry made of the entries that were open before it; ``after`` are all of their endpoints."""
    now = {entry.id: entry for entry in after}
    known = {entry.id for entry in before}
    lines = []
    for entry in before:
        fate = now[entry.id].resolution or "still broken"
        lines.append(f"  {entry.endpoint} {entry.key}: {fate}")
        lines += [f"    {error}" for error in now[entry.id].errors if fate == "still broken"]
    new = [entry for entry in after if entry.id not in known and entry.resolved_at is None]
    return "\n".join([*lines, *(f"  {entry.endpoint} {entry.key}: broken since this retry" for entry in new)])


def _title(entry: Entry) -> str:
    copies = f", {entry.documents} documents" if entry.documents > 1 else ""
    end = f", {entry.resolution} since {moment(entry.resolved_at)}" if entry.resolved_at else ""
    kept = ", last good rows retained" if entry.retained else ""
    return f"{entry.endpoint} {entry.key}{copies}: since {moment(entry.first_seen_at)}{end}{kept}"
