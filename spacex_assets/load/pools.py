"""Engines whose connections survive a restart of PostgreSQL: each is looked at before it is used again.

A server that went away closed its end, which arrives here; only a connection on which something arrived is asked, for a
question before every statement takes as long as the statement. What does not belong here: which databases there are.
"""

import select
from typing import Any

import sqlalchemy as sa


def pooled_engine(url: str, **options: Any) -> sa.Engine:
    """An engine on such connections; ``options`` are those of :func:`sqlalchemy.create_engine`."""
    engine = sa.create_engine(url, pool_pre_ping=True, **options)
    ask = engine.dialect.do_ping
    engine.dialect.do_ping = (  # type: ignore[method-assign]
        lambda dbapi_connection: _is_quiet(dbapi_connection) or ask(dbapi_connection)
    )
    return engine


def _is_quiet(connection: Any) -> bool:
    """Whether nothing arrived on it since its last answer."""
    arrivals = select.poll()
    arrivals.register(connection.fileno(), select.POLLIN)
    return not arrivals.poll(0)
