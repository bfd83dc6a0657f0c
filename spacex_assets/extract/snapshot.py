"""A raw snapshot: what one response was, where its body lies, and where its documents begin and end."""

from collections.abc import Iterator
from datetime import datetime
from io import BufferedReader
from typing import Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field


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
