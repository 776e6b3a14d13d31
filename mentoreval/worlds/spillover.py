"""Spillover: classmates of mentees come to school more often too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.one_start import OneStart, Telling, with_effects_on
from mentoreval.worlds.district.outcomes import Attended, averted_absences
from mentoreval.worlds.district.roster import N_GRADES, NOBODY
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw


@dataclass(frozen=True)
class SpilloverWorld(OneStart):
    """What a mentor does for a mentee helps the others in the class.

    *Broken.* No interference between students. From the first match in a class (a grade of a school) on, and in all
    later years in which a mentee is in the class, the share ``to_classmates`` of the absences of its other students
    does not happen.

    *What goes wrong.* Comparison students beside mentees are helped as well, nearly as much as mentees. A comparison
    within schools misses between 3 and 4 of the mentees' 4 days, one with students of all schools more than 1.

    *What is right.* Comparison students of schools without the program. It is the direct effect on mentees; the truth
    has the effect on classmates beside it, in the terms ``classmates_…``.

    *Who should notice.* ``spillover``: comparison students in schools with mentees do better than those elsewhere.

    to_classmates : share of the absences of classmates that is averted; 0 breaks nothing
    """

    name: ClassVar[str] = "spillover"
    to_classmates: float = 0.15

    def check_break(self) -> None:
        """A share that is not more than what mentors do for mentees at most."""
        if not 0 <= self.to_classmates <= 0.4:
            raise OptionError(f"spillover: to_classmates = {self.to_classmates} is not between 0 and 0.4.")

    @property
    def broken(self) -> dict[str, object]:
        """The share that is averted beside mentees."""
        return {"assumption": "no interference", "share_averted_among_classmates": self.to_classmates}

    def attend(self, telling: Telling, number: int, matches: Matches) -> Attended:
        """A year's absences; what is averted among mentees, and among their classmates."""
        year = super().attend(telling, number, matches)
        first = first_day_beside_mentees(year, matches, number, len(telling.district.ability))
        share = np.where(first < year.year.n_days, self.to_classmates, 0.0)
        return replace(year, averted=year.averted | averted_absences(year.absences, share, first))

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """All tables, and the effect on classmates."""
        potential = drawn.truth.potential
        assert potential is not None
        return replace(drawn, truth=with_effects_on(drawn.truth, "classmates", _classmates(chronicle, ids, potential)))


def first_day_beside_mentees(year: Attended, matches: Matches, number: int, n_students: int) -> IntArray:
    """(n,) first day on which a student who was never matched has a mentee in the class, n_days for the others.

    number : of the school year; matches : those that began in it or before
    """
    roster = year.roster
    row = roster.rows_of(matches.student, n_students)
    here = row != NOBODY
    class_of = roster.school * N_GRADES + roster.grade
    first_of_class = np.full(class_of.max() + 1, year.year.n_days)
    day = np.where(matches.cohort == number, matches.start, 0)
    np.minimum.at(first_of_class, class_of[row[here]], day[here])
    first: IntArray = first_of_class[class_of]
    first[row[here]] = year.year.n_days
    return first


def _classmates(chronicle: Chronicle, ids: Ids, potential: pd.DataFrame) -> pd.DataFrame:
    """The rows of never-mentored students from the first year on in which a mentee was in their class."""
    n_students, matches = len(ids.student), chronicle.matches
    since = np.full(n_students, NOBODY)
    for number, year in enumerate(chronicle.attended):
        begun = matches.cohort <= number
        first = first_day_beside_mentees(year, matches.of(begun), number, n_students)
        beside = year.roster.student[first < year.year.n_days]
        since[beside[since[beside] == NOBODY]] = number
    labels = [year.year.label for year in chronicle.attended]
    of_student = {ids.student[k]: since[k] for k in np.flatnonzero(since != NOBODY)}
    rows = potential[potential["student_id"].isin(of_student) & potential["cohort"].isna()]
    start = rows["student_id"].map(of_student).astype("Int64")
    event_time = rows["period"].map({label: number for number, label in enumerate(labels)}).astype("Int64") - start
    return rows.assign(cohort=start.map(dict(enumerate(labels))), event_time=event_time)
