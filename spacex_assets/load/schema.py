"""The whole declared schema of the warehouse: the tables of every endpoint, the ledger, functions and triggers."""

from collections.abc import Iterable, MutableMapping
from typing import Any

from alembic.operations import ops
from sqlalchemy import text

from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.endpoints.tables import METADATA
from spacex_assets.load import ledger, triggers

__all__ = ["METADATA", "SCHEMAS", "add_triggers", "all_layouts", "is_ours"]

SCHEMAS = ("spacex", "ops")


def all_layouts() -> list[TableLayout]:
    """The layouts of every endpoint's tables."""
    return [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]


TABLES = (*(table for endpoint in ENDPOINTS.values() for table in endpoint.tables), ledger.LOADS, ledger.WORLD)
"""Naming them here is what puts them into :data:`METADATA`."""


def is_ours(name: str | None, kind: str, _: MutableMapping[str, str | None]) -> bool:
    """Keeps Alembic's eyes on our schemas and off its own table."""
    return name in SCHEMAS if kind == "schema" else name != "alembic_version"


def add_triggers(context: Any, _: Any, directives: Iterable[Any]) -> None:
    """Adds to a generated migration whatever functions and triggers the database lacks or has otherwise."""
    stored = dict(context.bind.execute(text(_INSTALLED)).all())
    for script in directives:
        script.upgrade_ops.ops.extend(
            ops.ExecuteSQLOp(statement) for layout in [None, *all_layouts()] for statement in _outdated(stored, layout)
        )


_INSTALLED = """
SELECT c.relname, obj_description(t.oid, 'pg_trigger') FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'spacex' AND NOT t.tgisinternal
UNION ALL SELECT '', obj_description(p.oid, 'pg_proc') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'ops' AND p.proname = 'stamp_foreign_edit'"""


def _outdated(stored: dict[str, str], layout: TableLayout | None) -> list[str]:
    """The statements that bring a trigger, or the function, up to date; its comment carries its fingerprint."""
    name = layout.name if layout else ""
    if name in stored and triggers.fingerprint(layout) in stored[name]:
        return []
    return triggers.replace_statements(layout)
