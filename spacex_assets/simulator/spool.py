"""Bodies on disk: documents are written once, as they are made, and served from there, whatever their number.

A spool is a file without a name, so that nothing is left behind when its process ends, however it ends. What does not
belong here: what the documents say.
"""

import base64
import hashlib
import io
import json
import os
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol

Document = dict[str, Any]
PIECE = 1 << 20
ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Body(Protocol):
    """What is sent: its size in bytes, its ETag, and any number of readers of it."""

    size: int
    etag: str

    def open(self) -> BinaryIO:
        """A reader at the start of the body."""


class ShortBody:
    """A body in memory."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)
        self.etag = _etag(len(data), hashlib.sha1(data, usedforsecurity=False).digest())

    def open(self) -> BinaryIO:
        """A reader at the start of the body."""
        return io.BytesIO(self.data)


class Spool:
    """A body on disk: a JSON list of documents, or a single one, whose documents can be had by position and by id.

    ``folder`` holds the file; ``None``: the system's folder for temporary files.
    """

    def __init__(self, documents: Iterable[Document], folder: Path | None = None, single: bool = False) -> None:
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as its readers
        weakref.finalize(self, self.file.close)
        self.single, self.size, self.sha1 = single, 0, hashlib.sha1(usedforsecurity=False)
        self.starts, self.ids = array("Q"), array("q")
        between = "" if single else "["
        for document in documents:
            self.starts.append(self.size + len(between))
            self.ids.append(hash(document.get("id")))
            self._write(between + ENCODE(document))
            between = ","
        self._write("" if single else "]" if self.starts else "[]")
        self.file.flush()
        self.etag = _etag(self.size, self.sha1.digest())

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, position: int) -> Document:
        position = range(len(self))[position]
        start = self.starts[position]
        end = self.starts[position + 1] if position + 1 < len(self) else self.size
        document: Document = json.loads(self.read(start, end - start - (not self.single)))
        return document

    def __iter__(self) -> Iterator[Document]:
        return map(self.__getitem__, range(len(self)))

    def find(self, document_id: str) -> Document | None:
        """The document of an id, or ``None``."""
        wanted, position = hash(document_id), -1
        while True:
            try:
                position = self.ids.index(wanted, position + 1)
            except ValueError:
                return None
            if (document := self[position]).get("id") == document_id:
                return document

    def read(self, start: int, size: int) -> bytes:
        """Bytes of the body; at any number of places at once."""
        return os.pread(self.file.fileno(), size, start)

    def open(self) -> BinaryIO:
        """A reader at the start of the body."""
        return io.BufferedReader(_Reader(self), PIECE)

    def _write(self, text: str) -> None:
        data = text.encode()
        self.file.write(data)
        self.sha1.update(data)
        self.size += len(data)


class _Reader(io.RawIOBase):
    def __init__(self, spool: Spool) -> None:
        self.spool, self.position = spool, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.spool.read(self.position, len(buffer))
        buffer[: len(data)] = data
        self.position += len(data)
        return len(data)


def _etag(size: int, sha1: bytes) -> str:
    """As the source makes it: the length in hex and 27 characters of the base64 of the sha1."""
    return f'"{size:x}-{base64.b64encode(sha1).decode()[:27]}"'
