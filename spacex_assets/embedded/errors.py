"""What can go wrong with the embedded PostgreSQL."""

from spacex_assets.errors import PlatformError


class EmbeddedPostgresError(PlatformError):
    """The embedded PostgreSQL cannot be had."""
