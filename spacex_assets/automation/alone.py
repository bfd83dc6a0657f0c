"""That only one at a time, in whatever process, looks, tells a destination, or runs an endpoint by a command."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from spacex_assets.load.errors import is_fault


@contextmanager
def alone(engine: sa.Engine, *what: str) -> Iterator[bool]:
    """Whether nobody else is at any of it in this database, for as long as the block lasts, or its process lives.

    The locks have a session of their own, beside the pool, which those who hold one could otherwise use up.
    """
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        try:
            yield all(connection.scalar(_LOCK, {"what": one}) for one in sorted(what))
        finally:
            try:
                connection.execute(_UNLOCK)
            except sa.exc.DBAPIError as error:
                if not is_fault(error):  # a session that is lost holds nothing either
                    raise


_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtext('spacex_assets.alone'), hashtext(:what))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock_all()")
