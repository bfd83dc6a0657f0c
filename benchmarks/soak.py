"""The platform left to live for days in minutes: `python -m benchmarks.soak [days] [seed] [daemon]`.

At every tick the source changes, misbehaves and is loaded, by runs of our own or by Dagster's daemon; every night
upkeep runs over a platform that has grown a day older. At the end all trouble ends, and whatever was promised has to
hold. What does not belong here: the trouble itself (``mischief.py``), and who loads (``drivers.py``).
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random

import dagster as dg
import psutil
import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks.drivers import Daemon, DirectRuns, Driver
from benchmarks.mischief import OBSERVER, Mischief
from spacex_assets.automation.runs import unfinished_runs
from spacex_assets.automation.upkeep import upkeep
from spacex_assets.checks.look import findings
from spacex_assets.config import Settings
from spacex_assets.definitions import typed_lake
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.store import open_store
from spacex_assets.load.compare import columns, quoted
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.local import prepare
from spacex_assets.simulator.content import Content, Recordings
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import RunningSimulator, running_simulator

TICKS_A_DAY = 6
KEPT_DAYS = 2.0
SETTLED_WITHIN_SECONDS = 900.0
LAYOUTS = [layout for endpoint in ENDPOINTS.values() for layout in endpoint.layouts]
Tables = Mapping[str, str]
"""A digest of the steady columns of every table, by name."""


@dataclass
class Soak:
    """A life of the platform; :meth:`verify` says what does not hold, an empty list being success."""

    settings: Settings
    source: RunningSimulator
    instance: dg.DagsterInstance
    driver: Driver
    seed: int
    checkpoints: list[tuple[object, Tables]] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(
            self.settings.warehouse_url, poolclass=sa.NullPool, connect_args={"application_name": OBSERVER}
        )
        self.warehouse = Warehouse(self.engine)
        self.mischief = Mischief(Random(self.seed), self.source, self.engine, self.driver.workers)
        self.strangers = set(children())

    def live(self, days: int, ticks_a_day: int = TICKS_A_DAY) -> None:
        """Loads everything once, then lives; at the end all trouble ends, and everything is loaded once more."""
        with self.driver.running():
            self._live(days, ticks_a_day)

    def _live(self, days: int, ticks_a_day: int) -> None:
        self._settle()
        self._look()
        for _ in range(days):
            for _ in range(ticks_a_day):
                self.mischief.at_the_source()
                self.mischief.on_the_way()
                with self.mischief.in_the_middle():
                    self.driver.tick()
                self._look()
                self.mischief.by_hand()
                self._look()
            age(self.settings, self.engine, days=1)
            upkeep(self.instance, self.warehouse, open_store(self.settings), self.settings, dry_run=False)
        self.mischief.end()
        self._settle()
        self._look()

    def verify(self) -> list[str]:
        """Everything that is not as it was promised to be."""
        return [*self._tables(), *self._history(), *self._runs(), *self._left_over()]

    def _settle(self) -> None:
        """Waits until every endpoint was loaded anew. Raises :class:`TimeoutError`."""
        with self.engine.connect() as connection:
            began = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
        while (late := ENDPOINTS.keys() - self._loaded(since=began).keys()) or not self.driver.quiet:
            if time.monotonic() > deadline:
                raise TimeoutError(f"Not loaded within {SETTLED_WITHIN_SECONDS:.0f} s: {sorted(late)}.")
            self.driver.tick()

    def _look(self) -> None:
        """Remembers the tables as they are at this moment, when nobody writes."""
        while True:
            if self.driver.quiet:
                with self.engine.connect() as connection:
                    moment = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
                    tables = {one.name: digest(connection, one, None) for one in LAYOUTS}
                if self.driver.quiet:
                    break
            time.sleep(0.2)
        self.checkpoints.append((moment, tables))
        for name, loaded in self._loaded().items():
            if loaded == self._served(name):
                self.mischief.loaded(name)
        self.memory.append(self.driver.memory)

    def _loaded(self, since: object = "-infinity") -> dict[str, str]:
        """The content that was loaded last, by endpoint."""
        query = (
            "SELECT DISTINCT ON (endpoint) endpoint, sha256 FROM ops.loads WHERE outcome = 'loaded' "
            "AND started_at >= %s ORDER BY endpoint, id DESC"
        )
        with self.engine.connect() as connection:
            return {str(name): str(content) for name, content in connection.exec_driver_sql(query, (since,))}

    def _served(self, endpoint: str) -> str:
        return sha256(self.source.content.body(endpoint).open().read()).hexdigest()

    def runs(self) -> Mapping[str, int]:
        """How the runs that are not forgotten ended."""
        return Counter(f"runs: {run.status.value}" for run in self.instance.get_runs())

    def _tables(self) -> Iterator[str]:
        """Each table is the source's last content, leaf by leaf."""
        loaded = self._loaded()
        lake = typed_lake(self.settings)
        for name, endpoint in ENDPOINTS.items():
            if loaded.get(name) != self._served(name):
                yield f"{name}: what the source has was not loaded"
            integrity, _ = findings(endpoint, self.warehouse, lake, self.settings)
            if integrity.findings:
                yield f"{name}: {integrity}"
        with self.engine.connect() as connection:
            for what in ("quarantine WHERE resolved_at IS NULL", "retention"):
                if count := connection.exec_driver_sql(f"SELECT count(*) FROM ops.{what}").scalar_one():
                    yield f"{count} left in ops.{what}"

    def _history(self) -> Iterator[str]:
        """The tables as they were at each checkpoint are those that were seen then."""
        with self.engine.connect() as connection:
            for moment, seen in self.checkpoints:
                for layout in LAYOUTS:
                    if digest(connection, layout, moment) != seen[layout.name]:
                        yield f"history.{layout.name}_at({moment}) is not what the table was"

    def _runs(self) -> Iterator[str]:
        if stuck := unfinished_runs(self.instance):
            yield f"runs that never ended: {stuck}"

    def _left_over(self) -> Iterator[str]:
        """Locks, connections, files and processes that nobody owns any more."""
        with self.engine.connect() as connection:
            others = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            sessions = connection.exec_driver_sql(f"SELECT count(*) FROM pg_stat_activity WHERE {others}").scalar_one()
            locks = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                "(SELECT oid FROM pg_database WHERE datname = current_database())"
            ).scalar_one()
        lake = self.settings.lake_folder
        files = [*(lake / "staging").glob("*"), *lake.rglob("*.partial")]
        processes = [child for child in children() if child not in self.strangers]
        for what, found in (("sessions", sessions), ("locks", locks), ("files", files), ("processes", processes)):
            if found:
                yield f"{what} left: {found}"


