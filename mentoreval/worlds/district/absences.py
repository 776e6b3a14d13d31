"""Daily absences: who would be absent on which day, and what the numbers of a year are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray
from mentoreval.worlds.district.calendar import DateArray

CODES: ObjectArray = np.array(["absent_excused", "absent_unexcused", "suspended"], dtype=object)


@dataclass(frozen=True, eq=False)
class WouldBeAbsences:
    """The absences of one school year without any mentoring: k student-days, by student and then by day.

    row : row of the student in the year's roster
    day : position in the year's dates
    code : 0 excused, 1 unexcused, 2 suspended
    luck : uniform; a mentee whose mentoring averts the share s of absences comes to school where luck < s
    """

    row: IntArray
    day: IntArray
    code: IntArray
    luck: FloatArray


@dataclass(frozen=True)
class AbsenceModel:
    """Each student-day is an absence with a probability whose log-odds add up.

    log-odds = level + grade + traits + school + school year + student's own + day of the year

    The student's own part is normal. A share of its variance, ``lasting``, stays with the student for ever; the rest
    drifts and keeps ``persistence`` of itself from one year to the next. What does not stay is what makes the absences
    of students who were chosen for them fall by themselves (regression to the mean). Absence rates of successive
    years correlate at about .55.

    Level, spread and skew follow the randomized US Department of Education Student Mentoring Program (Bernstein et
    al. 2009, NCEE 2009-4047, Exhibit ES.1): absence rates of 5.0 and 5.5 % with standard deviations of 7.7 and 9.6
    points. The level here is a little higher, since the years are those after the pandemic. Correlation over years,
    the differences between grades and traits, the week and the influenza season are assumptions.

    by_grade : kindergarten to grade 12
    """

    level: float = -3.63
    own_sd: float = 1.15
    lasting: float = 0.35
    persistence: float = 0.5
    by_grade: tuple[float, ...] = (0.30, 0.10, 0.0, -0.05, -0.05, -0.05, 0.0, 0.05, 0.10, 0.20, 0.25, 0.30, 0.40)
    economically_disadvantaged: float = 0.35
    disability: float = 0.20
    english_learner: float = -0.10
    temporary_housing: float = 0.50
    monday: float = 0.15
    friday: float = 0.20
    influenza_peak: float = 0.35

    def of_traits(self, traits: pd.DataFrame) -> FloatArray:
        """(n,) the part of the log-odds that stays with a student."""
        names = ("economically_disadvantaged", "disability", "english_learner", "temporary_housing")
        shifts = [getattr(self, name) * traits[name].to_numpy() for name in names]
        return np.asarray(self.level + sum(shifts), dtype=np.float64)

    def draw_tendencies(self, n_students: int, n_years: int, rng: np.random.Generator) -> FloatArray:
        """(n_years, n_students) the student's own part of the log-odds in each year: what lasts, and what drifts."""
        lasting, drifting = rng.standard_normal(n_students), rng.standard_normal((n_years, n_students))
        for year in range(1, n_years):
            fresh = np.sqrt(1.0 - self.persistence**2) * drifting[year]
            drifting[year] = self.persistence * drifting[year - 1] + fresh
        own = np.sqrt(self.lasting) * lasting + np.sqrt(1.0 - self.lasting) * drifting
        return np.asarray(self.own_sd * own)

    def of_day(self, dates: DateArray) -> FloatArray:
        """(n_days,) log-odds of a date against an ordinary day: Mondays, Fridays, and a winter peak in late January."""
        weekday = (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
        new_year = dates[-1].astype("datetime64[Y]").astype("datetime64[D]")
        weeks_from_peak = (dates - (new_year + np.timedelta64(24, "D"))).astype(np.int64) / 7.0
        week = np.where(weekday == 0, self.monday, 0.0) + np.where(weekday == 4, self.friday, 0.0)
        return np.asarray(week + self.influenza_peak * np.exp(-0.5 * (weeks_from_peak / 4.0) ** 2))

    def draw(
        self, log_odds: FloatArray, grade: IntArray, enrolled: BoolArray, dates: DateArray, rng: np.random.Generator
    ) -> WouldBeAbsences:
        """The absences of a year.

        log_odds : (n,) of student, school and school year; grade : (n,); enrolled : (n, n_days); dates : (n_days,)
        """
        # u < 1 / (1 + exp(-a - b))  <=>  u * (1 + exp(-a) exp(-b)) < 1, without an exponential for each student-day
        odds_against = np.outer(np.exp(-(log_odds + np.array(self.by_grade)[grade])), np.exp(-self.of_day(dates)))
        row, day = np.nonzero(enrolled & (rng.random(enrolled.shape) * (1.0 + odds_against) < 1.0))
        return WouldBeAbsences(row, day, self._codes(grade[row], rng), rng.random(len(row)))

    def _codes(self, grade: IntArray, rng: np.random.Generator) -> IntArray:
        """Older students miss more days without an excuse and are suspended more often."""
        suspended = np.where(grade >= 6, 0.03, 0.004)
        unexcused = np.where(grade >= 9, 0.55, np.where(grade >= 6, 0.45, 0.35))
        uniform = rng.random(len(grade))
        return np.where(uniform < suspended, 2, np.where(uniform < suspended + unexcused, 1, 0))
