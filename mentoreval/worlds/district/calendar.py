"""School calendars: which dates are in session in which school."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mentoreval.aliases import BoolArray, IntArray, ObjectArray

DateArray = NDArray[np.datetime64]

# A school's own staff day is drawn between these days, so that every school opens and closes with the district.
FIRST_STAFF_DAY, LAST_STAFF_DAY = 30, 150


@dataclass(frozen=True, eq=False)
class SchoolYear:
    """One school year of a district.

    label : "2021-22"
    dates : (n_days,) every date on which at least one school is in session, in order
    in_session : (n_schools, n_days)
    second_term_from : position in ``dates`` of the first day of the second semester
    complete : whether the records go to the end of the year
    """

    label: str
    dates: DateArray
    in_session: BoolArray
    second_term_from: int
    complete: bool = True

    @property
    def n_days(self) -> int:
        """Number of dates of the district's calendar."""
        return len(self.dates)

    @property
    def terms(self) -> ObjectArray:
        """(n_days,) "S1" or "S2"."""
        return np.where(np.arange(self.n_days) < self.second_term_from, "S1", "S2").astype(object)

    @property
    def iso_dates(self) -> ObjectArray:
        """(n_days,) dates as text, YYYY-MM-DD."""
        return np.datetime_as_string(self.dates, unit="D").astype(object)

    def until(self, last: str) -> SchoolYear:
        """The year as records that end on that date (YYYY-MM-DD) have it; the whole year where they end later."""
        known = int(np.searchsorted(self.dates, np.datetime64(last), side="right"))
        if known == self.n_days:
            return self
        return replace(self, dates=self.dates[:known], in_session=self.in_session[:, :known], complete=False)

    def frame(self, school_ids: ObjectArray) -> pd.DataFrame:
        """One row for each school and day in session: school_id, date, school_year, term."""
        school, day = np.nonzero(self.in_session)
        columns = {"school_id": school_ids[school], "date": self.iso_dates[day]}
        return pd.DataFrame({**columns, "school_year": self.label, "term": self.terms[day]})


def make_school_year(
    first_year: int, n_schools: int, rng: np.random.Generator, days: int = 180, opens: int = -5
) -> SchoolYear:
    """The school year that begins in ``first_year``, with that many days in session in every school.

    It opens that many days after Labor Day (-5 is the Wednesday before) and keeps the federal holidays, three days of
    Thanksgiving, a winter break and a week in April. Each school also closes for one staff day of its own, so calendars
    differ by a day.
    """
    opening = _weekday_of_month(first_year, 9, "Mon", 0) + np.timedelta64(opens, "D")
    dates = np.busday_offset(opening, np.arange(days + 1), roll="forward", holidays=_holidays(first_year))
    in_session = np.ones((n_schools, days + 1), dtype=bool)
    last = min(LAST_STAFF_DAY, days)
    in_session[np.arange(n_schools), rng.integers(min(FIRST_STAFF_DAY, last - 1), last, size=n_schools)] = False
    label = f"{first_year}-{(first_year + 1) % 100:02d}"
    return SchoolYear(label, dates.astype("datetime64[D]"), in_session, (days + 1) // 2)


def dates_of(years: Sequence[SchoolYear], number: IntArray, day: IntArray) -> ObjectArray:
    """(k,) dates as text, by number of the school year and position in its dates, both (k,)."""
    first = np.cumsum([0, *(year.n_days for year in years)])[:-1]
    return np.asarray(np.concatenate([year.iso_dates for year in years])[first[number] + day], dtype=object)


def _weekday_of_month(year: int, month: int, weekday: str, which: int) -> np.datetime64:
    """The first (which = 0), second, … such weekday of a month; -1 is the last one of the month before."""
    first = np.array([f"{year}-{month:02d}-01"], dtype="datetime64[D]")
    day: np.datetime64 = np.busday_offset(first, which, roll="forward", weekmask=weekday)[0]
    return day


def _holidays(first_year: int) -> DateArray:
    autumn, spring = first_year, first_year + 1
    thanksgiving = _weekday_of_month(autumn, 11, "Thu", 3)
    april_week = _weekday_of_month(spring, 4, "Mon", 1)
    single = [
        _weekday_of_month(autumn, 9, "Mon", 0),  # Labor Day
        _weekday_of_month(autumn, 10, "Mon", 1),  # Indigenous Peoples' Day
        np.datetime64(f"{autumn}-11-11"),  # Veterans Day
        _weekday_of_month(spring, 1, "Mon", 2),  # Martin Luther King Jr. Day
        _weekday_of_month(spring, 2, "Mon", 2),  # Presidents' Day
        _weekday_of_month(spring, 6, "Mon", -1),  # Memorial Day
        np.datetime64(f"{spring}-06-19"),  # Juneteenth
    ]
    spans = [
        np.arange(thanksgiving - np.timedelta64(1, "D"), thanksgiving + np.timedelta64(2, "D")),
        np.arange(np.datetime64(f"{autumn}-12-23"), np.datetime64(f"{spring}-01-03")),
        np.arange(april_week, april_week + np.timedelta64(5, "D")),
    ]
    return np.concatenate([np.array(single), *spans]).astype("datetime64[D]")
