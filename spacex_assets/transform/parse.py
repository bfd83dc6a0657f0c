"""Bytes to documents: every document is held against its record, then read by Polars with the record's own schema.

Nothing is inferred and nothing coerced. A batch without fault is judged and read as a whole; only in one with a fault
is each document looked at alone. What does not belong here: what becomes of the documents (``typed.py``).
"""

import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl
from pydantic import ValidationError

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.base import EXTRA, SIMULATED_MARK, Endpoint
from spacex_assets.errors import WorldMismatch
from spacex_assets.transform.flatten import leaf
from spacex_assets.transform.intake import Breach, Rejected

UNKNOWN = "extra_forbidden"
"""What pydantic calls a field that the record does not declare."""

_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
"""The character in JSON text; behind an odd number of backslashes it is a backslash and letters."""


@dataclass(frozen=True)
class Parsed:
    """A batch: the documents that keep their record, with the schema :attr:`Endpoint.json_schema`, and the others."""

    frame: pl.DataFrame
    rejected: tuple[Rejected, ...] = ()


def documents(
    endpoint: Endpoint, batches: Iterable[bytes], *, simulated: bool, mode: ContractMode = ContractMode.EVOLVE
) -> Iterator[Parsed]:
    """The documents of each batch, which is the text of a JSON list.

    ``simulated`` says to which world the documents have to belong, ``mode`` what becomes of undeclared fields.
    Raises :class:`WorldMismatch`.
    """
    for batch in batches:
        try:
            endpoint.documents.validate_json(batch)
            parsed = Parsed(_read(endpoint, batch))
        except (ValidationError, pl.exceptions.ComputeError):
            parsed = _one_by_one(endpoint, batch, mode)
        _refuse_other_world(endpoint, parsed.frame, simulated)
        yield parsed


def split(batch: bytes) -> Iterator[bytes]:
    """The text of every document of a batch."""
    decoder, text, at = json.JSONDecoder(), batch.decode("latin-1"), 0
    while (start := text.find("{", at)) >= 0:
        _, at = decoder.raw_decode(text, start)
        yield batch[start:at]


def document_id(document: Any) -> str | None:
    """The id of a document, if it is readable."""
    name = document.get("id") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name.isprintable() and name.isascii() and name else None


def _one_by_one(endpoint: Endpoint, batch: bytes, mode: ContractMode, *, read_alone: bool = False) -> Parsed:
    """Judges each document alone; reads each alone as well only after they could not be read together."""
    accepted: list[bytes] = []
    extras: list[str | None] = []
    rejected: list[Rejected] = []
    for text in split(batch):
        breaches, unknown = _judged(endpoint, text, mode)
        if read_alone and not breaches:
            breaches = _unreadable(endpoint, text)
        if breaches:
            rejected.append(_rejected(text, breaches))
        else:
            accepted.append(text)
            kept = unknown if mode is ContractMode.EVOLVE else {}
            extras.append(json.dumps(kept, sort_keys=True, ensure_ascii=False) if kept else None)
    try:
        frame = _read(endpoint, b"[" + b",".join(accepted) + b"]")
    except pl.exceptions.ComputeError:
        if read_alone:
            raise
        return _one_by_one(endpoint, batch, mode, read_alone=True)
    return Parsed(frame.with_columns(pl.Series(EXTRA, extras, pl.String())), tuple(rejected))


def _judged(endpoint: Endpoint, text: bytes, mode: ContractMode) -> tuple[list[Breach], dict[str, Any]]:
    """The breaches of a document, and its undeclared fields by JSON path."""
    try:
        endpoint.document.validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        unknown = {json_path(problem["loc"]): problem["input"] for problem in problems if problem["type"] == UNKNOWN}
        breaches = [
            Breach(
                path=json_path(problem["loc"]),
                expected=problem["msg"].removeprefix("Input should be ").removeprefix("String should "),
                found="nothing" if problem["type"] == "missing" else repr(problem["input"])[:100],
            )
            for problem in problems
            if problem["type"] != UNKNOWN or mode is ContractMode.FREEZE
        ]
        if _NUL.search(json.dumps(unknown)):
            breaches.append(Breach(path="$", expected="no NUL character", found="one in an undeclared field"))
        return breaches, unknown
    return [], {}


def _unreadable(endpoint: Endpoint, text: bytes) -> list[Breach]:
    """What Polars cannot read, even where the record is kept: a number too long or too large, declared or not."""
    try:
        _read(endpoint, b"[" + text + b"]")
    except pl.exceptions.ComputeError as error:
        return [Breach(path="$", expected="JSON that Polars can read", found=str(error).splitlines()[0])]
    return []


def _rejected(text: bytes, breaches: list[Breach]) -> Rejected:
    name = document_id(json.loads(text))
    return Rejected(
        key=name or f"sha256:{sha256(text).hexdigest()}",
        document_id=name,
        text=text.decode(),
        breaches=tuple(breaches),
    )


def json_path(location: Iterable[int | str]) -> str:
    """``("cores", 0, "core")`` is ``$.cores[0].core``, ``("a.b",)`` is ``$["a.b"]``: no two locations share a path."""
    return "$" + "".join(
        f".{part}" if isinstance(part, str) and part.isidentifier() else f"[{json.dumps(part)}]" for part in location
    )


def _read(endpoint: Endpoint, batch: bytes) -> pl.DataFrame:
    return pl.read_json(io.BytesIO(batch), schema=endpoint.json_schema)


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
