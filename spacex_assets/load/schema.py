"""The whole declared schema of the warehouse: the tables of every endpoint, their history, the ledger, routines."""

from collections.abc import Iterable, MutableMapping
from typing import Any

from alembic.operations import ops

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import HISTORY, METADATA, SCHEMA, history_of
from spacex_assets.load import drift, history, incidents, ledger, quarantine, triggers
from spacex_assets.load.forget import forget_versions
from spacex_assets.load.routines import Routine, changes

__all__ = ["METADATA", "SCHEMAS", "TABLES", "add_routines", "all_layouts", "is_ours", "routines"]

SCHEMAS = (SCHEMA, HISTORY, "ops")


def all_layouts() -> list[TableLayout]:
    """The layouts of every endpoint's tables."""
    return [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]


TABLES = (
    *(table for endpoint in ENDPOINTS.values() for table in endpoint.tables),
    *(history_of(layout) for layout in all_layouts()),
    *(ledger.LOADS, ledger.WORLD, quarantine.QUARANTINE, quarantine.RETENTION, drift.DRIFT, drift.PROFILES),
    *(incidents.INCIDENTS, incidents.DELIVERIES, incidents.DESTINATIONS, incidents.CHECK_FAILURES),
)
"""Naming them here is what puts them into :data:`METADATA`."""


def is_ours(name: str | None, kind: str, _: MutableMapping[str, str | None]) -> bool:
    """Keeps Alembic's eyes on our schemas and off its own table."""
    return name in SCHEMAS if kind == "schema" else name != "alembic_version"


def routines() -> list[Routine]:
    """Every function, trigger and view, functions before the triggers that call them."""
    return [quarantine.RETAINED, forget_versions(all_layouts())] + [
        routine
        for layout in all_layouts()
        for routine in (*triggers.foreign_edit(layout), *history.keep(layout), history.as_of(layout))
    ]


def add_routines(context: Any, _: Any, directives: Iterable[Any]) -> None:
    """Adds to a generated migration what leads to the declared functions and triggers, and back."""
    forth, back = changes(context.bind, routines())
    for script in directives:
        script.upgrade_ops.ops.extend(map(ops.ExecuteSQLOp, forth))
        # A view goes before the tables that it reads.
        views = [statement for statement in back if statement.startswith("DROP VIEW")]
        script.downgrade_ops.ops[:0] = map(ops.ExecuteSQLOp, views)
        script.downgrade_ops.ops.extend(ops.ExecuteSQLOp(statement) for statement in back if statement not in views)
