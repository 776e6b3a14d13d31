"""Staying in school: who drops out after a school year, with and without mentoring, and what the records then say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray
from mentoreval.worlds.district.calendar import SchoolYear
from mentoreval.worlds.district.roster import NOBODY, Roster
from mentoreval.worlds.district.tables import Ids

NEVER = np.iinfo(np.int64).max
FINAL_GRADE = 12
SUBJECTS: Mapping[str, str] = {
    "ELA": "english", "MATH": "math", "SCIENCE": "science", "HISTORY": "social studies", "ELECTIVE": "elective",
}  # fmt: skip


@dataclass(frozen=True)
class DropoutModel:
    """High school students who do not come back after the summer and finish nowhere; all numbers are assumptions.

    log-odds = intercept + per_rate × (year's absence rate − .07) − per_ability × ability, in grades 9 to 11.
    """

    intercept: float = -3.9
    per_rate: float = 8.0
    per_ability: float = 0.5
    first_grade: int = 9

    def chance(self, grade: IntArray, rate: FloatArray, ability: FloatArray) -> FloatArray:
        """(n,) chance of dropping out after the year; 0 outside the grades."""
        log_odds = self.intercept + self.per_rate * (rate - 0.07) - self.per_ability * ability
        in_grade = (grade >= self.first_grade) & (grade < FINAL_GRADE)
        return np.where(in_grade, 1.0 / (1.0 + np.exp(-log_odds)), 0.0)


@dataclass(frozen=True, eq=False)
class Staying:
    """What became of the students of every school year; rosters go on with those who dropped out, tables do not.

    Drawing everybody to the end and taking out of the tables what follows a dropout keeps all other students as they
    are, whoever stays.
    dropped : (n_students,) number of the school year after which a student dropped out, NEVER for the others
    outcomes : for each school year, the roster's students with dropout_unmentored and dropout_mentored
    codes : for each school year, exit code of the roster's students, None while they go on
    """

    dropped: IntArray
    outcomes: list[pd.DataFrame] = field(default_factory=list)
    codes: list[ObjectArray] = field(default_factory=list)

    @classmethod
    def of_everybody(cls, n_students: int) -> Staying:
        """Nobody has left yet."""
        return cls(np.full(n_students, NEVER))

    def gone(self, student: IntArray, number: int) -> BoolArray:
        """(k,) dropped out before that school year."""
        return np.asarray(self.dropped[student] < number)

    def end_year(
        self,
        number: int,
        rosters: Sequence[Roster],
        n_days: int,
        chances: tuple[FloatArray, FloatArray],
        luck: FloatArray,
    ) -> None:
        """Write down who comes back after the year, who finished, who dropped out and who moved away.

        chances : of dropping out without and with mentoring, each (n,); luck : (n,) uniform
        """
        roster = rosters[number]
        last = number == len(rosters) - 1
        returns = np.zeros(len(roster.student), dtype=bool)
        if not last:
            previous = rosters[number + 1].previous
            returns[previous[previous != NOBODY]] = True
        graduates = (roster.grade == FINAL_GRADE) & (roster.exit == n_days)
        moved = (roster.exit < n_days) | (not last) & ~returns & ~graduates
        here = ~self.gone(roster.student, number)
        would, does = (returns & here & (luck < chance) for chance in chances)
        known = (returns | graduates) & here
        values = {name: np.where(known, out, np.nan) for name, out in (("unmentored", would), ("mentored", does))}
        self.outcomes.append(pd.DataFrame({f"dropout_{name}": value for name, value in values.items()}))
        codes = np.full(len(roster.student), None, dtype=object)
        for who, code in ((moved, "transfer"), (graduates, "graduated"), (does, "dropout")):
            codes[who] = code
        self.codes.append(codes)
        self.dropped[roster.student[does]] = number

    def outcome_rows(self, rosters: Sequence[Roster], years: Sequence[SchoolYear], ids: Ids) -> pd.DataFrame:
        """student_id, period and both values of dropout, for the years in which the student was still there."""
        parts = []
        for number, (roster, year, values) in enumerate(zip(rosters, years, self.outcomes, strict=True)):
            frame = values.assign(student_id=ids.student[roster.student], period=year.label)
            parts.append(frame[~self.gone(roster.student, number)])
        return pd.concat(parts, ignore_index=True)

    def into(
        self, tables: Mapping[str, pd.DataFrame], rosters: Sequence[Roster], years: Sequence[SchoolYear], ids: Ids
    ) -> dict[str, pd.DataFrame]:
        """The tables without what follows a dropout, with exit codes and with subjects beside the courses."""
        kept = dict(tables)
        for name, when in (("attendance", "date"), ("grades", "school_year")):
            there = self.still_there(kept[name]["student_id"], kept[name][when], years, ids)
            kept[name] = kept[name][there].reset_index(drop=True)
        kept["grades"] = kept["grades"].assign(subject=kept["grades"]["course_id"].map(SUBJECTS))
        return {**kept, "enrolment": self._in_enrolment(kept["enrolment"], rosters, years, ids)}

    def _in_enrolment(
        self, table: pd.DataFrame, rosters: Sequence[Roster], years: Sequence[SchoolYear], ids: Ids
    ) -> pd.DataFrame:
        """The enrolment without what follows a dropout, with exit_code and the last day where there is one."""
        parts = []
        for number, (roster, year) in enumerate(zip(rosters, years, strict=True)):
            frame = pd.DataFrame({"student_id": ids.student[roster.student], "exit_code": self.codes[number]})
            frame = frame.assign(school_year=year.label, last_day=year.iso_dates[-1])
            parts.append(frame[~self.gone(roster.student, number)])
        kept = table.merge(pd.concat(parts, ignore_index=True), on=["student_id", "school_year"])
        last_spell = ~kept.duplicated(["student_id", "school_year"], keep="last")
        kept["exit_code"] = kept["exit_code"].where(last_spell, None)
        left = kept["exit_code"].notna() & kept["exit_date"].isna()
        kept["exit_date"] = kept["exit_date"].where(~left, kept["last_day"])
        return kept.drop(columns="last_day")

    def still_there(self, student_id: pd.Series, when: pd.Series, years: Sequence[SchoolYear], ids: Ids) -> BoolArray:
        """(k,) rows of a table that are not of the years after a dropout.

        when : dates, or labels of school years: as text 2022-23 and 2023-06-14 come before July 2023, 2023-24 after
        """
        left = np.flatnonzero(self.dropped != NEVER)
        stop = pd.Series(
            {ids.student[k]: f"{years[int(self.dropped[k]) + 1].label[:4]}-07" for k in left}, dtype=object
        )
        rows = np.flatnonzero(student_id.isin(stop.index))
        there = np.ones(len(student_id), dtype=bool)
        there[rows] = (when.iloc[rows] < student_id.iloc[rows].map(stop)).to_numpy()
        return there
