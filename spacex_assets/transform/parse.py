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
from pydantic_core import ErrorDetails

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.base import EXTRA, FROZEN, SIMULATED_MARK, UNDECLARED_VALUE, Endpoint
from spacex_assets.endpoints.paths import ROOT, json_path
from spacex_assets.errors import WorldMismatch
from spacex_assets.transform.flatten import leaf
from spacex_assets.transform.intake import Breach, Rejected
from spacex_assets.transform.profile import Tally

UNKNOWN = "extra_forbidden"
"""What pydantic calls a field that the record does not declare."""

MISSING = "missing"
"""What pydantic calls the absence of a field that every document has."""

INVALID = "json_invalid"
"""What pydantic calls text that only others can read: half a surrogate pair, a number of endless length."""

EXPECTED = {
    MISSING: "a value",
    UNKNOWN: "no undeclared field",
    INVALID: "JSON that every reader can read",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text of at least {min_length} character(s)",
}
"""What is expected, where pydantic's message does not say it."""

LONGEST_ID = 100
"""Characters of what may still be shown and indexed as an id; the real ones have 24."""

_GAP = re.compile(r"[ \t\r\n,]*")
"""What is between the documents of a list."""

_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
"""The character in JSON text; behind an odd number of backslashes it is a backslash and letters."""

_SAID_BEFORE = re.compile("^(Input should be |Value error, )")


@dataclass(frozen=True)
class Parsed:
    """A batch: the documents that keep their record, with the schema :attr:`Endpoint.json_schema`, and the others."""

    frame: pl.DataFrame
    rejected: tuple[Rejected, ...] = ()


def documents(
    endpoint: Endpoint, batches: Iterable[bytes], tally: Tally, *, simulated: bool, mode: ContractMode
) -> Iterator[Parsed]:
    """The documents of each batch, which is the text of a JSON list.

    ``tally`` counts what they look like, ``simulated`` says to which world they have to belong, ``mode`` what
    becomes of what is undeclared. Raises :class:`WorldMismatch`.
    """
    for batch in batches:
        try:
            records = endpoint.documents.validate_json(batch, context=_context(mode))
            parsed = Parsed(_read(endpoint, batch))
        except (ValidationError, pl.exceptions.ComputeError):
            parsed = _one_by_one(endpoint, batch, tally, mode)
        else:
            tally.accept(records)
        _refuse_other_world(endpoint, parsed.frame, simulated)
        yield parsed


def _context(mode: ContractMode) -> str | None:
    return FROZEN if mode is ContractMode.FREEZE else None


def split(batch: bytes) -> Iterator[bytes]:
    """The text of every document of a batch, also of an element of the list that is no object."""
    decoder, text = json.JSONDecoder(), batch.decode("latin-1")
    at = text.index("[") + 1
    while (gap := _GAP.match(text, at)) and text[start := gap.end()] != "]":
        _, at = decoder.raw_decode(text, start)
        yield batch[start:at]


