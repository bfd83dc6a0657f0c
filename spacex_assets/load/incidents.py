"""``ops.incidents``: what is or was wrong, one row per incident. ``ops.deliveries``: who was told of its start and end.

Beside them ``ops.destinations``, how each destination of alerts stands, and ``ops.check_failures``, the verdicts that
were bad at the last look. What does not belong here: what counts as a problem and how it is told (``automation/``).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from spacex_assets.endpoints.tables import METADATA

_moment = sa.DateTime(timezone=True)


class Kind(StrEnum):
    """What can be wrong; each has a section in docs/runbook.md."""

    NOT_LOADED = "not_loaded"
    RUN_FAILED = "run_failed"
    CHECK_FAILED = "check_failed"
    STALE = "stale"
    AUTOMATION_FAILED = "automation_failed"
    DESTINATION_DEAD = "destination_dead"


DEAD_AFTER = 3
"""Attempts in a row that failed until a destination is dead, an incident itself."""

Key = tuple[Kind, str]
"""Kind and subject: what an incident is recognised by while it lasts."""

INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True, comment="Order of the incidents."),
    sa.Column("kind", sa.Text(), nullable=False, comment="What is wrong; docs/runbook.md has a section for each."),
    sa.Column("subject", sa.Text(), nullable=False, comment="With what: endpoint, job, check, sensor, destination."),
    sa.Column("endpoint", sa.Text(), comment="The endpoint that it is about; null: about none in particular."),
    sa.Column("opened_at", _moment, nullable=False, comment="Since when it is so."),
    sa.Column("last_seen_at", _moment, nullable=False, comment="When it was last seen to be so."),
    sa.Column("runs", sa.Integer(), nullable=False, comment="Runs, or ticks of a sensor or schedule, that met it."),
    sa.Column("run_id", sa.Text(), comment="The last run that met it."),
    sa.Column("last_error", sa.Text(), nullable=False, comment="What was last said about it, without secrets."),
    sa.Column("closed_at", _moment, comment="When it was seen to be over; null: it is not."),
    sa.CheckConstraint(f"kind IN {tuple(map(str, Kind))}", name="kind"),
    sa.Index("incidents_open_idx", "kind", "subject", unique=True, postgresql_where=sa.text("closed_at IS NULL")),
    schema="ops",
    comment="What is or was wrong; one row from its begin to its end, however many runs meet it.",
)

DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column(
        "incident_id",
        sa.BigInteger(),
        sa.ForeignKey(INCIDENTS.c.id, ondelete="CASCADE"),
        primary_key=True,
        comment="The incident.",
    ),
    sa.Column("destination", sa.Text(), primary_key=True, comment="The name of the destination in SPACEX_ALERTS."),
    sa.Column("alerted_at", _moment, comment="When it was told; null: it is still to be."),
    sa.Column("recovered_at", _moment, comment="When it was told that it is over; null: it is still to be."),
    schema="ops",
    comment="Which destination was told of which incident.",
)

DESTINATIONS = sa.Table(
    "destinations",
    METADATA,
    sa.Column("name", sa.Text(), primary_key=True, comment="Its name in SPACEX_ALERTS."),
    sa.Column("channel", sa.Text(), nullable=False, comment="slack, webhook, mail or log."),
    sa.Column("seen_at", _moment, nullable=False, comment="When the sensor incidents last looked whether to tell it."),
    sa.Column("delivered_at", _moment, comment="When it last took something."),
    sa.Column("failures", sa.Integer(), nullable=False, comment="Attempts that failed since."),
    sa.Column("failing_since", _moment, comment="When the first of them was."),
    sa.Column("last_error", sa.Text(), comment="Why the last of them failed, without secrets."),
    schema="ops",
    comment="How each destination of alerts stands.",
)

CHECK_FAILURES = sa.Table(
    "check_failures",
    METADATA,
    sa.Column("asset", sa.Text(), primary_key=True, comment="The asset, as in the Dagster UI."),
    sa.Column("check_name", sa.Text(), primary_key=True, comment="The name of its check."),
    sa.Column("endpoint", sa.Text(), nullable=False, comment="The endpoint."),
    sa.Column("severity", sa.Text(), nullable=False, comment="ERROR or WARN."),
    sa.Column("description", sa.Text(), comment="What the check found."),
    sa.Column("run_id", sa.Text(), nullable=False, comment="The run that evaluated it."),
    sa.Column("evaluated_at", _moment, nullable=False, comment="When."),
    schema="ops",
    comment="The asset checks that did not pass when the sensor incidents last looked.",
)


@dataclass(frozen=True)
class Problem:
    """Something that is wrong now. ``runs``: how many met it; ``None``: one more than known whenever the run is new."""

    kind: Kind
    subject: str
    since: datetime
    error: str
    endpoint: str | None = None
    run_id: str | None = None
    runs: int | None = None

    @property
    def key(self) -> Key:
        """What it is recognised by."""
        return self.kind, self.subject


@dataclass(frozen=True)
class Incident:
    """A row of ``ops.incidents``."""

    id: int
    kind: Kind
    subject: str
    endpoint: str | None
    opened_at: datetime
    last_seen_at: datetime
    runs: int
    run_id: str | None
    last_error: str
    closed_at: datetime | None


def reconcile(
    connection: sa.Connection,
    problems: Iterable[Problem],
    undecided: Collection[Key],
    destinations: Collection[str],
    at: datetime,
) -> None:
    """Opens, confirms and closes incidents, so that the open ones are the problems; the undecided stay as they are.

    Every destination is to be told of what is open, but none of its own death.
    """
    known = {(one.kind, one.subject): one for one in open_incidents(connection)}
    present = {problem.key: problem for problem in problems}
    for key, problem in present.items():
        if key in known:
            _confirm(connection, known[key], problem, at)
        else:
            connection.execute(INCIDENTS.insert().values(**_row(problem), runs=problem.runs or 1, last_seen_at=at))
    over = [one.id for key, one in known.items() if key not in present and key not in undecided]
    if over:
        connection.execute(INCIDENTS.update().where(INCIDENTS.c.id.in_(over)).values(closed_at=at))
    to_tell = [
        {"incident_id": one.id, "destination": name}
        for one in open_incidents(connection)
        for name in destinations
        if (one.kind, one.subject) != (Kind.DESTINATION_DEAD, name)
    ]
    if to_tell:
        connection.execute(insert(DELIVERIES).on_conflict_do_nothing(), to_tell)


def open_incidents(connection: sa.Connection) -> list[Incident]:
    """What is wrong now, oldest first."""
    query = sa.select(INCIDENTS).where(INCIDENTS.c.closed_at.is_(None)).order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    return [_incident(row) for row in connection.execute(query)]


def to_alert(connection: sa.Connection, destination: str) -> list[Incident]:
    """The incidents of which a destination is still to be told."""
    return _due(connection, destination, DELIVERIES.c.alerted_at.is_(None))


def to_recover(connection: sa.Connection, destination: str) -> list[Incident]:
    """The incidents whose start a destination was told of, and whose end it is still to be told of."""
    told = DELIVERIES.c.alerted_at.is_not(None) & DELIVERIES.c.recovered_at.is_(None)
    return _due(connection, destination, told & INCIDENTS.c.closed_at.is_not(None))


def waiting(destination: sa.ColumnElement[str]) -> sa.ScalarSelect[int]:
    """How many incidents a destination is still to be told of, of their start or their end."""
    begin, end = DELIVERIES.c.alerted_at.is_(None), DELIVERIES.c.recovered_at.is_(None)
    untold = begin | (INCIDENTS.c.closed_at.is_not(None) & end)
    query = sa.select(sa.func.count()).select_from(DELIVERIES.join(INCIDENTS))
    return query.where(DELIVERIES.c.destination == destination, untold).scalar_subquery()


def record_told(connection: sa.Connection, destination: str, ids: Sequence[int], *, over: bool, at: datetime) -> None:
    """Writes that a destination was told of the start, or of the end, of incidents."""
    ours = (DELIVERIES.c.destination == destination) & DELIVERIES.c.incident_id.in_(ids)
    column = DELIVERIES.c.recovered_at if over else DELIVERIES.c.alerted_at
    connection.execute(DELIVERIES.update().where(ours).values({column: at}))
    well = {"delivered_at": at, "failures": 0, "failing_since": None, "last_error": None}
    connection.execute(DESTINATIONS.update().where(DESTINATIONS.c.name == destination).values(well))


def record_refused(connection: sa.Connection, destination: str, error: str, at: datetime) -> int:
    """Writes that a destination did not take what it was to be told; how often in a row that happened."""
    columns = DESTINATIONS.c
    failing = {
        "failures": columns.failures + 1,
        "failing_since": sa.func.coalesce(columns.failing_since, at),
        "last_error": error,
    }
    query = DESTINATIONS.update().where(columns.name == destination).values(failing).returning(columns.failures)
    return int(connection.execute(query).scalar_one())


def record_seen(connection: sa.Connection, channels: dict[str, str], at: datetime) -> None:
    """Writes that the destinations were looked at, by name; forgets those that are no longer there."""
    if channels:
        new = insert(DESTINATIONS)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=["name"], set_={"seen_at": new.excluded.seen_at, "channel": new.excluded.channel}
            ),
            [{"name": name, "channel": channel, "seen_at": at, "failures": 0} for name, channel in channels.items()],
        )
    connection.execute(DESTINATIONS.delete().where(DESTINATIONS.c.name.not_in(channels)))


def record_check_failures(connection: sa.Connection, failures: Sequence[dict[str, object]]) -> None:
    """Makes ``ops.check_failures`` exactly these."""
    connection.execute(CHECK_FAILURES.delete())
    if failures:
        connection.execute(CHECK_FAILURES.insert(), failures)


def _confirm(connection: sa.Connection, known: Incident, problem: Problem, at: datetime) -> None:
    met = problem.runs if problem.runs is not None else known.runs + (problem.run_id != known.run_id)
    values = {"runs": max(met, known.runs), "run_id": problem.run_id, "last_error": problem.error, "last_seen_at": at}
    connection.execute(INCIDENTS.update().where(INCIDENTS.c.id == known.id).values(values))


def _row(problem: Problem) -> dict[str, object]:
    return {
        "kind": problem.kind.value,
        "subject": problem.subject,
        "endpoint": problem.endpoint,
        "opened_at": problem.since,
        "run_id": problem.run_id,
        "last_error": problem.error,
    }


def _due(connection: sa.Connection, destination: str, condition: sa.ColumnElement[bool]) -> list[Incident]:
    query = (
        sa.select(INCIDENTS)
        .join(DELIVERIES)
        .where(DELIVERIES.c.destination == destination, condition)
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
    )
    return [_incident(row) for row in connection.execute(query)]


def _incident(row: sa.Row[tuple[object, ...]]) -> Incident:
    fields = dict(row._mapping)
    return Incident(**{**fields, "kind": Kind(fields["kind"])})
