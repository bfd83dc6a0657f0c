"""The raw part of a lake folder: bodies by content, observations of them, and which one a run works on.

``raw/<endpoint>/<sha256>.json`` is a body and is never edited; ``latest.json`` beside it is the newest observation,
``runs/<run_id>.json`` the observation that a run works on, so that all its steps see the same. What is being written
lies in ``staging/`` and becomes visible by a rename.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog

from spacex_assets.extract.errors import SnapshotMissing
from spacex_assets.extract.snapshot import Snapshot

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class RawLake:
    """The raw snapshots below a folder."""

    folder: Path

    @contextmanager
    def staging_file(self) -> Iterator[Path]:
        """A file to write to; gone at the end unless it was moved to its place.

        Meanwhile it is locked, so that :meth:`sweep` leaves it alone; the lock ends with the process, however it ends.
        """
        with self._staging(fcntl.LOCK_SH):
            file = NamedTemporaryFile(dir=self._staging_folder, suffix=".part", delete=False)  # noqa: SIM115
            fcntl.flock(file, fcntl.LOCK_EX)
        path = Path(file.name)
        try:
            with file:
                yield path
        finally:
            path.unlink(missing_ok=True)

    def body(self, endpoint: str, sha256: str) -> Path:
        """Where a body lies."""
        return self.folder / "raw" / endpoint / f"{sha256}.json"

    def keep(self, endpoint: str, sha256: str, staged: Path) -> Path:
        """Moves a complete and checked body to its place, over an equal one if it is there already."""
        path = self.body(endpoint, sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("rb") as file:
            os.fsync(file.fileno())
        staged.replace(path)
        return path

    def publish(self, snapshot: Snapshot, run_id: str | None = None) -> None:
        """Makes a snapshot the latest one, unless a later one is, and the run's own."""
        latest = self.latest(snapshot.endpoint)
        if latest is None or latest.fetched_at <= snapshot.fetched_at:
            self._write(self._latest(snapshot.endpoint), snapshot)
        if run_id is not None:
            self._write(self._pin(snapshot.endpoint, run_id), snapshot)

    def latest(self, endpoint: str) -> Snapshot | None:
        """The newest snapshot; ``None`` if there is none whose body is still there."""
        return self._read(self._latest(endpoint))

    def pinned(self, endpoint: str, run_id: str) -> Snapshot | None:
        """The snapshot that a run worked on; ``None`` if it had none or its body is gone."""
        return self._read(self._pin(endpoint, run_id))

    def intact(self, endpoint: str) -> Snapshot | None:
        """The newest snapshot, if its body still is what was fetched: what a 304 may re-use."""
        latest = self.latest(endpoint)
        if latest is None:
            return None
        with latest.path.open("rb") as body:
            found = hashlib.file_digest(body, "sha256").hexdigest()
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
        self._write(self._pin(endpoint, run_id), latest, exclusive=True)
        return self.pinned(endpoint, run_id) or latest

    def sweep(self) -> int:
        """Removes what processes that were killed left in staging; how many files."""
        swept = 0
        with self._staging(fcntl.LOCK_EX):
            for path in self._staging_folder.iterdir():
                # Its owner has it still, or has just moved it.
                with suppress(BlockingIOError, FileNotFoundError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
                    swept += 1
        return swept

    @property
    def _staging_folder(self) -> Path:
        return self.folder / "staging"

    @contextmanager
    def _staging(self, how: int) -> Iterator[None]:
        """A lock on the folder: a file in it is made and locked by its owner before anybody may sweep."""
        self._staging_folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._staging_folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _latest(self, endpoint: str) -> Path:
        return self.folder / "raw" / endpoint / "latest.json"

    def _pin(self, endpoint: str, run_id: str) -> Path:
        return self.folder / "raw" / endpoint / "runs" / f"{run_id}.json"

    def _read(self, path: Path) -> Snapshot | None:
        try:
            manifest = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            fields = json.loads(manifest)
            body = self.body(fields["endpoint"], fields["sha256"])
            return Snapshot.model_validate({**fields, "path": body}) if body.exists() else None
        except ValueError as error:
            log.warning("an unreadable manifest is not used", path=str(path), error=str(error))
            return None

    def _write(self, path: Path, snapshot: Snapshot, *, exclusive: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.staging_file() as partial:
            # Not synced: a manifest that a power failure took only costs another fetch.
            partial.write_text(snapshot.model_dump_json())
            if exclusive:
                try:
                    path.hardlink_to(partial)
                except FileExistsError:
                    return
            else:
                partial.replace(path)
