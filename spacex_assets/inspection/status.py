"""How the data stands: per endpoint the last load, how fresh it is, what is kept out, what drifts, what is doubted."""

from datetime import UTC, datetime

import sqlalchemy as sa
from pydantic import BaseModel

from spacex_assets.checks.verdicts import Unjudged, Verdict
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.inspection.graph import Graph, OpenRun
from spacex_assets.load import ledger
from spacex_assets.load.incidents import DESTINATIONS, open_incidents, waiting


class LastLoad(BaseModel):
    """What the last run did to the tables of an endpoint; documents and rows as in ``ops.loads``, over all tables."""

    run_id: str
    outcome: str
    error: str | None
    source: str
    sha256: str | None
    started_at: datetime
    finished_at: datetime
    seconds: float
    documents: int
    documents_quarantined: int
    documents_collapsed: int
    rows_inserted: int
    rows_updated: int
    rows_deleted: int
    rows_unchanged: int
    rows_retained: int


class EndpointStatus(BaseModel):
    """An endpoint. All but the counts is null before its first run; the last four moments before its first good load.

    ``fetched_at``: when the source last confirmed what the tables hold, ``age_seconds`` ago. ``unchanged_since``: when
    the source first sent it, ``unchanged_seconds`` ago.
    """

    endpoint: str
    last_load: LastLoad | None
    fetched_at: datetime | None
    age_seconds: float | None
    unchanged_since: datetime | None
    unchanged_seconds: float | None
    quarantined: int
    retained: int
    drifts: int


class Drift(BaseModel):
    """A way in which the documents of an endpoint still differ from its record or their past, as in ``ops.drift``."""

    endpoint: str
    path: str
    change: str
    before: str | None
    after: str


class OpenIncident(BaseModel):
    """Something that is wrong, as in ``ops.incidents``."""

    kind: str
    subject: str
    endpoint: str | None
    opened_at: datetime
    runs: int
    run_id: str | None
    last_error: str


class DestinationStatus(BaseModel):
    """Someone who is told of incidents, as in ``ops.destinations``; ``waiting``: incidents still to be told."""

    name: str
    channel: str
    seen_at: datetime
    delivered_at: datetime | None
    failures: int
    failing_since: datetime | None
    last_error: str | None
    waiting: int


class Status(BaseModel):
    """The whole answer, as of ``at``. Incidents and destinations are as the sensor incidents last saw them.

    ``checks`` did not pass at their last verdict, ``unjudged`` got none from the last run that planned them, ``judged``
    is how many did.
    """

    at: datetime
    source: str
    world: str
    endpoints: tuple[EndpointStatus, ...]
    runs: tuple[OpenRun, ...]
    drift: tuple[Drift, ...]
    checks: tuple[Verdict, ...]
    unjudged: tuple[Unjudged, ...]
    judged: int
    incidents: tuple[OpenIncident, ...]
    destinations: tuple[DestinationStatus, ...]


def status(connection: sa.Connection, source: str, world: str, graph: Graph) -> Status:
    """How the data in a warehouse stands."""
    at = datetime.now(UTC)
    loads, freshness = _last_loads(connection), _freshness(connection)
    quarantined = _counts(connection, "ops.quarantine WHERE resolved_at IS NULL")
    retained = _counts(connection, "ops.retained")
    drift = _drift(connection)
    return Status(
        at=at,
        source=source,
        world=world,
        endpoints=tuple(
            EndpointStatus(
                endpoint=name,
                last_load=loads.get(name),
                fetched_at=fetched_at,
                age_seconds=_seconds(fetched_at, at),
                unchanged_since=unchanged_since,
                unchanged_seconds=_seconds(unchanged_since, at),
                quarantined=quarantined.get(name, 0),
                retained=retained.get(name, 0),
                drifts=sum(one.endpoint == name for one in drift),
            )
            for name in ENDPOINTS
            for fetched_at, unchanged_since in [freshness.get(name, (None, None))]
        ),
        runs=graph.runs,
        drift=tuple(drift),
        checks=graph.verdicts.bad,
        unjudged=graph.verdicts.unjudged,
        judged=graph.verdicts.judged,
        incidents=tuple(_incidents(connection)),
        destinations=tuple(_destinations(connection)),
    )


