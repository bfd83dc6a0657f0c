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
from spacex_assets.load.compare import believed, quoted, same_key
from spacex_assets.load.ledger import LOADED

FAR_AHEAD = f"t._changed_at IS DISTINCT FROM {believed('t._changed_at', 'now()')}"
FORGED = "bookkeeping that no load wrote"
TOUCHED = "a last good row was edited by hand"
DELETED = "a last good row was deleted by hand"
UNTIL_WHOLE = (
    "No run puts back what was changed by hand of a document in quarantine until the source has it whole again; until "
    "then `python -m spacex_assets explain <table> <key>` tells what the row was."
)


def bookkeeping_findings(connection: sa.Connection, layouts: Sequence[TableLayout]) -> list[Finding]:
    """Rows that claim a run or a time that cannot be, and last good rows that were edited or deleted by hand."""
    queries = [rule(layout) for rule in (_forged, _touched, _deleted) for layout in layouts]
    rows = connection.exec_driver_sql(" UNION ALL ".join(queries), {"endpoint": layouts[0].name, "loaded": LOADED})
    return [Finding(rule, key, found, remedy="" if rule == FORGED else UNTIL_WHOLE) for rule, key, found in rows]


def _key(layout: TableLayout, alias: str) -> str:
    return f"concat_ws(' ', {literal(layout.name)}, {', '.join(f'{alias}.{quoted(name)}' for name in layout.key)})"


def _forged(layout: TableLayout) -> str:
    return (
        f"SELECT {literal(FORGED)}, {_key(layout, 't')}, format('run %%s, changed at %%s; delete the row, the next run "
        f"inserts it anew', t._run_id, t._changed_at) FROM {quoted(SCHEMA, layout.name)} t WHERE {FAR_AHEAD} "
        f"OR t._run_id NOT IN (SELECT run_id FROM ops.loads WHERE endpoint = %(endpoint)s)"
    )


def _touched(layout: TableLayout) -> str:
    """An edit of volatile columns takes the hash only."""
    return (
        f"SELECT {literal(TOUCHED)}, {_key(layout, 't')}, CASE WHEN t._run_id IS NULL "
        f"THEN concat('at ', t._changed_at, ' by ' || h.ended_user, '; its history has what it was') "
        f"ELSE 'in volatile columns, of which no history is kept' END "
        f"FROM {quoted(SCHEMA, layout.name)} t JOIN ops.retention r "
        f"ON (r.endpoint, r.document_id) = (%(endpoint)s, t.{quoted(layout.key[0])}) "
        f"LEFT JOIN {quoted(HISTORY, layout.name)} h ON {same_key(layout, 'h', 't')} AND h.valid_to = t._changed_at "
        f"WHERE t._run_id IS NULL OR t._row_hash IS NULL"
    )


def _deleted(layout: TableLayout) -> str:
    """A last version that a hand ended, of a document that no load has found whole since, nor gone.

    While a document without a readable id is in quarantine, it may be any that a load did not find.
    """
    document = quoted(layout.key[0])
    loaded = "SELECT FROM ops.loads l WHERE (l.endpoint, l.outcome) = (%(endpoint)s, %(loaded)s)"
    return (
        f"SELECT DISTINCT {literal(DELETED)}, {_key(layout, 'h')}, "
        f"format('at %%s by %%s; its history has what it was', h.valid_to, h.ended_user) "
        f"FROM {quoted(HISTORY, layout.name)} h JOIN ops.quarantine q ON q.endpoint = %(endpoint)s "
        f"AND q.resolved_at IS NULL AND coalesce(q.document_id, h.{document}) = h.{document} "
        f"WHERE h.ended_run_id IS NULL "
        f"AND NOT EXISTS (SELECT FROM {quoted(SCHEMA, layout.name)} t WHERE {same_key(layout, 't', 'h')}) "
        f"AND NOT EXISTS (SELECT FROM {quoted(HISTORY, layout.name)} later "
        f"WHERE {same_key(layout, 'later', 'h')} AND later.valid_from > h.valid_from) "
        f"AND NOT EXISTS ({loaded} AND l.finished_at > h.valid_to "
        f"AND l.id < (SELECT min(id) FROM ops.loads f WHERE (f.endpoint, f.run_id) = (q.endpoint, q.first_run_id))) "
        f"AND (q.document_id IS NOT NULL OR EXISTS ({loaded} AND l.finished_at > h.valid_to))"
    )
