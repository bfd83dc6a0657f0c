"""What can be wrong with a backup."""

from spacex_assets.errors import PlatformError


class BackupError(PlatformError):
    """A backup or a restore that was refused or failed; the warehouse is as it was."""


class ProgramMissing(BackupError):
    """No pg_dump or pg_restore is there that can do it."""


class BackupExists(BackupError):
    """A file is where the backup would be written."""


class BackupUnreadable(BackupError):
    """A file that is no whole backup of a warehouse, or one of a newer version."""


class WarehouseNotEmpty(BackupError):
    """The warehouse has rows, which a restore would replace."""


class RestoreFailed(BackupError):
    """PostgreSQL refused a restore."""
