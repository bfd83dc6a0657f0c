"""A run of the whole graph in this process: `python -m benchmarks.checked`, or with `without` its check steps."""

import sys

import dagster as dg

from spacex_assets.definitions import defs

job = defs.resolve_implicit_global_asset_job_def()
if sys.argv[1:] == ["without"]:
    job = job.get_subset(asset_selection=set(job.asset_layer.selected_asset_keys), asset_check_selection=set())
with dg.DagsterInstance.get() as instance:
    assert job.execute_in_process(instance=instance, run_config={"loggers": {"progress": {}}}).success
