"""Which faults of a step are worth another attempt: those of PostgreSQL's connection and of the file system, no other.

A source's faults are repeated by the client alone, crashes of a process by run retries alone, so that attempts never
multiply. What does not belong here: what a step does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from spacex_assets.extract.pace import backoff
from spacex_assets.load.errors import is_fault

ATTEMPTS = 4
FIRST_WAIT = 2.0
"""Seconds before the second attempt, at most; each later wait is twice as long."""


@contextmanager
def retried(retries: int) -> Iterator[None]:
    """Turns a fault inside into the request to repeat the step, which was repeated ``retries`` times already."""
    try:
        yield
    except Exception as error:
        if not is_fault(error):
            raise
        raise dg.RetryRequested(ATTEMPTS - 1, backoff(retries + 1, FIRST_WAIT)) from error
