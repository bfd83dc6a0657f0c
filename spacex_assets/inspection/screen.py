"""The status as one screen of text, at most 100 columns wide: errors in full, of what checks found the beginning."""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator

from spacex_assets.inspection.graph import OpenRun
from spacex_assets.inspection.status import EndpointStatus, Status
from spacex_assets.inspection.words import age, moment, shortened

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
CUT = "…"
LEGEND = "when: age of the last load · data: age of what the tables hold · same: since the source last changed"


def screen(status: Status) -> str:
    """All of it; without any load, what to do."""
    title = f"{status.source}, the {status.world} world, at {moment(status.at.replace(microsecond=0))}"
    if not status.runs and all(endpoint.last_load is None for endpoint in status.endpoints):
        return f"{title}\n\nNothing was loaded yet: make run"
    troubles = list(_troubles(status))
    if any(line.endswith(CUT) for line in troubles):
        troubles.append(f"{CUT}           `python -m spacex_assets status --json` has these lines in full")
    return "\n".join([*_full(title), "", *_table(status), LEGEND, "", *troubles])


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
        yield from _full(f"  {name}: {load.outcome}: {load.error}")
    yield from _runs(status)
    quarantined = sum(one.quarantined for one in status.endpoints)
    retained = sum(one.retained for one in status.endpoints)
    yield from _full(
        f"Quarantine  {quarantined} open{_each(Counter({e.endpoint: e.quarantined for e in status.endpoints}))}; "
        f"last good rows of {retained} document(s) retained"
    )
    drifts = _each(Counter(one.endpoint for one in status.drift))
    yield from _full(f"Drift       {len(status.drift) or 'none'}{drifts}")
    for one in status.drift:
        yield _cut(f"  {one.endpoint} {one.path}: {one.change}: {f'{one.before} → ' if one.before else ''}{one.after}")
    yield from _incidents(status)
    yield from _checks(status)


def _runs(status: Status) -> Iterator[str]:
    going, ended = [one for one in status.runs if not one.ended], [one for one in status.runs if one.ended]
    counts = [f"{len(going)} unfinished", *([f"{len(ended)} broke off"] if ended else [])]
    yield f"Runs        {', '.join(counts)}"
    for one in (*going, *ended):
        missing = [f"not loaded: {', '.join(one.unloaded)}"] if one.unloaded else []
        begun = age((status.at - one.created_at).total_seconds())
        words = "; ".join([*_life(one), *missing])
        yield from _full(f"  {one.run_id} {one.job}, {one.status}, begun {begun} ago{': ' if words else ''}{words}")


def _life(run: OpenRun) -> Iterator[str]:
    if run.alive and not run.ended:
        yield "in progress"
    elif run.alive is False and not run.ended:
        yield "its process is gone, `make ui` ends it"


def _checks(status: Status) -> Iterator[str]:
    unjudged = {(one.asset, one.check) for one in status.unjudged}
    counts = [f"{len(status.checks) or 'none'} failed or warned"] if status.checks or status.judged else []
    counts += [f"{status.judged or 'none'} judged"]
    counts += [f"{len(unjudged)} without a verdict"] if unjudged else []
    yield f"Checks      {', '.join(counts)}"
    for verdict in status.checks:
        since = age((status.at - verdict.evaluated_at).total_seconds())
        old = f" ({since} ago, no verdict since)" if (verdict.asset, verdict.check) in unjudged else ""
        yield _cut(f"  {verdict.severity:<5} {verdict.asset} {verdict.check}{old}: {verdict.description or ''}")
    by_run: defaultdict[str | None, list[str]] = defaultdict(list)
    for one in status.unjudged:
        by_run[one.run_id].append(f"{one.asset} {one.check}")
    for run_id, checks in by_run.items():
        where = f"no verdict from run {run_id} (crashed, skipped or to come)" if run_id else "never judged"
        yield from _full(f"  {where}: {shortened(checks)}")


def _incidents(status: Status) -> Iterator[str]:
    yield f"Incidents   {len(status.incidents) or 'none'}{' open' if status.incidents else ''}"
    for one in status.incidents:
        since = age((status.at - one.opened_at).total_seconds())
        yield from _full(f"  {one.kind} {one.subject}: for {since}: {one.last_error}")
    failing = [one for one in status.destinations if one.failing_since is not None]
    seen = max((one.seen_at for one in status.destinations), default=None)
    looked = f"last looked {age((status.at - seen).total_seconds())} ago" if seen else "not watched; start `make ui`"
    yield f"Alerts      {looked}; {len(failing) or 'no'} destination(s) failing"
    for target in failing:
        yield from _full(
            f"  {target.name}: {target.failures} attempt(s), {target.waiting} to be told: {target.last_error}"
        )


def _full(line: str) -> list[str]:
    """A line in as many as it needs, the later ones indented."""
    text = line.lstrip()
    indent = " " * (len(line) - len(text))
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False)


def _cut(line: str) -> str:
    words = line.replace("\n", " ")
    return words if len(words) <= WIDTH else words[: WIDTH - len(CUT)] + CUT


def _each(counts: Counter[str]) -> str:
    parts = [f"{name} {count}" for name, count in counts.items() if count]
    return f" ({', '.join(parts)})" if parts else ""
