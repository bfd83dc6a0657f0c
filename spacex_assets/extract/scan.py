"""One bounded pass over a body: is it complete JSON of the right shape, and where do its documents begin and end?

The file is decoded piecewise as Latin-1, so that positions in the text are positions in the file; JSON's structure is
ASCII, so nothing else is lost. What does not belong here: whether the documents are right (``transform/parse.py``).
"""

import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Never

from spacex_assets.extract.errors import BodyMisshapen, BodyTooLarge, BodyTruncated, BodyUndecodable, TimeLimitExceeded
from spacex_assets.extract.snapshot import Batch

PIECE = 1 << 20
BATCH_BYTES = 4 << 20
BATCH_DOCUMENTS = 20_000
"""At most; only such as are far smaller than any record, and so broken, fill a batch with more."""
DOCUMENT_LIMIT = 4 << 20
"""Bytes; read as Python objects, the worst of documents takes some twenty times as many."""
_SPACE = " \t\r\n"
_BLANK = re.compile(f"[{_SPACE}]*")
_NUMBER = "-+.0123456789eE"
_UNDECIDED = 2
"""Characters that may follow a number and yet belong to it, once more is known: as the ``e-`` of ``1e-7``."""


def scan(
    path: Path,
    *,
    single: bool,
    document_limit: int = DOCUMENT_LIMIT,
    piece: int = PIECE,
    batch_bytes: int = BATCH_BYTES,
    until: float = math.inf,
) -> tuple[Batch, ...]:
    """The batches of a body; a single object is one batch of one document.

    Raises :class:`BodyTruncated`, :class:`BodyUndecodable`, :class:`BodyMisshapen`, :class:`BodyTooLarge` or, after
    the moment ``until`` of the monotonic clock, :class:`TimeLimitExceeded`; their texts say at which byte.
    """
    with path.open("rb") as body:
        reader = _Reader(body, piece, document_limit, until)
        spans = _object(reader) if single else _list(reader)
        batches = tuple(_batched(spans, batch_bytes))
        reader.expect_end()
        return batches


@dataclass
class _Reader:
    """A window on the body, as Latin-1 text; ``start`` is the position of its first character in the file."""

    body: BinaryIO
    piece: int
    limit: int
    until: float
    text: str = ""
    start: int = 0
    at: int = 0

    def __post_init__(self) -> None:
        self.decoder = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated_keys)

    @property
    def position(self) -> int:
        return self.start + self.at

    def grow(self) -> bool:
        """Reads more, up to the limit: doubles what is unread, so that a long document is not scanned over and over."""
        if time.monotonic() > self.until:
            raise TimeLimitExceeded(f"the body had been read up to byte {self.position}")
        unread = self.text[self.at :]
        more = self.body.read(max(self.piece, min(len(unread), self.limit + 1 - len(unread))))
        self.start, self.at = self.position, 0
        self.text = unread + more.decode("latin-1")
        return bool(more)

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            blank = _BLANK.match(self.text, self.at)
            self.at = blank.end() if blank else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.grow():
                return ""

    def take(self) -> str:
        character = self.peek()
        if not character:
            raise BodyTruncated(f"the body ends at byte {self.position}, inside the JSON")
        self.at += 1
        return character

    def value(self) -> tuple[int, int]:
        """Skips one value; its span in the file."""
        while True:
            try:
                _, end = self.decoder.raw_decode(self.text, self.at)
                if self.text[self.at] in _NUMBER and self._may_go_on(end) and self.grow():
                    continue
            except json.JSONDecodeError as error:
                if len(self.text) - self.at > self.limit:
                    raise self._too_large() from error
                ahead = error.pos - self.at
                if not self.grow():
                    raise self._broken(error.msg, ahead) from error
                continue
            except RecursionError as error:
                raise BodyMisshapen(f"the document at byte {self.position} is nested too deeply") from error
            except _RepeatedKey as error:
                raise BodyMisshapen(
                    f"the document at byte {self.position} repeats the key {error.key!r} inside one object, "
                    f"so that its value depends on the reader"
                ) from error
            except ValueError as error:
                raise BodyUndecodable(f"the document at byte {self.position} cannot be read: {error}") from error
            if end - self.at > self.limit:
                raise self._too_large()
            span = self.position, end - self.at
            self.at = end
            return span

    def _may_go_on(self, end: int) -> bool:
        """Whether the window ends before it is clear that a number ends here."""
        return len(self.text) - end <= _UNDECIDED and not self.text[end:].strip(_NUMBER)

    def expect_end(self) -> None:
        character = self.peek()
        if character:
            raise BodyUndecodable(f"{character!r} at byte {self.position}, after the end of the JSON")

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the document at byte {self.position} is larger than {self.limit} bytes (SPACEX_DOCUMENT_LIMIT_MIB)"
        )

    def _broken(self, message: str, ahead: int) -> BodyTruncated | BodyUndecodable:
        if self.at + ahead >= len(self.text.rstrip(_SPACE)) or message.startswith("Unterminated string"):
            return BodyTruncated(f"the body ends at byte {self.start + len(self.text)}, inside a document")
        return BodyUndecodable(f"not JSON at byte {self.position + ahead}: {message}")


def _list(reader: _Reader) -> Iterator[tuple[int, int]]:
    _open(reader, "[", "a list of objects")
    if reader.peek() == "]":
        reader.take()
        return
    objects = 0
    while True:
        # Another element breaks its record, which is for the typed step to say; nothing but such is another body.
        objects += reader.peek() == "{"
        reader.peek() or reader.take()
        yield reader.value()
        separator = reader.take()
        if separator == "]":
            if not objects:
                raise BodyMisshapen(f"expected a list of objects, found none in the one that ends at {reader.position}")
            return
        if separator != ",":
            raise BodyUndecodable(f"expected ',' or ']' at byte {reader.position - 1}, found {separator!r}")


def _object(reader: _Reader) -> Iterator[tuple[int, int]]:
    _open(reader, "{", "an object")
    reader.at -= 1
    yield reader.value()


def _open(reader: _Reader, expected: str, shape: str) -> None:
    found = reader.peek()
    if found and found in '[{"0123456789-tfn' and found != expected:
        raise BodyMisshapen(f"expected {shape}, found JSON that begins with {found!r}")
    if reader.take() != expected:
        raise BodyUndecodable(f"not JSON: it begins with {found!r}")


def _batched(spans: Iterator[tuple[int, int]], size: int) -> Iterator[Batch]:
    offset, end, documents = 0, 0, 0
    for start, length in spans:
        if documents and (start + length - offset > size or documents == BATCH_DOCUMENTS):
            yield Batch(offset=offset, length=end - offset, documents=documents)
            documents = 0
        if not documents:
            offset = start
        end = start + length
        documents += 1
    if documents:
        yield Batch(offset=offset, length=end - offset, documents=documents)


class _RepeatedKey(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _refuse_constant(name: str) -> Never:
    raise BodyUndecodable(f"{name} is not JSON")


def _refuse_repeated_keys(pairs: list[tuple[str, object]]) -> None:
    """Readers differ in which of two values they take, so a record could check one and a frame store the other."""
    if len(dict(pairs)) != len(pairs):
        ((key, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _RepeatedKey(key)


def start_of(body: bytes, length: int = 200) -> str:
    """The start of a body for an error message: printable and short."""
    text = body[:length].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)
