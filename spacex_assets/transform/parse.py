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
    for batch in batches:
        try:
            endpoint.documents.validate_json(batch)
        except ValidationError as error:
            raise RecordBroken(endpoint, _breaches(batch, error)) from error
        frame = pl.read_json(io.BytesIO(batch), schema=endpoint.json_schema)
        _refuse_other_world(endpoint, frame, simulated)
        yield frame


def _breaches(batch: bytes, error: ValidationError) -> list[Breach]:
    elements = json.loads(batch)
    found = []
    for problem in error.errors(include_url=False):
        index, *path = problem["loc"]
        element = elements[index] if isinstance(index, int) else None
        name = element.get("id") if isinstance(element, dict) else None
        found.append(
            Breach(
                document_id=name if isinstance(name, str) else f"#{index} (without a readable id)",
                path="$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path),
                expected=problem["msg"].removeprefix("Input should be ").removeprefix("String should "),
                found="nothing" if problem["type"] == "missing" else repr(problem["input"])[:100],
            )
        )
    return found


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
