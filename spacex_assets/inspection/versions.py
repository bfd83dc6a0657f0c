"""Every version that a row ever had, from ``history.<table>`` and the table itself, and what changed in each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import quoted


class Change(BaseModel):
    """A column whose value differs from the version before."""

    column: str
    before: Any
    after: Any


class Version(BaseModel):
    """The row from ``valid_from`` until before ``valid_to``, null if it is still so.

    ``run_id`` made it; null: ``user``, by hand (where known). ``changes`` is empty for the first version and for one
    that came back. ``ended_by`` is update, delete or truncate. ``edited``: a hand has written to the row since a load
    did, which only volatile values show if ``run_id`` is not null.
    """

    first_seen_at: datetime
    valid_from: datetime
    valid_to: datetime | None
    run_id: str | None
    user: str | None
    values: dict[str, Any]
    changes: tuple[Change, ...]
    returned: bool
    ended_by: str | None
    ended_run_id: str | None
    ended_user: str | None
    edited: bool


def versions_of(connection: sa.Connection, layout: TableLayout, key: Sequence[str]) -> list[Version]:
    """Every version that the row ever had, oldest first."""
    past, table = quoted(HISTORY, layout.name), quoted(SCHEMA, layout.name)
    data = ", ".join(map(quoted, layout.schema))
    query = f"""\
SELECT _first_seen_at, valid_from, valid_to, _run_id, ended_by, ended_run_id, ended_user,
    (SELECT to_jsonb(d) FROM (SELECT {data}) d) AS values, false
FROM {past} WHERE {_is_row(layout)}
UNION ALL
SELECT _first_seen_at, greatest(_changed_at, (SELECT max(valid_to) FROM {past} WHERE {_is_row(layout)})), NULL,
    _run_id, NULL, NULL, NULL, (SELECT to_jsonb(d) FROM (SELECT {data}) d), _row_hash IS NULL
FROM {table} WHERE {_is_row(layout)}
ORDER BY 2"""
    versions: list[Version] = []
    for first_seen, begin, end, run_id, ended_by, ended_run, ended_user, values, edited in connection.execute(
        sa.text(query), {f"key{index}": value for index, value in enumerate(key)}
    ):
        values = {name: values[name] for name in layout.schema}
        before = versions[-1] if versions else None
        returned = before is not None and before.valid_to != begin
        by_hand = run_id is None and before is not None and not returned
        versions.append(
            Version(
                first_seen_at=first_seen,
                valid_from=begin,
                valid_to=end,
                run_id=run_id,
                user=before.ended_user if before and by_hand else None,
                values=values,
                changes=_changes(before.values, values) if before else (),
                returned=returned,
                ended_by=ended_by,
                ended_run_id=ended_run,
                ended_user=ended_user,
                edited=edited,
            )
        )
    return versions


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    return tuple(
        Change(column=name, before=before[name], after=after[name]) for name in after if before[name] != after[name]
    )


def _is_row(layout: TableLayout) -> str:
    return " AND ".join(f"CAST({quoted(name)} AS text) = :key{index}" for index, name in enumerate(layout.key))
