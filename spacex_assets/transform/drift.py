"""In what the documents of a snapshot differ from their record, and from those of the snapshot loaded before.

A field is given, null or absent in each object that could have it. It drifts

* if the share of objects in one of these states fell by :data:`MATERIAL`, and :data:`FEWEST` or more of them left it;
* if it fell so far only because new objects are in another state, while of at least :data:`MANY` objects the share in
  this state had been at least :data:`USUAL`;
* if :data:`FEWEST` objects or more lost the last values, or got the first;
* if all objects were in a state, and none is any more.

So one launch alone among others is no drift, nor what vanishes with documents.

Pure: two profiles in, findings out. What does not belong here: how a profile is counted (``profile.py``), and where
findings are recorded (``load/drift.py``).
"""

from collections.abc import Iterator
from enum import StrEnum
from fractions import Fraction

from pydantic import BaseModel, ConfigDict

from spacex_assets.transform.profile import FieldProfile, Profile

MATERIAL, FEWEST, USUAL, MANY = Fraction(1, 5), 3, Fraction(19, 20), 30


class Change(StrEnum):
    """What drifted. The first three are differences from the record, the others from the snapshot loaded before."""

    UNDECLARED = "undeclared"
    """A field that the record does not declare."""
    MISSING = "missing"
    """A declared field that no document has."""
    VALUE = "value"
    """A value outside of the declared ones."""
    APPEARED = "appeared"
    """A declared field that no document had, or one that many had not."""
    DISAPPEARED = "disappeared"
    """A field that is neither declared nor there any more, or one that many documents have no more."""
    TYPE = "type"
    """The JSON types of a field."""
    NULL = "null"
    """A field that became null in many documents."""
    FILLED = "filled"
    """A field that was null in many documents and is not any more."""


class Drift(BaseModel):
    """One finding at one JSON path."""

    model_config = ConfigDict(frozen=True)

    path: str
    change: Change
    before: str | None
    after: str
    example: str | None = None

    @property
    def key(self) -> tuple[str, Change, str | None, str]:
        """What makes it the same finding when it is seen again.

        A value is the same however many others there are, an undeclared field whatever its types are now.
        """
        before = None if self.change is Change.VALUE else self.before
        return self.path, self.change, before, "" if self.change is Change.UNDECLARED else self.after

    @property
    def described(self) -> str:
        """What it was and is, with an example."""
        was = f"{self.before} → " if self.before else ""
        example = f", for example {self.example}" if self.example and self.change is not Change.VALUE else ""
        return f"{was}{self.after}{example}"

    def __str__(self) -> str:
        return f"{self.path} {self.change}: {self.described}"


def against_record(profile: Profile) -> Iterator[Drift]:
    """The differences of a snapshot from its record."""
    for field in profile:
        if not field.declared:
            yield _drift(field, Change.UNDECLARED, "not declared", _types(field))
        elif field.objects and not field.present:
            yield _drift(field, Change.MISSING, "declared", "absent")
        for value in field.values:
            yield _drift(field, Change.VALUE, None, value, value)
        if field.others:
            listed = len(field.values)
            known = f"{listed + field.others} undeclared values, the first {listed} of the alphabet listed"
            yield _drift(field, Change.VALUE, known, "others that are not listed")


def against_profile(before: Profile, after: Profile) -> Iterator[Drift]:
    """The differences of a snapshot from the one loaded before, except those from the record; none from none."""
    if not before:
        return
    earlier, now = {field.path: field for field in before}, {field.path for field in after}
    for field in after:
        old = earlier.get(field.path)
        if old is None or (old.objects and not old.present):
            if field.declared and field.present and not _inside_undeclared(field, before):
                yield _drift(field, Change.APPEARED, "absent", _types(field))
            continue
        if old.types and field.types and old.types != field.types:
            yield _drift(field, Change.TYPE, _types(old), _types(field))
        if old.objects and field.objects and field.present:
            yield from _shifted(old, field)
    for old in before:
        if old.present and old.path not in now:
            yield _drift(old, Change.DISAPPEARED, _types(old), "absent")


def _shifted(old: FieldProfile, field: FieldProfile) -> Iterator[Drift]:
    """The change of a field that is there and was, in objects that are there and were."""
    emptied = not field.given and _left(old, field, "given") >= FEWEST
    filled = not old.given and _left(old, field, "null") >= FEWEST
    if _fell(old, field, "present"):
        yield _drift(field, Change.DISAPPEARED, _counts(old), _counts(field), old.example)
    elif emptied or _fell(old, field, "given"):
        yield _drift(field, Change.NULL, _counts(old), _counts(field), old.example)
    elif _fell(old, field, "absent"):
        yield _drift(field, Change.APPEARED, _counts(old), _counts(field))
    elif filled or _fell(old, field, "null"):
        yield _drift(field, Change.FILLED, _counts(old), _counts(field))


def _left(old: FieldProfile, field: FieldProfile, state: str) -> int:
    """How many objects at least left a state for another, rather than vanish."""
    return int(getattr(old, state) - getattr(field, state) - max(old.objects - field.objects, 0))


def _fell(old: FieldProfile, field: FieldProfile, state: str) -> bool:
    """Whether the share of objects in a state fell so far that it is drift."""
    before, now = getattr(old, state), getattr(field, state)
    if before * field.objects <= now * old.objects:
        return False
    was = Fraction(before, old.objects)
    by = was - Fraction(now, field.objects)
    usual = old.objects >= MANY and was >= USUAL
    return by == 1 or (by >= MATERIAL and (usual or _left(old, field, state) >= FEWEST))


def _counts(field: FieldProfile) -> str:
    counts = {"given": field.given, "null": field.null, "absent": field.absent}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def _drift(field: FieldProfile, change: Change, before: str | None, after: str, example: str | None = None) -> Drift:
    return Drift(path=field.path, change=change, before=before, after=after, example=example or field.example)


def _types(field: FieldProfile) -> str:
    return ", ".join(field.types) or "null"


def _inside_undeclared(field: FieldProfile, before: Profile) -> bool:
    """Whether the field was part of one that was not declared then, so that it was not looked at."""
    return any(not old.declared and field.path.startswith((f"{old.path}.", f"{old.path}[")) for old in before)
