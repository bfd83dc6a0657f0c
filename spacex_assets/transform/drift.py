"""In what the documents of a snapshot differ from their record, and from those of the snapshot loaded before.

Pure: two profiles in, findings out. What does not belong here: how a profile is counted (``profile.py``), and where
findings are recorded (``load/drift.py``).
"""

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from spacex_assets.transform.profile import FieldProfile, Profile


class Change(StrEnum):
    """What drifted. The first three are differences from the record, the others from the snapshot loaded before."""

    UNDECLARED = "undeclared"
    """A field that the record does not declare."""
    MISSING = "missing"
    """A declared field that no document has."""
    VALUE = "value"
    """A value outside of the declared ones."""
    APPEARED = "appeared"
    """A declared field that no document had."""
    DISAPPEARED = "disappeared"
    """A field that is neither declared nor there any more."""
    TYPE = "type"
    """The JSON types of a field."""
    NULL = "null"
    """A field that is now null in every document."""
    FILLED = "filled"
    """A field that was null in every document."""


class Drift(BaseModel):
    """One finding at one JSON path."""

    model_config = ConfigDict(frozen=True)

    path: str
    change: Change
    before: str | None
    after: str
    example: str | None = None

    @property
    def key(self) -> tuple[str, Change, str]:
        """What makes it the same finding when it is seen again."""
        return self.path, self.change, self.after if self.change is Change.VALUE else ""

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
        elif old.types and field.types and old.types != field.types:
            yield _drift(field, Change.TYPE, _types(old), _types(field))
        elif old.given and field.present and not field.given:
            yield _drift(field, Change.NULL, _types(old), "null", old.example)
        elif old.present and not old.given and field.given:
            yield _drift(field, Change.FILLED, "null", _types(field))
    for old in before:
        if old.present and old.path not in now:
            yield _drift(old, Change.DISAPPEARED, _types(old), "absent")


def _drift(field: FieldProfile, change: Change, before: str | None, after: str, example: str | None = None) -> Drift:
    return Drift(path=field.path, change=change, before=before, after=after, example=example or field.example)


def _types(field: FieldProfile) -> str:
    return ", ".join(field.types) or "null"


def _inside_undeclared(field: FieldProfile, before: Profile) -> bool:
    """Whether the field was part of one that was not declared then, so that it was not looked at."""
    return any(not old.declared and field.path.startswith((f"{old.path}.", f"{old.path}[")) for old in before)
