"""What PostgreSQL's catalog says of our schemas, one text per thing, to be compared between databases."""

import sqlalchemy as sa

from spacex_assets.load.schema import SCHEMAS

_THINGS = """
WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY (:schemas)),
relation AS (
    SELECT c.*, format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN ours ON ours.oid = relnamespace
    WHERE relname !~ '^alembic_version'
)
SELECT format('table %s: %s', name, obj_description(oid, 'pg_class')) FROM relation WHERE relkind = 'r'
UNION ALL
SELECT format('view %s: %s %s', name, pg_get_viewdef(oid), obj_description(oid, 'pg_class'))
FROM relation WHERE relkind = 'v'
UNION ALL
SELECT format('column of %s: %I %s, not null: %s, default: %s, identity: %s, %s', name, attname,
    format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), attidentity,
    col_description(r.oid, attnum))
FROM relation r JOIN pg_attribute ON attrelid = r.oid LEFT JOIN pg_attrdef d ON (adrelid, adnum) = (r.oid, attnum)
WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT format('constraint on %s: %I %s', name, conname, pg_get_constraintdef(k.oid))
FROM relation r JOIN pg_constraint k ON conrelid = r.oid
UNION ALL
SELECT pg_get_indexdef(oid) FROM relation WHERE relkind = 'i'
UNION ALL
SELECT format('%s: %s', pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger'))
FROM relation r JOIN pg_trigger t ON tgrelid = r.oid WHERE NOT tgisinternal
UNION ALL
SELECT format('%s: %s, rights: %s', pg_get_functiondef(p.oid), obj_description(p.oid, 'pg_proc'), proacl)
FROM pg_proc p JOIN ours ON ours.oid = pronamespace
"""


def catalog(engine: sa.Engine) -> list[str]:
    """Tables, columns, constraints, indexes, triggers, functions, each with its text and comment."""
    with engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
        return sorted(connection.scalars(sa.text(_THINGS), {"schemas": list(SCHEMAS)}))
