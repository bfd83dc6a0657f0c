"""A raw snapshot: what one response was, where its body lies, and where its documents begin and end."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from io import BufferedReader
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from spacex_assets.extract.errors import BodyEdited


@runtime_checkable
class Body(Protocol):
    """Where a body lies: a path of this machine, or something like it in an object store."""

    def exists(self) -> bool:
        """Whether it is there."""

    def open(self, mode: Literal["rb"]) -> BufferedReader:
        """The bytes, which may be sought."""


class Batch(BaseModel):
    """Consecutive whole documents: a span of bytes of the body, without the commas around it."""

    model_config = ConfigDict(frozen=True)

    offset: int
    length: int
    documents: int


class Snapshot(BaseModel):
    """The content of an endpoint at a moment.

    ``source`` and ``url`` carry no credentials; ``fetched_at`` is when the request was sent that last confirmed the
    content; ``reused`` says that the content was already in the lake. Everything but ``path``, where the body lies, is
    the manifest that is stored beside the body.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    endpoint: str
    source: str
    url: str
    sha256: str
    etag: str | None
    fetched_at: datetime
    size: int
    documents: int
    batches: tuple[Batch, ...]
    reused: bool = False
    path: Body = Field(exclude=True)

    def found_sha256(self) -> str:
        """What the body has for a sha256 now; another than ``sha256`` if it was edited or is rotten."""
        with self.path.open("rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest()

    def verify(self) -> None:
        """Raises :class:`BodyEdited` unless the body still is what was fetched."""
        found = self.found_sha256()
        if found != self.sha256:
            raise BodyEdited(
                f"{self.endpoint}: {self.path}: expected the body that was fetched, with the sha256 {self.sha256}, "
                f"found one with {found}: it was edited, or the disk is faulty. Nothing of it was loaded. "
                f"Fetch it again: `python -m spacex_assets run`."
            )

    def iter_batches(self) -> Iterator[bytes]:
        """The documents, as the texts of JSON lists of some megabytes each."""
        with self.path.open("rb") as body:
            for batch in self.batches:
                body.seek(batch.offset)
                yield b"[" + body.read(batch.length) + b"]"


class Look(BaseModel):
    """What a look at an endpoint saw: its content, and the mark (ETag, or a file's state) that makes the next cheap."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    mark: str | None
