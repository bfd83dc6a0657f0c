"""What can be wrong with a load, and what may pass by itself."""

import psycopg2
from sqlalchemy.exc import DBAPIError

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


def is_fault(error: BaseException) -> bool:
    """Whether PostgreSQL's connection or the file system failed, and not what was asked of it: again may succeed."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    # What libpq itself says of a connection that broke has neither a class of its own nor a SQLSTATE.
    broken = type(error) is psycopg2.DatabaseError and getattr(error, "pgcode", None) is None
    return broken or isinstance(error, (psycopg2.InterfaceError, psycopg2.OperationalError, OSError))
