"""Which files of a lake folder may go: old snapshots that nothing needs, and the frames made of them.

Deciding is a pure function over a listing. What does not belong here: how the files come there (``extract/lake.py``,
``io_managers/typed.py``).
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from spacex_assets.endpoints.base import Endpoint

ABANDONED_AFTER = timedelta(days=1)
"""No process works on a file for longer."""

_SHA256 = r"(?P<sha256>[0-9a-f]{64})"
_BODY = re.compile(rf"{_SHA256}\.json")
_TYPED = re.compile(rf"(?P<contract>.+)-{_SHA256}(?P<suffix>\.parquet|\.intake\.json)")


class Kind(StrEnum):
    """What a file is."""

    BODY = "raw bodies"
    PIN = "pins of runs"
    LATEST = "latest"
    FRAME = "typed frames"
    INTAKE = "intakes"
    LEFT_OVER = "left-overs"


@dataclass(frozen=True)
class LakeFile:
    """A file of ours: ``owner`` is the endpoint of a raw file, the table of a typed one."""

    path: Path
    kind: Kind
    size: int
    modified_ns: int
    owner: str = ""
    sha256: str = ""
    run_id: str = ""
    contract: str = ""

    def modified_before(self, moment: datetime) -> bool:
        """Whether it was last written before a moment."""
        return self.modified_ns < moment.timestamp() * 1e9


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


def listing(folder: Path) -> list[LakeFile]:
    """Every file of ours; what is made from something is listed before it, so that nothing seems to lack its origin."""
    return [
        *(_file(path, Kind.LEFT_OVER) for path in _files(folder / "staging", "*")),
        *(file for path in _files(folder / "typed", "*/*") if (file := _typed(path))),
        *(file for path in _files(folder / "raw", "*/runs/*.json") if (file := _manifest(path, Kind.PIN))),
        *(file for path in _files(folder / "raw", "*/latest.json") if (file := _manifest(path, Kind.LATEST))),
        *(
            _file(path, Kind.BODY, owner=path.parent.name, sha256=match["sha256"])
            for path in _files(folder / "raw", "*/*.json")
            if (match := _BODY.fullmatch(path.name))
        ),
    ]


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
    going = {file.path for file in pins}
    referred = set(needed.bodies) | {
        (file.owner, file.sha256) for file in files if file.kind in (Kind.PIN, Kind.LATEST) and file.path not in going
    }
    bodies = [
        file
        for file in files
        if file.kind is Kind.BODY and file.modified_before(before) and (file.owner, file.sha256) not in referred
    ]
    going |= {file.path for file in bodies}
    kept = {(file.owner, file.sha256) for file in files if file.kind is Kind.BODY and file.path not in going}
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


def remove(file: LakeFile) -> bool:
    """Deletes a file, unless it was written anew since it was listed; whether it did."""
    try:
        if file.path.stat().st_mtime_ns != file.modified_ns:
            return False
        file.path.unlink()
    except FileNotFoundError:
        return False
    return True


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (path for path in sorted(folder.glob(pattern)) if path.is_file())


def _file(
    path: Path, kind: Kind, *, owner: str = "", sha256: str = "", run_id: str = "", contract: str = ""
) -> LakeFile:
    found = path.stat()
    return LakeFile(path, kind, found.st_size, found.st_mtime_ns, owner, sha256, run_id, contract)


def _typed(path: Path) -> LakeFile | None:
    if path.suffix == ".partial":
        return _file(path, Kind.LEFT_OVER)
    match = _TYPED.fullmatch(path.name)
    if match is None:
        return None
    kind = Kind.FRAME if match["suffix"] == ".parquet" else Kind.INTAKE
    return _file(path, kind, owner=path.parent.name, sha256=match["sha256"], contract=match["contract"])


def _manifest(path: Path, kind: Kind) -> LakeFile | None:
    """A pin, or the latest; one that cannot be read keeps no body, like in ``extract/lake.py``."""
    pin = kind is Kind.PIN
    try:
        sha256 = str(json.loads(path.read_bytes())["sha256"])
    except (ValueError, KeyError):
        sha256 = ""
    owner = path.parent.parent.name if pin else path.parent.name
    return _file(path, kind, owner=owner, sha256=sha256, run_id=path.stem if pin else "")
