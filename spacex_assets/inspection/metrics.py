"""The figures of the platform as an OpenMetrics page, read from the warehouse at every scrape.

Runs end and take what they counted along; the ledger stays, so what is counted is summed over it. Reading needs no more
than the role spacex_analyst may. What does not belong here: how the page is served (``exporter.py``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import sqlalchemy as sa

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.incidents import DEAD_AFTER, Kind
from spacex_assets.load.ledger import OUTCOMES

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True)
class Family:
    """A metric; ``name`` without the ``_total`` of a counter's sample, with its ``unit`` at the end if it has one."""

    name: str
    kind: str
    help: str
    unit: str | None
    labels: tuple[str, ...]
    query: str


FAMILIES = (
    Family(
        "spacex_rows",
        "counter",
        "Rows by what the loads did to them, summed over all loads.",
        "rows",
        ("endpoint", "table", "outcome"),
        """SELECT endpoint, table_name, what, sum(n) FROM ops.loads CROSS JOIN LATERAL (VALUES
            ('inserted', rows_inserted), ('updated', rows_updated), ('deleted', rows_deleted),
            ('unchanged', rows_unchanged)) AS v (what, n)
        WHERE outcome = 'loaded' GROUP BY 1, 2, 3""",
    ),
    Family(
        "spacex_loads",
        "counter",
        "Loads of an endpoint by outcome, one per run.",
        None,
        ("endpoint", "outcome"),
        f"""SELECT e, o, count(DISTINCT run_id) FROM unnest({{endpoints}}) e
        CROSS JOIN unnest(ARRAY{list(OUTCOMES)}) o
        LEFT JOIN ops.loads l ON (l.endpoint, l.outcome) = (e, o) GROUP BY 1, 2""",
    ),
    Family(
        "spacex_load_seconds",
        "counter",
        "Seconds that loads of an endpoint took, of whatever outcome.",
        "seconds",
        ("endpoint",),
        """SELECT endpoint, sum(seconds) FROM (
            SELECT endpoint, extract(epoch FROM max(finished_at) - min(started_at)) AS seconds
            FROM ops.loads GROUP BY endpoint, run_id) runs GROUP BY 1""",
    ),
    Family(
        "spacex_last_load_seconds",
        "gauge",
        "Seconds that the last load of an endpoint took.",
        "seconds",
        ("endpoint",),
        """SELECT DISTINCT ON (endpoint) endpoint, extract(epoch FROM max(finished_at) - min(started_at))
        FROM ops.loads GROUP BY endpoint, run_id ORDER BY endpoint, max(id) DESC""",
    ),
    Family(
        "spacex_last_load_ok",
        "gauge",
        "Whether the last load of an endpoint loaded it, or found that a later snapshot had been.",
        None,
        ("endpoint",),
        """SELECT DISTINCT ON (endpoint) endpoint, (outcome IN ('loaded', 'superseded'))::int
        FROM ops.loads ORDER BY endpoint, id DESC""",
    ),
    Family(
        "spacex_last_success_timestamp_seconds",
        "gauge",
        "When an endpoint was last loaded; 0: never.",
        "seconds",
        ("endpoint",),
        """SELECT e, coalesce(extract(epoch FROM max(finished_at)), 0) FROM unnest({endpoints}) e
        LEFT JOIN ops.loads l ON l.endpoint = e AND outcome = 'loaded' GROUP BY 1""",
    ),
    Family(
        "spacex_snapshot_age_seconds",
        "gauge",
        "How long ago the source was asked for what the tables hold.",
        "seconds",
        ("endpoint",),
        """SELECT DISTINCT ON (endpoint) endpoint, extract(epoch FROM clock_timestamp() - fetched_at)
        FROM ops.loads WHERE outcome = 'loaded' ORDER BY endpoint, id DESC""",
    ),
    Family(
        "spacex_documents",
        "gauge",
        "Documents in the snapshot that was last loaded.",
        "documents",
        ("endpoint",),
        """SELECT DISTINCT ON (endpoint) endpoint, documents FROM ops.loads WHERE outcome = 'loaded'
        ORDER BY endpoint, id DESC""",
    ),
    Family(
        "spacex_quarantined_documents",
        "gauge",
        "Documents that break their record and are not loaded.",
        "documents",
        ("endpoint",),
        """SELECT e, count(q.id) FROM unnest({endpoints}) e
        LEFT JOIN ops.quarantine q ON q.endpoint = e AND resolved_at IS NULL GROUP BY 1""",
    ),
    Family(
        "spacex_retained_documents",
        "gauge",
        "Documents whose last good rows stay though the source has them no longer whole.",
        "documents",
        ("endpoint",),
        """SELECT e, count(r.document_id) FROM unnest({endpoints}) e
        LEFT JOIN ops.retention r ON r.endpoint = e GROUP BY 1""",
    ),
    Family(
        "spacex_drifts",
        "gauge",
        "Ways in which an endpoint differs from its record or from its past.",
        None,
        ("endpoint",),
        """SELECT e, count(d.id) FROM unnest({endpoints}) e
        LEFT JOIN ops.drift d ON d.endpoint = e AND ended_at IS NULL GROUP BY 1""",
    ),
    Family(
        "spacex_check_failures",
        "gauge",
        "Asset checks that did not pass when the sensor incidents last looked.",
        None,
        ("endpoint", "severity"),
        """SELECT e, s, count(f.check_name) FROM unnest({endpoints}) e CROSS JOIN unnest(ARRAY['ERROR', 'WARN']) s
        LEFT JOIN ops.check_failures f ON (f.endpoint, f.severity) = (e, s) GROUP BY 1, 2""",
    ),
    Family(
        "spacex_incidents_open",
        "gauge",
        "Incidents that are not over.",
        None,
        ("kind",),
        f"""SELECT k, count(i.id) FROM unnest(ARRAY{list(map(str, Kind))}) k
        LEFT JOIN ops.incidents i ON i.kind = k AND closed_at IS NULL GROUP BY 1""",
    ),
    Family(
        "spacex_incidents",
        "counter",
        "Incidents that ever began.",
        None,
        ("kind",),
        f"""SELECT k, count(i.id) FROM unnest(ARRAY{list(map(str, Kind))}) k
        LEFT JOIN ops.incidents i ON i.kind = k GROUP BY 1""",
    ),
    Family(
        "spacex_incidents_looked_timestamp_seconds",
        "gauge",
        "When the sensor incidents last looked; while it does not, nobody is told.",
        "seconds",
        (),
        "SELECT extract(epoch FROM max(seen_at)) FROM ops.destinations HAVING count(*) > 0",
    ),
    Family(
        "spacex_alert_destination_failures",
        "gauge",
        "Attempts in a row to tell a destination that failed; 0: it is well.",
        None,
        ("destination", "channel"),
        "SELECT name, channel, failures FROM ops.destinations",
    ),
    Family(
        "spacex_alert_destinations_dead",
        "gauge",
        f"Destinations that {DEAD_AFTER} times in a row did not take what they were to be told.",
        None,
        (),
        f"SELECT count(*) FROM ops.destinations WHERE failures >= {DEAD_AFTER}",
    ),
)


