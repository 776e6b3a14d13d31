"""Report-card marks in letters, which follow ability and attendance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray

# Percent scores from which each letter is given, and its points in tenths (a 4.0 scale without A+).
LETTERS: ObjectArray = np.array(["F", "D-", "D", "D+", "C-", "C", "C+", "B-", "B", "B+", "A-", "A"], dtype=object)
CUT_SCORES = np.array([60, 63, 67, 70, 73, 77, 80, 83, 87, 90, 93], dtype=np.float64)
POINT_TENTHS = np.array([0, 7, 10, 13, 17, 20, 23, 27, 30, 33, 37, 40], dtype=np.int64)
COURSES: ObjectArray = np.array(["ELA", "MATH", "SCIENCE", "HISTORY", "ELECTIVE"], dtype=object)
HALF_CREDITS = np.array([2, 2, 2, 2, 1], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Marks:
    """The marks of one school year, k of them, without mentoring and with it; marks are places in LETTERS.

    row : row of the student in the year's roster
    term : 0 or 1
    course : place in COURSES
    """

    row: IntArray
    term: IntArray
    course: IntArray
    unmentored: IntArray
    mentored: IntArray

    def gpa(self, marks: IntArray, n_rows: int) -> FloatArray:
        """(n_rows,) credit-weighted mean of the points; missing without marks. Whole-number sums, so exact."""
        credits = HALF_CREDITS[self.course]
        points = np.bincount(self.row, credits * POINT_TENTHS[marks], minlength=n_rows)
        total = 10.0 * np.bincount(self.row, credits, minlength=n_rows)
        return np.asarray(np.divide(points, total, out=np.full(n_rows, np.nan), where=total > 0))

    def failed(self, marks: IntArray, n_rows: int) -> FloatArray:
        """(n_rows,) 1 if any mark of the year is F, else 0; missing without marks."""
        n_failed = np.bincount(self.row, marks == 0, minlength=n_rows)
        return np.where(np.bincount(self.row, minlength=n_rows) > 0, (n_failed > 0).astype(np.float64), np.nan)


@dataclass(frozen=True)
class MarkModel:
    """A percent score for each course and semester, cut into letters.

    score = mean + ability + year + course + semester − slope × (semester's absence rate − usual_rate)

    Mentoring changes marks through attendance alone. Ability is negatively correlated with the student's lasting
    tendency to be absent. Grades 3 to 5 have two courses, grades 6 to 12 have five. All numbers are assumptions; the
    slope makes 10 points of absence cost 3.5 score points, about a third of a grade point.
    """

    mean: float = 82.0
    ability_sd: float = 7.0
    year_sd: float = 3.0
    course_sd: float = 4.0
    semester_sd: float = 4.0
    slope: float = 35.0
    usual_rate: float = 0.065
    economically_disadvantaged: float = -0.35
    disability: float = -0.40
    english_learner: float = -0.30
    least_days: int = 20

    def ability(self, traits: pd.DataFrame, rng: np.random.Generator) -> FloatArray:
        """(n,) ability in standard deviations."""
        names = ("economically_disadvantaged", "disability", "english_learner")
        shifts = [getattr(self, name) * traits[name].to_numpy() for name in names]
        return np.asarray(rng.standard_normal(len(traits)) + sum(shifts), dtype=np.float64)

    def draw(
        self,
        grade: IntArray,
        ability: FloatArray,
        marked: BoolArray,
        rates: tuple[FloatArray, FloatArray],
        rng: np.random.Generator,
    ) -> Marks:
        """Marks of a year.

        grade, ability : (n,); marked : (n, 2) the student gets marks in that semester
        rates : absence rate in each semester without and with mentoring, each (n, 2)
        """
        n, n_courses = len(grade), len(COURSES)
        student = self.mean + self.ability_sd * ability + self.year_sd * rng.standard_normal(n)
        course = self.course_sd * rng.standard_normal((n, 1, n_courses))
        semester = self.semester_sd * rng.standard_normal((n, 2, n_courses))
        taken = np.where(grade >= 6, n_courses, np.where(grade >= 3, 2, 0))
        has_mark = marked[:, :, None] & (np.arange(n_courses) < taken[:, None, None])
        row, term, which = np.nonzero(has_mark)
        score = (student[:, None, None] + course + semester)[has_mark]
        unmentored, mentored = (
            np.searchsorted(CUT_SCORES, score - self.slope * (rate[row, term] - self.usual_rate), side="right")
            for rate in rates
        )
        return Marks(row, term, which, unmentored, mentored)
