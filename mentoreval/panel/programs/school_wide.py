"""school_wide: every student of a school has a mentor, so that schools are compared and not students."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pandas as pd

from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.program import TREATED_COLUMNS, Program, start_periods
from mentoreval.panel.records_by_period import RecordsByPeriod


@dataclass(frozen=True)
class SchoolWide(Program):
    """Whole schools, each from a date on: all of its students are in the program from then, or from when they come.

    Nobody in such a school is left to compare with, so that the unit of the panel is the school and the comparison are
    schools without the program, or not yet.

    starts : (school_id, date as YYYY-MM-DD) of each school in the program
    """

    name: ClassVar[str] = "school_wide"
    unit: ClassVar[Literal["student", "school"]] = "school"

    starts: tuple[tuple[str, ...], ...] = ()

    def check(self) -> None:
        """Each school stands once, with a date."""
        if not self.starts:
            raise OptionError('school_wide takes starts = [["school_id", "2022-09-01"], …], one for each school in it.')
        wrong = [pair for pair in self.starts if len(pair) != 2 or pd.isna(_date(pair[-1]))]
        if wrong:
            raise OptionError(f"starts has pairs of a school and a date as YYYY-MM-DD; got {list(wrong[0])}.")
        schools = [pair[0] for pair in self.starts]
        if len(set(schools)) < len(schools):
            raise OptionError(f"A school starts once; starts names {max(schools, key=schools.count)!r} more than once.")

    def treat(self, records: RecordsByPeriod) -> pd.DataFrame:
        """Students who were enrolled at one of the schools on or after its start; mentor_id is missing."""
        spells = collect_frame(records.records.enrolment.select("student_id", "school_id", "entry_date", "exit_date"))
        self._refuse_unknown(set(spells["school_id"]))
        start = spells["school_id"].map({school: _date(day) for school, day in self.starts})
        there = spells[start.notna() & ~(spells["exit_date"] < start)]
        later = start.loc[there.index].astype("datetime64[us]")
        began = there["entry_date"].where(there["entry_date"] > later, later)
        first = there.assign(start_date=began).groupby("student_id", as_index=False)["start_date"].min()
        label = start_periods(records, first["student_id"], first["start_date"])
        missing = pd.Series(None, index=first.index, dtype="str")
        treated: pd.DataFrame = first.assign(first_treated=label, mentor_id=missing, excluded=missing)
        return treated[list(TREATED_COLUMNS)]

    def starts_of_schools(self, records: RecordsByPeriod) -> pd.Series[str]:
        """The period of the first day in session of the school on or after its date."""
        days = records.session_days
        label = {}
        for school, day in self.starts:
            own = days[(days["school_id"] == school) & (days["date"] >= _date(day))]
            alone = records.rule.label_dates(pd.Series([_date(day)]))
            label[school] = own["period"].iloc[0] if len(own) else alone.iloc[0]
        return pd.Series(label, dtype="str")

    def _refuse_unknown(self, known: set[str]) -> None:
        for school, _ in self.starts:
            if school not in known:
                raise DataError(
                    f"starts names the school {school!r}, where nobody is enrolled.{suggest(school, known)}"
                )


def _date(text: str) -> pd.Timestamp:
    return pd.to_datetime(pd.Series([text]), format="%Y-%m-%d", errors="coerce").iloc[0]
