"""The sensor that looks at the source for changes, and has what changed loaded, in one run: a launch and its payloads
belong together.

What is there now is compared with what was last *loaded*, so that no failed run loses a change. What is loaded already
is asked for as well if a run has failed since, or has died, so that a fault is over when its cause is. There is no run
key: it would stop a content from being asked for again; that endpoints of which a run is queued or in progress
are left alone does what it would do.
"""

import time
from collections.abc import Collection
from datetime import timedelta

import dagster as dg

from spacex_assets.automation.jobs import EVERYTHING, busy_endpoints, listed, run_request
from spacex_assets.automation.memory import Memory, now
from spacex_assets.automation.schedules import sensor_status
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.errors import ExtractError, TimeLimitExceeded
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.pace import Limits
from spacex_assets.extract.source import Source, open_source
from spacex_assets.extract.store import open_store
from spacex_assets.load.ledger import BLOCKED, FAILED
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.logs import tick_context

NAME = "source_change"

LIMITS = Limits(attempts=1, connect=3.0, read=5.0, total=10.0)
"""Of a single look; the next tick is the next attempt."""
LOOKING_SECONDS = 30.0
"""Of all looks of a tick, which Dagster ends after 60; the next tick goes on where this one stopped."""


def source_change_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor ``source_change``."""

    @dg.sensor(
        name=NAME,
        job_name=EVERYTHING,
        minimum_interval_seconds=settings.poll_seconds,
        default_status=sensor_status(settings),
        description="Looks at every endpoint with a conditional request, and refreshes those with another content than "
        "was last loaded, and those that the last run failed to load.",
    )
    def source_change(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with tick_context(sensor=NAME), open_source(settings, LIMITS) as source:
            memory = Memory.of(context.cursor, source.identity)
            if (outage := memory.outage) and now() < outage.not_before:
                return _skipped(_told(memory), memory)
            busy = busy_endpoints(context.instance)
            looked, troubles = look_around(
                source, RawLake(open_store(settings)), memory, busy, timedelta(seconds=settings.poll_seconds)
            )
        if memory.outage:
            return _skipped(_told(memory), memory)
        wanted, waiting = _changed(settings, context.instance, memory, looked)
        if wanted:
            return dg.SensorResult(run_requests=[run_request(wanted)], cursor=memory.model_dump_json())
        said = [f"No new change at {len(looked)} endpoint(s)."]
        said += [f"Not looked at, as a run is queued or in progress: {listed(busy)}."] if busy else []
        said += [f"Asked for before, waits: {listed(waiting)}."] if waiting else []
        return _skipped(" ".join([*said, *troubles]), memory)

    return source_change


def look_around(
    source: Source, lake: RawLake, memory: Memory, busy: Collection[str], first_pause: timedelta
) -> tuple[list[str], list[str]]:
    """Looks at all endpoints that are not busy, and remembers what it sees; which they were, and what went wrong.

    One that cannot be looked at hides no other. If none can, and another attempt may help, the source is out of reach.
    """
    names = [name for name in ENDPOINTS if name not in busy]
    start = names.index(memory.first) if memory.first in names else 0
    names = names[start:] + names[:start]
    looked: list[str] = []
    troubles: list[str] = []
    passing: dict[str, str] = {}
    memory.first, began = None, time.monotonic()
    for name in names:
        if time.monotonic() - began > LOOKING_SECONDS:
            memory.first = name
            break
        try:
            memory.seen(name, source.look(ENDPOINTS[name], lake, memory.looks.get(name)))
            looked.append(name)
        except ExtractError as error:
            memory.failed(name, error)
            troubles.append(str(error))
            if error.transient or isinstance(error, TimeLimitExceeded):
                passing[name] = str(error)
    if passing and not looked:
        memory.unreachable(f"Looked in vain at {listed(passing)}. {passing.popitem()[1]}", now(), first_pause)
    else:
        memory.outage = None
    return looked, troubles


def _changed(
    settings: Settings, instance: dg.DagsterInstance, memory: Memory, looked: Collection[str]
) -> tuple[list[str], list[str]]:
    """The endpoints to ask for now, and those that were asked for and must wait."""
    from spacex_assets.automation.alerts.facts import left_to_do

    warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
    try:
        loaded, outcomes = warehouse.last_loaded_contents(), warehouse.last_outcomes()
        with warehouse.engine.connect() as connection:
            left = left_to_do(connection, instance)
    finally:
        warehouse.close()
    contents = {name: memory.looks[name].sha256 for name in looked}
    due = [
        name
        for name, content in contents.items()
        if loaded.get(name) != content or name in left or _may_mend(outcomes.get(name), content)
    ]
    wanted = [name for name in due if memory.may_ask(name, contents[name], now())]
    for name in wanted:
        memory.ask(name, contents[name], now())
    return wanted, [name for name in due if name not in wanted]


def _may_mend(last: tuple[str, str | None] | None, content: str) -> bool:
    """Whether a load of a content may end what its last one left open; one that was withheld would be so again."""
    outcome, withheld = last or (None, None)
    return outcome == FAILED or (outcome == BLOCKED and withheld != content)


def _told(memory: Memory) -> str:
    outage = memory.outage
    assert outage is not None
    return (
        f"The source cannot be reached since {outage.since:%Y-%m-%d %H:%M:%S}, {outage.times} attempt(s); "
        f"the next from {outage.not_before:%H:%M:%S} UTC on. {outage.error}"
    )


def _skipped(reason: str, memory: Memory) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=memory.model_dump_json())