def document_id(document: Any) -> str | None:
    """What a document has for an id, if it is short, readable text; whether it is an id, is for its record to say."""
    name = document.get("id") if isinstance(document, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        return None
    return name if name.isprintable() and name.isascii() else None


def _one_by_one(endpoint: Endpoint, batch: bytes, tally: Tally, mode: ContractMode) -> Parsed:
    accepted: list[tuple[bytes, str | None]] = []
    rejected: list[Rejected] = []
    for text in split(batch):
        breaches, unknown = _judged(endpoint, text, tally, mode)
        if breaches:
            rejected.append(_rejected(text, breaches))
        else:
            kept = unknown if mode is ContractMode.EVOLVE else {}
            accepted.append((text, json.dumps(kept, sort_keys=True, ensure_ascii=False) if kept else None))
    try:
        frame = _read_all(endpoint, accepted)
    except pl.exceptions.ComputeError:
        unreadable = {text: breaches for text, _ in accepted if (breaches := _unreadable(endpoint, text))}
        rejected += [_rejected(text, breaches) for text, breaches in unreadable.items()]
        frame = _read_all(endpoint, [(text, extra) for text, extra in accepted if text not in unreadable])
    return Parsed(frame, tuple(rejected))


def _read_all(endpoint: Endpoint, documents: list[tuple[bytes, str | None]]) -> pl.DataFrame:
    frame = _read(endpoint, b"[" + b",".join(text for text, _ in documents) + b"]")
    return frame.with_columns(pl.Series(EXTRA, [extra for _, extra in documents], pl.String()))


def _judged(endpoint: Endpoint, text: bytes, tally: Tally, mode: ContractMode) -> tuple[list[Breach], dict[str, Any]]:
    """The breaches of a document, and its undeclared fields by JSON path."""
    try:
        tally.accept([endpoint.document.validate_json(text, context=_context(mode))])
    except ValidationError as error:
        problems = error.errors(include_url=False)
        _noted(problems, tally)
        unknown = {json_path(problem["loc"]): problem["input"] for problem in problems if problem["type"] == UNKNOWN}
        breaches = [
            Breach(path=json_path(problem["loc"]), expected=_expected(problem), found=_found(problem))
            for problem in problems
            if problem["type"] != UNKNOWN or mode is ContractMode.FREEZE
        ]
        if _NUL.search(json.dumps(unknown)):
            breaches.append(Breach(path=ROOT, expected="no NUL character", found="one in an undeclared field"))
        if not breaches:
            tally.accept([endpoint.document.validate_json(text, extra="ignore")])
        return breaches, unknown
    return [], {}


def _expected(problem: ErrorDetails) -> str:
    words = EXPECTED.get(problem["type"])
    return words.format(**problem.get("ctx", {})) if words else _SAID_BEFORE.sub("", problem["msg"])


def _found(problem: ErrorDetails) -> str:
    if problem["type"] == INVALID:
        return str(problem["ctx"]["error"])
    return "nothing" if problem["type"] == MISSING else repr(problem["input"])[:100]


def _noted(problems: list[ErrorDetails], tally: Tally) -> None:
    for problem in problems:
        if problem["type"] == UNKNOWN:
            tally.unknown_field(problem["loc"], problem["input"])
        elif problem["type"] == UNDECLARED_VALUE:
            tally.unknown_value(problem["loc"], problem["input"])
        elif problem["type"] != MISSING:
            tally.broken_field(problem["loc"], problem["input"])


def _unreadable(endpoint: Endpoint, text: bytes) -> list[Breach]:
    """What Polars cannot read, even where the record is kept: a number too long or too large, declared or not."""
    try:
        _read(endpoint, b"[" + text + b"]")
    except pl.exceptions.ComputeError as error:
        return [Breach(path=ROOT, expected="JSON that Polars can read", found=str(error).splitlines()[0])]
    return []


def _rejected(text: bytes, breaches: list[Breach]) -> Rejected:
    name = document_id(json.loads(text))
    return Rejected(
        key=name or f"sha256:{sha256(text).hexdigest()}",
        text=text.decode(),
        breaches=tuple(breaches),
    )


def _read(endpoint: Endpoint, batch: bytes) -> pl.DataFrame:
    return pl.read_json(io.BytesIO(batch), schema=endpoint.json_schema)


def _refuse_other_world(endpoint: Endpoint, frame: pl.DataFrame, simulated: bool) -> None:
    marked = leaf(endpoint.mark).str.ends_with(SIMULATED_MARK).fill_null(False)
    strange = ~marked if simulated else marked
    if frame.select(strange.any()).item():
        strangers = frame.filter(strange)
        raise WorldMismatch(
            f"{endpoint.name}: {strangers.height} document(s) are {'real' if simulated else 'simulated'}, this is the "
            f"{'simulated' if simulated else 'real'} world; the first is {strangers['id'][0]}. Simulated documents end "
            f"their {'.'.join(endpoint.mark)} with {SIMULATED_MARK!r}. Nothing was loaded. Point SPACEX_SOURCE at a "
            f"source of the right world."
        )
