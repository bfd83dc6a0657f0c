"""A lake in a folder and in an object store: whole files, one first writer, and what is said if it cannot be used."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spacex_assets.config import Settings, SettingWrong, settings
from spacex_assets.extract.bucket import Bucket, LakeUnusable
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Batch, Snapshot
from spacex_assets.extract.staging import staging_file
from spacex_assets.extract.store import Folder, Store, open_store
from spacex_assets_tests.object_store import ObjectStore

WRITERS = 16
Machine = Callable[[str], Store]
"""Opens one and the same lake as from a machine with this name."""


@pytest.fixture(params=["folder", "object store"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    if request.param == "folder":
        return lambda _: Folder(tmp_path)
    server: ObjectStore = request.getfixturevalue("object_store")
    bucket = server.bucket()
    return lambda name: server.store(tmp_path / name, bucket)


def fetched(store: Store, text: str, run_id: str | None = None) -> Snapshot:
    """A published snapshot whose body is a list of one text."""
    content = f'["{text}"]'.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    lake = RawLake(store)
    with lake.staging_file() as staged:
        staged.write_bytes(content)
        path = lake.keep("cores", sha256, staged)
    snapshot = Snapshot(
        endpoint="cores",
        source="s",
        url="u",
        sha256=sha256,
        etag=None,
        fetched_at=datetime.now(UTC),
        size=len(content),
        documents=1,
        batches=(Batch(offset=1, length=len(content) - 2, documents=1),),
        path=path,
    )
    lake.publish(snapshot, run_id)
    return snapshot


def put(store: Store, name: str, text: str, *, first: bool = False) -> None:
    with staging_file(store.folder) as staged:
        staged.write_text(text)
        store.put(name, staged, first=first)


def test_what_one_machine_publishes_another_reads(machine: Machine) -> None:
    snapshot = fetched(machine("a"), "x", "run")
    there = RawLake(machine("b")).resolve("cores", "run")
    assert there == snapshot.model_copy(update={"path": there.path})
    assert list(there.iter_batches()) == list(there.iter_batches()) == [b'["x"]']
    assert str(there.path).endswith(f"/raw/cores/{snapshot.sha256}.json")


def test_a_body_of_an_object_store_is_fetched_once(object_store: ObjectStore, tmp_path: Path) -> None:
    bucket = object_store.bucket()
    fetched(object_store.store(tmp_path / "a", bucket), "x")
    there = RawLake(object_store.store(tmp_path / "b", bucket)).resolve("cores")
    body = there.path.open("rb")
    there.path.bucket.fs.rm_file(there.path.bucket.path(there.path.name))
    assert next(there.iter_batches()) == b'["x"]'
    for copy in (tmp_path / "b" / "staging").iterdir():
        copy.unlink()
    assert body.read() == b'["x"]', "who reads is not disturbed when the copy goes"
    with pytest.raises(FileNotFoundError):
        next(there.iter_batches())


def test_a_later_file_takes_the_place_of_an_earlier_one_but_not_of_the_first(machine: Machine) -> None:
    store = machine("a")
    assert store.read("raw/cores/latest.json") is None
    put(store, "raw/cores/latest.json", "1")
    put(store, "raw/cores/latest.json", "2")
    put(store, "raw/cores/latest.json", "3", first=True)
    assert store.read("raw/cores/latest.json") == b"2"
    assert store.read_all(["raw/cores/latest.json", "raw/cores/none.json"]) == {"raw/cores/latest.json": b"2"}
    assert [file.name for file in store.files("raw")] == ["raw/cores/latest.json"]
    assert list(store.files("typed")) == []


def test_all_steps_of_a_run_see_the_snapshot_that_the_first_of_them_took(machine: Machine) -> None:
    """The steps run on machines of their own while another run publishes again and again."""

    def step(index: int) -> str:
        store = machine(f"machine {index}")
        if index % 2:
            fetched(store, f"version {index}")
        return RawLake(store).resolve("cores", "run").sha256

    fetched(machine("a"), "version 0")
    with ThreadPoolExecutor(WRITERS) as pool:
        seen = set(pool.map(step, range(WRITERS)))
    assert seen == {RawLake(machine("b")).resolve("cores", "run").sha256}


def test_a_body_that_was_edited_in_the_lake_is_not_reused(machine: Machine) -> None:
    snapshot = fetched(machine("a"), "x")
    put(machine("a"), f"raw/cores/{snapshot.sha256}.json", '["y"]')
    assert RawLake(machine("b")).intact("cores") is None
    fetched(machine("c"), "x")
    assert RawLake(machine("d")).intact("cores") is not None


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(object_store: ObjectStore, tmp_path: Path) -> None:
    store = object_store.store(tmp_path, "nowhere")
    with pytest.raises(LakeUnusable, match=r"^s3://nowhere/lake/real/x: .*bucket does not exist.*correct SPACEX_LAKE"):
        put(store, "x", "1")
    with pytest.raises(LakeUnusable, match="nowhere"):
        put(store, "x", "1", first=True)


def test_a_url_is_a_lake_with_a_folder_of_its_own_per_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPACEX_LAKE_OPTIONS", '{"endpoint_url": "http://127.0.0.1:1"}')
    store = open_store(Settings(lake="s3://bucket/lake/", source="/archive", local=tmp_path))
    assert isinstance(store, Bucket)
    assert store.shown("raw") == "s3://bucket/lake/real/raw"
    assert store.folder == tmp_path / "lake" / "real"
    assert store.fs.endpoint_url == "http://127.0.0.1:1"
    assert open_store(Settings(lake=str(tmp_path), source="/archive")) == Folder(tmp_path / "real")


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(SettingWrong, match=r"SPACEX_LAKE: .*expected a folder or a URL that begins with s3, gs, az"):
        settings(lake="ftp://host/lake")


def test_a_kind_whose_package_is_not_installed_is_named() -> None:
    with pytest.raises(LakeUnusable, match=r"SPACEX_LAKE=gs://lake/real: expected a package that speaks gs://.*gcsfs"):
        open_store(Settings(lake="gs://lake", source="/archive"))


def test_a_lake_in_a_folder_needs_nothing_of_object_stores() -> None:
    code = (
        "import sys; from spacex_assets.config import Settings; from spacex_assets.extract.store import open_store;"
        "open_store(Settings()); assert not {'upath', 'fsspec', 's3fs'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
