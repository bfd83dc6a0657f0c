"""The raw part of a lake: bodies by content, observations of them, and which one a run works on.

``raw/<endpoint>/<sha256>.json`` is a body and is never edited; ``latest.json`` beside it is the newest observation,
``runs/<run_id>.json`` the observation that a run works on, so that all its steps see the same, wherever they run. What
is being written lies in ``staging/`` and becomes visible as a whole. What does not belong here: how (``store.py``).
"""

import json
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import structlog

from spacex_assets.extract.errors import SnapshotMissing
from spacex_assets.extract.snapshot import Body, Snapshot
from spacex_assets.extract.staging import staging_file, sweep
from spacex_assets.extract.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RawLake:
    """The raw snapshots in a store."""

    store: Store

    def staging_file(self) -> AbstractContextManager[Path]:
        """A file of this machine to write a body to; gone at the end unless it was kept."""
        return staging_file(self.store.folder)

    def body(self, endpoint: str, sha256: str) -> Body:
        """Where a body lies."""
        return self.store.body(_body(endpoint, sha256))

    def keep(self, endpoint: str, sha256: str, staged: Path) -> Body:
        """Moves a complete and checked body to its place, over an equal one if it is there already."""
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        self.store.keep(_body(endpoint, sha256), staged)
        return self.body(endpoint, sha256)

    def publish(self, snapshot: Snapshot, run_id: str | None = None) -> None:
        """Makes a snapshot the latest one, unless a later one is, and the run's own."""
        latest = self.latest(snapshot.endpoint)
        if latest is None or latest.fetched_at <= snapshot.fetched_at:
            self._write(_latest(snapshot.endpoint), snapshot)
        if run_id is not None:
            self._write(_pin(snapshot.endpoint, run_id), snapshot)

    def latest(self, endpoint: str) -> Snapshot | None:
        """The newest snapshot; ``None`` if there is none whose body is still there."""
        return self._read(_latest(endpoint))

    def pinned(self, endpoint: str, run_id: str) -> Snapshot | None:
        """The snapshot that a run worked on; ``None`` if it had none or its body is gone."""
        return self._read(_pin(endpoint, run_id))

    def intact(self, endpoint: str) -> Snapshot | None:
        """The newest snapshot, if its body still is what was fetched: what a 304 may re-use."""
        latest = self.latest(endpoint)
        if latest is None:
            return None
        found = latest.found_sha256()
        if found == latest.sha256:
            return latest
        log.warning(
            "a body that was edited is fetched again", path=str(latest.path), expected=latest.sha256, found=found
        )
        return None

    def resolve(self, endpoint: str, run_id: str | None = None) -> Snapshot:
        """The run's own snapshot; else the latest, which from then on is the run's own.

        Raises :class:`SnapshotMissing`.
        """
        pinned = self.pinned(endpoint, run_id) if run_id else None
        if pinned is not None:
            return pinned
        latest = self.latest(endpoint)
        if latest is None:
            raise SnapshotMissing(
                f"{endpoint}: no snapshot was ever fetched. Materialize raw/{endpoint} first, "
                f"for example with --select 'key:\"raw/{endpoint}\"+'."
            )
        if run_id is None:
            return latest
        self._write(_pin(endpoint, run_id), latest, first=True)
        return self.pinned(endpoint, run_id) or latest

    def sweep(self) -> int:
        """Removes what processes that were killed left in staging; how many files."""
        return sweep(self.store.folder)

    def _read(self, name: str) -> Snapshot | None:
        manifest = self.store.read(name)
        if manifest is None:
            return None
        try:
            fields = json.loads(manifest)
            body = self.body(fields["endpoint"], fields["sha256"])
            return Snapshot.model_validate({**fields, "path": body}) if body.exists() else None
        except ValueError as error:
            log.warning("an unreadable manifest is not used", path=self.store.shown(name), error=str(error))
            return None

    def _write(self, name: str, snapshot: Snapshot, *, first: bool = False) -> None:
        with self.staging_file() as partial:
            # Not synced: a manifest that a power failure took only costs another fetch.
            partial.write_text(snapshot.model_dump_json())
            self.store.put(name, partial, first=first)


def _body(endpoint: str, sha256: str) -> str:
    return f"raw/{endpoint}/{sha256}.json"


def _latest(endpoint: str) -> str:
    return f"raw/{endpoint}/latest.json"


def _pin(endpoint: str, run_id: str) -> str:
    return f"raw/{endpoint}/runs/{run_id}.json"
