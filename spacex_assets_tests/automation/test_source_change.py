"""What the source-change sensor asks for: each change once, none too often, and none lost."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import RunOpConcurrency
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG
from structlog.testing import capture_logs

from spacex_assets.automation import memory, source_change
from spacex_assets.automation.memory import FIRST_PAUSE, LONGEST_PAUSE, Memory, pause
from spacex_assets.automation.source_change import source_change_sensor
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.source import open_source
from spacex_assets.extract.store import Folder
from spacex_assets.logs import FIELDS, OURS
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.faults import Fault
from spacex_assets.simulator.fleet import Fleet
from spacex_assets_tests.automation.conftest import Unattended, killed_run


class Ticks:
    """One tick after the other, at the time that is wanted."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sensor, self.instance, self.cursor = source_change_sensor(settings), instance, None
        self.later = timedelta()
        for module in (memory, source_change):
            monkeypatch.setattr(module, "now", lambda: datetime.now(UTC) + self.later)

    def tick(self) -> set[str] | str:
        """The endpoints that are asked for, or why none is."""
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        result: Any = self.sensor(context)
        self.cursor = result.cursor
        if not result.run_requests:
            return str(result.skip_reason.skip_message)
        (request,) = result.run_requests
        return {key.path[1] for key in request.asset_selection if key.path[0] == "raw"}


