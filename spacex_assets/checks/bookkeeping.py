"""Whether every row was written by a load, as far as its bookkeeping says, and no last good row was touched by hand.

A hand edit of any other row shows as a difference from the raw document. What does not belong here: comparing values
(``reconciliation.py``).
"""

from collections.abc import Sequence

import sqlalchemy as sa

from spacex_assets.checks.findings import Finding
from spacex_assets.checks.promises import literal
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import HISTORY, SCHEMA
from spacex_assets.load.compare import believed, quoted

FAR_AHEAD = f"t._changed_at IS DISTINCT FROM {believed('t._changed_at', 'now()')}"
FORGED = "bookkeeping that no load wrote"
TOUCHED = "a last good row was edited by hand"
DELETED = "a last good row was deleted by hand"


def bookkeeping_findings(connection: sa.Connection, layouts: Sequence[TableLayout]) -> list[Finding]:
    """Rows that claim a run or a time that cannot be, and retained documents that were edited or deleted by hand."""
    main = layouts[0]
    queries = [_forged(layout) for layout in layouts] + [_touched(layout) for layout in layouts] + [_deleted(main)]
    rows = connection.exec_driver_sql(" UNION ALL ".join(queries), {"endpoint": main.name})
    return [Finding(rule, key, found) for rule, key, found in rows]


def _key(layout: TableLayout) -> str:
    return f"concat_ws(' ', {literal(layout.name)}, {', '.join(f't.{quoted(name)}' for name in layout.key)})"


def _forged(layout: TableLayout) -> str:
    return (
        f"SELECT {literal(FORGED)}, {_key(layout)}, format('run %%s, changed at %%s; delete the row, the next run "
        f"inserts it anew', t._run_id, t._changed_at) FROM {quoted(SCHEMA, layout.name)} t WHERE {FAR_AHEAD} "
        f"OR t._run_id NOT IN (SELECT run_id FROM ops.loads WHERE endpoint = %(endpoint)s)"
    )


def _touched(layout: TableLayout) -> str:
    return (
        f"SELECT {literal(TOUCHED)}, {_key(layout)}, format('at %%s; its history has what it was', t._changed_at) "
        f"FROM {quoted(SCHEMA, layout.name)} t JOIN ops.retention r "
        f"ON (r.endpoint, r.document_id) = (%(endpoint)s, t.{quoted(layout.key[0])}) WHERE t._run_id IS NULL"
    )


def _deleted(main: TableLayout) -> str:
    document = quoted(main.key[0])
    return (
        f"SELECT {literal(DELETED)}, h.{document}, format('at %%s by %%s; its history has what it was', "
        f"max(h.valid_to), max(h.ended_user)) FROM {quoted(HISTORY, main.name)} h JOIN ops.quarantine q "
        f"ON (q.endpoint, q.document_id) = (%(endpoint)s, h.{document}) AND q.resolved_at IS NULL "
        f"WHERE h.ended_by <> 'update' AND h.ended_run_id IS NULL AND h.valid_to > q.first_seen_at "
        f"AND NOT EXISTS (SELECT FROM {quoted(SCHEMA, main.name)} t WHERE t.{document} = h.{document}) "
        f"GROUP BY h.{document}"
    )
