"""A folder of recorded responses: ``<endpoint>.json``, each exactly as a GET returned it."""

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

from spacex_assets.config import Settings
from spacex_assets.endpoints.base import Endpoint
from spacex_assets.extract.errors import ArchiveIncomplete, BodyTooLarge, BodyUndecodable, ExtractError
from spacex_assets.extract.guards import check_volume, check_world
from spacex_assets.extract.lake import RawLake
from spacex_assets.extract.scan import scan
from spacex_assets.extract.snapshot import Look, Snapshot

CHUNK = 1 << 20


class ArchiveSource:
    """A folder; nothing in it is ever written."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.identity = str(folder)

    def fetch(self, endpoint: Endpoint, lake: RawLake, last_loaded: int | None = None) -> Snapshot:
        """See :class:`Source`."""
        recorded = self._recorded(endpoint)
        if (size := recorded.stat().st_size) > self.settings.body_limit_mib << 20:
            raise BodyTooLarge(
                f"{endpoint.name}: expected at most {self.settings.body_limit_mib} MiB, found {size} bytes in "
                f"{recorded}. Nothing was published. If that is right, raise SPACEX_BODY_LIMIT_MIB."
            )
        fetched_at = datetime.now(UTC)
        with lake.staging_file() as staged:
            shutil.copyfile(recorded, staged)
            try:
                batches = scan(staged, single=endpoint.single, document_limit=self.settings.document_limit_mib << 20)
                sha256 = _checked_sha256(staged)
            except ExtractError as error:
                raise type(error)(f"{endpoint.name}: {recorded}: {error}. Nothing was published.") from error
            known = lake.latest(endpoint.name)
            snapshot = Snapshot(
                endpoint=endpoint.name,
                source=self.identity,
                url=str(recorded),
                sha256=sha256,
                etag=None,
                fetched_at=fetched_at,
                size=staged.stat().st_size,
                documents=sum(batch.documents for batch in batches),
                batches=batches,
                reused=known is not None and known.sha256 == sha256,
                path=staged,
            )
            check_world(endpoint, snapshot, self.settings.world)
            check_volume(endpoint, snapshot, last_loaded, self.settings.shrink_limit, self.settings.shrink_minimum)
            return snapshot.model_copy(update={"path": lake.keep(endpoint.name, sha256, staged)})

    def look(self, endpoint: Endpoint, lake: RawLake, before: Look | None = None) -> Look:
        """See :class:`Source`. A file that nobody touched is not read."""
        recorded = self._recorded(endpoint)
        state = recorded.stat()
        mark = f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns}"
        if before is not None and before.mark == mark:
            return before
        with recorded.open("rb") as body:
            return Look(sha256=hashlib.file_digest(body, "sha256").hexdigest(), mark=mark)

    def _recorded(self, endpoint: Endpoint) -> Path:
        recorded = self.folder / f"{endpoint.name}.json"
        if not recorded.is_file():
            raise ArchiveIncomplete(
                f"{endpoint.name}: expected the recorded response {recorded}, found "
                f"{'no such file in the folder' if self.folder.is_dir() else 'no such folder'}. Nothing was published. "
                f"Put the body of GET {endpoint.path} there, or correct SPACEX_SOURCE."
            )
        return recorded


def _checked_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    try:
        with path.open(encoding="utf-8", newline="") as text:
            while text.read(CHUNK):
                pass
    except UnicodeDecodeError as error:
        raise BodyUndecodable(f"not UTF-8 at byte {error.start}: {error.reason}") from error
    return digest.hexdigest()
