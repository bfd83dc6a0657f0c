"""Dagster's storage on pooled connections, named by ``storage.custom`` in dagster.yaml.

The stock storage opens a connection per event; a pool makes a run of this graph about a third faster (docs/adr). The
pool pings before use, so that a restart of PostgreSQL in mid-run costs nothing. What does not belong here: the
warehouse.
"""

from collections.abc import Mapping
from typing import Any, Self, cast

import sqlalchemy as sa
from dagster._core.storage.config import PostgresStorageConfig
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config, set_pg_statement_timeout
from pydantic import SecretStr

from spacex_assets.config import Settings

POOL_SIZE = 2
MAX_OVERFLOW = 20


class PooledPostgresStorage(DagsterPostgresStorage):
    """Run, event and schedule storage in one database, over one pool of connections."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        self.engine = sa.create_engine(
            postgres_url,
            isolation_level="AUTOCOMMIT",
            pool_size=POOL_SIZE,
            max_overflow=MAX_OVERFLOW,
            pool_pre_ping=True,
        )
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage._engine = self.engine
            # The stock one replaces the engine by one that does not ping.
            storage.optimize_for_webserver = self._limit_statements  # type: ignore[method-assign]

    def _limit_statements(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        """What the webserver asks of each storage; the pool stays ours."""
        sa.event.listen(
            self.engine, "connect", lambda connection, _: set_pg_statement_timeout(connection, statement_timeout)
        )
        self.engine.dispose()

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Overridden because the inherited one builds the stock class, in silence; the settings know the password."""
        url = pg_url_from_config(cast(PostgresStorageConfig, config_value))
        return cls(
            postgres_url=Settings(dagster_database_url=SecretStr(url)).dagster_url or url,
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            inst_data=inst_data,
        )
