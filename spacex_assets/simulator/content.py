"""What a simulator serves: a fleet or recorded responses, with the corrections that somebody made to them.

Corrections live in a JSON file, ``{endpoint: {id: {path: value} | null}}``: fields to set (dots lead into objects),
``null`` to delete the document; an unknown id with a whole document adds it. What does not belong here: HTTP.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import PlatformError

Document = dict[str, Any]
Edits = dict[str, dict[str, Document | None]]


class EditRefused(PlatformError):
    """A correction that cannot be made."""


class Collections(Protocol):
    """Where documents come from."""

    @property
    def simulated(self) -> bool:
        """Whether they are of a fleet that never flew."""

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents of an endpoint; raises FileNotFoundError if there are none to be had."""


@dataclass(frozen=True)
class Recordings:
    """A folder of recorded responses."""

    folder: Path

    @property
    def simulated(self) -> bool:
        """What was recorded is not simulated."""
        return False

    def body(self, endpoint: str) -> bytes:
        """The recorded body, byte for byte."""
        return (self.folder / f"{endpoint}.json").read_bytes()

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents in the recorded body."""
        body = json.loads(self.body(endpoint))
        yield from body if isinstance(body, list) else [body]


@dataclass
class Content:
    """Documents with the corrections applied, and their bodies, each made once."""

    collections: Collections
    edits_file: Path | None = None
    edits: Edits = field(default_factory=dict)
    bodies: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.edits_file is not None and self.edits_file.exists():
            self.edits = json.loads(self.edits_file.read_text())

    @property
    def simulated(self) -> bool:
        """Whether the documents are of a fleet that never flew."""
        return self.collections.simulated

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents of an endpoint as they are now."""
        edits = dict(self.edits.get(endpoint, {}))
        for document in self.collections.documents(endpoint):
            if document["id"] not in edits:
                yield document
                continue
            edit = edits.pop(document["id"])
            if edit is not None:
                yield _edited(document, edit)
        yield from (added for added in edits.values() if added is not None and "id" in added)

    def body(self, endpoint: str) -> tuple[bytes, str]:
        """The body of a GET and its ETag."""
        if endpoint not in self.bodies:
            body = self._body(endpoint)
            self.bodies[endpoint] = body, etag(body)
        return self.bodies[endpoint]

    def edit(self, endpoint: str, document_id: str, change: Document | None) -> None:
        """Corrects a document, for good. Raises :class:`EditRefused` if there is nothing to correct."""
        known = any(document["id"] == document_id for document in self.documents(endpoint))
        if not known and (change is None or "id" not in change):
            raise EditRefused(
                f"{endpoint} has no document {document_id}; to add one, give a whole document with that id."
            )
        edits = self.edits.setdefault(endpoint, {})
        before = edits.get(document_id)
        edits[document_id] = {**before, **change} if before and change else change
        self._save(endpoint)

    def reset(self) -> None:
        """Forgets every correction."""
        self.edits.clear()
        self._save(None)

    def _body(self, endpoint: str) -> bytes:
        if isinstance(self.collections, Recordings) and not self.edits.get(endpoint):
            return self.collections.body(endpoint)
        texts = (
            json.dumps(document, ensure_ascii=False, separators=(",", ":")) for document in self.documents(endpoint)
        )
        return next(texts).encode() if ENDPOINTS[endpoint].single else f"[{','.join(texts)}]".encode()

    def _save(self, endpoint: str | None) -> None:
        if endpoint is None:
            self.bodies.clear()
        else:
            self.bodies.pop(endpoint, None)
        if self.edits_file is not None:
            self.edits_file.parent.mkdir(parents=True, exist_ok=True)
            self.edits_file.write_text(json.dumps(self.edits, ensure_ascii=False, indent=1))


def etag(body: bytes) -> str:
    """As the source makes it: the length in hex and 27 characters of the base64 of the sha1."""
    digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
    return f'"{len(body):x}-{digest[:27]}"'


def _edited(document: Document, edit: Document) -> Document:
    edited: Document = json.loads(json.dumps(document))
    for path, value in edit.items():
        *parents, name = path.split(".")
        place = edited
        for parent in parents:
            place = place[parent]
        place[name] = value
    return edited
