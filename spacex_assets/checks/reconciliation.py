"""Whether the tables have exactly what the raw snapshot has that was loaded last: documents, rows, every leaf.

The raw side reads the bytes anew. What does not belong here: what a leaf is (``leaves.py``, ``stored.py``).
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.checks.last_load import LastLoad
from spacex_assets.checks.leaves import digest, document_leaves, shape
from spacex_assets.checks.stored import declared_shapes, stored_leaves, telling_shapes
from spacex_assets.config import ContractMode
from spacex_assets.endpoints.kinds import HEX_24
from spacex_assets.endpoints.layout import Path, TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.load.compare import quoted
from spacex_assets.transform.intake import Intake

_ID = re.compile(HEX_24)
RUN = "The next run puts back what was changed by hand (`python -m spacex_assets run`)."
FULL_COMPARE = (
    f"{RUN} If it does not, rows have the hash of other values, and only a run that trusts no hash repairs them: "
    "`SPACEX_FULL_COMPARE=true python -m spacex_assets run`, or the job full_compare in the UI."
)


@dataclass
class RawSide:
    """What a raw snapshot has: documents, and of the accepted ones the ids and the rows by table."""

    documents: int = 0
    ids: set[str] = field(default_factory=set)
    rows: Counter[str] = field(default_factory=Counter)

    def read(self, batch: bytes, rejected: Collection[str], layouts: Sequence[TableLayout]) -> dict[str, Any]:
        """Counts what a batch has; its accepted documents by id, each once."""
        accepted = {}
        for document in json.loads(batch):
            self.documents += 1
            name = document.get("id") if isinstance(document, dict) else None
            if not isinstance(name, str) or not _ID.fullmatch(name) or name in rejected or name in self.ids:
                continue
            self.ids.add(name)
            accepted[name] = document
            for layout in layouts:
                self.rows[layout.name] += len(_at(document, layout.list_path)) if layout.list_path else 1
        return accepted


@dataclass
class Comparison:
    """Whether the tables have the leaves of the documents: the digests of both sides by id, and who differs."""

    connection: sa.Connection
    layouts: Sequence[TableLayout]
    mode: ContractMode
    raw: dict[str, bytes] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    differing: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shapes = telling_shapes(self.layouts)
        self.declared = declared_shapes(self.layouts) if self.mode is ContractMode.DISCARD else None

    def compare(self, documents: Mapping[str, Any]) -> None:
        """Compares the leaves of some documents. Equal ones have one digest."""
        stored = stored_leaves(self.connection, self.layouts, sorted(documents))
        for name, document in documents.items():
            ours, theirs = self._leaves(document), stored.get(name)
            self.raw[name] = digest(ours)
            if ours == theirs:
                self.stored[name] = self.raw[name]
                continue
            self.differing.append(name)
            if theirs is not None:
                self.stored[name] = digest(theirs)

    def _leaves(self, document: Any) -> dict[str, Any]:
        leaves = document_leaves(document, self.shapes)
        if self.declared is None:
            return leaves
        return {path: value for path, value in leaves.items() if shape(path) in self.declared}


def reconciled(
    connection: sa.Connection,
    layouts: Sequence[TableLayout],
    load: LastLoad,
    batches: Iterable[bytes],
    intake: Intake,
    *,
    digests: bool,
) -> Findings:
    """Compares the tables with the raw snapshot and with the ledger; without ``digests`` it only counts."""
    raw, leaves = RawSide(), Comparison(connection, layouts, intake.mode)
    rejected = {document.key for document in intake.rejected}
    for batch in batches:
        documents = raw.read(batch, rejected, layouts)
        if digests:
            leaves.compare(documents)
    found = [
        Finding(rule, what, f"expected {expected}, found {actual}", remedy=RUN)
        for rule, what, expected, actual in (
            ("documents", "in the raw snapshot", load.documents, raw.documents),
            ("accepted", "of the raw snapshot", load.accepted, len(raw.ids)),
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
        found += [
            Finding("differs from the raw document", name, "", len(leaves.differing), FULL_COMPARE)
            for name in sorted(leaves.differing)
        ]
        figures["digest"] = total(leaves.stored)
        figures["digest_of_raw"] = total(leaves.raw)
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


def _at(document: Any, path: Path) -> list[Any]:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, list) else []
