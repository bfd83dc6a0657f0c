"""The warehouse: its connections, its world, and the door to loads. One per process."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import sqlalchemy as sa

from spacex_assets.config import World
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.tables import SCHEMA
from spacex_assets.errors import WorldMismatch
from spacex_assets.load import ledger
from spacex_assets.load.compare import quoted
from spacex_assets.load.errors import SchemaOutdated
from spacex_assets.load.pools import pooled_engine
from spacex_assets.load.transaction import EndpointLoad, Origin, endpoint_load


@dataclass(frozen=True)
class Warehouse:
    """A PostgreSQL database that belongs to one world."""

    engine: sa.Engine

    @classmethod
    def connect(cls, url: str, world: World) -> "Warehouse":
        """A warehouse whose schema is installed and whose world is the given one.

        Raises :class:`SchemaOutdated` and :class:`WorldMismatch`.
        """
        warehouse = cls(pooled_engine(url))
        warehouse._check_world(world)
        return warehouse

    def load(
        self,
        origin: Origin,
        layouts: Sequence[TableLayout],
        frames: Mapping[str, pl.DataFrame],
        *,
        full_compare: bool = False,
        force: bool = False,
    ) -> AbstractContextManager[EndpointLoad]:
        """See :func:`endpoint_load`."""
        return endpoint_load(self.engine, origin, layouts, frames, full_compare=full_compare, force=force)

    def last_loaded_documents(self, endpoint: str) -> int | None:
        """How many documents the snapshot had that was last loaded; ``None`` before the first load."""
        loads = ledger.LOADS.c
        query = (
            sa.select(loads.documents)
            .where(loads.endpoint == endpoint, loads.outcome == ledger.LOADED)
            .order_by(loads.id.desc())
            .limit(1)
        )
        with self.engine.connect() as connection:
            return connection.scalar(query)

    def vanished(self, endpoint: str, seen: Sequence[str]) -> tuple[int, int]:
        """How many documents the main table of an endpoint has, and how many of them are none of those seen.

        One that was not seen before either, and is retained, has not vanished now.
        """
        query = (
            "SELECT count(*), count(*) FILTER (WHERE s.id IS NULL AND r.document_id IS NULL) "
            f"FROM {quoted(SCHEMA, endpoint)} t LEFT JOIN unnest(%(seen)s::text[]) s(id) USING (id) "
            "LEFT JOIN ops.retention r ON (r.endpoint, r.document_id) = (%(endpoint)s, t.id)"
        )
        with self.engine.connect() as connection:
            found = connection.exec_driver_sql(query, {"seen": list(seen), "endpoint": endpoint})
            documents, vanished = found.one()
            return documents, vanished

    def last_loaded_contents(self) -> dict[str, str]:
        """The sha256 of the snapshot that was loaded last, by endpoint."""
        loads = ledger.LOADS.c
        query = (
            sa.select(loads.endpoint, loads.sha256)
            .distinct(loads.endpoint)
            .where(loads.outcome == ledger.LOADED)
            .order_by(loads.endpoint, loads.id.desc())
        )
        with self.engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    def last_outcomes(self) -> dict[str, tuple[str, str | None]]:
        """How the last load ended, or that the run failed before it, and the sha256 of its snapshot, by endpoint."""
        loads = ledger.LOADS.c
        query = (
            sa.select(loads.endpoint, loads.outcome, loads.sha256)
            .distinct(loads.endpoint)
            .order_by(loads.endpoint, loads.id.desc())
        )
        with self.engine.connect() as connection:
            return {name: (outcome, sha256) for name, outcome, sha256 in connection.execute(query).tuples()}

    def last_attempt(self, endpoint: str) -> datetime | None:
        """When a load of the endpoint last began, or failed before it; ``None`` before the first."""
        loads = ledger.LOADS.c
        query = sa.select(sa.func.max(loads.started_at)).where(loads.endpoint == endpoint)
        with self.engine.connect() as connection:
            attempt: datetime | None = connection.scalar(query)
            return attempt

    def claim(self, world: World) -> None:
        """Stamps a new database with its world. Raises :class:`WorldMismatch` if it already has another."""
        name = sa.select(ledger.WORLD.c.name)
        with self.engine.begin() as connection:
            if connection.scalar(name) is None:
                connection.execute(sa.text("LOCK TABLE ops.world IN SHARE ROW EXCLUSIVE MODE"))
                if connection.scalar(name) is None:
                    connection.execute(ledger.WORLD.insert().values(name=world.value))
        self._check_world(world)

    def close(self) -> None:
        """Closes the connections."""
        self.engine.dispose()

    def _check_world(self, world: World) -> None:
        with self.engine.connect() as connection:
            if connection.scalar(sa.text("SELECT to_regclass('ops.world')")) is None:
                raise SchemaOutdated(
                    "The warehouse has no schema yet. Run `python -m spacex_assets migrate`, which `make run`, "
                    "`make ui` and `make shell` do by themselves."
                )
            found = connection.scalar(sa.select(ledger.WORLD.c.name))
        if found != world:
            raise WorldMismatch(
                f"The source is in the {world} world, but this warehouse holds "
                f"{found or 'no'} data. The two never mix: give each world a database of its own "
                f"(SPACEX_DATABASE_URL), or change SPACEX_SOURCE."
            )
