"""What a simulator serves: a fleet or recorded responses, with the corrections that somebody made to them.

Corrections live in a JSON file, ``{endpoint: {id: {path: value} | null}}``: fields to set (dots lead into objects),
``null`` to delete the document; an unknown id with a whole document adds it. What does not belong here: HTTP.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from spacex_assets.endpoints.base import SIMULATED_MARK
from spacex_assets.endpoints.registry import ENDPOINTS
from spacex_assets.errors import PlatformError
from spacex_assets.simulator.spool import Body, Document, ShortBody, Spool

View = Callable[[Iterator[Document]], Iterator[Document]]
Edits = dict[str, dict[str, Document | None]]


class EditRefused(PlatformError):
    """A correction that cannot be made."""


class NoDocuments(PlatformError):
    """An endpoint of which there are no documents to be had."""


class Collections(Protocol):
    """Where documents come from."""

    @property
    def simulated(self) -> bool:
        """Whether they are of a fleet that never flew."""

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents of an endpoint; raises :class:`NoDocuments`."""


@dataclass(frozen=True)
class Recordings:
    """A folder of recorded responses."""

    folder: Path

    @property
    def simulated(self) -> bool:
        """What was recorded is not simulated."""
        return False

    def body(self, endpoint: str) -> bytes:
        """The recorded body, byte for byte. Raises :class:`NoDocuments`."""
        try:
            return (self.folder / f"{endpoint}.json").read_bytes()
        except FileNotFoundError as error:
            raise NoDocuments(f"{endpoint}.json was not recorded.") from error

    def documents(self, endpoint: str) -> Iterator[Document]:
        """The documents in the recorded body."""
        body = json.loads(self.body(endpoint))
        yield from body if isinstance(body, list) else [body]


@dataclass
class Content:
    """Documents with the corrections applied; what is served of them is written to disk once, beside the corrections
    if those have a file. One thread makes or corrects at a time; any number reads."""

    collections: Collections
    edits_file: Path | None = None
    edits: Edits = field(default_factory=dict)
    spools: dict[tuple[str, str], Spool] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock, repr=False)

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

    def body(self, endpoint: str) -> Body:
        """The body of a GET; a recorded one that nobody corrected is served byte for byte."""
        if isinstance(self.collections, Recordings) and not self.edits.get(endpoint):
            return ShortBody(self.collections.body(endpoint))
        return self.spool(endpoint)

    def spool(self, endpoint: str, name: str = "", view: View = iter) -> Spool:
        """The documents of an endpoint, or those of a view that has a name of its own, on disk."""
        with self._lock:
            if (endpoint, name) not in self.spools:
                single = ENDPOINTS[endpoint].single
                documents = islice(view(self.documents(endpoint)), 1 if single else None)
                self.spools[endpoint, name] = Spool(documents, self._folder(), single)
            return self.spools[endpoint, name]

    def edit(self, endpoint: str, document_id: str, change: Document | None) -> None:
        """Corrects a document, for good; a simulated one goes on saying that it is.

        Raises :class:`EditRefused` if there is nothing to correct, or the correction is none.
        """
        if endpoint not in ENDPOINTS:
            raise EditRefused(f"There is no endpoint {endpoint!r}; there are {', '.join(ENDPOINTS)}.")
        if not isinstance(change, dict | None):
            raise EditRefused(f"Expected an object of paths and values, or null, found {json.dumps(change)}.")
        try:
            json.dumps(change, allow_nan=False, ensure_ascii=False).encode()
        except ValueError as error:
            raise EditRefused(
                f"Expected what JSON can say, neither NaN, infinity nor half a surrogate pair, found {change!a}."
            ) from error
        with self._lock:
            known = next((one for one in self.documents(endpoint) if one["id"] == document_id), None)
            if known is None and (change is None or change.get("id") != document_id):
                raise EditRefused(
                    f"{endpoint} has no document {document_id}; to add one, give a whole document with that id."
                )
            if change is not None:
                mark = _mark(endpoint, _edited(known or change, change)) if self.simulated else {}
                change = _edited(change, mark) if known is None else _then(change, mark)
            edits = self.edits.setdefault(endpoint, {})
            before = edits.get(document_id)
            if before and change:
                change = _edited(before, change) if "id" in before else _then(before, change)
            edits[document_id] = change
            self._forget(endpoint)
            self._save()

    def reset(self) -> None:
        """Forgets every correction."""
        with self._lock:
            for endpoint in self.edits:
                self._forget(endpoint)
            self.edits.clear()
            self._save()

    def _forget(self, endpoint: str) -> None:
        for key in [key for key in self.spools if key[0] == endpoint]:
            del self.spools[key]

    def _folder(self) -> Path | None:
        if self.edits_file is None:
            return None
        self.edits_file.parent.mkdir(parents=True, exist_ok=True)
        return self.edits_file.parent

    def _save(self) -> None:
        if self.edits_file is not None:
            self._folder()
            draft = self.edits_file.with_suffix(f".{os.getpid()}")
            draft.write_text(json.dumps(self.edits, ensure_ascii=False, indent=1))
            draft.replace(self.edits_file)


def _mark(endpoint: str, document: Document) -> Document:
    """What puts the mark back where a correction took it from a simulated document, as another such correction."""
    *parents, name = path = ENDPOINTS[endpoint].mark
    place: Any = document
    for parent in parents:
        place = place.get(parent) if isinstance(place, dict) else None
    if not isinstance(place, dict) or name not in place:
        return {}
    text = place[name]
    if text is None:
        raise EditRefused(
            f"{'.'.join(path)} of {document['id']} says that it is simulated: expected a text, found null. "
            f"To break the document, set it to a number."
        )
    marked = not isinstance(text, str) or text.endswith(SIMULATED_MARK)
    return {} if marked else {".".join(path): text + SIMULATED_MARK}


def _then(before: Document, change: Document) -> Document:
    """Two corrections as one, in which the later has the last word also where a path leads into another's value."""
    return {path: value for path, value in before.items() if path not in change} | change


def _edited(document: Document, edit: Document) -> Document:
    edited: Document = json.loads(json.dumps(document))
    for path, value in edit.items():
        *parents, name = path.split(".")
        place = edited
        for parent in parents:
            place = place.get(parent)  # type: ignore[assignment]
            if not isinstance(place, dict):
                raise EditRefused(f"{path!r} leads nowhere: {parent!r} of {document['id']} is not an object.")
        place[name] = value
    return edited
