"""How a cell of each kind is read: one narwhals expression for every engine.

A cast never meets a text that it can not read, because the text is replaced by a missing value first: an engine
would stop at the first such cell, and here all of them are counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import narwhals as nw

from mentoreval.records.records import LazyTable
from mentoreval.records.schema import DTYPES, ColumnKind

_YEAR = r"(?:19|20)\d\d"
_DAY = (
    r"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"  # the days that every month has
    r"|(?:0[13-9]|1[0-2])-(?:29|30)"
    r"|(?:0[13578]|1[02])-31)"
)
_LEAP_YEAR = r"(?:(?:19|20)(?:0[48]|[2468][048]|[13579][26])|2000)"
_MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0+)?)?)?"
ISO_DATE = rf"^(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29){_MIDNIGHT}$"
NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?$"
PLAIN_NUMBER = r"^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$"
INTEGER = r"^[+-]?\d{1,18}(?:\.0+)?$"
SCHOOL_YEAR = rf"^{_YEAR}-(?:\d\d|{_YEAR})$"
GRADE_LEVEL = r"^(?:PK|KG|K|-1|0?\d|1[0-2])(?:\.0+)?$"
DECIMAL_ID = r"^\d+\.0+$"
SCIENTIFIC_ID = r"^\d(?:\.\d+)?[eE]\+\d+$"
PADDED = r"^[\t-\r ]|[\t-\r ]$|^$"
YES = r"^(?:1\.0|true|t|yes|y)$"
NO = r"^(?:0\.0|false|f|no|n)$"


@dataclass(frozen=True)
class Cells:
    """What can be said of the cells of one column, as expressions on the plain frame.

    text : as found
    value : in the type of the column's kind; missing where the cell is empty or can not be read
    blank : True where the cell is empty
    unreadable : True where it says something that is not of this kind
    """

    text: nw.Expr
    value: nw.Expr
    blank: nw.Expr
    unreadable: nw.Expr


def plain(frame: LazyTable) -> LazyTable:
    """The frame with every column of words as text, and NaN missing."""
    return frame.select(_plain(name, dtype) for name, dtype in frame.collect_schema().items())


def is_padded(name: str) -> nw.Expr:
    """True where a text has blanks around it, or is empty."""
    return nw.col(name).str.contains(PADDED)


def stripped(name: str) -> nw.Expr:
    """The texts of a column without the blanks around them; missing where nothing is left."""
    text = nw.col(name).str.strip_chars()
    return nw.when(text != "").then(text).alias(name)


def read_cells(name: str, kind: ColumnKind, dtype: nw.dtypes.DType) -> Cells:
    """How the cells of that column of a plain frame are read; ``dtype`` is its type there."""
    found = nw.col(name)
    text = _text_of(found, dtype)
    value = _typed(found, kind, dtype)
    if value is None:
        value = READERS[kind](text)
    blank = found.is_null()
    return Cells(text, value, blank, value.is_null() & ~blank)


def is_plain_number(name: str) -> nw.Expr:
    """True where a text is a number that loses nothing when it is read as one: no leading zero, at most 15 digits."""
    return nw.col(name).str.contains(PLAIN_NUMBER)


def _plain(name: str, dtype: nw.dtypes.DType) -> nw.Expr:
    found = nw.col(name)
    if dtype.is_float():
        return nw.when(~found.is_nan()).then(found).alias(name)
    if isinstance(dtype, (nw.Categorical, nw.Enum, nw.Unknown, nw.Object)):
        return found.cast(nw.String)
    return found


def _text_of(found: nw.Expr, dtype: nw.dtypes.DType) -> nw.Expr:
    """The cells as text; a whole number has no decimals, also where missing cells made a library read it as decimal."""
    if isinstance(dtype, nw.String):
        return found
    if not dtype.is_float():
        return found.cast(nw.String)
    whole = found == found.round(0)
    return (
        nw.when(whole).then(nw.when(whole).then(found).cast(nw.Int64).cast(nw.String)).otherwise(found.cast(nw.String))
    )


def _typed(found: nw.Expr, kind: ColumnKind, dtype: nw.dtypes.DType) -> nw.Expr | None:
    """The values where the frame already has the right type, else None."""
    if kind == "number" and (dtype.is_numeric() or isinstance(dtype, nw.Boolean)):
        number = found.cast(nw.Float64)
        return nw.when(number.is_finite()).then(number)
    if kind == "flag" and isinstance(dtype, nw.Boolean):
        return found.cast(nw.Int8)
    if kind == "date" and isinstance(dtype, nw.Date):
        return found
    if kind == "date" and isinstance(dtype, nw.Datetime):
        return (found.dt.replace_time_zone(None) if dtype.time_zone else found).cast(nw.Date)
    return None


def _text(text: nw.Expr) -> nw.Expr:
    return text


def _id(text: nw.Expr) -> nw.Expr:
    """A spreadsheet makes 40017.0 of 40017; of 1.23457E+11 nothing can be made again."""
    lost = text.str.contains(SCIENTIFIC_ID)
    whole = nw.when(text.str.contains(DECIMAL_ID)).then(text.str.replace_all(r"\.0+$", "")).otherwise(text)
    return nw.when(~lost).then(whole)


def _number(text: nw.Expr) -> nw.Expr:
    return nw.when(text.str.contains(NUMBER)).then(text).cast(nw.Float64)


def _integer(text: nw.Expr) -> nw.Expr:
    return nw.when(text.str.contains(INTEGER)).then(text.str.replace_all(r"\.0+$", "")).cast(nw.Int64)


def _flag(text: nw.Expr) -> nw.Expr:
    digit = text.str.to_lowercase().str.replace_all(YES, "1").str.replace_all(NO, "0")
    return nw.when(digit.is_in(("0", "1"))).then(digit).cast(nw.Int8)


def _date(text: nw.Expr) -> nw.Expr:
    return nw.when(text.str.contains(ISO_DATE)).then(text.str.slice(0, 10)).str.to_date("%Y-%m-%d")


def _school_year(text: nw.Expr) -> nw.Expr:
    """2021-22; also of 2021-2022. The second year must follow the first."""
    shaped = nw.when(text.str.contains(SCHOOL_YEAR)).then(text)
    first, last = shaped.str.slice(0, 4).cast(nw.Int64), shaped.str.slice(5).cast(nw.Int64)
    follows = (first + 1 - last).is_in((0, 1900, 2000))  # written in full, or its last two digits
    return nw.when(follows).then(nw.concat_str([text.str.slice(0, 5), text.str.tail(2)]))


def _grade_level(text: nw.Expr) -> nw.Expr:
    """Kindergarten is 0 and the year before it -1, so that levels are in order and one year apart."""
    level = text.str.to_uppercase()
    number = level.str.replace_all(r"\.0+$", "").str.replace_all(r"^PK$", "-1").str.replace_all(r"^(?:KG|K)$", "0")
    return nw.when(level.str.contains(GRADE_LEVEL)).then(number).cast(DTYPES["grade_level"])


READERS: dict[ColumnKind, Callable[[nw.Expr], nw.Expr]] = {
    "id": _id,
    "text": _text,
    "category": _text,
    "number": _number,
    "integer": _integer,
    "flag": _flag,
    "date": _date,
    "school_year": _school_year,
    "grade_level": _grade_level,
}
