"""Upsert of launch-like rows against a plain CSV COPY of the same rows into the same keyed table."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import sqlalchemy as sa

from spacex_assets.embedded import EmbeddedPostgres
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.load.copy import _Stream
from spacex_assets.load.migrate import upgrade
from spacex_assets.load.transaction import Origin, endpoint_load
from spacex_assets.simulator.fleet import Fleet
from spacex_assets.transform.intake import Intake
from spacex_assets.transform.typed import typed

SEED_LAUNCHES = 1000
SLICE = 50_000


def launch_rows(rows: int) -> pl.DataFrame:
    """Typed launches with ids of their own, as many as wanted."""
    launches = ENDPOINTS["launches"]
    body = json.dumps(list(Fleet(launches=SEED_LAUNCHES).documents("launches"))).encode()
    seed = typed(launches, lambda: [body], simulated=True).frames["launches"]
    many = pl.concat([seed] * -(-rows // seed.height)).head(rows)
    number = pl.int_range(pl.len()).cast(pl.String).str.zfill(24)
    return many.with_columns(number.alias("id")).rechunk()


def csv(frame: pl.DataFrame) -> Iterator[bytes]:
    """The rows as CSV, in slices, arrays as PostgreSQL writes them."""
    import io

    arrays = [
        ("{" + pl.col(name).list.eval('"' + pl.element() + '"').list.join(",") + "}").alias(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.List)
    ]
    for part in frame.iter_slices(SLICE):
        buffer = io.BytesIO()
        part.with_columns(arrays).write_csv(buffer, include_header=False, batch_size=8192)
        yield buffer.getvalue()


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "frame.parquet"
        frame = launch_rows(rows)
        frame.write_parquet(file)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        server = postgres.start()
        server.ensure_database("bench")
        engine = sa.create_engine(server.url("bench"))
        try:
            upgrade(engine)
            plain_copy(engine, frame)  # so that whoever comes first does not pay for new files of the log
            # A process of its own, in which nothing but the frame takes memory.
            command = [sys.executable, "-m", "benchmarks.upsert", str(file), server.url("bench")]
            subprocess.run(command, check=True)
        finally:
            engine.dispose()
            postgres.stop()


def measure(engine: sa.Engine, frame: pl.DataFrame) -> None:
    layout = ENDPOINTS["launches"].layouts[0]

    def load(wanted: pl.DataFrame) -> None:
        origin = Origin("bench", "bench", "0", datetime.now(UTC), Intake(accepted=wanted.height), "bench")
        with endpoint_load(engine, origin, [layout], {layout.name: wanted}) as opened:
            opened.write(layout)

    base = memory("VmRSS")
    results = []
    for name, bound in (("first load", 1.0), ("identical re-run", 0.2), ("1 % changed", 0.25)):
        # Made in its turn, so that only the frame that is loaded takes memory.
        wanted = changed(frame) if name == "1 % changed" else frame
        checkpoint(engine)
        before = wal(engine)
        forget_peak()
        seconds = timed(lambda wanted=wanted: load(wanted))
        results.append((name, seconds, bound, (wal(engine) - before) / 1e6, memory("VmHWM") - base))
    reference = plain_copy(engine, frame)
    print(f"{frame.height:,} rows of {frame.width} columns; reference: plain CSV COPY {reference:.2f} s")
    for name, seconds, bound, written, peak in results:
        print(
            f"  {name:<17} {seconds:6.2f} s = {seconds / reference:.2f} of it (at most {bound}), WAL {written:.3f} MB, "
            f"peak {peak:.0f} MiB above the frame (at most 400 MB)"
        )


def changed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with another value in every hundredth row."""
    text = pl.when(pl.int_range(pl.len()) % 100 == 0).then(pl.lit("changed")).otherwise("details")
    return frame.with_columns(text.alias("details"))


def plain_copy(engine: sa.Engine, frame: pl.DataFrame) -> float:
    """Seconds of the reference."""
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS spacex.plain")
        connection.exec_driver_sql("CREATE TABLE spacex.plain (LIKE spacex.launches INCLUDING ALL)")
    checkpoint(engine)

    def copy() -> None:
        raw = engine.raw_connection()
        try:
            with raw.cursor() as cursor:
                statement = f"COPY spacex.plain ({columns}) FROM STDIN WITH (FORMAT csv)"
                cursor.copy_expert(statement, _Stream(csv(frame)), size=1 << 20)
            raw.commit()
        finally:
            raw.close()

    return timed(copy)


def checkpoint(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")


def wal(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").scalar_one())


def memory(what: str) -> float:
    """MiB of this process: VmRSS now, VmHWM at most since :func:`forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    file, url = sys.argv[1:]
    opened = sa.create_engine(url)
    measure(opened, pl.read_parquet(file))
    opened.dispose()
