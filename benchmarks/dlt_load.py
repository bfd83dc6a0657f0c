"""The reference: the same load by dlt. Runs in the Python that BENCH_DLT_PYTHON names, so it imports nothing of ours.

`dlt_load.py <simulator's URL> <PostgreSQL URL> <folder> <endpoint> …`; with the same in the environment variable
BENCH_DLT it is a Dagster module whose assets dagster-dlt makes.
"""

import json
import os
import sys

import dlt
from dlt.sources.helpers import requests


def source(url, names):
    def resource(name):
        def rows():
            body = requests.get(f"{url}/{'v5' if name == 'launches' else 'v4'}/{name}").json()
            yield body if isinstance(body, list) else [body]

        disposition = {"disposition": "merge", "strategy": "upsert"}
        return dlt.resource(rows, name=name, primary_key="id", write_disposition=disposition)

    return dlt.source(lambda: [resource(name) for name in names], name="spacex")()


def pipeline(dsn, folder):
    destination = dlt.destinations.postgres(dsn)
    return dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="dlt_bench")


if __name__ == "__main__":
    url, dsn, folder, *names = sys.argv[1:]
    pipeline(dsn, folder).run(source(url, names))
elif "BENCH_DLT" in os.environ:
    import dagster as dg
    from dagster_dlt import DagsterDltResource, dlt_assets

    url, dsn, folder, *names = json.loads(os.environ["BENCH_DLT"])

    @dlt_assets(dlt_source=source(url, names), dlt_pipeline=pipeline(dsn, folder), name="spacex")
    def loaded(context: dg.AssetExecutionContext, dlt: DagsterDltResource):
        yield from dlt.run(context=context)

    defs = dg.Definitions(assets=[loaded], resources={"dlt": DagsterDltResource()}, executor=dg.in_process_executor)
