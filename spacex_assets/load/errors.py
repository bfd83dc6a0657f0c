"""What can be wrong with a load."""

from spacex_assets.errors import PlatformError


class LoadError(PlatformError):
    """A load that was refused or failed; nothing of the endpoint was written."""


class KeyViolation(LoadError):
    """Null or duplicate keys in a frame."""


class NulCharacter(LoadError):
    """A text with the character NUL, which PostgreSQL cannot hold."""


class SchemaOutdated(LoadError):
    """The database's schema is not the one that this version of the package owns."""


class ContractFrozen(LoadError):
    """The source has what the record does not declare, and the endpoint's contract is frozen."""


class TablesInUse(LoadError):
    """Another session wrote to the tables and has not ended its transaction."""