def children() -> Iterator[psutil.Process]:
    """The processes below this one, but for PostgreSQL's and those that end while they are looked at."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.name() != "postgres":
                yield child


def digest(connection: sa.Connection, layout: TableLayout, moment: object) -> str:
    """Names the rows of a table, or of what it was at a moment; columns that no version keeps are left out."""
    place = quoted("spacex", layout.name) if moment is None else f"{quoted('history', layout.name + '_at')}(:moment)"
    rows = f"md5(ROW({columns(layout.steady, 't')})::text)"
    query = sa.text(f"SELECT md5(coalesce(string_agg({rows}, '' ORDER BY {rows}), '')) FROM {place} t")
    return str(connection.execute(query, {} if moment is None else {"moment": moment}).scalar_one())


def age(settings: Settings, engine: sa.Engine, days: int) -> None:
    """Makes all runs and all files older."""
    storage = sa.create_engine(str(settings.dagster_url), poolclass=sa.NullPool)
    with storage.begin() as connection:
        for column in ("create_timestamp", "update_timestamp"):
            connection.exec_driver_sql(f"UPDATE runs SET {column} = {column} - interval '{days} days'")
    for path in [path for path in settings.lake_folder.rglob("*") if path.is_file()]:
        moment = path.stat().st_mtime - days * 86_400
        os.utime(path, (moment, moment))


def record(folder: Path, launches: int) -> None:
    """Responses of a fleet that are not marked as simulated, so that a server may serve them in the real world."""
    for name, endpoint in ENDPOINTS.items():
        documents = json.loads(json.dumps(list(Fleet(launches=launches).documents(name))).replace(" (simulated)", ""))
        (folder / f"{name}.json").write_text(json.dumps(documents[0] if endpoint.single else documents))


@contextmanager
def soak(
    database_url: str, folder: Path, *, launches: int, seed: int, driver: Callable[..., Driver] = DirectRuns
) -> Iterator[Soak]:
    """A platform that has not begun to live, over an empty database and an empty folder."""
    recordings = folder / "recordings"
    recordings.mkdir()
    record(recordings, launches)
    with running_simulator(Content(Recordings(recordings))) as source:
        settings = prepare(
            Settings(
                source=source.url,
                local=folder / "local",
                database_url=SecretStr(database_url),
                http_rate=1000,
                http_attempts=2,
                http_read_timeout=2,
                endpoint_time_limit=10,
                keep_events_days=KEPT_DAYS,
                keep_snapshots_days=KEPT_DAYS,
            )
        )
        with dg.DagsterInstance.get() as instance:
            yield Soak(settings, source, instance, driver(settings, instance), seed)


def main(days: int, seed: int, driver: Callable[..., Driver]) -> None:
    """Prints what happened; ends with status 1 if anything is not as promised."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(folder / "postgres")
        server = postgres.start()
        server.ensure_database("soak")
        began = time.perf_counter()
        try:
            with soak(server.url("soak"), folder, launches=50, seed=seed, driver=driver) as life:
                life.live(days)
                wrong = life.verify()
                twice_a_day = [f"{mib:.0f}" for mib in life.memory[::TICKS_A_DAY]]
                print(f"{days} days of {TICKS_A_DAY} ticks, seed {seed}, in {time.perf_counter() - began:.0f} s")
                for what, times in sorted({**life.mischief.done, **life.runs()}.items()):
                    print(f"  {what:<30}{times:>6}")
                print(f"  memory, MiB, twice a day: {' '.join(twice_a_day)}")
                print("\n".join(wrong) or "Everything holds.")
                sys.exit(bool(wrong))
        finally:
            postgres.stop()
            shutil.rmtree(postgres.place.outside, ignore_errors=True)


if __name__ == "__main__":
    named = sys.argv[1:] + ["5", "1", "runs"][len(sys.argv) - 1 :]
    main(int(named[0]), int(named[1]), {"runs": DirectRuns, "daemon": Daemon}[named[2]])
