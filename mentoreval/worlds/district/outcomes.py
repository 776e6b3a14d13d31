"""One school year with and without mentoring: the same would-be absences and marks, and what mentoring averted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.worlds.district.absences import WouldBeAbsences
from mentoreval.worlds.district.calendar import SchoolYear
from mentoreval.worlds.district.marks import MarkModel, Marks
from mentoreval.worlds.district.roster import Roster


@dataclass(frozen=True, eq=False)
class Attended:
    """Enrolment and absences of one school year, n students.

    enrolled : (n, n_days) in a school that is in session
    averted : for each would-be absence, whether mentoring averted it
    """

    year: SchoolYear
    roster: Roster
    enrolled: BoolArray
    absences: WouldBeAbsences
    averted: BoolArray

    @property
    def present(self) -> BoolArray:
        """(n, n_days) the student is in school."""
        happened = ~self.averted
        present = self.enrolled.copy()
        present[self.absences.row[happened], self.absences.day[happened]] = False
        return present

    @property
    def days_enrolled(self) -> IntArray:
        """(n, 2) days in session while enrolled, by semester."""
        cut = self.year.second_term_from
        return np.stack([self.enrolled[:, :cut].sum(axis=1), self.enrolled[:, cut:].sum(axis=1)], axis=1)

    def days_absent(self, mentored: bool) -> IntArray:
        """(n, 2) days absent by semester, with mentoring as it was or as if there had been none."""
        counts = ~self.averted if mentored else np.ones(len(self.averted), dtype=bool)
        cell = 2 * self.absences.row + (self.absences.day >= self.year.second_term_from)
        n = len(self.roster.student)
        return np.bincount(cell[counts], minlength=2 * n).reshape(n, 2)

    def draw_marks(
        self, model: MarkModel, ability: FloatArray, rng: np.random.Generator, gain: FloatArray | None = None
    ) -> Marks:
        """Marks of every semester that ends with the student enrolled, after ``least_days`` at least.

        gain : (n,) score points that mentoring adds to every mark apart from what attendance does; none by default
        """
        enrolled = self.days_enrolled
        last_days = [self.year.second_term_from - 1, self.year.n_days - 1]
        there = (self.roster.entry[:, None] <= last_days) & (self.roster.exit[:, None] > last_days)
        rates = tuple(self.days_absent(mentored) / np.maximum(enrolled, 1) for mentored in (False, True))
        marked = there & (enrolled >= model.least_days) & [True, self.year.complete]
        # A point of score is worth 1 / slope of the semester's absence rate, so that one formula serves both.
        mentored = rates[1] if gain is None else rates[1] - gain[:, None] / model.slope
        return model.draw(self.roster.grade, ability, marked, (rates[0], mentored), rng)


def averted_absences(absences: WouldBeAbsences, share: FloatArray, start: IntArray) -> BoolArray:
    """Which would-be absences mentoring averts: the share of each student ((n,), 0 for the others) from a day on."""
    return (absences.luck < share[absences.row]) & (absences.day >= start[absences.row])


def potential_outcomes(attended: Attended, marks: Marks) -> pd.DataFrame:
    """Days enrolled, and every outcome unmentored and mentored, one row for each student of the year's roster.

    The outcomes follow the package's measures: absent days over days in session while enrolled, chronic absence where
    absent × 10 >= enrolled, the credit-weighted mean of grade points, and whether any mark of the year is F.
    """
    enrolled = attended.days_enrolled.sum(axis=1)
    n = len(enrolled)
    columns: dict[str, IntArray | FloatArray] = {"days_enrolled": enrolled}
    for suffix, mentored in (("unmentored", False), ("mentored", True)):
        absent = attended.days_absent(mentored).sum(axis=1)
        given = marks.mentored if mentored else marks.unmentored
        columns[f"attendance_rate_{suffix}"] = 1.0 - absent / enrolled
        columns[f"days_absent_{suffix}"] = absent
        columns[f"chronic_absence_{suffix}"] = (absent * 10 >= enrolled).astype(np.int64)
        columns[f"gpa_{suffix}"] = marks.gpa(given, n)
        columns[f"course_failure_{suffix}"] = marks.failed(given, n)
    return pd.DataFrame(columns)
