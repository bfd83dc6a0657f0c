"""What the ledger says of runs that never came to load a table."""

from typing import Any

import pytest

from spacex_assets.checks import guards
from spacex_assets.extract.http import HttpSource
from spacex_assets.io_managers.typed import TypedFrameIOManager
from spacex_assets.load import transaction
from spacex_assets.simulator.fleet import Fleet
from spacex_assets_tests.conftest import Platform


def last_run(platform: Platform) -> list[tuple[Any, ...]]:
    return platform.rows(
        "SELECT table_name, outcome, sha256 IS NULL, documents, split_part(error, ':', 1) FROM ops.loads "
        "WHERE run_id = (SELECT run_id FROM ops.loads ORDER BY id DESC LIMIT 1) ORDER BY id"
    )


def fails(*_: object, **__: object) -> None:
    raise RuntimeError("broken")


def test_a_fetch_that_failed_is_in_the_ledger_without_snapshot(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpSource, "fetch", fails)
    platform.load("dragons")
    assert last_run(platform) == [
        ("dragons", "failed", True, 0, "RuntimeError"),
        ("dragon_thrusters", "failed", True, 0, "RuntimeError"),
    ]


def test_a_typing_that_failed_is_in_the_ledger_with_its_snapshot(platform: Platform) -> None:
    (second,) = [document["id"] for document in Fleet(launches=30).documents("launches")][1:2]
    platform.unmark("launches", second)
    platform.load("launches")
    found = last_run(platform)
    assert len(found) == 8
    assert set(found[0][1:]) == {"failed", False, 30, "WorldMismatch"}


def test_a_guard_that_crashed_is_in_the_ledger_with_its_snapshot(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "volume_findings", fails)
    (documents,) = [len(list(Fleet(launches=30).documents("dragons")))]
    platform.load("dragons")
    assert last_run(platform) == [
        ("dragons", "failed", False, documents, "RuntimeError"),
        ("dragon_thrusters", "failed", False, documents, "RuntimeError"),
    ]


def test_frames_that_cannot_be_read_are_in_the_ledger(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TypedFrameIOManager, "load_input", fails)
    platform.load("dragons")
    assert [(table, outcome, error) for table, outcome, _, _, error in last_run(platform)] == [
        ("dragons", "failed", "RuntimeError"),
        ("dragon_thrusters", "failed", "RuntimeError"),
    ]


def test_a_load_that_failed_is_in_the_ledger_once(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "upsert", fails)
    platform.load("dragons")
    assert [(table, outcome) for table, outcome, *_ in last_run(platform)] == [
        ("dragons", "failed"),
        ("dragon_thrusters", "failed"),
    ]


def test_a_load_that_succeeds_is_in_the_ledger_once(platform: Platform) -> None:
    platform.load("dragons")
    assert [(table, outcome) for table, outcome, *_ in last_run(platform)] == [
        ("dragons", "loaded"),
        ("dragon_thrusters", "loaded"),
    ]
