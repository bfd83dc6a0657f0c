"""Tells every destination what it has not been told yet, all at once, each on its own and within a time limit.

What was sent is written down at once, so that nothing is told twice unless the process dies in between. What fails is
tried again at the next tick, so nothing is lost; but who is still being told by an earlier tick is not told by another
one as well. What does not belong here: what is told (``notices.py``).
"""

import contextvars
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import sqlalchemy as sa
import structlog

from spacex_assets.automation.alerts.destinations import Destination
from spacex_assets.automation.alerts.notices import Links, notices
from spacex_assets.automation.alone import alone
from spacex_assets.load import incidents
from spacex_assets.load.incidents import DEAD_AFTER
from spacex_assets.scrub import Scrubber

log = structlog.get_logger(__name__)

LIMIT = 40.0
"""Seconds for all of it; Dagster gives a tick of a sensor 60."""


def deliver(
    engine: sa.Engine, destinations: Mapping[str, Destination], links: Links, scrub: Scrubber, timeout: float
) -> None:
    """Tells all of them. Whatever one does, the others are told, and nothing is raised but by the database."""
    broken: list[Exception] = []

    def tell(name: str, one: Destination) -> None:
        try:
            with alone(engine, f"tell {name}") as allowed:
                if allowed:
                    _tell(engine, name, one, links, scrub, timeout)
                else:
                    _refused(engine, name, "is still at what an earlier tick told it")
        except Exception as error:  # raised below, in the thread of the tick
            broken.append(error)

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(tell, *each), daemon=True)
        for each in destinations.items()
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LIMIT
    for thread, name in zip(threads, destinations, strict=True):
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():
            _refused(engine, name, f"did not come to an end within {LIMIT:.0f} s")
    if broken:
        raise broken[0]


def _tell(engine: sa.Engine, name: str, one: Destination, links: Links, scrub: Scrubber, timeout: float) -> None:
    """Begins before ends; the first failure leaves the rest to the next tick."""
    for over, due in ((False, incidents.to_alert), (True, incidents.to_recover)):
        with engine.begin() as connection:
            waiting = notices(due(connection, name), links, over=over)
        for notice in waiting:
            try:
                one.tell(notice, timeout)
            except Exception as error:  # whatever a destination does, it must not keep the others from being told
                _refused(engine, name, scrub(f"{type(error).__name__}: {error}"))
                return
            ids = [incident.id for incident in notice.incidents]
            with engine.begin() as connection:
                incidents.record_told(connection, name, ids, over=over, at=datetime.now(UTC))


def _refused(engine: sa.Engine, name: str, error: str) -> None:
    with engine.begin() as connection:
        failures = incidents.record_refused(connection, name, error, datetime.now(UTC))
    if failures in (1, DEAD_AFTER):
        log.warning("an alert is not delivered yet", destination=name, failures=failures, error=error)
