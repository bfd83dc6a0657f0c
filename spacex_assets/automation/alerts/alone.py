"""That only one looks, and only one tells a destination, at a time, in whatever process."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def alone(engine: sa.Engine, what: str) -> Iterator[bool]:
    """Whether nobody else is at it in this warehouse, for as long as the block lasts, or its process lives.

    The lock has a session of its own, beside the pool, which those who hold one could otherwise use up.
    """
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        allowed = bool(connection.scalar(_LOCK, {"what": what}))
        try:
            yield allowed
        finally:
            if allowed:
                connection.execute(_UNLOCK, {"what": what})


_LOCK = sa.text("SELECT pg_try_advisory_lock(hashtext('spacex_assets.incidents'), hashtext(:what))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtext('spacex_assets.incidents'), hashtext(:what))")
