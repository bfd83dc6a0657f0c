"""A whole refresh at the real size, each a process of its own.

Reference: dlt with `merge`/`upsert` on the same PostgreSQL, if BENCH_DLT_PYTHON names a Python that has it. It and
the work without Dagster read from one simulator over HTTP; the run with Dagster makes the fleet in its own process.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from spacex_assets.config import Settings
from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.local import environment, prepare
from spacex_assets.simulator.content import Content
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.simulator.server import running_simulator

REPEATS = 3
WORK = """
import sys
from pathlib import Path
from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.http import HttpSource
from spacex_assets.load.transaction import Origin
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.transform.flatten import frames
from spacex_assets.transform.parse import documents
settings = Settings()
lake = RawLake(settings.lake_folder)
warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
source = HttpSource(sys.argv[1], settings)
for endpoint in ENDPOINTS.values():
    snapshot = source.fetch(endpoint, lake, warehouse.last_loaded_documents(endpoint.name))
    lake.publish(snapshot, "bench")
    tables = frames(documents(endpoint, snapshot.iter_batches(), simulated=True), endpoint.layouts)
    origin = Origin(endpoint.name, snapshot.source, snapshot.sha256, snapshot.fetched_at, snapshot.documents, "bench")
    with warehouse.load(origin, endpoint.layouts, tables) as load:
        for layout in endpoint.layouts:
            load.write(layout)
"""
DLT = """
import sys, dlt
from dlt.sources.helpers import requests
url, dsn, folder = sys.argv[1:]
names = ("capsules company cores crew dragons history landpads launches launchpads payloads roadster rockets ships starlink")
def resource(name):
    def rows():
        body = requests.get(f"{url}/{'v5' if name == 'launches' else 'v4'}/{name}").json()
        yield body if isinstance(body, list) else [body]
    return dlt.resource(rows, name=name, primary_key="id", write_disposition={"disposition": "merge", "strategy": "upsert"})
pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=dlt.destinations.postgres(dsn), dataset_name="dlt_bench")
pipeline.run([resource(name) for name in names.split()])
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_simulator(Content(Fleet())) as simulator:
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        server = postgres.start()
        server.ensure_database("bench")
        server.ensure_database("bare")
        try:
            base = Settings(source="simulated", local=Path(folder), http_rate=1000)
            rows: list[tuple[str, list[float], list[float]]] = []
            dlt = os.environ.get("BENCH_DLT_PYTHON")
            if dlt:
                dsn = server.url("bench").replace("+psycopg2", "")
                rows.append(("dlt", *measure([dlt, "-c", DLT, simulator.url, dsn, folder], dict(os.environ))))
            bare = prepare(base.model_copy(update={"database_url": SecretStr(server.url("bare"))}))
            env = {**os.environ, **environment(bare), "SPACEX_HTTP_RATE": "1000"}
            rows.append(("the work without Dagster", *measure([sys.executable, "-c", WORK, simulator.url], env)))
            full = prepare(base.model_copy(update={"database_url": SecretStr(server.url("bench"))}))
            env = {**os.environ, **environment(full), "SPACEX_HTTP_RATE": "1000"}
            program = str(Path(sys.executable).with_name("dagster"))
            command = [program, "asset", "materialize", "--select", "*"]
            rows.append(("dagster asset materialize, 42 steps", *measure(command, env)))
        finally:
            postgres.stop()
    print("\n2,424 documents, whole process, seconds (first load, median of re-runs)")
    for name, first, again in rows:
        middle = sorted(again)[len(again) // 2]
        ratio = (
            f" = {first[0] / rows[0][1][0]:.2f} and {middle / sorted(rows[0][2])[len(again) // 2]:.2f} of dlt"
            if dlt
            else ""
        )
        print(f"  {name:<36} {first[0]:.2f} {middle:.2f}{ratio}")


def measure(command: list[str], env: dict[str, str]) -> tuple[list[float], list[float]]:
    times = []
    for _ in range(1 + REPEATS):
        began = time.perf_counter()
        subprocess.run(command, env=env, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return times[:1], times[1:]
