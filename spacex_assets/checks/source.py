"""Whether the source still says something new, and of which documents only the last good rows are here."""

from datetime import UTC, datetime

import sqlalchemy as sa

from spacex_assets.checks.findings import Finding, Findings
from spacex_assets.checks.last_load import LastLoad
from spacex_assets.config import Settings


def silence(load: LastLoad, settings: Settings) -> Findings:
    """Whether the source has not changed for too long, as far as our loads can tell."""
    days = (datetime.now(UTC) - load.unchanged_since).total_seconds() / 86400
    figures = {"unchanged_since": load.unchanged_since.isoformat(), "unchanged_days": round(days, 2)}
    if days <= settings.source_silent_days:
        return Findings((), figures)
    text = f"since {load.unchanged_since:%Y-%m-%d}, for more than {settings.source_silent_days:g} days"
    return Findings((Finding("the source has not changed", "", text),), figures)


def retained(connection: sa.Connection, endpoint: str) -> Findings:
    """The documents whose last good rows stay, with what is wrong with the present ones."""
    query = sa.text(
        "SELECT document_id, since, errors FROM ops.retained WHERE endpoint = :endpoint ORDER BY document_id"
    )
    rows = connection.execute(query, {"endpoint": endpoint}).all()
    return Findings(
        tuple(
            Finding("retained", row.document_id, f"since {row.since:%Y-%m-%d %H:%M}: {_errors(row.errors)}")
            for row in rows
        ),
        {"documents_retained": len(rows)},
    )


def _errors(errors: list[dict[str, str]] | None) -> str:
    if errors is None:
        return "a document without a readable id could be it"
    return "; ".join(f"{one['path']}: expected {one['expected']}, found {one['found']}" for one in errors)
