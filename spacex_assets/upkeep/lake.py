"""Which files of a lake may go: old snapshots that nothing needs, and the frames made of them.

Deciding is a pure function over a listing. What does not belong here: how the files come there (``extract/lake.py``,
``io_managers/typed.py``).
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.store import Store, Stored

ABANDONED_AFTER = timedelta(days=1)
"""No process works on a file for longer."""

_SHA256 = r"(?P<sha256>[0-9a-f]{64})"
_OWNER = r"(?P<owner>[^/]+)"
_CONTRACT = r"(?P<contract>[^/-]+)(-[a-z]+)?"
"""With its mode, which files from before it was in their names lack."""


class Kind(StrEnum):
    """What a file is."""

    BODY = "raw bodies"
    PIN = "pins of runs"
    LATEST = "latest"
    FRAME = "typed frames"
    INTAKE = "intakes"
    LEFT_OVER = "left-overs"


_NAMES = {
    Kind.LEFT_OVER: re.compile(r"staging/[^/]+"),
    Kind.FRAME: re.compile(rf"typed/{_OWNER}/{_CONTRACT}-{_SHA256}\.parquet"),
    Kind.INTAKE: re.compile(rf"typed/{_OWNER}/{_CONTRACT}-{_SHA256}\.intake\.json"),
    Kind.PIN: re.compile(rf"raw/{_OWNER}/runs/(?P<run_id>[^/]+)\.json"),
    Kind.LATEST: re.compile(rf"raw/{_OWNER}/latest\.json"),
    Kind.BODY: re.compile(rf"raw/{_OWNER}/{_SHA256}\.json"),
}


@dataclass(frozen=True)
class LakeFile:
    """A file of ours: ``owner`` is the endpoint of a raw file, the table of a typed one."""

    stored: Stored
    kind: Kind
    owner: str = ""
    sha256: str = ""
    run_id: str = ""
    contract: str = ""

    def modified_before(self, moment: datetime) -> bool:
        """Whether it was last written before a moment."""
        return self.stored.modified_ns < moment.timestamp() * 1e9


@dataclass(frozen=True)
class Needed:
    """What stays whatever its age: bodies by endpoint and sha256, pins by endpoint and run, all of certain runs."""

    bodies: Collection[tuple[str, str]] = frozenset()
    pins: Collection[tuple[str, str]] = frozenset()
    runs: Collection[str] = frozenset()


@dataclass(frozen=True)
class Contracts:
    """The present contract of each table, and its endpoint."""

    present: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> "Contracts":
        """Those of the endpoints' tables."""
        layouts = [(layout, endpoint.name) for endpoint in endpoints for layout in endpoint.layouts]
        return cls(
            {layout.name: layout.contract for layout, _ in layouts}, {layout.name: name for layout, name in layouts}
        )


def listing(store: Store) -> list[LakeFile]:
    """Every file of ours; what is made from something is listed before it, so that nothing seems to lack its origin."""
    files = [file for under in ("staging", "typed", "raw") for stored in store.files(under) if (file := _ours(stored))]
    pointers = [file.stored.name for file in files if file.kind in (Kind.PIN, Kind.LATEST)]
    contents = store.read_all(pointers)
    return [replace(file, sha256=file.sha256 or _sha256(contents.get(file.stored.name))) for file in files]


def expendable(
    files: Collection[LakeFile], needed: Needed, contracts: Contracts, *, before: datetime, abandoned: datetime
) -> list[LakeFile]:
    """What may go, a pin before the body that it refers to.

    A snapshot that was last used ``before`` goes, unless it is the latest or needed; with it its frames, and those of
    contracts that are no longer. Nothing younger than ``abandoned`` goes, since somebody may be at work on it.
    """
    pins = [
        file
        for file in files
        if file.kind is Kind.PIN
        and file.modified_before(before)
        and file.run_id not in needed.runs
        and (file.owner, file.run_id) not in needed.pins
    ]
    going = {file.stored for file in pins}
    referred = set(needed.bodies) | {
        (file.owner, file.sha256) for file in files if file.kind in (Kind.PIN, Kind.LATEST) and file.stored not in going
    }
    bodies = [
        file
        for file in files
        if file.kind is Kind.BODY and file.modified_before(before) and (file.owner, file.sha256) not in referred
    ]
    going |= {file.stored for file in bodies}
    kept = {(file.owner, file.sha256) for file in files if file.kind is Kind.BODY and file.stored not in going}
    typed = [
        file
        for file in files
        if file.kind in (Kind.FRAME, Kind.INTAKE)
        and file.modified_before(abandoned)
        and (
            contracts.present.get(file.owner) != file.contract
            or (contracts.endpoints[file.owner], file.sha256) not in kept
        )
    ]
    left_over = [file for file in files if file.kind is Kind.LEFT_OVER and file.modified_before(abandoned)]
    return [*left_over, *typed, *pins, *bodies]


def _ours(stored: Stored) -> LakeFile | None:
    for kind, pattern in _NAMES.items():
        if match := pattern.fullmatch(stored.name):
            return LakeFile(stored, kind, **match.groupdict())
    return None


def _sha256(manifest: bytes | None) -> str:
    """What a pin, or the latest, refers to; one that cannot be read keeps no body, like in ``extract/lake.py``."""
    try:
        return str(json.loads(manifest or b"")["sha256"])
    except (ValueError, KeyError):
        return ""
