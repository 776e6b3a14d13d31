"""Periods: from a day, or from a term of a course, to the label of its school year, semester or month.

Labels sort in time as text: ``"2021-22"``, ``"2021-22 S1"``, ``"2021-09"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

import narwhals as nw
import pandas as pd

from mentoreval.aliases import PeriodLength
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.records.records import LazyTable

FIRST_MONTH = 7
"""A day without a calendar belongs to the school year that begins with the July at or before it."""


@dataclass(frozen=True)
class PeriodRule:
    """How days become periods.

    length : year, semester or month
    semester_ends : last day of the first semester as MM-DD, for calendars without a term: days of the school year up
        to and including it are S1, later ones S2
    """

    length: PeriodLength = "year"
    semester_ends: str = "01-31"

    def __post_init__(self) -> None:
        if self.length not in get_args(PeriodLength):
            raise OptionError(f"There is no period {self.length!r}.{suggest(self.length, get_args(PeriodLength))}")
        if pd.isna(pd.to_datetime(f"2000-{self.semester_ends}", format="%Y-%m-%d", errors="coerce")):
            raise OptionError(f"semester_ends = {self.semester_ends!r} is not a day of the year: write it as 01-31.")

    @property
    def _last_of_first_semester(self) -> int:
        month, day = (int(part) for part in self.semester_ends.split("-"))
        return self._place(month, day)

    @staticmethod
    def _place(month: int, day: int) -> int:
        """Where a day stands in the school year, as a number that sorts."""
        return (month - FIRST_MONTH) % 12 * 100 + day

    def label_days(self, days: LazyTable) -> LazyTable:
        """Days (date, school_year, perhaps term) with their ``period``. A month is that of the date itself."""
        if self.length == "year":
            return days.with_columns(nw.col("school_year").alias("period"))
        if self.length == "month":
            return days.with_columns(nw.col("date").dt.to_string("%Y-%m").alias("period"))
        term = self._semester_of(nw.col("date"))
        if "term" in days.collect_schema().names():
            stated = nw.col("term")
            term = nw.when(stated.is_null() | (stated == "")).then(term).otherwise(stated)
        return days.with_columns(nw.concat_str(nw.col("school_year"), term, separator=" ").alias("period"))

    def label_rows(self, rows: LazyTable, what: str) -> LazyTable:
        """Rows with a school_year, and a date where periods are shorter than a year, with their ``period``."""
        if self.length != "year" and "date" not in rows.collect_schema().names():
            raise DataError(
                f"{what} has no column date, so nobody can say in which {self.length} a row belongs. "
                'Add it, or use period = "year".'
            )
        return self.label_days(rows)

    def _semester_of(self, date: nw.Expr) -> nw.Expr:
        place = _months_since_july(date) * 100 + date.dt.day().cast(nw.Int64)
        return nw.when(place <= self._last_of_first_semester).then(nw.lit("S1")).otherwise(nw.lit("S2"))

    def label_dates(self, dates: pd.Series[Any]) -> pd.Series[Any]:
        """Labels of dates that no calendar knows, such as the start of a match after the last calendar.

        The school year runs from July to June, semesters part at ``semester_ends``.
        """
        labels = {date: self._label_of(date) for date in dates.unique()}
        return pd.Series([labels[date] for date in dates], index=dates.index, dtype="str")

    def _label_of(self, date: pd.Timestamp) -> str:
        if self.length == "month":
            return f"{date.year:04d}-{date.month:02d}"
        year = year_starting(date.year - (date.month < FIRST_MONTH))
        if self.length == "year":
            return year
        return f"{year} {'S1' if self._place(date.month, date.day) <= self._last_of_first_semester else 'S2'}"

    def year_of_label(self, label: str) -> str:
        """The school year of a period's label; a month belongs to the year that begins with the July before it."""
        if self.length != "month":
            return label[:7]
        return year_starting(int(label[:4]) - (int(label[5:7]) < FIRST_MONTH))

    def label_terms(self, grades: LazyTable) -> LazyTable:
        """Course marks (school_year, term) with their ``period``: the year, or the semester that the term names."""
        if self.length == "year":
            return grades.with_columns(nw.col("school_year").alias("period"))
        return grades.with_columns(nw.concat_str("school_year", "term", separator=" ").alias("period"))


def year_starting(first: int) -> str:
    """The school year that begins in a calendar year: 2021-22 for 2021."""
    return f"{first:04d}-{(first + 1) % 100:02d}"


def year_after(year: str) -> str:
    """The school year after one: 2022-23 for 2021-22."""
    return year_starting(int(year[:4]) + 1)


def year_before(year: str) -> str:
    """The school year before one: 2020-21 for 2021-22."""
    return year_starting(int(year[:4]) - 1)


def school_year_of(date: nw.Expr) -> nw.Expr:
    """The school year of a date, July to June, as the text 2021-22, in the engine of the table."""
    first = nw.when(date.dt.month() >= FIRST_MONTH).then(date.dt.year()).otherwise(date.dt.year() - 1)
    second = (first + 1).cast(nw.String).str.slice(2, 2)
    return nw.concat_str(first.cast(nw.String), second, separator="-")


def _months_since_july(date: nw.Expr) -> nw.Expr:
    month = date.dt.month().cast(nw.Int64)  # eight bits in some engines, too few for what is made of it
    return nw.when(month >= FIRST_MONTH).then(month - FIRST_MONTH).otherwise(month + 12 - FIRST_MONTH)
