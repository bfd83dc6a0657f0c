"""``ops.quarantine``: the documents that break their record. ``ops.retained``: those whose last good rows stay.

Both are brought up to date inside the load that saw them. What does not belong here: what makes a document bad
(``transform/``) and which rows a load leaves in place (``upsert.py``).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Composable, Literal
from sqlalchemy.dialects.postgresql import JSONB

from spacex_assets.endpoints.tables import METADATA
from spacex_assets.load.routines import Routine
from spacex_assets.transform.intake import Breach, Rejected

_moment = sa.DateTime(timezone=True)

QUARANTINE = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True, comment="Order of the entries."),
    sa.Column("endpoint", sa.Text(), nullable=False, comment="The endpoint."),
    sa.Column("key", sa.Text(), nullable=False, comment="The document's id, or what names its content without one."),
    sa.Column("document_id", sa.Text(), comment="The document's id; null where none is readable."),
    sa.Column("documents", sa.Integer(), nullable=False, comment="Documents of the source with this id."),
    sa.Column("document", sa.Text(), nullable=False, comment="The document as the source sent it last; JSON."),
    sa.Column("errors", JSONB(), nullable=False, comment="Each error: JSON path, what was expected, what was found."),
    sa.Column("first_seen_at", _moment, nullable=False, comment="When a load first saw it broken."),
    sa.Column("last_seen_at", _moment, nullable=False, comment="When a load last saw it broken."),
    sa.Column("first_run_id", sa.Text(), nullable=False, comment="The run that first saw it broken."),
    sa.Column("last_run_id", sa.Text(), nullable=False, comment="The run that last saw it broken."),
    sa.Column("sha256", sa.Text(), nullable=False, comment="The raw snapshot in which it was last seen broken."),
    sa.Column("resolved_at", _moment, comment="When it was no longer broken; null: it still is."),
    sa.Column("resolution", sa.Text(), comment="healthy (accepted again) or gone (no longer in the source)."),
    sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved"),
    sa.CheckConstraint("resolution IN ('healthy', 'gone')", name="resolution"),
    sa.Index("quarantine_open_idx", "endpoint", "key", unique=True, postgresql_where=sa.text("resolved_at IS NULL")),
    schema="ops",
    comment="Documents that break their record and are not loaded.",
)

RETENTION = sa.Table(
    "retention",
    METADATA,
    sa.Column("endpoint", sa.Text(), primary_key=True, comment="The endpoint."),
    sa.Column("document_id", sa.Text(), primary_key=True, comment="The document whose last good rows stay."),
    sa.Column("since", _moment, nullable=False, comment="When a load first left them in place."),
    sa.Column("run_id", sa.Text(), nullable=False, comment="The run that first left them in place."),
    schema="ops",
    comment="What ops.retained is made from.",
)

RETAINED = Routine(
    'VIEW "ops"."retained"',
    (
        """\
CREATE OR REPLACE VIEW ops.retained AS
SELECT r.endpoint, r.document_id, r.since, r.run_id, q.id AS quarantine_id, q.errors
FROM ops.retention r LEFT JOIN ops.quarantine q
ON (q.endpoint, q.document_id) = (r.endpoint, r.document_id) AND q.resolved_at IS NULL""",
    ),
    "Documents whose last good rows stay though the source has them no longer whole; without quarantine_id: because a "
    "document without readable id could be any of them.",
)


@dataclass(frozen=True)
class Keep:
    """Which documents' rows stay although no accepted document brings them.

    Those in quarantine do. If a rejected document has no readable id, it may be any that is missing, so all stay.
    """

    rejected: tuple[Rejected, ...]

    @property
    def everything(self) -> bool:
        """Whether deletion is suspended."""
        return any(document.document_id is None for document in self.rejected)

    @property
    def ids(self) -> list[str]:
        """The documents in quarantine whose ids are known."""
        return [document.document_id for document in self.rejected if document.document_id is not None]

    def split(self, missing: pl.DataFrame, column: str, accepted: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Of rows that the frame no longer has, by the column with their document's id: those that go, and that stay.

        ``accepted`` are the documents that were accepted: what they no longer have, goes in any case.
        """
        document = pl.col(column)
        stays = ~document.is_in(accepted.implode()) if self.everything else document.is_in(self.ids)
        return missing.filter(~stays), missing.filter(stays)


NOTHING_KEPT = Keep(())


def record_quarantine(
    connection: Connection,
    endpoint: str,
    rejected: Sequence[Rejected],
    accepted: Sequence[str] | None,
    at: datetime,
    run_id: str,
    sha256: str,
) -> None:
    """Opens, confirms and resolves entries, so that the open ones are exactly the rejected documents.

    ``accepted`` are the ids of accepted documents; ``None`` if it is not known which are, so that nothing is resolved.
    While a rejected document has no readable id, none that has one is gone: it may be that one.
    """
    with connection.cursor() as cursor:
        if rejected:
            execute_values(
                cursor,
                """\
INSERT INTO ops.quarantine AS q (endpoint, key, document_id, documents, document, errors,
    first_seen_at, last_seen_at, first_run_id, last_run_id, sha256) VALUES %s
ON CONFLICT (endpoint, key) WHERE resolved_at IS NULL DO UPDATE SET documents = excluded.documents,
    document = excluded.document, errors = excluded.errors, last_seen_at = excluded.last_seen_at,
    last_run_id = excluded.last_run_id, sha256 = excluded.sha256""",
                [
                    (
                        *(endpoint, one.key, one.document_id, one.documents, one.text),
                        json.dumps([_storable(breach) for breach in one.breaches]),
                        *(at, at, run_id, run_id, sha256),
                    )
                    for one in rejected
                ],
            )
        if accepted is not None:
            cursor.execute(
                "UPDATE ops.quarantine SET resolved_at = %s, resolution = CASE WHEN document_id = ANY (%s) "
                "THEN 'healthy' ELSE 'gone' END WHERE endpoint = %s AND resolved_at IS NULL AND key <> ALL (%s) "
                "AND (document_id = ANY (%s) OR document_id IS NULL OR NOT %s)",
                [
                    *(at, list(accepted), endpoint, [one.key for one in rejected]),
                    *(list(accepted), Keep(tuple(rejected)).everything),
                ],
            )


def _storable(breach: Breach) -> dict[str, str]:
    return {name: text.replace("\0", "�") for name, text in breach.model_dump().items()}


def open_entries(connection: Connection, endpoint: str) -> bool:
    """Whether any document of the endpoint is in quarantine or retained."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM ops.quarantine WHERE endpoint = %s AND resolved_at IS NULL) "
            "OR EXISTS (SELECT FROM ops.retention WHERE endpoint = %s)",
            [endpoint, endpoint],
        )
        (found,) = cursor.fetchone() or (False,)
        return bool(found)


def record_retention(
    connection: Connection, endpoint: str, table: Composable, accepted: Sequence[str], at: datetime, run_id: str
) -> None:
    """Makes the retained documents of an endpoint exactly those in its main table that were not accepted."""
    statements = (
        "DELETE FROM ops.retention WHERE endpoint = {endpoint} AND document_id NOT IN ({retained})",
        "INSERT INTO ops.retention SELECT {endpoint}, id, {at}, {run} FROM ({retained}) r ON CONFLICT DO NOTHING",
    )
    parts = {
        "endpoint": Literal(endpoint),
        "retained": SQL("SELECT id FROM {} EXCEPT SELECT unnest({}::text[])").format(table, Literal([*accepted])),
        "at": Literal(at),
        "run": Literal(run_id),
    }
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(SQL(statement).format(**parts))
