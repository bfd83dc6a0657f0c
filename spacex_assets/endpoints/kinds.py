"""The kinds of JSON leaf that the API knows: how each is checked, read by Polars and stored by PostgreSQL.

A record names one of the aliases below as a field's type (``mass_kg: Measure | None``); everything else about the
column follows from it. What belongs here: types. What does not: fields of any endpoint.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import polars as pl
import sqlalchemy as sa
from pydantic import AfterValidator, Field
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from spacex_assets.endpoints.promises import DATES, UTC_OFFSETS, Between

INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Kind:
    """One kind of leaf.

    ``json`` is the type that Polars reads from the source, ``frame`` the type of the typed column, ``sql`` the type
    of the PostgreSQL column; ``read`` turns the first into the second. ``prefix`` and ``suffix`` surround its name;
    ``between`` is the range of fields that declare no other; ``meaning`` and ``unit`` replace the field's own, where a
    field makes two columns.
    """

    name: str
    json: pl.DataType
    frame: pl.DataType
    sql: TypeEngine[Any]
    read: Callable[[pl.Expr], pl.Expr] = lambda leaf: leaf
    between: Between | None = None
    meaning: str = ""
    unit: str | None = None
    prefix: str = ""
    suffix: str = ""


def _instant(leaf: pl.Expr) -> pl.Expr:
    return leaf.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=True)


def _utc_instant(leaf: pl.Expr) -> pl.Expr:
    return leaf.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=True).dt.replace_time_zone("UTC")


def _utc_offset_minutes(leaf: pl.Expr) -> pl.Expr:
    offset = leaf.str.extract_groups(r"([+-])(\d\d):(\d\d)$")
    sign = pl.when(offset.struct["1"] == "-").then(-1).otherwise(1)
    minutes = offset.struct["2"].cast(pl.Int16) * 60 + offset.struct["3"].cast(pl.Int16)
    return pl.when(leaf.is_null()).then(None).otherwise((sign * minutes).fill_null(0)).cast(pl.Int16)


def _text(leaf: pl.Expr) -> pl.Expr:
    return pl.when(leaf != "").then(leaf)


TEXT = Kind("text", pl.String(), pl.String(), sa.Text(), _text)
ID = Kind("id", pl.String(), pl.String(), sa.Text())
REFERENCE = Kind("reference", pl.String(), pl.String(), sa.Text(), suffix="_id")
FLAG = Kind("flag", pl.Boolean(), pl.Boolean(), sa.Boolean())
BIT = Kind("bit", pl.Int8(), pl.Boolean(), sa.Boolean(), lambda leaf: leaf == 1)
COUNT = Kind("count", pl.Int32(), pl.Int32(), sa.Integer())
BIG_COUNT = Kind("big count", pl.Int64(), pl.Int64(), sa.BigInteger())
MEASURE = Kind("measure", pl.Float64(), pl.Float64(), sa.Double())
MOMENT = Kind("instant", pl.String(), INSTANT, sa.DateTime(timezone=True), _instant, DATES)
UTC_MOMENT = Kind("instant without offset", pl.String(), INSTANT, sa.DateTime(timezone=True), _utc_instant, DATES)
UTC_OFFSET = Kind(
    "offset from UTC",
    pl.String(),
    pl.Int16(),
    sa.SmallInteger(),
    _utc_offset_minutes,
    UTC_OFFSETS,
    meaning="By how much local time was ahead of UTC; negative to the west.",
    unit="minutes",
    suffix="_utc_offset_minutes",
)
CALENDAR_DATE = Kind(
    "date", pl.String(), pl.Date(), sa.Date(), lambda leaf: leaf.str.to_date("%Y-%m-%d", strict=True), DATES
)
TEXTS = Kind("texts", pl.List(pl.String()), pl.List(pl.String()), ARRAY(sa.Text()))
BIG_COUNTS = Kind("big counts", pl.List(pl.Int64()), pl.List(pl.Int64()), ARRAY(sa.BigInteger()))
PRESENCE = Kind("presence", pl.Struct([]), pl.Boolean(), sa.Boolean(), lambda leaf: leaf.is_not_null(), prefix="has_")
UNDECLARED = Kind("undeclared fields", pl.String(), pl.String(), JSONB())
POSITION = Kind("position", pl.Int32(), pl.Int32(), sa.Integer())


def _real_instant(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a day that the calendar has") from error
    return text


def _real_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("a day that the calendar has") from error
    return text


HEX_24 = r"^[0-9a-f]{24}$"
_NO_NUL = r"^[^\x00]*$"
_DATE_TIME = r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_ZONE = r"(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$"

Text = Annotated[str, Field(pattern=_NO_NUL), TEXT]
"""Any text without NUL, which PostgreSQL cannot hold. An empty text is stored as null."""
FilledText = Annotated[str, Field(pattern=_NO_NUL, min_length=1), TEXT]
"""A text that is never empty: what a NOT NULL column needs."""
Id = Annotated[str, Field(pattern=HEX_24), ID]
"""An ObjectId: 24 lower-case hexadecimal digits."""
Flag = Annotated[bool, FLAG]
Bit = Annotated[int, Field(ge=0, le=1), BIT]
"""A flag that the source spells 0 or 1."""
Count = Annotated[int, Field(ge=-(2**31), lt=2**31), COUNT]
BigCount = Annotated[int, Field(ge=-(2**63), lt=2**63), BIG_COUNT]
Measure = Annotated[float, MEASURE]
"""A number with a unit; the source drops a trailing ``.0``, so whole numbers are measures too."""
Instant = Annotated[str, Field(pattern=_DATE_TIME + _ZONE), AfterValidator(_real_instant), MOMENT]
"""ISO 8601 with ``Z`` or an offset."""
LocalInstant = Annotated[str, Field(pattern=_DATE_TIME + _ZONE), AfterValidator(_real_instant), MOMENT, UTC_OFFSET]
"""An instant whose offset matters: two columns, the instant and the minutes by which local time was ahead of UTC."""
UtcInstant = Annotated[str, Field(pattern=_DATE_TIME + "$"), AfterValidator(_real_instant), UTC_MOMENT]
"""ISO 8601 without offset, in UTC by the source's own definition (CCSDS OMM ``TIME_SYSTEM``)."""
CalendarDate = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_real_date), CALENDAR_DATE]
Texts = Annotated[list[Annotated[str, Field(pattern=_NO_NUL)] | None], TEXTS]
BigCounts = Annotated[list[Annotated[int, Field(ge=-(2**63), lt=2**63)] | None], BIG_COUNTS]
Ids = Annotated[list[Annotated[str, Field(pattern=HEX_24)]], TEXTS]
"""References as an array column."""
