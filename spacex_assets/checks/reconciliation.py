"""Whether the tables have exactly what the raw snapshot has that was loaded last: documents, rows, every leaf.

The raw side reads the bytes anew. What does not belong here: what a leaf is (``leaves.py``, ``stored.py``).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.checks.last_load import LastLoad
from spacex_assets.checks.leaves import digest, document_leaves, shape
from spacex_assets.checks.stored import declared_shapes, measure_shapes, offset_shapes, stored_leaves
from spacex_assets.config import ContractMode
from spacex_assets.endpoints.layout import Path, TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load.compare import quoted
from spacex_assets.transform.intake import Intake

AT_ONCE = 5_000
"""Documents that are read from the tables at once."""

RUN = "The next run puts back what was changed by hand (`python -m spacex_assets run`)."
FULL_COMPARE = (
    f"{RUN} If it does not, rows have the hash of other values, and only a run that trusts no hash repairs them: "
    "`SPACEX_FULL_COMPARE=true python -m spacex_assets run`, or the job full_compare in the UI."
)


@dataclass
class RawSide:
    """What a raw snapshot has: documents, and of the accepted ones the digests by id and the rows by table."""

    documents: int = 0
    digests: dict[str, bytes] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)


def raw_side(batches: Iterable[bytes], intake: Intake, layouts: Sequence[TableLayout], *, digests: bool) -> RawSide:
    """Reads a raw snapshot; without ``digests`` it only counts."""
    rejected = {document.key for document in intake.rejected}
    offsets, measures = offset_shapes(layouts), measure_shapes(layouts)
    declared = declared_shapes(layouts) if intake.mode is ContractMode.DISCARD else None
    side = RawSide()
    for batch in batches:
        for document in json.loads(batch):
            side.documents += 1
            name = document.get("id") if isinstance(document, dict) else None
            if not isinstance(name, str) or name in rejected or name in side.digests:
                continue
            side.digests[name] = b""
            for layout in layouts:
                side.rows[layout.name] += len(_at(document, layout.list_path)) if layout.list_path else 1
            if digests:
                leaves = document_leaves(document, offsets, measures)
                if declared is not None:
                    leaves = {path: value for path, value in leaves.items() if shape(path) in declared}
                side.digests[name] = digest(leaves)
    return side


def reconciled(
    connection: sa.Connection, layouts: Sequence[TableLayout], load: LastLoad, raw: RawSide, *, digests: bool
) -> Findings:
    """Compares the tables with the raw side and with the ledger."""
    found = [
        Finding(rule, what, f"expected {expected}, found {actual}", remedy=RUN)
        for rule, what, expected, actual in (
            ("documents", "in the raw snapshot", load.documents, raw.documents),
            ("accepted", "of the raw snapshot", load.accepted, len(raw.digests)),
            *_row_counts(connection, layouts, load, raw),
        )
        if expected != actual
    ]
    figures: dict[str, Any] = {
        "documents": f"{raw.documents} = {load.accepted} accepted + {load.quarantined} quarantined + "
        f"{load.collapsed} collapsed",
        "snapshot": load.sha256,
    }
    if digests:
        stored, differing = _stored_digests(connection, layouts, raw.digests)
        found += [
            Finding("differs from the raw document", name, "", len(differing), FULL_COMPARE) for name in differing
        ]
        figures["digest"] = total(stored)
        figures["digest_of_raw"] = total(raw.digests)
    else:
        figures["digest"] = "not compared: more documents than SPACEX_RECONCILE_DOCUMENTS"
    return Findings(tuple(found), figures)


def total(digests: dict[str, bytes]) -> str:
    """Names all documents and their leaves."""
    return sha256(b"".join(name.encode() + digests[name] for name in sorted(digests))).hexdigest()


def _row_counts(
    connection: sa.Connection, layouts: Sequence[TableLayout], load: LastLoad, raw: RawSide
) -> list[tuple[str, str, int, int]]:
    counts = " UNION ALL ".join(
        f"SELECT {number}, count(*) FILTER (WHERE r.document_id IS NULL), count(r.document_id) "
        f"FROM {quoted(SCHEMA, layout.name)} t LEFT JOIN ops.retention r "
        f"ON r.endpoint = %(endpoint)s AND r.document_id = t.{quoted(layout.key[0])}"
        for number, layout in enumerate(layouts)
    )
    compared = []
    for number, accepted, retained in connection.exec_driver_sql(counts, {"endpoint": layouts[0].name}):
        name = layouts[number].name
        compared.append(("rows of accepted documents", name, raw.rows[name], accepted))
        compared.append(("rows of retained documents", name, load.retained[name], retained))
    return compared


def _stored_digests(
    connection: sa.Connection, layouts: Sequence[TableLayout], wanted: dict[str, bytes]
) -> tuple[dict[str, bytes], list[str]]:
    """The digests as the tables have the documents, and the documents that differ."""
    ids, stored = sorted(wanted), {}
    for start in range(0, len(ids), AT_ONCE):
        for name, leaves in stored_leaves(connection, layouts, ids[start : start + AT_ONCE]).items():
            stored[name] = digest(leaves)
    return stored, [name for name in ids if stored.get(name) != wanted[name]]


def _at(document: Any, path: Path) -> list[Any]:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, list) else []
