"""psql on the warehouse, with its password in no process list.

What does not belong here: making the warehouse ready (``local.py``).
"""

import shutil
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg2.extensions import make_dsn

from spacex_assets.config import Settings
from spacex_assets.databases import embedded, is_embedded, warehouse
from spacex_assets.local import prepare


@dataclass(frozen=True)
class Psql:
    """A program, its arguments, and what its environment needs besides."""

    program: str
    arguments: list[str]
    environment: dict[str, str]


def psql_on_warehouse(settings: Settings, arguments: tuple[str, ...]) -> Psql:
    """How to call psql; starts the embedded PostgreSQL where no other is configured, whose schema is left as it is."""
    postgres = embedded(settings)
    if is_embedded(settings):
        settings = prepare(settings)
        program = str(postgres.binary("psql"))
    else:
        settings = warehouse(settings)
        program = shutil.which("psql") or str(postgres.place.packaged / "bin" / "psql")
    url = sa.make_url(settings.warehouse_url)
    _, options = url.get_dialect()().create_connect_args(url)
    password = options.pop("password", None)
    return Psql(program, [program, make_dsn(**options), *arguments], {"PGPASSWORD": password} if password else {})
