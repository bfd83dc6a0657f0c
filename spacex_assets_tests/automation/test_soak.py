"""Days of the platform in a minute: in the end everything holds. `benchmarks/soak.py` lives longer."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from benchmarks.soak import Soak, soak
from spacex_assets.embedded import Server

GROWTH = 100.0
"""MiB that a process may grow after its first run; a leak of a frame per run would be more."""


@pytest.fixture(scope="module")
def life(server: Server, open_folder: Callable[[str], Path]) -> Iterator[Soak]:
    name = f"test_{uuid4().hex[:12]}"
    server.ensure_database(name)
    before = dict(os.environ)
    for variable in [name for name in before if name.startswith(("SPACEX_", "DAGSTER_"))]:
        del os.environ[variable]
    try:
        with soak(server.url(name), open_folder("soak"), launches=15, seed=5) as life:
            life.live(days=1)
            yield life
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_after_days_of_trouble_everything_holds(life: Soak) -> None:
    assert life.verify() == []


def test_there_was_trouble(life: Soak) -> None:
    done = life.mischief.done
    kinds = {kind.partition(":")[0] for kind, times in done.items() if times}
    assert kinds == {"document", "response", "row", "connection"}, done
    assert {"document: broken", "document: mended", "document: added", "document: deleted"} <= done.keys(), done
    with life.engine.connect() as connection:
        outcomes = set(connection.scalars(sa.text("SELECT DISTINCT outcome FROM ops.loads")))
    assert outcomes >= {"loaded", "failed"}


def test_the_process_did_not_grow(life: Soak) -> None:
    assert life.memory[-1] - life.memory[2] < GROWTH, life.memory


def by_hand(life: Soak, statement: str) -> None:
    with life.engine.begin() as connection:
        connection.exec_driver_sql(statement)


@contextmanager
def a_changed_row(life: Soak) -> Iterator[None]:
    by_hand(life, "CREATE TABLE public.kept AS SELECT * FROM spacex.rockets")
    by_hand(life, "UPDATE spacex.rockets SET boosters = boosters + 1")
    yield


@contextmanager
def a_lost_version(life: Soak) -> Iterator[None]:
    by_hand(life, "DELETE FROM history.rockets")
    yield


@contextmanager
def a_change_at_the_source(life: Soak) -> Iterator[None]:
    first = next(life.source.content.documents("ships"))["id"]
    life.source.content.edit("ships", first, {"name": "later"})
    yield


@contextmanager
def a_session_with_a_lock(life: Soak) -> Iterator[None]:
    with life.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(1)")
        yield


@contextmanager
def a_file(life: Soak) -> Iterator[None]:
    (life.settings.lake_folder / "staging" / "x.part").touch()
    yield


@contextmanager
def a_process(_: Soak) -> Iterator[None]:
    process = subprocess.Popen(["sleep", "60"])
    yield
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (a_session_with_a_lock, ["sessions left: 1", "locks left: 1"]),
        (a_file, ["files left"]),
        (a_process, ["processes left"]),
        (a_change_at_the_source, ["ships: what the source has was not loaded"]),
        (a_changed_row, ["rockets: differs from the raw document"]),
        (a_lost_version, ["history.rockets_at("]),
    ],
)
def test_what_does_not_hold_is_noticed(life: Soak, harm: Callable[[Soak], object], said: list[str]) -> None:
    with harm(life):  # type: ignore[attr-defined]
        found = life.verify()
    assert all(any(line.startswith(one) for line in found) for one in said), found
