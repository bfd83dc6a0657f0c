"""Functions, triggers and views as the migrations own them: replaced when their text changes, dropped when undeclared.

Alembic sees tables only. So the comment of each routine ends with the fingerprint of its text, by which a changed
declaration is noticed and ours are told from others'. What does not belong here: what a routine does
(``triggers.py``, ``history.py``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Routine:
    """A function, trigger or view; ``identity``, as in :data:`_INSTALLED`, follows DROP and COMMENT ON."""

    identity: str
    create: tuple[str, ...]
    about: str

    @property
    def comment(self) -> str:
        """What it does, and the fingerprint of its text."""
        return f"{self.about} Text: {sha256(';'.join(self.create).encode()).hexdigest()[:12]}"

    @property
    def statements(self) -> list[str]:
        """Install it, whether or not an earlier one is there."""
        return [*self.create, _comment(self.identity, self.comment)]


def changes(connection: Connection, declared: Iterable[Routine]) -> tuple[list[str], list[str]]:
    """The statements that lead from the installed routines to the declared ones, and those that lead back."""
    installed = {row.identity: row for row in connection.execute(text(_INSTALLED))}
    wanted = {routine.identity: routine for routine in declared}
    new = [name for name in wanted if name not in installed]
    gone = [name for name in installed if name not in wanted]
    other = [name for name in wanted if name in installed and installed[name].comment != wanted[name].comment]
    forth = [statement for name in wanted if name in (*new, *other) for statement in wanted[name].statements]
    back = [
        statement
        for name in installed
        if name in (*gone, *other)
        for statement in (*installed[name].definition, _comment(name, installed[name].comment))
    ]
    return forth + _drops(gone), back + _drops(new)


def _drops(identities: list[str]) -> list[str]:
    """Triggers before the functions that they call; a trigger may have gone with its table."""
    return [
        f"DROP {kind} IF EXISTS {name}"
        for kind, _, name in sorted((identity.partition(" ") for identity in identities), reverse=True)
    ]


def _comment(identity: str, comment: str) -> str:
    return f"COMMENT ON {identity} IS '" + comment.replace("'", "''") + "'"


_INSTALLED = """
SELECT * FROM (
  SELECT format('FUNCTION "%s"."%s"(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS identity,
    CASE WHEN p.prorettype = 'trigger'::regtype THEN ARRAY[pg_get_functiondef(p.oid)]
      ELSE ARRAY['DROP FUNCTION IF EXISTS ' || p.oid::regprocedure, pg_get_functiondef(p.oid)] END AS definition,
    obj_description(p.oid, 'pg_proc') AS comment
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind = 'f'
  UNION ALL
  SELECT format('TRIGGER "%s" ON "%s"."%s"', t.tgname, n.nspname, c.relname),
    ARRAY[replace(pg_get_triggerdef(t.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER')],
    obj_description(t.oid, 'pg_trigger')
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal
  UNION ALL
  SELECT format('VIEW "%s"."%s"', n.nspname, c.relname),
    ARRAY[format('CREATE OR REPLACE VIEW "%s"."%s" AS %s', n.nspname, c.relname, pg_get_viewdef(c.oid))],
    obj_description(c.oid, 'pg_class')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v'
) AS installed WHERE comment ~ ' Text: [0-9a-f]{12}$' ORDER BY identity"""
