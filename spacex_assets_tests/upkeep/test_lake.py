"""What of a lake folder goes: by age, but never what somebody needs."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.transform.intake import Intake
from spacex_assets.upkeep.lake import Contracts, Kind, LakeFile, Needed, expendable, listing, remove

NOW = datetime.now(UTC)
CORES = ENDPOINTS["cores"]
NOTHING = Needed()
CONTRACTS = Contracts.of(ENDPOINTS.values())


class Lake:
    """A lake of one endpoint, written as the platform writes it; ages are in days."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.raw = folder, RawLake(folder)
        self.typed = TypedLake(folder, self.raw)

    def fetch(self, text: str, run_id: str, age: float) -> Snapshot:
        """Publishes a body, pins it and types it, all of the same age."""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        with self.raw.staging_file() as staged:
            staged.write_text(text)
            path = self.raw.keep("cores", sha256, staged)
        snapshot = Snapshot(
            endpoint="cores",
            source="s",
            url="u",
            sha256=sha256,
            etag=None,
            fetched_at=NOW - timedelta(days=age),
            size=len(text),
            documents=1,
            batches=(),
            path=path,
        )
        self.raw.publish(snapshot, run_id)
        frame = self.typed.write(CORES.layouts[0], snapshot, pl.DataFrame({"id": [text]}))
        self.typed.write_intake(CORES, snapshot, Intake(accepted=1))
        intake = self.typed.intake_path(CORES, snapshot)
        for file in (path, self.pin(run_id), frame, intake):
            aged(file, age)
        return snapshot

    def pin(self, run_id: str) -> Path:
        return self.folder / "raw" / "cores" / "runs" / f"{run_id}.json"

    def going(self, needed: Needed = NOTHING, days: float = 90) -> list[LakeFile]:
        return expendable(
            listing(self.folder),
            needed,
            CONTRACTS,
            before=NOW - timedelta(days=days),
            abandoned=NOW - timedelta(days=1),
        )

    def names(self, needed: Needed = NOTHING, days: float = 90) -> list[tuple[str, str]]:
        return [(file.kind.value, file.run_id or file.sha256[:6]) for file in self.going(needed, days)]


def aged(path: Path, days: float) -> Path:
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def everything_of(snapshot: Snapshot, run_id: str) -> list[tuple[str, str]]:
    name = snapshot.sha256[:6]
    return sorted(
        [(Kind.BODY.value, name), (Kind.FRAME.value, name), (Kind.INTAKE.value, name), (Kind.PIN.value, run_id)]
    )


def test_an_old_snapshot_goes_with_its_pin_and_all_that_was_made_of_it(lake: Lake) -> None:
    old = lake.fetch("old", "run 1", 91)
    lake.fetch("young", "run 2", 89)
    lake.fetch("latest", "run 3", 1)
    assert sorted(lake.names()) == everything_of(old, "run 1")


def test_the_latest_snapshot_stays_with_its_frames_though_its_pin_goes(lake: Lake) -> None:
    lake.fetch("latest", "run 1", 1000)
    assert lake.names() == [(Kind.PIN.value, "run 1")]


def test_a_snapshot_stays_as_long_as_the_youngest_pin_on_it(lake: Lake) -> None:
    lake.fetch("same", "run 1", 200)
    lake.fetch("same", "run 2", 10)
    aged(lake.fetch("latest", "run 3", 1).path.with_name(hashlib.sha256(b"same").hexdigest() + ".json"), 200)
    assert lake.names() == [(Kind.PIN.value, "run 1")]


@pytest.mark.parametrize("what", ["bodies", "pins", "runs"])
def test_what_is_needed_stays_whatever_its_age(lake: Lake, what: str) -> None:
    old = lake.fetch("old", "run 1", 1000)
    lake.fetch("latest", "run 2", 1)
    needed = {
        "bodies": Needed(bodies={("cores", old.sha256)}),
        "pins": Needed(pins={("cores", "run 1")}),
        "runs": Needed(runs={"run 1"}),
    }[what]
    gone = [(Kind.PIN.value, "run 1")] if what == "bodies" else []
    assert lake.names(needed) == gone
    assert len(lake.names(Needed(bodies={("ships", old.sha256)}, pins={("ships", "run 1")}, runs={"run 2"}))) == 4


def test_frames_of_an_outdated_contract_or_of_an_unknown_table_go_after_a_day(lake: Lake) -> None:
    latest = lake.fetch("latest", "run 1", 1)
    frame = lake.typed.path(CORES.layouts[0], latest)
    former = [
        frame.with_name(f"former-{latest.sha256}.parquet"),
        frame.with_name(f"former-{latest.sha256}.intake.json"),
        lake.folder / "typed" / "unknown" / frame.name,
    ]
    for path in former:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        aged(path, 0.9)
    assert lake.going() == []
    for path in former:
        aged(path, 1.1)
    assert {file.path for file in lake.going()} == set(former)


def test_what_killed_writers_left_goes_after_a_day(lake: Lake) -> None:
    latest = lake.fetch("latest", "run 1", 1)
    left = [
        lake.folder / "staging" / "tmp1.part",
        lake.typed.path(CORES.layouts[0], latest).with_suffix(".123.partial"),
    ]
    for path in left:
        path.write_bytes(b"x")
    assert lake.going() == []
    for path in left:
        aged(path, 2)
    assert {file.path for file in lake.going()} == set(left)


def test_what_is_not_ours_stays(lake: Lake) -> None:
    lake.fetch("latest", "run 1", 1)
    for name in ("raw/cores/notes.txt", "raw/cores/notes.json", "typed/cores/mine.parquet", "typed/readme"):
        path = lake.folder / name
        path.write_text("mine")
        aged(path, 1000)
    assert lake.names() == []


def test_an_unreadable_manifest_keeps_no_body_and_goes_with_age(lake: Lake) -> None:
    old = lake.fetch("old", "run 1", 100)
    lake.fetch("latest", "run 2", 1)
    aged(lake.pin("run 1"), 100).write_text("{")
    aged(lake.pin("run 1"), 100)
    assert sorted(lake.names()) == everything_of(old, "run 1")


def test_a_file_that_was_written_anew_since_is_not_removed(lake: Lake) -> None:
    old = lake.fetch("old", "run 1", 100)
    lake.fetch("latest", "run 2", 1)
    going = lake.going()
    lake.fetch("old", "run 3", 0)
    assert {file.path for file in going if remove(file)} == {lake.pin("run 1")}
    assert lake.raw.pinned("cores", "run 3") is not None
    assert not any(remove(file) for file in going), "what is gone is not removed again"
    assert old.path.exists()
