"""Binary COPY: frames stream to PostgreSQL in slices, keys and hashes stream back."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import polars as pl
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable, Composed, Identifier

from spacex_assets.load.errors import LoadError

SLICE = 20_000


def identifiers(names: Iterable[str], prefix: str | None = None) -> Composed:
    """``"a", "b"`` or ``p."a", p."b"``."""
    return SQL(", ").join(Identifier(name) if prefix is None else Identifier(prefix, name) for name in names)


def copy_in(
    connection: Connection,
    frame: pl.DataFrame,
    target: Composable,
    json: Collection[str] = (),
    complete: Callable[[pl.DataFrame], pl.DataFrame] = lambda part: part,
) -> None:
    """Streams a frame into a table with columns of its names and types; ``json`` names those that are jsonb.

    ``complete`` adds columns to a slice when its turn comes: each is completed and encoded while PostgreSQL takes the
    one before. Raises :class:`LoadError` if PostgreSQL took another number of rows than the frame has.
    """
    if frame.is_empty():
        return
    parts = map(complete, frame.iter_slices(SLICE))
    first = next(parts)
    statement = SQL("COPY {} ({}) FROM STDIN WITH (FORMAT binary)").format(target, identifiers(first.columns))
    stream = _Stream(_ahead(_encoded(chain([first], parts), json)))
    with connection.cursor() as cursor:
        cursor.copy_expert(statement, stream, size=1 << 20)
        if cursor.rowcount != frame.height:
            raise LoadError(f"COPY into {target} took {cursor.rowcount} rows of {frame.height}; nothing was written.")


def copy_out(connection: Connection, query: Composable, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The rows of a query as a frame. Columns are not null, or numbers."""
    buffer = io.BytesIO()
    force = identifiers(name for name, kind in schema.items() if kind == pl.String)
    options = SQL(", FORCE_QUOTE ({})").format(force) if force.seq else SQL("")
    with connection.cursor() as cursor:
        cursor.copy_expert(SQL("COPY ({}) TO STDOUT WITH (FORMAT csv{})").format(query, options), buffer)
    if buffer.tell() == 0:
        return pl.DataFrame(schema=schema)
    buffer.seek(0)
    return pl.read_csv(buffer, has_header=False, schema=schema, empty_string_is_null=False)


def _encoded(parts: Iterable[pl.DataFrame], json: Collection[str]) -> Iterator[bytes]:
    import pgpq  # it and pyarrow take a while to import, and most runs have nothing to write
    from pgpq.encoders import LargeStringEncoderBuilder
    from pgpq.schema import Jsonb

    level = pl.CompatLevel.oldest()
    encoder: Any = None
    for part in parts:
        table = part.rechunk().to_arrow(compat_level=level)
        if encoder is None:
            builders = {
                field.name: LargeStringEncoderBuilder.new_with_output(field, Jsonb())
                if field.name in json
                else pgpq.ArrowToPostgresBinaryEncoder.infer_encoder(field)
                for field in table.schema
            }
            encoder = pgpq.ArrowToPostgresBinaryEncoder.new_with_encoders(table.schema, builders)
            yield encoder.write_header()
        for batch in table.to_batches():
            yield encoder.write_batch(batch)
    yield encoder.finish()


def _ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, the next one made while the last is sent."""
    with ThreadPoolExecutor(1, "encode") as pool:
        following = pool.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = pool.submit(next, chunks, None)
            yield chunk


class _Stream(io.RawIOBase):
    """What psycopg2 reads from: the chunks, in the sizes that it asks for."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = memoryview(chunk)
        taken = self._rest[:size] if size >= 0 else self._rest
        self._rest = self._rest[len(taken) :]
        return bytes(taken)
