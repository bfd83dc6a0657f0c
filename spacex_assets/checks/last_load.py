"""What the ledger says of the last load of an endpoint, and of the endpoints that were ever loaded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from spacex_assets.config import ContractMode
from spacex_assets.load import ledger

_LOADS = ledger.LOADS.c


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
    ours = sa.and_(_LOADS.endpoint == endpoint, _LOADS.outcome == ledger.LOADED)
    last_run = sa.select(_LOADS.run_id).where(ours).order_by(_LOADS.id.desc()).limit(1).scalar_subquery()
    rows = connection.execute(sa.select(ledger.LOADS).where(ours, _LOADS.run_id == last_run).order_by(_LOADS.id)).all()
    if not rows:
        return None
    last = rows[-1]
    other = sa.select(sa.func.max(_LOADS.id)).where(ours, _LOADS.sha256 != last.sha256).scalar_subquery()
    since = sa.select(sa.func.min(_LOADS.fetched_at)).where(ours, _LOADS.id > sa.func.coalesce(other, 0))
    return LastLoad(
        run_id=last.run_id,
        sha256=last.sha256,
        mode=ContractMode(last.contract_mode) if last.contract_mode else None,
        documents=last.documents,
        quarantined=last.documents_quarantined,
        collapsed=last.documents_collapsed,
        retained={row.table_name: row.rows_retained for row in rows},
        unchanged_since=connection.execute(since).scalar_one(),
    )


def loaded_endpoints(connection: sa.Connection, names: Iterable[str]) -> set[str]:
    """Those of the endpoints that were loaded at least once."""
    name = sa.func.unnest(sa.literal(list(names), ARRAY(sa.Text))).column_valued("name")
    loaded = sa.exists().where(_LOADS.endpoint == name, _LOADS.outcome == ledger.LOADED)
    return set(connection.scalars(sa.select(name).where(loaded)))