def page(connection: sa.Connection) -> str:
    """All figures, as of now, in one state of the database."""
    endpoints = "ARRAY[" + ", ".join(f"'{name}'" for name in ENDPOINTS) + "]"
    lines = [*_about(connection)]
    for family in FAMILIES:
        rows = connection.exec_driver_sql(family.query.replace("{endpoints}", endpoints)).all()
        lines += _family(family, sorted(map(tuple, rows)))
    return "\n".join([*lines, "# EOF", ""])


def _about(connection: sa.Connection) -> Iterator[str]:
    world = connection.exec_driver_sql("SELECT name FROM ops.world").scalar() or "none"
    yield "# TYPE spacex_platform info"
    yield "# HELP spacex_platform The version of the exporter and the world of its warehouse."
    yield f"spacex_platform_info{_labels([('version', version('spacex-assets')), ('world', world)])} 1"


def _family(family: Family, rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"# TYPE {family.name} {family.kind}"
    if family.unit:
        yield f"# UNIT {family.name} {family.unit}"
    yield f"# HELP {family.name} {_escaped(family.help)}"
    suffix = "_total" if family.kind == "counter" else ""
    for *values, figure in rows:
        labels = _labels(zip(family.labels, map(str, values), strict=True))
        yield f"{family.name}{suffix}{labels} {figure}"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
