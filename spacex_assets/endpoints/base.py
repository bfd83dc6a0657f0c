"""What an endpoint is, and the words in which one is declared.

A record declares a document of the source once: names, types, nullability, meaning, unit, references. The tables, the
frames and the transform are derived from it (``layout.py``, ``tables.py``, ``transform/``). What does not belong here:
anything that is true of one endpoint only.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function, with_info_after_validator_function

if TYPE_CHECKING:
    from sqlalchemy import Table

    from spacex_assets.endpoints.layout import TableLayout

SIMULATED_MARK = " (simulated)"
"""Ends the text at :attr:`Endpoint.mark` in every simulated document, and in no other."""


class Record(BaseModel):
    """A document of the source, or an object inside one.

    Strict: nothing is coerced, so text never becomes a number. An undeclared field is noticed; what becomes of it, the
    endpoint's contract mode says.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


EXTRA = "_extra"
"""The column of a main table with the undeclared fields of its document."""


@dataclass(frozen=True)
class Ref:
    """Marks an id as a reference to a document of another endpoint: an indexed column ``<field>_id``."""

    endpoint: str


@dataclass(frozen=True)
class Bridge:
    """Marks a list of references as authoritative: a table of its own, one row per reference, so that none repeats."""

    endpoint: str
    table: str
    column: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(_distinct, handler(source))


def _distinct(references: list[str]) -> list[str]:
    if len(set(references)) != len(references):
        raise ValueError("references that do not repeat")
    return references


@dataclass(frozen=True)
class BackRefs:
    """Marks a list of references as derived by the source from another endpoint: an array column."""

    endpoint: str
    column: str


@dataclass(frozen=True)
class Children:
    """Marks a list of objects: a table of its own, keyed by the parent's id and the position in the list."""

    table: str


@dataclass(frozen=True)
class Volatile:
    """Marks a field that changes by itself all the time: a change of it alone begins no new version of the row."""


VOLATILE = Volatile()


@dataclass(frozen=True)
class Ungiven:
    """Marks a field that the source documents, but is known to give in no document: that it is absent is no drift."""


UNGIVEN = Ungiven()

FROZEN = "frozen"
"""The validation context in which a text outside of its :class:`OneOf` breaks the record."""
UNDECLARED_VALUE = "undeclared_value"
"""How pydantic reports that it does."""


@dataclass(frozen=True, init=False)
class OneOf:
    """Marks a text as one of the values that the source is known to use; another one is drift, no breach."""

    values: tuple[str, ...]

    def __init__(self, *values: str) -> None:
        object.__setattr__(self, "values", values)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return with_info_after_validator_function(self._known, handler(source))

    def _known(self, value: str, info: ValidationInfo) -> str:
        if info.context == FROZEN and value and value not in self.values:
            raise PydanticCustomError(UNDECLARED_VALUE, "one of {values}", {"values": ", ".join(self.values)})
        return value


def required(meaning: str, *, unit: str | None = None, alias: str | None = None) -> Any:
    """A field that every document has and that is never null: a NOT NULL column."""
    return Field(description=meaning, json_schema_extra={"unit": unit}, alias=alias)


def optional(meaning: str = "", *, unit: str | None = None, alias: str | None = None) -> Any:
    """A field that may be null or absent; both are stored as null.

    Without a meaning it has that of the object around it, which is then one quantity in several units.
    """
    return Field(default=None, description=meaning, json_schema_extra={"unit": unit}, alias=alias)


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the API.

    ``name`` is also the name of its raw asset and of its main table, ``singular`` begins the names of its child
    tables, ``path`` is the route of its GET, ``single`` says that the body is one object instead of a list, ``mark``
    is the path of the text that tells a simulated document from a real one.
    """

    name: str
    singular: str
    path: str
    record: type[Record]
    mark: tuple[str, ...]
    single: bool = False

    @cached_property
    def layouts(self) -> "tuple[TableLayout, ...]":
        """The tables, main table first."""
        from spacex_assets.endpoints.layout import layouts_of

        return layouts_of(self)

    @cached_property
    def tables(self) -> "tuple[Table, ...]":
        """The SQLAlchemy tables, in the order of :attr:`layouts`."""
        from spacex_assets.endpoints.tables import table_of

        return tuple(table_of(layout) for layout in self.layouts)

    @cached_property
    def json_schema(self) -> dict[str, pl.DataType]:
        """The declared fields as Polars reads them from the source, and :data:`EXTRA`, which ``parse.py`` fills."""
        from spacex_assets.endpoints.layout import json_schema_of

        return {**json_schema_of(self.record), EXTRA: pl.String()}

    @cached_property
    def documents(self) -> TypeAdapter[list[Record]]:
        """The validator of a list of documents."""
        return TypeAdapter(list[self.record])  # type: ignore[name-defined]

    @cached_property
    def document(self) -> TypeAdapter[Record]:
        """The validator of one document."""
        return TypeAdapter(self.record)
