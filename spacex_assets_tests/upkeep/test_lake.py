"""What of a lake goes, in a folder and in an object store alike: by age, but never what somebody needs."""

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.staging import staging_file
from spacex_assets.extract.store import Folder, Store
from spacex_assets.io_managers.typed import TypedLake
from spacex_assets.transform.intake import Intake
from spacex_assets.upkeep.lake import Contracts, Kind, LakeFile, Needed, expendable, listing
from spacex_assets_tests.object_store import ObjectStore

NOW = datetime.now(UTC)
CORES = ENDPOINTS["cores"]
NOTHING = Needed()
CONTRACTS = Contracts.of(ENDPOINTS.values())


class Lake:
    """A lake of one endpoint, written as the platform writes it; ages are in days."""

    def __init__(self, store: Store, date: Callable[[str, datetime], None]) -> None:
        self.store, self.raw, self.date = store, RawLake(store), date
        self.typed = TypedLake(store, self.raw)

    def fetch(self, text: str, run_id: str, age: float) -> Snapshot:
        """Publishes a body, pins it and types it, all of the same age."""
        sha256 = sha(text)
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
        self.typed.write(CORES.layouts[0], snapshot, pl.DataFrame({"id": [text]}))
        self.typed.write_intake(CORES, snapshot, Intake(accepted=1))
        made = (self.typed.name(CORES.layouts[0], snapshot), self.typed.intake_name(CORES, snapshot))
        for name in (body(text), pin(run_id), *made):
            self.aged(name, age)
        return snapshot

    def write(self, name: str, text: str, age: float) -> str:
        with staging_file(self.store.folder) as staged:
            staged.write_text(text)
            self.store.put(name, staged)
        return self.aged(name, age)

    def aged(self, name: str, age: float) -> str:
        self.date(name, NOW - timedelta(days=age))
        return name

    def going(self, needed: Needed = NOTHING, days: float = 90) -> list[LakeFile]:
        return expendable(
            listing(self.store),
            needed,
            CONTRACTS,
            before=NOW - timedelta(days=days),
            abandoned=NOW - timedelta(days=1),
        )

    def names(self, needed: Needed = NOTHING, days: float = 90) -> list[tuple[str, str]]:
        return [(file.kind.value, file.run_id or file.sha256[:6]) for file in self.going(needed, days)]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def body(text: str) -> str:
    return f"raw/cores/{sha(text)}.json"


def pin(run_id: str) -> str:
    return f"raw/cores/runs/{run_id}.json"


@pytest.fixture(params=["folder", "object store"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "folder":
        return Lake(Folder(tmp_path), lambda name, moment: os.utime(tmp_path / name, (moment.timestamp(),) * 2))
    server: ObjectStore = request.getfixturevalue("object_store")
    bucket = server.bucket()
    return Lake(server.store(tmp_path, bucket), lambda name, moment: server.date(bucket, f"lake/real/{name}", moment))


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
    lake.fetch("latest", "run 3", 1)
    lake.aged(body("same"), 200)
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
    former = [
        f"typed/cores/former-{latest.sha256}.parquet",
        f"typed/cores/former-{latest.sha256}.intake.json",
        f"typed/cores/former-evolve-{latest.sha256}.parquet",
        lake.typed.name(CORES.layouts[0], latest).replace("/cores/", "/unknown/"),
    ]
    for name in former:
        lake.write(name, "x", 0.9)
    assert lake.going() == []
    for name in former:
        lake.aged(name, 1.1)
    assert {file.stored.name for file in lake.going()} == set(former)


@pytest.mark.parametrize("mode", ["", "freeze-", "discard-"])
def test_frames_of_every_contract_mode_stay_as_long_as_their_snapshot(lake: Lake, mode: str) -> None:
    snapshots = [lake.fetch("first", "run 1", 100), lake.fetch("latest", "run 2", 99)]
    contract = CORES.layouts[0].contract
    first, latest = (
        lake.write(f"typed/cores/{contract}-{mode}{snapshot.sha256}.parquet", "x", 99) for snapshot in snapshots
    )
    gone = {file.stored.name for file in lake.going()}
    assert first in gone
    assert latest not in gone


def test_what_killed_writers_left_goes_after_a_day(tmp_path: Path) -> None:
    lake = Lake(Folder(tmp_path), lambda name, moment: os.utime(tmp_path / name, (moment.timestamp(),) * 2))
    lake.fetch("latest", "run 1", 1)
    left = tmp_path / "staging" / "tmp1.part"
    left.write_bytes(b"x")
    assert lake.going() == []
    lake.aged("staging/tmp1.part", 2)
    assert [file.stored.name for file in lake.going()] == ["staging/tmp1.part"]


def test_what_is_not_ours_stays(lake: Lake) -> None:
    lake.fetch("latest", "run 1", 1)
    for name in ("raw/cores/notes.txt", "raw/cores/notes.json", "typed/cores/mine.parquet", "typed/readme"):
        lake.write(name, "mine", 1000)
    assert lake.names() == []


def test_an_unreadable_manifest_keeps_no_body_and_goes_with_age(lake: Lake) -> None:
    old = lake.fetch("old", "run 1", 100)
    lake.fetch("latest", "run 2", 1)
    lake.write(pin("run 1"), "{", 100)
    assert sorted(lake.names()) == everything_of(old, "run 1")


def test_a_file_that_was_written_anew_since_is_not_removed(lake: Lake) -> None:
    old = lake.fetch("old", "run 1", 100)
    lake.fetch("latest", "run 2", 1)
    going = lake.going()
    lake.fetch("old", "run 3", 0)
    assert {file.stored.name for file in going if lake.store.remove(file.stored)} == {pin("run 1")}
    assert lake.raw.pinned("cores", "run 3") is not None
    assert not any(lake.store.remove(file.stored) for file in going), "what is gone is not removed again"
    assert old.path.exists()
