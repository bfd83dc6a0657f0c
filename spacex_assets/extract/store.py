"""Where the files of a lake lie: in a folder of this machine, or in a bucket of an object store.

Both show a file as a whole or not at all, and can let only the first of several writers have its way. Names are
relative, ``raw/cores/latest.json``. What does not belong here: which files there are (``lake.py``) and which may go.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from spacex_assets.config import Settings
from spacex_assets.extract.snapshot import Body


@dataclass(frozen=True)
class Stored:
    """A file as it was listed."""

    name: str
    size: int
    modified_ns: int


class Store(Protocol):
    """Files by name. ``folder`` is on this machine; what is being written lies in its ``staging/``."""

    @property
    def folder(self) -> Path:
        """The folder of this machine."""

    def shown(self, name: str) -> str:
        """Where a file lies, for people."""

    def body(self, name: str) -> Body:
        """A file that is never written with another content, whether it is there or not."""

    def keep(self, name: str, staged: Path) -> None:
        """Moves a complete file to the place of such a body."""

    def put(self, name: str, staged: Path, *, first: bool = False) -> None:
        """Makes a complete file visible in the place of what was there; ``first``: unless something is there."""

    def read(self, name: str) -> bytes | None:
        """The content of a file; ``None`` if there is none."""

    def read_all(self, names: Collection[str]) -> Mapping[str, bytes]:
        """The contents of those of the files that are there."""

    def frame(self, name: str) -> Path | bytes:
        """A Parquet file as Polars takes it."""

    def files(self, under: str) -> Iterator[Stored]:
        """Every file whose name begins with ``<under>/``."""

    def remove(self, file: Stored) -> bool:
        """Deletes a file, unless it was written anew since it was listed; whether it did."""


@dataclass(frozen=True)
class Folder:
    """A store that is a folder of this machine."""

    folder: Path

    def shown(self, name: str) -> str:
        """See :class:`Store`."""
        return str(self.folder / name)

    def body(self, name: str) -> Path:
        """See :class:`Store`."""
        return self.folder / name

    def keep(self, name: str, staged: Path) -> None:
        """See :class:`Store`."""
        self.put(name, staged)

    def put(self, name: str, staged: Path, *, first: bool = False) -> None:
        """See :class:`Store`."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not first:
            staged.replace(path)
            return
        try:
            path.hardlink_to(staged)
        except FileExistsError:
            return

    def read(self, name: str) -> bytes | None:
        """See :class:`Store`."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def read_all(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See :class:`Store`."""
        return {name: content for name in names if (content := self.read(name)) is not None}

    def frame(self, name: str) -> Path:
        """See :class:`Store`."""
        return self.folder / name

    def files(self, under: str) -> Iterator[Stored]:
        """See :class:`Store`."""
        for path in sorted(path for path in (self.folder / under).rglob("*") if path.is_file()):
            found = path.stat()
            yield Stored(str(path.relative_to(self.folder)), found.st_size, found.st_mtime_ns)

    def remove(self, file: Stored) -> bool:
        """See :class:`Store`."""
        path = self.folder / file.name
        try:
            if path.stat().st_mtime_ns != file.modified_ns:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True


def open_store(settings: Settings) -> Store:
    """The store that SPACEX_LAKE names. Raises :class:`LakeUnusable`."""
    if settings.lake_url is None:
        return Folder(settings.lake_folder)
    from spacex_assets.extract.bucket import Bucket

    return Bucket.at(settings.lake_url, settings.lake_options, settings.lake_folder)
