"""``ops.drift``: in what the source drifted. ``ops.profiles``: what it looked like when it was loaded last.

Both are brought up to date inside the load that saw them. What does not belong here: what counts as drift
(``transform/drift.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB

from spacex_assets.endpoints.tables import METADATA
from spacex_assets.transform.drift import Change, Drift, against_profile, against_record
from spacex_assets.transform.profile import Profile

_moment = sa.DateTime(timezone=True)
_changes = ", ".join(f"'{change}'" for change in Change)

DRIFT = sa.Table(
    "drift",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True, comment="Order of the entries."),
    sa.Column("endpoint", sa.Text(), nullable=False, comment="The endpoint."),
    sa.Column("path", sa.Text(), nullable=False, comment="The JSON path; [] is any position in a list."),
    sa.Column("change", sa.Text(), nullable=False, comment="What drifted: a field, its type, its nulls, its values."),
    sa.Column("before", sa.Text(), comment="What was declared, or what the snapshot loaded before had."),
    sa.Column("after", sa.Text(), nullable=False, comment="What the source has now."),
    sa.Column("example", sa.Text(), comment="A value, shortened; JSON."),
    sa.Column("first_seen_at", _moment, nullable=False, comment="When a load first saw it."),
    sa.Column("last_seen_at", _moment, nullable=False, comment="When a load last saw it."),
    sa.Column("first_run_id", sa.Text(), nullable=False, comment="The run that first saw it."),
    sa.Column("last_run_id", sa.Text(), nullable=False, comment="The run that last saw it."),
    sa.Column("first_sha256", sa.Text(), nullable=False, comment="The raw snapshot in which it was first seen."),
    sa.Column("last_sha256", sa.Text(), nullable=False, comment="The raw snapshot in which it was last seen."),
    sa.Column("ended_at", _moment, comment="When a load no longer saw it; null: it is so still."),
    sa.CheckConstraint(f"change IN ({_changes})", name="change"),
    sa.Index(
        *("drift_open_idx", "endpoint", "path", "change", "after"),
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    schema="ops",
    comment="Differences of the source from the records, and from the snapshots loaded before.",
)

PROFILES = sa.Table(
    "profiles",
    METADATA,
    sa.Column("endpoint", sa.Text(), primary_key=True, comment="The endpoint."),
    sa.Column("sha256", sa.Text(), nullable=False, comment="The raw snapshot that was loaded last."),
    sa.Column("profile", JSONB(), nullable=False, comment="Its fields: how often present, filled, of which types."),
    sa.Column("before", JSONB(), comment="The profile of the other snapshot that was loaded before it."),
    schema="ops",
    comment="What the documents of each endpoint look like.",
)

_PROFILE: TypeAdapter[Profile] = TypeAdapter(Profile)


@dataclass(frozen=True)
class OpenDrift:
    """A difference that is so still, and since when."""

    drift: Drift
    first_seen_at: datetime
    first_run_id: str


def record_drift(
    connection: Connection,
    endpoint: str,
    profile: Profile,
    at: datetime,
    run_id: str,
    sha256: str,
    *,
    loaded: bool = True,
) -> None:
    """Opens, confirms and ends entries, so that the open ones are exactly the differences of a snapshot.

    A difference from the snapshot before lasts until yet another snapshot is loaded, however often this one is. The
    profile becomes the one that the next is compared with, if the snapshot was ``loaded``.
    """
    before = _compared_with(connection, endpoint, profile, sha256, keep=loaded)
    found = {drift.key: drift for drift in (*against_record(profile), *against_profile(before, profile))}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, path, change, before, after, example FROM ops.drift WHERE endpoint = %s AND ended_at IS NULL",
            [endpoint],
        )
        known = {_drift(*row).key: number for number, *row in cursor.fetchall()}
        ended = [number for key, number in known.items() if key not in found]
        if ended:
            cursor.execute("UPDATE ops.drift SET ended_at = %s WHERE id = ANY (%s)", [at, ended])
        seen = [(known[key], drift.before, drift.after, drift.example) for key, drift in found.items() if key in known]
        if seen:
            execute_values(
                cursor,
                """\
UPDATE ops.drift d SET before = s.before, after = s.after, example = s.example, (last_seen_at, last_run_id, last_sha256)
    = (s.at, s.run_id, s.sha256)
FROM (VALUES %s) s (id, before, after, example, at, run_id, sha256) WHERE d.id = s.id""",
                [(*row, at, run_id, sha256) for row in seen],
                template="(%s, %s::text, %s, %s::text, %s, %s, %s)",
            )
        new = [drift for key, drift in found.items() if key not in known]
        if new:
            execute_values(
                cursor,
                """\
INSERT INTO ops.drift (endpoint, path, change, before, after, example,
    first_seen_at, last_seen_at, first_run_id, last_run_id, first_sha256, last_sha256) VALUES %s""",
                [
                    (
                        *(endpoint, drift.path, drift.change.value, drift.before, drift.after, drift.example),
                        *(at, at, run_id, run_id, sha256, sha256),
                    )
                    for drift in new
                ],
            )


def open_drift(connection: sa.Connection, endpoint: str) -> Sequence[OpenDrift]:
    """The differences of an endpoint that are so still, the newest first."""
    table = DRIFT.c
    rows = connection.execute(
        sa.select(
            *(table.path, table.change, table.before, table.after, table.example),
            *(table.first_seen_at, table.first_run_id),
        )
        .where(table.endpoint == endpoint, table.ended_at.is_(None))
        .order_by(table.first_seen_at.desc(), table.id)
    )
    return [OpenDrift(_drift(*finding), at, run) for *finding, at, run in rows]


def _drift(path: str, change: str, before: str | None, after: str, example: str | None) -> Drift:
    return Drift(path=path, change=Change(change), before=before, after=after, example=example)


def _compared_with(connection: Connection, endpoint: str, profile: Profile, sha256: str, *, keep: bool) -> Profile:
    """The profile of the other snapshot that was loaded before, empty for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sha256, profile::text, before::text FROM ops.profiles WHERE endpoint = %s", [endpoint])
        last_sha256, last, earlier = cursor.fetchone() or (None, None, None)
        before = earlier if last_sha256 == sha256 else last
        text = _PROFILE.dump_json(profile).decode()
        if keep and (last_sha256 != sha256 or _profile(last) != profile):
            cursor.execute(
                "INSERT INTO ops.profiles (endpoint, sha256, profile, before) VALUES (%s, %s, %s, %s) "
                "ON CONFLICT (endpoint) DO UPDATE SET sha256 = excluded.sha256, profile = excluded.profile, "
                "before = excluded.before",
                [endpoint, sha256, text, before],
            )
    return _profile(before)


def _profile(text: str | None) -> Profile:
    return _PROFILE.validate_json(text) if text else ()
