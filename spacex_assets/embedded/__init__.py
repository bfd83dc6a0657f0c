"""A PostgreSQL that needs no installation: started on demand, kept in one folder, reached on 127.0.0.1 only."""

from spacex_assets.embedded.errors import EmbeddedPostgresError
from spacex_assets.embedded.postgres import EmbeddedPostgres
from spacex_assets.embedded.server import Server

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "Server"]