def heard_at(connection: sa.Connection) -> dict[str, datetime]:
    """When the last load of each endpoint began, of whatever outcome."""
    loads = ledger.LOADS.c
    query = sa.select(loads.endpoint, sa.func.max(loads.started_at)).group_by(loads.endpoint)
    return dict(connection.execute(query).tuples().all())


def _last_loads(connection: sa.Connection) -> dict[str, LastLoad]:
    loads = ledger.LOADS.c
    last = sa.select(loads.endpoint, loads.run_id).distinct(loads.endpoint).order_by(loads.endpoint, loads.id.desc())
    of_last = sa.tuple_(loads.endpoint, loads.run_id).in_(last)
    same = ("outcome", "error", "source", "sha256", "documents", "documents_quarantined", "documents_collapsed")
    sums = ("rows_inserted", "rows_updated", "rows_deleted", "rows_unchanged", "rows_retained")
    query = (
        sa.select(
            loads.endpoint,
            loads.run_id,
            *(sa.func.max(loads[name]).label(name) for name in same),
            *(sa.func.sum(loads[name]).label(name) for name in sums),
            sa.func.min(loads.started_at).label("started_at"),
            sa.func.max(loads.finished_at).label("finished_at"),
        )
        .where(of_last)
        .group_by(loads.endpoint, loads.run_id)
    )
    return {
        row["endpoint"]: LastLoad(**row, seconds=(row["finished_at"] - row["started_at"]).total_seconds())
        for row in connection.execute(query).mappings()
    }


def _freshness(connection: sa.Connection) -> dict[str, tuple[datetime, datetime]]:
    """By endpoint: when what is loaded was last fetched, and first, without anything else between."""
    query = """\
WITH good AS (SELECT * FROM ops.loads WHERE outcome = 'loaded'),
last AS (SELECT DISTINCT ON (endpoint) * FROM good ORDER BY endpoint, id DESC)
SELECT last.endpoint, last.fetched_at, min(good.fetched_at) FROM last JOIN good USING (endpoint, sha256)
WHERE good.id > coalesce(
    (SELECT max(other.id) FROM good other WHERE other.endpoint = last.endpoint AND other.sha256 <> last.sha256), 0)
GROUP BY last.endpoint, last.fetched_at"""
    return {name: (last, first) for name, last, first in connection.execute(sa.text(query))}


def _counts(connection: sa.Connection, what: str) -> dict[str, int]:
    query = sa.text(f"SELECT endpoint, count(*) FROM {what} GROUP BY endpoint")
    return dict(connection.execute(query).tuples().all())


def _drift(connection: sa.Connection) -> list[Drift]:
    if connection.scalar(sa.text("SELECT to_regclass('ops.drift')")) is None:
        return []
    query = sa.text(
        "SELECT endpoint, path, change, before, after FROM ops.drift WHERE ended_at IS NULL ORDER BY endpoint, path, id"
    )
    return [Drift.model_validate(row, from_attributes=True) for row in connection.execute(query)]


def _incidents(connection: sa.Connection) -> list[OpenIncident]:
    if connection.scalar(sa.text("SELECT to_regclass('ops.incidents')")) is None:
        return []
    return [OpenIncident.model_validate(one, from_attributes=True) for one in open_incidents(connection)]


def _destinations(connection: sa.Connection) -> list[DestinationStatus]:
    if connection.scalar(sa.text("SELECT to_regclass('ops.destinations')")) is None:
        return []
    query = sa.select(DESTINATIONS, waiting(DESTINATIONS.c.name).label("waiting")).order_by(DESTINATIONS.c.name)
    return [DestinationStatus.model_validate(row, from_attributes=True) for row in connection.execute(query)]


def _seconds(since: datetime | None, at: datetime) -> float | None:
    return None if since is None else (at - since).total_seconds()
