"""A whole refresh at the real size, each a process of its own.

Reference: dlt with `merge`/`upsert` on the same PostgreSQL, if BENCH_DLT_PYTHON names a Python that has dlt[postgres],
dagster-dlt and dagster-postgres. It and the work without Dagster read from one simulator over HTTP; our run with
Dagster makes the fleet in its own process.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from benchmarks.process import Taken, middle, taken
from spacex_assets.config import Settings
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.local import environment, prepare
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import running_simulator

REPEATS = 5
REFERENCE, CHECKED, UNCHECKED = "dlt", "the graph in one process, all checks", "the same, 42 steps without checks"
Command = tuple[list[str], dict[str, str] | None]
"""What is run, and in which environment."""
DLT = Path(__file__).with_name("dlt_load.py")
STOCK_STORAGE = "storage:\n  postgres:\n    postgres_url: {env: BENCH_DAGSTER_URL}\ntelemetry: {enabled: false}\n"


def main() -> None:
    bare = dict(os.environ)  # before `prepare` sets what Dagster expects
    with tempfile.TemporaryDirectory() as name, running_simulator(Content(Fleet())) as simulator:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(folder / "postgres")
        server = postgres.start()

        def ours(database: str) -> dict[str, str]:
            server.ensure_database(database)
            url = SecretStr(server.url(database))
            ready = prepare(Settings(source="simulated", local=folder / database, database_url=url))
            return {**bare, **environment(ready), "SPACEX_HTTP_RATE": "1000"}

        try:
            commands: dict[str, Command] = {}
            materialize = ["asset", "materialize", "--select", "*"]
            dlt = os.environ.get("BENCH_DLT_PYTHON")
            if dlt:
                server.ensure_database("dlt")
                server.ensure_database("dagster_dlt")
                dsn = server.url("dlt").replace("+psycopg2", "")
                commands[REFERENCE] = [dlt, str(DLT), simulator.url, dsn, str(folder / "dlt"), *ENDPOINTS], None
            work = [sys.executable, "-m", "benchmarks.work", simulator.url, *ENDPOINTS]
            commands["the work without Dagster"] = work, ours("bare")
            shell = ours("bench")
            commands["dagster asset materialize, 70 steps"] = [beside(sys.executable), *materialize], shell
            run = [sys.executable, "-m", "benchmarks.checked"]
            commands[CHECKED] = run, ours("checked")
            commands[UNCHECKED] = [*run, "without"], ours("unchecked")
            if dlt:
                (folder / "home").mkdir()
                (folder / "home" / "dagster.yaml").write_text(STOCK_STORAGE)
                env = {
                    **bare,
                    "DAGSTER_HOME": str(folder / "home"),
                    "BENCH_DAGSTER_URL": server.url("dagster_dlt"),
                    "BENCH_DLT": json.dumps([simulator.url, dsn, str(folder / "dagster_dlt"), *ENDPOINTS]),
                }
                by_dlt = [beside(dlt), *materialize, "-f", str(DLT)]
                commands["dagster asset materialize by dagster-dlt"] = by_dlt, env
            rows = measured(commands)
            print("\n2,424 documents, whole process, seconds (first load, median of re-runs)")
            show(rows)
            pairs = zip(rows[CHECKED][1:], rows[UNCHECKED][1:], strict=True)
            cost = median(checked.seconds / unchecked.seconds for checked, unchecked in pairs)
            print(f"  a re-run with all checks costs {cost:.2f} of one without (at most 1.3)")
            print("where the time of our run goes, nothing changed:")
            print(taken([sys.executable, "-m", "benchmarks.split"], shell).said)
        finally:
            postgres.stop()


def measured(commands: Mapping[str, Command]) -> dict[str, list[Taken]]:
    """All commands in turn, again and again, so that all meet the same moods of the machine."""
    rows: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(1 + REPEATS):
        for name, (command, env) in commands.items():
            rows[name].append(taken(command, env))
    return rows


def beside(python: str) -> str:
    return str(Path(python).with_name("dagster"))


def show(rows: dict[str, list[Taken]]) -> None:
    cells: tuple[Callable[[list[Taken]], float], ...] = (lambda runs: runs[0].seconds, lambda runs: middle(runs[1:]))
    reference = rows.get(REFERENCE)
    for name, runs in rows.items():
        ratio = [f"{cell(runs) / cell(reference):.2f}" for cell in cells] if reference else []
        print(
            f"  {name:<42} {cells[0](runs):.2f} {cells[1](runs):.2f}" + f" = {' and '.join(ratio)} of dlt" * bool(ratio)
        )


if __name__ == "__main__":
    main()
