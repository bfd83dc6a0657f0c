"""Typed frames as Parquet, addressed by snapshot and contract.

The pin of a run says which snapshot its typed frames came from, so that the next step reads exactly those.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.layout import TableLayout
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.snapshot import Snapshot
from spacex_assets.retries import retried
from spacex_assets.transform.intake import Intake


@dataclass(frozen=True)
class TypedLake:
    """The typed part of a lake folder: ``typed/<table>/<contract>-<sha256>.parquet``."""

    folder: Path
    raw: RawLake

    def path(self, layout: TableLayout, snapshot: Snapshot) -> Path:
        """Where the frame of a table is kept."""
        return self.folder / "typed" / layout.name / f"{layout.contract}-{snapshot.sha256}.parquet"

    def write(self, layout: TableLayout, snapshot: Snapshot, frame: pl.DataFrame) -> Path:
        """Writes a frame so that readers see all of it or none."""
        path = self.path(layout, snapshot)
        with self._replacing(path) as partial:
            frame.write_parquet(partial, compression="lz4")
        return path

    def intake_path(self, endpoint: Endpoint, snapshot: Snapshot) -> Path:
        """Where it is kept what became of the documents."""
        return self.path(endpoint.layouts[0], snapshot).with_suffix(".intake.json")

    def write_intake(self, endpoint: Endpoint, snapshot: Snapshot, intake: Intake) -> None:
        """Writes what became of the documents, beside the frame of the main table."""
        with self._replacing(self.intake_path(endpoint, snapshot)) as partial:
            partial.write_text(intake.model_dump_json())

    def read_intake(self, endpoint: Endpoint, snapshot: Snapshot) -> Intake:
        """What became of the documents of a snapshot that was typed."""
        return Intake.model_validate_json(self.intake_path(endpoint, snapshot).read_bytes())

    @contextmanager
    def _replacing(self, path: Path) -> Iterator[Path]:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.raw.staging_file() as partial:
            yield partial
            partial.replace(path)


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
                self.lake.path(layout, self.lake.raw.resolve(endpoint.name, context.step_context.run_id))
            )
