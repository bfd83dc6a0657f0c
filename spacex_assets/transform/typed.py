"""A whole endpoint: from the batches of its snapshot to one frame per table, and what became of every document.

Documents that share an id are settled here: copies that are alike, numbers by value, collapse, differing ones are all
quarantined, for nobody can tell which is right. What does not belong here: reading and judging one document
(``parse.py``).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import polars as pl

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.endpoints.paths import json_path
from spacex_assets.errors import PlatformError
from spacex_assets.transform.drift import Change, against_record
from spacex_assets.transform.flatten import frames
from spacex_assets.transform.intake import Breach, Intake, Rejected
from spacex_assets.transform.parse import document_id, documents, split
from spacex_assets.transform.profile import Profile, Tally

SHOWN = 10
"""Undeclared fields and values that a refusal names."""
BROKEN_LIMIT = 100_000
"""Broken documents of one snapshot that are kept; each takes some thousand bytes more of memory than of the body."""


class SnapshotBroken(PlatformError):
    """More documents of a snapshot break their record than are kept in quarantine."""


@dataclass(frozen=True)
class Typed:
    """``frames``: one per table of the endpoint, by name, each with its layout's schema, of all accepted documents."""

    frames: Mapping[str, pl.DataFrame]
    intake: Intake


def typed(
    endpoint: Endpoint,
    batches: Callable[[], Iterable[bytes]],
    *,
    simulated: bool,
    mode: ContractMode = ContractMode.EVOLVE,
) -> Typed:
    """Types every document of a snapshot; ``batches`` gives its batches, anew at each call.

    Raises :class:`WorldMismatch`, :class:`SchemaMismatch` and :class:`SnapshotBroken`.
    """
    rejected: list[Rejected] = []
    tally = Tally(endpoint)

    def accepted() -> Iterator[pl.DataFrame]:
        for parsed in documents(endpoint, batches(), tally, simulated=simulated, mode=mode):
            rejected.extend(parsed.rejected)
            if len(rejected) > BROKEN_LIMIT:
                raise SnapshotBroken(
                    f"{endpoint.name}: expected at most {BROKEN_LIMIT} documents that break their record, found more; "
                    f"the first: {rejected[0]}. Nothing was loaded. Look at what the source sends."
                )
            yield parsed.frame

    tables = frames(accepted(), endpoint.layouts)
    ids = tables[endpoint.name]["id"]
    shared = {*ids.filter(ids.is_duplicated()), *_repeated(ids, rejected)}
    if shared:
        result = _settled(endpoint, tables, rejected, _copies(batches(), shared))
    else:
        result = Typed(tables, Intake(accepted=ids.len(), rejected=tuple(rejected)))
    profile = tally.profile(result.frames)
    refusal = _refusal(endpoint, profile) if mode is ContractMode.FREEZE else None
    seen = {"profile": profile, "mode": mode, "refusal": refusal}
    return replace(result, intake=result.intake.model_copy(update=seen))


def _refusal(endpoint: Endpoint, profile: Profile) -> str | None:
    """Why a frozen endpoint takes nothing of the snapshot."""
    drifts = [str(drift) for drift in against_record(profile) if drift.change in (Change.UNDECLARED, Change.VALUE)]
    if not drifts:
        return None
    more = f" and {len(drifts) - SHOWN} more" if len(drifts) > SHOWN else ""
    return (
        f"{endpoint.name}: the contract is frozen, expected only what the record declares, found "
        f"{'; '.join(drifts[:SHOWN])}{more}. Declare it in the record, or set the mode of {endpoint.name} in "
        f"SPACEX_CONTRACT to evolve or discard."
    )


def _repeated(ids: pl.Series, rejected: list[Rejected]) -> set[str]:
    """The keys of rejected documents that other documents have as well."""
    keys = pl.Series("key", [document.key for document in rejected], pl.String())
    return {*keys.filter(keys.is_duplicated()), *keys.filter(keys.is_in(ids.implode()))}


def _copies(batches: Iterable[bytes], ids: set[str]) -> dict[str, list[str]]:
    """The texts of the documents with the ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for batch in batches:
        for text in split(batch):
            name = document_id(json.loads(text))
            if name in ids:
                found[name].append(text.decode())
    return found


def _settled(
    endpoint: Endpoint, tables: dict[str, pl.DataFrame], rejected: list[Rejected], copies: dict[str, list[str]]
) -> Typed:
    broken: dict[str, Rejected] = {}
    for document in rejected:
        broken.setdefault(document.key, document)
    doubtful = broken.keys() & {*tables[endpoint.name]["id"]}
    differing = {
        name: texts for name, texts in copies.items() if name in doubtful or len(set(map(_canonical, texts))) > 1
    }
    for name, texts in differing.items():
        conflict = Breach(
            path=json_path(("id",)), expected="one document per id", found=f"{len(texts)} differing copies"
        )
        breaches = (conflict, *(broken[name].breaches if name in broken else ()))
        text = f"[{','.join(texts)}]"
        broken[name] = Rejected(key=name, documents=len(texts), text=text, breaches=breaches)
    settled = {
        layout.name: tables[layout.name]
        .filter(~pl.col(layout.key[0]).is_in(list(differing)))
        .unique(layout.key, keep="first", maintain_order=True)
        for layout in endpoint.layouts
    }
    before = tables[endpoint.name].height + len(rejected)
    quarantined = sum(document.documents for document in broken.values())
    accepted = settled[endpoint.name].height
    intake = Intake(accepted=accepted, collapsed=before - quarantined - accepted, rejected=tuple(broken.values()))
    return Typed(settled, intake)


def _canonical(text: str) -> str:
    """The document so that copies are alike that differ in the order of fields or in how numbers are written."""
    return json.dumps(json.loads(text, parse_float=_number), sort_keys=True)


def _number(text: str) -> int | float:
    """``266712.0`` and ``2.66712e5`` are ``266712``."""
    value = float(text)
    return int(Decimal(repr(value))) if value.is_integer() else value
