"""What is wrong now: a pure function from what was seen to the problems, one per cause.

What does not belong here: where it was seen (``facts.py``) and who is told (``delivery.py``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spacex_assets.checks.guards import GUARD
from spacex_assets.checks.verdicts import Verdict
from spacex_assets.load.incidents import DEAD_AFTER, Key, Kind, Problem


@dataclass(frozen=True)
class Unloaded:
    """An endpoint whose last load in a run that has ended did not load it; ``runs`` since the last good load."""

    endpoint: str
    since: datetime
    runs: int
    run_id: str
    error: str


@dataclass(frozen=True)
class BrokenRun:
    """A run of which not all is told by the ledger, why it failed, and what it left to do: no run has done it since.

    ``endpoints``: those that it did not load or check; none for a run that has to do with none.
    """

    job: str
    run_id: str
    ended_at: datetime
    error: str
    endpoints: Collection[str] = ()


@dataclass(frozen=True)
class FailingTicks:
    """A sensor or schedule whose last ticks failed; ``running``: it was not switched off since."""

    name: str
    since: datetime
    ticks: int
    error: str
    running: bool = True


@dataclass(frozen=True)
class RefusingDestination:
    """A destination that did not take its last notices."""

    name: str
    since: datetime
    failures: int
    error: str


@dataclass(frozen=True)
class Facts:
    """What was seen. ``undecided_runs`` go on or will be tried again; ``unjudged`` checks have no
    verdict of the last run that planned them; a bad one of an earlier run is a problem still.

    ``broken_runs`` are the newest first. ``loaded_at`` has for an endpoint that ``never_loaded`` when the first was.
    """

    at: datetime
    stale_after: timedelta
    unloaded: tuple[Unloaded, ...] = ()
    loaded_at: Mapping[str, datetime] = field(default_factory=dict)
    never_loaded: Collection[str] = ()
    broken_runs: tuple[BrokenRun, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    unjudged: Collection[str] = ()
    undecided_runs: Collection[str] = ()
    failing: tuple[FailingTicks, ...] = ()
    refusing: tuple[RefusingDestination, ...] = ()


@dataclass(frozen=True)
class Found:
    """The problems, and the keys of those that may or may not be: they stay as they are."""

    problems: tuple[Problem, ...]
    undecided: frozenset[Key]


def check_subject(asset: str, check: str) -> str:
    """How an incident names a check."""
    return f"{asset} {check}"


def found(facts: Facts) -> Found:
    """Everything that is wrong; of several signs of one cause, the first."""
    unloaded = {one.endpoint for one in facts.unloaded}
    decided = [one for one in facts.verdicts if one.run_id not in facts.undecided_runs]
    open_checks = {check_subject(one.asset, one.check) for one in facts.verdicts} - {
        check_subject(one.asset, one.check) for one in decided
    }
    problems = [
        *_not_loaded(facts.unloaded),
        *_run_failed(facts.broken_runs),
        *_check_failed(decided, unloaded),
        *_stale(facts, unloaded),
        *_automation_failed(one for one in facts.failing if one.running),
        *_destination_dead(facts.refusing),
    ]
    undecided = {(Kind.CHECK_FAILED, subject) for subject in open_checks.union(facts.unjudged)}
    undecided |= {(Kind.AUTOMATION_FAILED, one.name) for one in facts.failing if not one.running}
    return Found(tuple(problems), frozenset(undecided))


def _not_loaded(unloaded: Iterable[Unloaded]) -> Iterator[Problem]:
    for one in unloaded:
        yield Problem(Kind.NOT_LOADED, one.endpoint, one.since, one.error, one.endpoint, one.run_id, one.runs)


def _run_failed(broken: Iterable[BrokenRun]) -> Iterator[Problem]:
    """One per job, however many of its runs broke, about the last of them."""
    by_job: dict[str, list[BrokenRun]] = {}
    for run in broken:
        by_job.setdefault(run.job, []).append(run)
    for job, runs in by_job.items():
        left = sorted(set().union(*(run.endpoints for run in runs)))
        error = runs[0].error + (f" Left to do: {', '.join(left)}." if left else "")
        only = left[0] if len(left) == 1 else None
        yield Problem(Kind.RUN_FAILED, job, runs[-1].ended_at, error, only, runs[0].run_id, len(runs))


def _check_failed(verdicts: Iterable[Verdict], unloaded: Collection[str]) -> Iterator[Problem]:
    """A guard that withheld an endpoint is why it is not loaded, which is told already."""
    for one in verdicts:
        if one.severity == "ERROR" and not (one.check == GUARD and one.endpoint in unloaded):
            subject = check_subject(one.asset, one.check)
            error = one.description or "no description"
            yield Problem(Kind.CHECK_FAILED, subject, one.evaluated_at, error, one.endpoint, one.run_id)


def _stale(facts: Facts, unloaded: Collection[str]) -> Iterator[Problem]:
    for endpoint, loaded_at in facts.loaded_at.items():
        since = loaded_at + facts.stale_after
        if since <= facts.at and endpoint not in unloaded:
            last = "never loaded, the first endpoint" if endpoint in facts.never_loaded else "last loaded"
            error = f"{last} {loaded_at:%Y-%m-%d %H:%M:%S} UTC; expected at most {facts.stale_after} ago"
            yield Problem(Kind.STALE, endpoint, since, error, endpoint, runs=0)


def _automation_failed(failing: Iterable[FailingTicks]) -> Iterator[Problem]:
    for one in failing:
        yield Problem(Kind.AUTOMATION_FAILED, one.name, one.since, one.error, runs=one.ticks)


def _destination_dead(refusing: Iterable[RefusingDestination]) -> Iterator[Problem]:
    for one in refusing:
        if one.failures >= DEAD_AFTER:
            error = f"{one.failures} attempts failed. {one.error}"
            yield Problem(Kind.DESTINATION_DEAD, one.name, one.since, error, runs=0)
