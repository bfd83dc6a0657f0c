"""A row's story: each of its versions, what changed, who changed it, and its source document.

What does not belong here: the story as text (``telling.py``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.errors import PlatformError
from spacex_assets.extract.lake import RawLake
from spacex_assets.inspection.entries import Entry, entries
from spacex_assets.inspection.origin import SourceDocument, kept_since, last_reading, origin_of
from spacex_assets.inspection.versions import Version, versions_of
from spacex_assets.inspection.words import shortened
from spacex_assets.load.compare import quoted


class NothingToExplain(PlatformError):
    """There is no such table or row."""


class Story(BaseModel):
    """A row at an instant and all that led to it.

    ``state``: ``present``, ``gone`` (it was there before) or ``absent`` (it never had been); ``present``, the version
    at the instant, and ``origin``, the document that its values were last read from, are null in the latter two.
    ``confirmed_at``: when the source was last asked and still had it so. ``retained``: the source has it no longer
    whole. ``versions``: oldest first, those that began until the instant. ``quarantine``: the entries of the document,
    newest first.
    """

    table: str
    key: dict[str, Any]
    at: datetime
    state: str
    first_seen_at: datetime | None
    present: Version | None
    origin: SourceDocument | None
    confirmed_at: datetime | None
    retained: bool
    versions: tuple[Version, ...]
    quarantine: tuple[Entry, ...]


def story(
    connection: sa.Connection, lake: RawLake, table: str, key: Sequence[str], at: datetime | None = None
) -> Story:
    """The story of the row with a key, up to an instant (``None``: now). Raises :class:`NothingToExplain`."""
    endpoint, layout = _table(table)
    if len(key) != len(layout.key):
        raise NothingToExplain(
            f"{SCHEMA}.{table} has the key {', '.join(layout.key)}: expected {len(layout.key)} value(s), found "
            f"{len(key)}: {' '.join(key) or 'none'}. {_there_is(connection, layout, key)}"
        )
    at = at or datetime.now(UTC)
    ever = versions_of(connection, layout, key)
    found = [version for version in ever if version.valid_from <= at]
    quarantine = [
        entry for entry in entries(connection, endpoint.name, key[0], resolved=True) if entry.first_seen_at <= at
    ]
    if not ever and not (quarantine and layout.parent is None):
        asked = ", ".join(f"{name} = {value}" for name, value in zip(layout.key, key, strict=True))
        raise NothingToExplain(
            f"{SCHEMA}.{layout.name} never had a row with {asked}, nor is such a document in quarantine. "
            f"{_there_is(connection, layout, key)}"
        )
    present = found[-1] if found and (found[-1].valid_to is None or at < found[-1].valid_to) else None
    kept = kept_since(connection, endpoint, key[0], at)
    run_id = present.run_id if present else None
    read = last_reading(connection, lake, endpoint, run_id, key[0], kept or at) if run_id else None
    if present and run_id and len(layout.steady) < len(layout.schema):
        until = min(moment for moment in (present.valid_to or at, kept) if moment)
        moved = last_reading(connection, lake, endpoint, run_id, key[0], until)
        run_id = moved.run_id if moved else run_id
    origin = origin_of(connection, lake, endpoint, layout, run_id, key[0]) if run_id else None
    edited = present is not None and present.edited
    return Story(
        table=f"{SCHEMA}.{layout.name}",
        key=dict(zip(layout.key, key, strict=True)),
        at=at,
        state="present" if present else "gone" if found else "absent",
        first_seen_at=found[0].first_seen_at if found else None,
        present=present,
        origin=origin,
        confirmed_at=max(origin.fetched_at, read.fetched_at) if origin and read and not edited else None,
        retained=present is not None and (kept is not None or bool(read and read.missed)),
        versions=tuple(found),
        quarantine=tuple(quarantine),
    )


def _table(name: str) -> tuple[Endpoint, TableLayout]:
    known = {layout.name: (endpoint, layout) for endpoint in ENDPOINTS.values() for layout in endpoint.layouts}
    table = name.removeprefix(f"{SCHEMA}.")
    if table not in known:
        raise NothingToExplain(f"There is no table {SCHEMA}.{table}; there are {', '.join(known)}.")
    return known[table]


def _there_is(connection: sa.Connection, layout: TableLayout, key: Sequence[str]) -> str:
    """Says which rows there are: those with the same first part of the key, else the first ones."""
    table = quoted(SCHEMA, layout.name)
    names = ", ".join(f"CAST({quoted(name)} AS text)" for name in layout.key)
    first, order = quoted(layout.key[0]), ", ".join(map(quoted, layout.key))
    akin = connection.execute(
        sa.text(f"SELECT {names} FROM {table} WHERE {first} = :first ORDER BY {order}"), {"first": "".join(key[:1])}
    ).all()
    some = akin or connection.execute(sa.text(f"SELECT {names} FROM {table} ORDER BY {order} LIMIT 3")).all()
    if not some:
        return "It is empty. Load it first: make run"
    return f"There is {'' if akin else 'for example '}{shortened([' '.join(row) for row in some])}."
