"""The work itself, called without Dagster: `python -m benchmarks.work <simulator's URL> <endpoint> …`."""

import sys

from spacex_assets.config import Settings
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.extract.http import HttpSource
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.store import open_store
from spacex_assets.load.transaction import Origin
from spacex_assets.load.warehouse import Warehouse
from spacex_assets.transform.typed import typed

settings = Settings()
lake = RawLake(open_store(settings))
warehouse = Warehouse.connect(settings.warehouse_url, settings.world)
source = HttpSource(sys.argv[1], settings)
for name in sys.argv[2:]:
    endpoint = ENDPOINTS[name]
    snapshot = source.fetch(endpoint, lake, warehouse.last_loaded_documents(name))
    lake.publish(snapshot, "bench")
    result = typed(endpoint, snapshot.iter_batches, simulated=True)
    origin = Origin(name, snapshot.source, snapshot.sha256, snapshot.fetched_at, result.intake, "bench")
    with warehouse.load(origin, endpoint.layouts, result.frames) as load:
        for layout in endpoint.layouts:
            load.write(layout)
