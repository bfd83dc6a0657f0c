"""Typed frames as Parquet, addressed by snapshot, contract and its mode: all that decides what is in them.

The pin of a run says which snapshot its typed frames came from, so that the next step reads exactly those.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.extract.staging import staging_file
from spacex_assets.extract.store import Store
from spacex_assets.retries import retried
from spacex_assets.transform.intake import Intake


@dataclass(frozen=True)
class TypedLake:
    """The typed part of a lake: ``typed/<table>/<contract>-<mode>-<sha256>.parquet``.

    ``modes`` are the contract modes of endpoints, where they are set.
    """

    store: Store
    raw: RawLake
    modes: Mapping[str, ContractMode] = field(default_factory=dict)

    def name(self, layout: TableLayout, snapshot: Snapshot) -> str:
        """Where the frame of a table is kept."""
        return f"{self._stem(layout, snapshot)}.parquet"

    def _stem(self, layout: TableLayout, snapshot: Snapshot, mode: ContractMode | None = None) -> str:
        mode = mode or self.modes.get(layout.parent or layout.name, ContractMode.EVOLVE)
        return f"typed/{layout.name}/{layout.contract}-{mode}-{snapshot.sha256}"

    def write(self, layout: TableLayout, snapshot: Snapshot, frame: pl.DataFrame) -> str:
        """Writes a frame so that readers see all of it or none; where it lies."""
        name = self.name(layout, snapshot)
        with staging_file(self.store.folder) as partial:
            frame.write_parquet(partial, compression="lz4")
            self.store.put(name, partial)
        return self.store.shown(name)

    def frame(self, layout: TableLayout, snapshot: Snapshot) -> Path | bytes:
        """The frame of a snapshot that was typed, as Polars takes it."""
        return self.store.frame(self.name(layout, snapshot))

    def intake_name(self, endpoint: Endpoint, snapshot: Snapshot, mode: ContractMode | None = None) -> str:
        """Where it is kept what became of the documents; in the mode that is set, unless told another."""
        return f"{self._stem(endpoint.layouts[0], snapshot, mode)}.intake.json"

    def write_intake(self, endpoint: Endpoint, snapshot: Snapshot, intake: Intake) -> None:
        """Writes what became of the documents, beside the frame of the main table."""
        with staging_file(self.store.folder) as partial:
            partial.write_text(intake.model_dump_json())
            self.store.put(self.intake_name(endpoint, snapshot), partial)

    def read_intake(self, endpoint: Endpoint, snapshot: Snapshot, mode: ContractMode | None = None) -> Intake:
        """What became of the documents of a snapshot that was typed; in the mode that is set, unless told another.

        Raises :class:`FileNotFoundError`.
        """
        name = self.intake_name(endpoint, snapshot, mode)
        content = self.store.read(name)
        if content is None:
            raise FileNotFoundError(f"{self.store.shown(name)}: materialize typed/{endpoint.name} first")
        return Intake.model_validate_json(content)


class TypedFrameIOManager(dg.IOManager):
    """Stores the frames of typed assets and reads them for the tables."""

    def __init__(self, lake: TypedLake, layouts: Mapping[str, tuple[Endpoint, TableLayout]]) -> None:
        self.lake, self.layouts = lake, layouts

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        """Writes one frame and says where."""
        endpoint, layout = self.layouts[context.asset_key.path[-1]]
        with retried(context.step_context.previous_attempt_count):
            path = self.lake.write(layout, self.lake.raw.resolve(endpoint.name, context.run_id), obj)
        context.add_output_metadata({"path": dg.MetadataValue.path(path), "dagster/row_count": obj.height})

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """Reads the frame of the run's own snapshot, or of the latest when the run made none."""
        endpoint, layout = self.layouts[context.asset_key.path[-1]]
        with retried(context.step_context.previous_attempt_count):
            return pl.read_parquet(
                self.lake.frame(layout, self.lake.raw.resolve(endpoint.name, context.step_context.run_id))
            )
