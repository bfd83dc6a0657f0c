"""The status as one screen of text, at most 100 columns wide."""

from collections import Counter
from collections.abc import Iterator

from spacex_assets.inspection.status import EndpointStatus, Status
from spacex_assets.inspection.words import age, moment

WIDTH = 100
WIDTHS = {
    "when": 5,
    "data": 5,
    "same": 5,
    "documents": 10,
    "quarantine": 11,
    "inserted": 9,
    "updated": 8,
    "deleted": 8,
    "unchanged": 10,
    "secs": 7,
}
LEGEND = "when: age of the last load · data: age of what the tables hold · same: since the source last changed"


def screen(status: Status) -> str:
    """All of it; without any load, what to do."""
    title = f"{status.source}, the {status.world} world, at {moment(status.at.replace(microsecond=0))}"
    if all(endpoint.last_load is None for endpoint in status.endpoints):
        return f"{title}\n\nNothing was loaded yet: make run"
    return "\n".join(line[:WIDTH] for line in [title, "", *_table(status), LEGEND, "", *_troubles(status)])


def _table(status: Status) -> Iterator[str]:
    yield f"{'endpoint':<11}{'last load':<11}" + "".join(f"{name:>{width}}" for name, width in WIDTHS.items())
    for endpoint in status.endpoints:
        cells = _cells(endpoint, status)
        outcome = endpoint.last_load.outcome if endpoint.last_load else "never"
        yield f"{endpoint.endpoint:<11}{outcome:<11}" + "".join(
            f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS.values(), strict=True)
        )


def _cells(endpoint: EndpointStatus, status: Status) -> list[str]:
    load = endpoint.last_load
    if load is None:
        return ["-"] * len(WIDTHS)
    return [
        age((status.at - load.finished_at).total_seconds()),
        *("-" if seconds is None else age(seconds) for seconds in (endpoint.age_seconds, endpoint.unchanged_seconds)),
        f"{load.documents:,}",
        f"{load.documents_quarantined:,}",
        f"{load.rows_inserted:,}",
        f"{load.rows_updated:,}",
        f"{load.rows_deleted:,}",
        f"{load.rows_unchanged:,}",
        f"{load.seconds:.2f}",
    ]


def _troubles(status: Status) -> Iterator[str]:
    bad = [(one.endpoint, one.last_load) for one in status.endpoints if one.last_load and one.last_load.error]
    yield f"Loads       {len(bad)} not loaded" if bad else "Loads       none failed"
    for name, load in bad:
        yield f"  {name}: {load.outcome}: {' '.join((load.error or '').split())}"
    quarantined = sum(one.quarantined for one in status.endpoints)
    retained = sum(one.retained for one in status.endpoints)
    yield (
        f"Quarantine  {quarantined} open{_each(Counter({e.endpoint: e.quarantined for e in status.endpoints}))}; "
        f"last good rows of {retained} document(s) retained"
    )
    yield f"Drift       {len(status.drift) or 'none'}{_each(Counter(one.endpoint for one in status.drift))}"
    for one in status.drift:
        yield f"  {one.endpoint} {one.path}: {one.change}: {f'{one.before} → ' if one.before else ''}{one.after}"
    yield from _incidents(status)
    yield f"Checks      {len(status.checks)} failed or warned" if status.checks else "Checks      none failed or warned"
    for verdict in status.checks:
        yield f"  {verdict.severity:<5} {verdict.asset} {verdict.check}: {verdict.description or ''}"


def _incidents(status: Status) -> Iterator[str]:
    yield f"Incidents   {len(status.incidents) or 'none'}{' open' if status.incidents else ''}"
    for one in status.incidents:
        since = age((status.at - one.opened_at).total_seconds())
        yield f"  {one.kind} {one.subject}: for {since}: {' '.join(one.last_error.split())}"
    failing = [one for one in status.destinations if one.failing_since is not None]
    seen = max((one.seen_at for one in status.destinations), default=None)
    looked = f"last looked {age((status.at - seen).total_seconds())} ago" if seen else "nobody looks: `make ui` does"
    yield f"Alerts      {looked}; {len(failing) or 'no'} destination(s) failing"
    for target in failing:
        yield f"  {target.name}: {target.failures} attempt(s), {target.waiting} to be told: {target.last_error}"


def _each(counts: Counter[str]) -> str:
    parts = [f"{name} {count}" for name, count in counts.items() if count]
    return f" ({', '.join(parts)})" if parts else ""
