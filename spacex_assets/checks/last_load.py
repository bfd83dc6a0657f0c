"""What the ledger says of the last load of an endpoint, and of the endpoints that were ever loaded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from spacex_assets.config import ContractMode
from spacex_assets.load import ledger

_LAST = """
WITH ours AS NOT MATERIALIZED (SELECT * FROM ops.loads WHERE endpoint = %(endpoint)s AND outcome = %(loaded)s),
    last AS MATERIALIZED (SELECT run_id, sha256 FROM ours ORDER BY id DESC LIMIT 1)
SELECT ours.*, (SELECT min(fetched_at) FROM ours WHERE id > coalesce(
    (SELECT max(id) FROM ours WHERE sha256 <> (SELECT sha256 FROM last)), 0)) AS unchanged_since
FROM ours WHERE run_id = (SELECT run_id FROM last) ORDER BY id"""

_LOADED = """
SELECT name FROM unnest(%(names)s::text[]) name
WHERE EXISTS (SELECT FROM ops.loads WHERE endpoint = name AND outcome = %(loaded)s)"""


@dataclass(frozen=True)
class LastLoad:
    """The last load of an endpoint: of which snapshot, and what became of its documents; rows retained by table.

    ``mode`` is the contract mode in which they were judged; ``None`` for a load from before the ledger had it.
    ``unchanged_since`` is when the source was first seen with this content, without another one since.
    """

    run_id: str
    sha256: str
    mode: ContractMode | None
    documents: int
    quarantined: int
    collapsed: int
    retained: Mapping[str, int]
    unchanged_since: datetime

    @property
    def accepted(self) -> int:
        """Documents whose rows were loaded."""
        return self.documents - self.quarantined - self.collapsed


def last_load(connection: sa.Connection, endpoint: str) -> LastLoad | None:
    """The last load of an endpoint; ``None`` before the first."""
    rows = connection.exec_driver_sql(_LAST, {"endpoint": endpoint, "loaded": ledger.LOADED}).all()
    if not rows:
        return None
    last = rows[-1]
    return LastLoad(
        run_id=last.run_id,
        sha256=last.sha256,
        mode=ContractMode(last.contract_mode) if last.contract_mode else None,
        documents=last.documents,
        quarantined=last.documents_quarantined,
        collapsed=last.documents_collapsed,
        retained={row.table_name: row.rows_retained for row in rows},
        unchanged_since=last.unchanged_since,
    )


def loaded_endpoints(connection: sa.Connection, names: Iterable[str]) -> set[str]:
    """Those of the endpoints that were loaded at least once."""
    return set(connection.exec_driver_sql(_LOADED, {"names": list(names), "loaded": ledger.LOADED}).scalars())
