"""Raw snapshots: publishing one makes it visible; reading gives the one of the run."""

import dagster as dg

from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.retries import retried


class RawSnapshotIOManager(dg.IOManager):
    """Publishes what a raw asset fetched."""

    def __init__(self, lake: RawLake) -> None:
        self.lake = lake

    def handle_output(self, context: dg.OutputContext, obj: Snapshot) -> None:
        """Makes a complete and checked snapshot the latest one, and the run's own."""
        with retried(context.step_context.previous_attempt_count):
            self.lake.publish(obj, context.run_id)

    def load_input(self, context: dg.InputContext) -> Snapshot:
        """The snapshot of this run, or the latest when the run fetched none."""
        with retried(context.step_context.previous_attempt_count):
            return self.lake.resolve(context.asset_key.path[-1], context.step_context.run_id)
