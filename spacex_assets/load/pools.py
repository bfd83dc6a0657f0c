"""Engines whose connections survive a restart of PostgreSQL: each is looked at before it is used again.

A server that went away closed its end, which arrives here; only a connection on which something arrived, or that was
not used for long, so that its end may be lost on the way, is asked: a question before every statement takes as long as
the statement. What does not belong here: which databases there are.
"""

import select
import time
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

IDLE_SECONDS = 30.0
"""After which a connection is asked in any case."""


def pooled_engine(url: str, **options: Any) -> sa.Engine:
    """An engine on such connections; ``options`` are those of :func:`sqlalchemy.create_engine`."""
    engine = sa.create_engine(url, pool_pre_ping=True, **options)
    ask, used = engine.dialect.do_ping, WeakKeyDictionary[Any, float]()

    def looked_at(dbapi_connection: Any) -> bool:
        now = time.monotonic()
        before, used[dbapi_connection] = used.get(dbapi_connection, 0.0), now
        return (now - before < IDLE_SECONDS and _is_quiet(dbapi_connection)) or ask(dbapi_connection)

    engine.dialect.do_ping = looked_at  # type: ignore[method-assign]
    return engine


def _is_quiet(connection: Any) -> bool:
    """Whether nothing arrived on it since its last answer."""
    arrivals = select.poll()
    arrivals.register(connection.fileno(), select.POLLIN)
    return not arrivals.poll(0)
