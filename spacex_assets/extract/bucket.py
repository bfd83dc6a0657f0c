"""A lake in an object store, through universal paths: ``s3://``, ``gs://``, ``az://``.

A PUT shows an object as a whole or not at all; that the first of several writers wins is a conditional PUT
(``If-None-Match: *`` on S3 and Azure, a generation of 0 on Google). Imported only where the lake is a URL.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal

from upath import UPath

from spacex_assets.errors import PlatformError
from spacex_assets.extract.staging import staging_file
from spacex_assets.extract.store import Stored


class LakeUnusable(PlatformError):
    """The object store that SPACEX_LAKE names cannot be used."""


@dataclass(frozen=True)
class Bucket:
    """A store that is a prefix of a bucket; bodies are read from copies in ``folder``'s staging."""

    root: UPath
    folder: Path
    fs: Any = field(repr=False, compare=False)

    @classmethod
    def at(cls, url: str, options: Mapping[str, Any], folder: Path) -> "Bucket":
        """The store at a URL. Raises :class:`LakeUnusable`."""
        # A listing that is remembered would hide what other processes write.
        root = UPath(url, **{"use_listings_cache": False, **options})
        try:
            return cls(root, folder, root.fs)
        except ImportError as error:
            raise LakeUnusable(
                f"SPACEX_LAKE={url}: expected a package that speaks {root.protocol}:// to be installed, but: {error}. "
                f"For s3 install spacex-assets[object-store], for gs gcsfs, for az adlfs."
            ) from error

    def shown(self, name: str) -> str:
        """See :class:`Store`."""
        return str(self.root / name)

    def body(self, name: str) -> "BucketFile":
        """See :class:`Store`."""
        return BucketFile(self, name)

    def keep(self, name: str, staged: Path) -> None:
        """See :class:`Store`."""
        self.put(name, staged)
        staged.replace(self.copy(name))

    def put(self, name: str, staged: Path, *, first: bool = False) -> None:
        """See :class:`Store`."""
        path = self.path(name)
        with self._usable(name):
            if not first:
                self.fs.put_file(str(staged), path)
                return
            try:
                self.fs.pipe_file(path, staged.read_bytes(), mode="create")
            except OSError:
                # 412, or 409 while two write at once; after a lost answer the first may have been this one.
                if not self.fs.exists(path):
                    raise

    def read(self, name: str) -> bytes | None:
        """See :class:`Store`."""
        try:
            with self._usable(name, absent_is_wrong=False):
                content: bytes = self.fs.cat_file(self.path(name))
        except FileNotFoundError:
            return None
        return content

    def read_all(self, names: Collection[str]) -> Mapping[str, bytes]:
        """See :class:`Store`. Many at a time: one after the other, each costs a round trip."""
        paths = {self.path(name): name for name in names}
        found = self.fs.cat(list(paths), on_error="omit") if paths else {}
        return {paths[path]: content for path, content in found.items()}

    def frame(self, name: str) -> bytes:
        """See :class:`Store`. Never from a copy: another run may have written it anew."""
        content: bytes = self.fs.cat_file(self.path(name))
        return content

    def files(self, under: str) -> Iterator[Stored]:
        """See :class:`Store`."""
        start = len(self.path(""))
        for path, found in sorted(self.fs.find(self.path(under), detail=True).items()):
            yield Stored(path[start:], found["size"], _modified_ns(found))

    def remove(self, file: Stored) -> bool:
        """See :class:`Store`."""
        path = self.path(file.name)
        try:
            if _modified_ns(self.fs.info(path)) != file.modified_ns:
                return False
            self.fs.rm_file(path)
        except FileNotFoundError:
            return False
        return True

    def path(self, name: str) -> str:
        """A name as the file system spells it: with bucket and prefix."""
        return f"{self.root.path.rstrip('/')}/{name}"

    @contextmanager
    def _usable(self, name: str, *, absent_is_wrong: bool = True) -> Iterator[None]:
        """Says what to do about errors that trying again does not mend."""
        try:
            yield
        except (PermissionError, FileNotFoundError) as error:
            if isinstance(error, FileNotFoundError) and not absent_is_wrong:
                raise
            raise LakeUnusable(
                f"{self.shown(name)}: expected a bucket that may be listed, read and written, but: {error}. Create it, "
                f"grant that to this process, or correct SPACEX_LAKE, SPACEX_LAKE_OPTIONS or the credentials."
            ) from error

    def copy(self, name: str) -> Path:
        """The copy of a body on this machine; may go at any time."""
        return self.folder / "staging" / Path(name).name


@dataclass(frozen=True)
class BucketFile:
    """A body in a bucket, fetched when it is first read."""

    bucket: Bucket
    name: str

    def __str__(self) -> str:
        return self.bucket.shown(self.name)

    def exists(self) -> bool:
        """Whether it is in the bucket, or was when this run looked: copies go when the next one begins."""
        return self.bucket.copy(self.name).exists() or bool(self.bucket.fs.exists(self.bucket.path(self.name)))

    def open(self, mode: Literal["rb"]) -> BufferedReader:
        """The content, from the copy on this machine, which is made if there is none."""
        copy = self.bucket.copy(self.name)
        with suppress(FileNotFoundError):
            return copy.open("rb")
        with staging_file(self.bucket.folder) as partial:
            self.bucket.fs.get_file(self.bucket.path(self.name), str(partial))
            opened = partial.open("rb")
            partial.replace(copy)
        return opened


def _modified_ns(found: Mapping[str, Any]) -> int:
    """When an object was last written, to the second, for a listing may say it more exactly than a look at one."""
    moment: datetime = next(found[key] for key in ("LastModified", "last_modified", "mtime") if key in found)
    return int(moment.timestamp()) * 10**9
