"""Many launches, extract, typed and load together, against dlt, and against a tenth of them.

Both sides read from one simulator over HTTP and write with `work_mem` at 256 MB; the reference needs BENCH_DLT_PYTHON.
"""

import os
import sys
import tempfile
import urllib.request
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr

from benchmarks.process import Taken, taken
from benchmarks.refresh import DLT
from spacex_assets.config import Settings
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.embedded.server import Server
from spacex_assets.local import environment, prepare
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import running_simulator


def main(launches: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = EmbeddedPostgres(folder / "postgres")
        server = postgres.start()
        try:
            small = measure(server, folder, launches // 10, dlt=None)
            large = measure(server, folder, launches, dlt=os.environ.get("BENCH_DLT_PYTHON"))
        finally:
            postgres.stop()
    print(f"\n{launches:,} launches (first load, re-run)")
    for who, runs in large.items():
        times = ", ".join(f"{run.seconds:.1f} s" for run in runs)
        print(f"  {who:<8} {times}; at most {max(run.peak for run in runs):.0f} MiB resident")
    if "dlt" in large:
        first, again = (ours.seconds / theirs.seconds for ours, theirs in zip(large["ours"], large["dlt"], strict=True))
        print(f"  ours / dlt {first:.2f} and {again:.2f} (at most 0.5)")
    times = [big.seconds / little.seconds for big, little in zip(large["ours"], small["ours"], strict=True)]
    print(f"  ten times the launches take {times[0]:.1f} and {times[1]:.1f} times as long (at most 11)")


def measure(server: Server, folder: Path, launches: int, dlt: str | None) -> dict[str, list[Taken]]:
    with running_simulator(Content(Fleet(launches=launches))) as simulator:
        urllib.request.urlopen(f"{simulator.url}/v5/launches").close()  # the fleet is made now, not in the first load
        database = f"bench_{launches}"
        server.ensure_database(database)
        url = SecretStr(server.url(database))
        env = {**os.environ, **environment(prepare(Settings(local=folder / database, database_url=url)))}
        env["SPACEX_ENDPOINT_TIME_LIMIT"] = "600"
        engine = sa.create_engine(server.url(database))
        with engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database} SET work_mem = '256MB'")
        engine.dispose()
        commands = {"ours": [sys.executable, "-m", "benchmarks.work", simulator.url, "launches"]}
        if dlt:
            dsn = server.url(database).replace("+psycopg2", "")
            commands["dlt"] = [dlt, str(DLT), simulator.url, dsn, str(folder / "dlt"), "launches"]
        return {who: [taken(command, env) for _ in range(2)] for who, command in commands.items()}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
