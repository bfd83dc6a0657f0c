"""What counts as a problem, and which signs are of one cause."""

from datetime import UTC, datetime, timedelta

import pytest

from spacex_assets.automation.alerts.problems import (
    BrokenRun,
    Facts,
    FailingTicks,
    RefusingDestination,
    Unloaded,
    found,
)
from spacex_assets.checks.verdicts import Verdict
from spacex_assets.load.incidents import Kind

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def facts(**seen: object) -> Facts:
    return Facts(at=NOW, stale_after=2 * DAY, **seen)  # type: ignore[arg-type]


def verdict(check: str, run_id: str = "r", severity: str = "ERROR") -> Verdict:
    asset = f"{'typed' if check == 'guard' else 'spacex'}/cores"
    return Verdict(asset=asset, check=check, severity=severity, description="is wrong", run_id=run_id, evaluated_at=NOW)


UNLOADED = Unloaded("cores", NOW - DAY, 3, "r", "blocked: shrunk")


def keys(seen: Facts) -> list[tuple[Kind, str]]:
    return [problem.key for problem in found(seen).problems]


def test_nothing_seen_is_nothing_wrong() -> None:
    assert found(facts()).problems == ()


def test_a_guard_that_withheld_is_not_told_beside_the_endpoint_that_is_not_loaded() -> None:
    assert keys(facts(unloaded=(UNLOADED,), verdicts=(verdict("guard"),))) == [(Kind.NOT_LOADED, "cores")]
    assert keys(facts(verdicts=(verdict("guard"),))) == [(Kind.CHECK_FAILED, "typed/cores guard")]


def test_a_warning_is_no_problem() -> None:
    assert keys(facts(verdicts=(verdict("quality", severity="WARN"),))) == []


def test_a_check_of_a_run_that_goes_on_or_without_verdict_is_undecided() -> None:
    seen = found(facts(verdicts=(verdict("integrity"),), undecided_runs={"r"}, unjudged={"spacex/ships drift"}))
    assert seen.problems == ()
    assert seen.undecided == {
        (Kind.CHECK_FAILED, "spacex/cores integrity"),
        (Kind.CHECK_FAILED, "spacex/ships drift"),
    }


def test_an_endpoint_is_stale_once_its_window_is_over_unless_it_is_told_why() -> None:
    loaded_at = {"cores": NOW - 2 * DAY, "ships": NOW - 2 * DAY + timedelta(seconds=1)}
    (stale,) = found(facts(loaded_at=loaded_at)).problems
    assert (stale.key, stale.since) == ((Kind.STALE, "cores"), NOW)
    assert keys(facts(loaded_at=loaded_at, unloaded=(UNLOADED,))) == [(Kind.NOT_LOADED, "cores")]


def test_an_endpoint_that_was_never_loaded_is_stale_too_and_says_so() -> None:
    seen = facts(loaded_at={"cores": NOW - 3 * DAY, "ships": NOW - 3 * DAY}, never_loaded={"ships"})
    cores, ships = found(seen).problems
    assert cores.error.startswith("last loaded 2026-01-28")
    assert ships.error.startswith("never loaded, the first endpoint 2026-01-28")


def test_the_runs_of_a_job_that_broke_are_one_problem_that_names_what_is_left_to_do() -> None:
    later = BrokenRun("everything", "b", NOW, "killed.", {"cores", "ships"})
    earlier = BrokenRun("everything", "a", NOW - DAY, "gone.", {"crew"})
    sweep = BrokenRun("upkeep", "c", NOW, "sweep: broke")
    everything, upkeep = found(facts(broken_runs=(later, sweep, earlier))).problems
    assert everything.error == "killed. Left to do: cores, crew, ships."
    assert (everything.since, everything.run_id, everything.runs) == (NOW - DAY, "b", 2)
    assert (upkeep.key, upkeep.error) == ((Kind.RUN_FAILED, "upkeep"), "sweep: broke")


@pytest.mark.parametrize(("failures", "dead"), [(2, False), (3, True)])
def test_a_destination_is_dead_after_three_failures(failures: int, dead: bool) -> None:
    refusing = RefusingDestination("ops", NOW, failures, "no")
    assert bool(keys(facts(refusing=(refusing,)))) is dead


def test_a_sensor_whose_last_ticks_failed_is_one_problem_with_its_ticks_counted() -> None:
    (problem,) = found(facts(failing=(FailingTicks("source", NOW - DAY, 7, "no"),))).problems
    assert (problem.key, problem.since, problem.runs) == ((Kind.AUTOMATION_FAILED, "source"), NOW - DAY, 7)


def test_a_sensor_that_is_switched_off_after_a_failure_neither_fails_nor_is_well() -> None:
    seen = found(facts(failing=(FailingTicks("source", NOW, 1, "no", running=False),)))
    assert (seen.problems, seen.undecided) == ((), {(Kind.AUTOMATION_FAILED, "source")})
