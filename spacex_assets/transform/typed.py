"""A whole endpoint: from the batches of its snapshot to one frame per table, and what became of every document.

Documents that share an id are settled here: copies that are alike collapse, differing ones are all quarantined, for
nobody can tell which is right. What does not belong here: reading and judging one document (``parse.py``).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from spacex_assets.config import ContractMode
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.transform.flatten import frames
from spacex_assets.transform.intake import Breach, Intake, Rejected
from spacex_assets.transform.parse import document_id, documents, split


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

    Raises :class:`WorldMismatch` and :class:`SchemaMismatch`.
    """
    rejected: list[Rejected] = []

    def accepted() -> Iterator[pl.DataFrame]:
        for parsed in documents(endpoint, batches(), simulated=simulated, mode=mode):
            rejected.extend(parsed.rejected)
            yield parsed.frame

    tables = frames(accepted(), endpoint.layouts)
    ids = tables[endpoint.name]["id"]
    shared = {*ids.filter(ids.is_duplicated()), *_repeated(ids, rejected)}
    if not shared:
        return Typed(tables, Intake(accepted=ids.len(), rejected=tuple(rejected)))
    return _settled(endpoint, tables, rejected, _copies(batches(), shared))


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
    differing = {name: texts for name, texts in copies.items() if len(set(map(_canonical, texts))) > 1}
    broken: dict[str, Rejected] = {}
    for document in rejected:
        broken.setdefault(document.key, document)
    for name, texts in differing.items():
        conflict = Breach(path="$.id", expected="one document per id", found=f"{len(texts)} differing copies")
        breaches = (conflict, *(broken[name].breaches if name in broken else ()))
        text = f"[{','.join(texts)}]"
        broken[name] = Rejected(key=name, document_id=name, documents=len(texts), text=text, breaches=breaches)
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
    return json.dumps(json.loads(text), sort_keys=True)