@pytest.fixture
def ticks(unattended: Unattended, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    unattended.load(*ENDPOINTS)
    return Ticks(unattended.settings, instance, monkeypatch)


def test_what_was_never_loaded_is_asked_for(
    unattended: Unattended, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Ticks(unattended.settings, instance, monkeypatch).tick() == set(ENDPOINTS)


def test_a_source_that_goes_there_and_back_is_followed_each_time(unattended: Unattended, ticks: Ticks) -> None:
    assert ticks.tick() == "No new change at 14 endpoint(s)."
    content, core = unattended.source.content, unattended.first("cores")
    content.edit("cores", core, {"last_update": "B"})
    assert ticks.tick() == {"cores"}
    assert ticks.tick() == "No new change at 14 endpoint(s). Asked for before, waits: cores."
    unattended.load("cores")
    content.reset()
    assert ticks.tick() == {"cores"}
    unattended.load("cores")
    assert ticks.tick() == "No new change at 14 endpoint(s)."
    content.edit("cores", core, {"last_update": "B"})
    assert "waits: cores" in ticks.tick()
    ticks.later = FIRST_PAUSE
    assert ticks.tick() == {"cores"}
    unattended.load("cores")
    assert unattended.rows("SELECT count(*) FROM spacex.cores WHERE last_update = 'B'") == [(1,)]
    content.reset()


def test_a_content_that_cannot_be_loaded_is_asked_for_ever_more_seldom_and_never_forgotten(
    unattended: Unattended, ticks: Ticks
) -> None:
    for document in list(unattended.source.content.documents("ships")):
        unattended.source.content.edit("ships", document["id"], {"name": 7})
    asked = []
    for minute in range(60):
        ticks.later = timedelta(minutes=minute)
        if ticks.tick() == {"ships"}:
            asked.append(minute)
            assert minute > 1 or not unattended.load("ships").success
    assert asked == [0, 1, 3, 7, 15, 31]
    unattended.source.content.reset()
    assert ticks.tick() == {"ships"}
    assert unattended.load("ships").success
    assert ticks.tick() == "No new change at 14 endpoint(s)."


def test_what_failed_to_load_is_asked_for_as_soon_as_the_source_is_back_and_then_ever_more_seldom(
    unattended: Unattended, ticks: Ticks
) -> None:
    unattended.source.faults.add(Fault(kind="status", status=404, endpoint="cores", times=None))
    assert not unattended.load("cores").success
    assert "cores: GET" in ticks.tick()
    unattended.source.faults.clear()
    asked = []
    for minute in range(9):
        ticks.later = timedelta(minutes=minute)
        if ticks.tick() == {"cores"}:
            asked.append(minute)
    assert asked == [0, 1, 3, 7]
    assert ticks.tick() == "No new change at 14 endpoint(s). Asked for before, waits: cores."
    assert unattended.load("cores").success
    assert ticks.tick() == "No new change at 14 endpoint(s)."


def test_what_a_run_that_died_left_to_do_is_asked_for_ever_more_seldom_until_it_is_loaded(
    unattended: Unattended, instance: dg.DagsterInstance, ticks: Ticks
) -> None:
    killed_run(unattended.settings, instance, "cores", "ships")
    assert unattended.load("ships").success
    asked = []
    for minute in range(9):
        ticks.later = timedelta(minutes=minute)
        if ticks.tick() == {"cores"}:
            asked.append(minute)
    assert asked == [0, 1, 3, 7]
    assert ticks.tick() == "No new change at 14 endpoint(s). Asked for before, waits: cores."
    assert unattended.load("cores").success
    assert ticks.tick() == "No new change at 14 endpoint(s)."


def test_what_a_check_withheld_is_not_asked_for_as_the_same_content(unattended: Unattended, ticks: Ticks) -> None:
    unattended.load("cores")
    last = "(SELECT run_id FROM ops.loads WHERE endpoint = 'cores' ORDER BY id DESC LIMIT 1)"
    unattended.rows(f"UPDATE ops.loads SET outcome = 'blocked' WHERE run_id = {last}")
    assert ticks.tick() == "No new change at 14 endpoint(s)."


def test_what_is_begun_anew_after_its_process_died_is_not_asked_for_beside_it(
    unattended: Unattended, instance: dg.DagsterInstance, ticks: Ticks
) -> None:
    pools = RunOpConcurrency(root_key_counts={}, has_unconstrained_root_nodes=False, all_pools={"cores"})
    died = dg.DagsterRun(
        "everything", status=dg.DagsterRunStatus.FAILURE, tags={WILL_RETRY_TAG: "true"}, run_op_concurrency=pools
    )
    instance.run_storage.add_run(died)
    assert "queued or in progress: cores." in ticks.tick()
    instance.add_run_tags(died.run_id, {AUTO_RETRY_RUN_ID_TAG: "the next"})
    assert ticks.tick() == "No new change at 14 endpoint(s)."


def test_a_source_that_is_down_costs_one_short_round_of_requests_and_then_none_until_the_pause_is_over(
    unattended: Unattended, ticks: Ticks
) -> None:
    unattended.source.content.edit("crew", unattended.first("crew"), {"agency": "B"})
    unattended.source.faults.add(Fault(kind="reset", times=len(ENDPOINTS)))
    began = time.monotonic()
    said = ticks.tick()
    assert "cannot be reached" in said
    assert f"Looked in vain at {', '.join(sorted(ENDPOINTS))}." in said
    assert time.monotonic() - began < 5
    assert "1 attempt(s)" in ticks.tick()
    assert not unattended.source.faults.planned
    ticks.later = timedelta(seconds=1)
    assert ticks.tick() == {"crew"}
    unattended.source.content.reset()


@pytest.mark.parametrize(
    "fault", [Fault(kind="status", status=503, times=None), Fault(kind="reset", times=None)], ids=["503", "reset"]
)
def test_the_few_endpoints_that_can_be_looked_at_are_looked_at_by_every_tick(
    unattended: Unattended, ticks: Ticks, fault: Fault
) -> None:
    content, down = unattended.source.content, sorted(ENDPOINTS.keys() - {"crew", "launches"})
    for name in down:
        unattended.source.faults.add(fault.model_copy(update={"endpoint": name}))
    try:
        for agency in ("B", "C", "D"):
            said = ticks.tick()
            assert said.startswith("No new change at 2 endpoint(s).")
            assert [name for name in down if f"{name}: GET" in said] == down
            content.edit("crew", unattended.first("crew"), {"agency": agency})
            assert ticks.tick() == {"crew"}
            unattended.load("crew")
    finally:
        unattended.source.faults.clear()
        content.reset()


def test_an_endpoint_that_is_broken_hides_no_other(
    unattended: Unattended, ticks: Ticks, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(OURS), "propagate", True)
    last = [*ENDPOINTS][-1]
    unattended.source.content.edit(last, unattended.first(last), {"version": "B"})
    unattended.source.faults.add(Fault(kind="status", status=500, endpoint="cores", times=None))
    unattended.source.faults.add(Fault(kind="status", status=404, endpoint="crew", times=None))
    try:
        assert ticks.tick() == {last}
        assert "cores: GET" in ticks.tick()
        said = [fields for record in caplog.records if (fields := getattr(record, FIELDS, None))]
        assert {(one["sensor"], one["endpoint"]) for one in said} >= {("source_change", "cores")}
    finally:
        unattended.source.faults.clear()
        unattended.source.content.reset()


def test_a_look_that_fails_is_logged_when_that_begins_changes_and_is_over_and_shown_by_each_tick(
    unattended: Unattended, ticks: Ticks
) -> None:
    faults = unattended.source.faults

    def logged(times: int) -> list[tuple[str, str, str]]:
        with capture_logs() as lines:
            for _ in range(times):
                assert ("crew: GET" in ticks.tick()) == bool(faults.planned)
        return [(line["log_level"], line["event"], line["endpoint"]) for line in lines]

    for status in (404, 500):
        faults.clear()
        faults.add(Fault(kind="status", status=status, endpoint="crew", times=None))
        assert logged(3) == [("warning", "a look at the source failed", "crew")]
    faults.clear()
    assert logged(2) == [("info", "looks at the source succeed again", "crew")]


@pytest.mark.parametrize(
    "cursor", ["", "{", '{"source": "elsewhere", "looks": {"cores": {"sha256": "x", "mark": null}}}']
)
def test_a_cursor_that_says_nothing_of_this_source_is_begun_anew(cursor: str) -> None:
    assert Memory.of(cursor, "here") == Memory(source="here")


def test_pauses_double_up_to_the_longest() -> None:
    pauses = [pause(times, FIRST_PAUSE, LONGEST_PAUSE).total_seconds() / 60 for times in (1, 2, 3, 6, 7, 1000)]
    assert pauses == [1, 2, 4, 32, 60, 60]


def test_a_look_at_a_folder_reads_only_what_was_touched(recorded: Path, tmp_path: Path) -> None:
    recording, cores, lake = tmp_path / "cores.json", ENDPOINTS["cores"], RawLake(Folder(tmp_path))
    recording.write_bytes((recorded / "cores.json").read_bytes())
    with open_source(Settings(source=str(tmp_path), local=tmp_path)) as source:
        first = source.look(cores, lake)
        assert first.sha256 == source.fetch(cores, lake).sha256
        assert source.look(cores, lake, first) is first
        recording.write_bytes(recording.read_bytes() + b"\n")
        assert source.look(cores, lake, first).sha256 != first.sha256


def test_a_look_at_the_simulated_source_sees_a_correction(tmp_path: Path) -> None:
    settings = Settings(source="simulated", local=tmp_path, simulated_launches=5)
    cores, lake = ENDPOINTS["cores"], RawLake(Folder(tmp_path))
    with open_source(settings) as source:
        before = source.look(cores, lake)
        assert source.look(cores, lake, before) == before
    fleet = Content(Fleet(settings.simulated_seed, 5), tmp_path / "simulator" / "edits.json")
    fleet.edit("cores", next(fleet.documents("cores"))["id"], {"last_update": "corrected"})
    with open_source(settings) as source:
        assert source.look(cores, lake, before).sha256 != before.sha256
    assert not list((tmp_path / "staging").iterdir())
