"""Bytes to documents: every document is held against its record, then read by Polars with the record's own schema.

Nothing is inferred and nothing coerced. What does not belong here: what becomes of the documents (``flatten.py``).
"""

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl
from pydantic import ValidationError

from spacex_assets.endpoints.base import SIMULATED_MARK, Endpoint
from spacex_assets.errors import PlatformError, WorldMismatch
from spacex_assets.transform.flatten import leaf

SHOWN = 5


@dataclass(frozen=True)
class Breach:
    """One way in which one document breaks its record."""

    document_id: str
    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"document {self.document_id}, {self.path}: expected {self.expected}, found {self.found}"


class RecordBroken(PlatformError):
    """Documents break their record; :attr:`breaches` holds every way in which they do."""

    def __init__(self, endpoint: Endpoint, breaches: list[Breach]) -> None:
        self.breaches = breaches
        documents = len({breach.document_id for breach in breaches})
        shown = "\n  ".join(map(str, breaches[:SHOWN]))
        more = f"\n  and {len(breaches) - SHOWN} more" if len(breaches) > SHOWN else ""
        super().__init__(
            f"{endpoint.name}: {documents} document(s) break the record {endpoint.record.__name__}:\n  {shown}{more}\n"
            f"Nothing of {endpoint.name} was loaded. Correct the documents at the source, or, if the API has changed, "
            f"the record in spacex_assets/endpoints/{endpoint.name}.py."
        )


def documents(endpoint: Endpoint, batches: Iterable[bytes], *, simulated: bool) -> Iterator[pl.DataFrame]:
    """The documents of each batch as a frame with the schema :attr:`Endpoint.json_schema`.

    A batch is the text of a JSON list. ``simulated`` says to which world the documents have to belong.
    Raises :class:`RecordBroken` and :class:`WorldMismatch`.
    """
    first = 0
    for batch in batches:
        try:
            endpoint.documents.validate_json(batch)
        except ValidationError as error:
            raise RecordBroken(endpoint, list(_breaches(endpoint, batch, first))) from error
        frame = pl.read_json(io.BytesIO(batch), schema=endpoint.json_schema)
        _refuse_other_world(endpoint, frame, simulated)
        first += frame.height
        yield frame


def _breaches(endpoint: Endpoint, batch: bytes, first: int) -> Iterator[Breach]:
    """Every way in which a document of the batch breaks the record; ``first`` counts the documents before it."""
    for number, text in enumerate(split(batch), first):
        try:
            endpoint.document.validate_json(text)
        except ValidationError as error:
            name = json.loads(text).get("id")
            for problem in error.errors(include_url=False):
                yield Breach(
                    document_id=name if isinstance(name, str) else f"#{number} (without a readable id)",
                    path="$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in problem["loc"]),
                    expected=problem["msg"].removeprefix("Input should be ").removeprefix("String should "),
                    found="nothing" if problem["type"] == "missing" else repr(problem["input"])[:100],
                )


def split(batch: bytes) -> Iterator[bytes]:
    """The text of every document of a batch."""
    decoder, text, at = json.JSONDecoder(), batch.decode("latin-1"), 0
    while (start := text.find("{", at)) >= 0:
        _, at = decoder.raw_decode(text, start)
        yield batch[start:at]


def _refuse_other_world(endpoint: Endpoint, frame: pl.DataFrame, simulated: bool) -> None:
    marked = leaf(endpoint.mark).str.ends_with(SIMULATED_MARK).fill_null(False)
    strangers = frame.filter(~marked if simulated else marked)
    if strangers.height:
        raise WorldMismatch(
            f"{endpoint.name}: {strangers.height} document(s) are {'real' if simulated else 'simulated'}, this is the "
            f"{'simulated' if simulated else 'real'} world; the first is {strangers['id'][0]}. Simulated documents end "
            f"their {'.'.join(endpoint.mark)} with {SIMULATED_MARK!r}. Nothing was loaded. Point SPACEX_SOURCE at a "
            f"source of the right world."
        )
