"""Days as binary digits: which days a student has in a table, in a few numbers that are made in one pass over its rows.

The dates of the table are numbered in order; each is a power of two, 45 of them to a number, and four numbers are a
span of 180 dates, about a school year. Different powers add up to a number with as many binary ones as there are days;
where a day comes twice, two ones become one. So many million rows of days can be asked whether any of them repeats, and
whether all of them are among other days, by looking at one row for each student.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import narwhals as nw
import numpy as np

from mentoreval.aliases import IntArray
from mentoreval.records.checked import distinct
from mentoreval.records.engines import hold_if_embedded
from mentoreval.records.records import LazyTable

DIGITS = 45
"""Dates in one number: of 255 rows the sum is below 2⁵³, up to which a float holds every whole number."""

MARKS = ("_marks_1", "_marks_2", "_marks_3", "_marks_4")
OWN = ("_own_1", "_own_2", "_own_3", "_own_4")
SPAN = DIGITS * len(MARKS)
"""Dates in one span; more rows than that have a date twice in any case."""

HIGHEST_DIGIT = 53
"""Of sums that a float holds exactly, as those of a span's rows are where no date comes twice."""

BYTE = 256
"""Rows of one code in a span stay below it where no date comes twice, so that six codes share one exact float."""


@dataclass(frozen=True, eq=False)
class DayMarks:
    """The days of each student, or of each other thing that has one row for each date.

    rows : the table that they are of; rows without a date or a part of the key are left out
    key : the columns that name a row together with its date
    dates : date, _span, and the date's power of two in one of ``MARKS``, with 0 in the others
    sums : key, _span, the sums of ``MARKS``, _rows, and where codes are given _codes, the rows of each code in a byte
    codes : what ``_codes`` counts
    """

    rows: LazyTable
    key: list[str]
    dates: LazyTable
    sums: LazyTable
    codes: tuple[str, ...]

    @classmethod
    def of(cls, rows: LazyTable, key: Sequence[str], date: str, codes: tuple[str, ...] = ()) -> DayMarks:
        """The days of a table.

        codes : texts of the column ``code`` whose rows are counted, at most six, the most frequent first
        """
        dates = distinct(rows, date).filter(~nw.col(date).is_null())
        dates = hold_if_embedded(_marked(dates, date))
        whole = rows.filter(*(~nw.col(name).is_null() for name in key))
        counted = {"_codes": _byte_of(codes)} if codes else {}
        marked = whole.select(*key, date, **counted).join(dates, on=date, how="inner")
        sums = marked.group_by(*key, "_span").agg(*[nw.col(name).sum() for name in (*MARKS, *counted)], _rows=nw.len())
        return cls(rows, list(key), dates, hold_if_embedded(sums), codes)

    def repeat(self) -> bool:
        """Whether some date comes more than once for the same key."""
        marks, rows = _kinds(self.sums, MARKS, "_rows")
        return bool(((rows > SPAN) | (_ones(marks) < rows)).any())

    def within(self, own: LazyTable) -> bool:
        """Whether each date is among those that its key has in ``own``; of marks that do not repeat.

        own : key, _span, the sums ``OWN`` of those dates, and _own, how many they are. False also where one of them
            comes twice, since it can then not be told
        """
        joined = self.sums.join(own, on=[*self.key, "_span"], how="left")
        filled = joined.with_columns(nw.col(name).fill_null(0) for name in (*OWN, "_own"))
        sums, days = _kinds(filled, (*MARKS, *OWN), "_own")
        marks, of_own = np.split(sums, 2)
        told = (days <= SPAN) & (_ones(of_own) == days)
        return bool((told & ~(marks & ~of_own).any(axis=0)).all())

    @cached_property
    def by_code(self) -> LazyTable:
        """For each key, in a column for each code, in how many rows it has that code; of marks that do not repeat."""
        rows = nw.col("_codes").cast(nw.Int64)
        counts = {code: rows // BYTE**place % BYTE for place, code in enumerate(self.codes)}
        totals = self.sums.select(*self.key, **counts).group_by(self.key).agg(nw.col(code).sum() for code in self.codes)
        return hold_if_embedded(totals.with_columns(nw.col(code).cast(nw.Int64) for code in self.codes))


def mark_sums(days: LazyTable, by: Sequence[str]) -> LazyTable:
    """Days with their marks, summed: by, the sums under the names of ``OWN``, and _own, how many days they are."""
    named = {name: nw.col(mark) for name, mark in zip(OWN, MARKS, strict=True)}
    return days.select(*by, **named).group_by(list(by)).agg(*[nw.col(name).sum() for name in OWN], _own=nw.len())


def _marked(dates: LazyTable, date: str) -> LazyTable:
    """The dates, each with its span and its marks."""
    numbered = dates.with_row_index("_number", order_by=date).with_columns(nw.col("_number").cast(nw.Int64))
    number = nw.col("_number")
    placed = numbered.with_columns(_span=number // SPAN, _place=number // DIGITS % len(MARKS))
    power = 2.0 ** (number % DIGITS).cast(nw.Float64)
    marks = {
        name: nw.when(nw.col("_place") == place).then(power).otherwise(nw.lit(0.0)) for place, name in enumerate(MARKS)
    }
    return placed.select(date, "_span", **marks)


def _byte_of(codes: Sequence[str]) -> nw.Expr:
    """A one in the byte of the row's code; the most frequent code is looked for first."""
    byte: nw.Expr = nw.lit(0.0)
    for place, code in reversed(list(enumerate(codes))):
        byte = nw.when(nw.col("code") == code).then(nw.lit(float(BYTE**place))).otherwise(byte)
    return byte


def _kinds(sums: LazyTable, marks: Sequence[str], rows: str) -> tuple[IntArray, IntArray]:
    """The different sums of marks, (numbers, kinds), and of how many rows they are, (kinds,).

    Schools share their calendar, so that most students have the same sums: where every day is listed they are few.
    """
    columns = [nw.col(rows).cast(nw.Float64), *map(nw.col, marks)]
    found = distinct(sums.select(columns), rows, *marks).collect("pyarrow").to_native()
    whole = np.array([found[name].to_numpy() for name in (rows, *marks)])
    return whole[1:].clip(max=2.0**HIGHEST_DIGIT).astype(np.int64), whole[0].astype(np.int64)


def _ones(numbers: IntArray) -> IntArray:
    """(kinds,) how many binary digits of (numbers, kinds) are one."""
    ones: IntArray = np.zeros(numbers.shape[1], dtype=np.int64)
    for digit in range(HIGHEST_DIGIT + 1):
        ones += (numbers >> digit & 1).sum(axis=0)
    return ones
