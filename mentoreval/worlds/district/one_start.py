"""A district in which half of the schools start mentoring in the same year, from which worlds break one assumption."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting, selection_rule
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.roster import School
from mentoreval.worlds.district.tables import Ids
from mentoreval.worlds.world import Draw, Truth, World

START = 2
"""Number of the school year in which the program begins: two years are seen before it and two from it on."""
OF_MENTEES = ("cohort_period", "event_time", "all_years")
"""Terms of the truth that are means over mentees, whichever they are."""
FEWEST_STUDENTS = 40
"""For each school, so that every grade has somebody."""


def alternate_schools(n_schools: int) -> tuple[School, ...]:
    """So many schools of grades K to 8, the first half with the program, both halves with the same levels of absence.

    n_schools : even, 4 or more
    """
    half = n_schools // 2
    shifts = np.round(np.linspace(-0.10, 0.10, half), 3).tolist()
    started = [School(f"P{k + 1}", (0, 8), starts=START, absence_shift=shifts[k]) for k in range(half)]
    others = [School(f"Q{k + 1}", (0, 8), absence_shift=shifts[k]) for k in range(half)]
    return (*started, *others)


def one_start_setting(n_schools: int = 12) -> Setting:
    """School years 2021-22 to 2024-25; absences fall a little from year to year, in every school alike."""
    return Setting(
        schools=alternate_schools(n_schools),
        first_year=2021,
        year_shifts=(0.06, 0.02, -0.02, -0.06),
        chosen_if_disadvantaged=0.35,
    )


@dataclass(frozen=True, eq=False)
class Telling:
    """What a year is drawn from.

    rng : of the district, its students and its program
    hidden : (n_students,) standard normal, in no table
    shocks : (n_years, n_schools) standard normal
    """

    district: District
    program: Mentoring
    rng: np.random.Generator
    hidden: FloatArray
    shocks: FloatArray

    @classmethod
    def begin(
        cls, district: District, program: Mentoring, rng: np.random.Generator, own: np.random.Generator
    ) -> Telling:
        """Draw from ``own`` what breaks an assumption, so that no other random number hangs on it."""
        n_years, n_schools = district.setting.n_years, len(district.setting.schools)
        hidden, shocks = own.standard_normal(len(district.ability)), own.standard_normal((n_years, n_schools))
        return cls(district, program, rng, hidden, shocks)


@dataclass(frozen=True)
class OneStart(World):
    """Twelve schools of grades K to 8, in six of which mentees are chosen as in ``riverside``, once, in autumn 2023.

    With nothing broken, a comparison of mentees with never-mentored students who met the same rule, at equal absences
    in the year before, is unbiased, and so are their changes over time.

    n_students : about how many are enrolled on a day, 40 or more for each school
    effect_share : share of would-be absences averted in the first year, on average over mentees; 0 is no effect
    """

    default_seed: ClassVar[int] = 20230901
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType({"n_students": 600})
    compressed: ClassVar[tuple[str, ...]] = (
        "students", "enrolment", "calendar", "attendance", "grades", "matches", "sessions", "potential_outcomes",
    )  # fmt: skip
    n_students: int = 6000
    effect_share: float = 0.19

    def check(self) -> None:
        """Refuse districts too small to have every grade in every school, and shares that could exceed one."""
        fewest = FEWEST_STUDENTS * len(self.setting.schools)
        if self.n_students < fewest:
            raise OptionError(f"{self.name}: n_students = {self.n_students} is too few. Take {fewest} or more.")
        if not 0 <= self.effect_share <= 0.4:
            raise OptionError(f"{self.name}: effect_share = {self.effect_share} is not between 0 and 0.4.")
        self.check_break()

    def check_break(self) -> None:
        """Refuse a size of the break that can not be drawn; raises OptionError. The default accepts everything."""

    @property
    def setting(self) -> Setting:
        """What the district is drawn from."""
        return one_start_setting()

    @property
    @abstractmethod
    def broken(self) -> dict[str, object]:
        """Which assumption is broken and how far, for the rule of the truth."""

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw four school years, and what breaks the assumption from random numbers of its own."""
        program, own = Mentoring(share=self.effect_share), rng.spawn(1)[0]
        telling = Telling.begin(District.draw(self.setting, self.n_students, rng), program, rng, own)

        def choose(number: int, last: Attended) -> Matches:
            """As this world chooses."""
            return self.choose(telling, number, last)

        def attend(number: int, matches: Matches) -> Attended:
            """As days pass in this world."""
            return self.attend(telling, number, matches)

        chronicle = Chronicle.write(telling.district, program, rng, choose, attend)
        tables, ids = chronicle.draw_tables(program, rng)
        rule = {**selection_rule(self.setting, program), "broken": self.broken}
        truth = Truth.of(rule, chronicle.potential(ids))
        drawn = Draw(self, tables, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})
        return self.record(drawn, chronicle, ids, own)

    def choose(self, telling: Telling, number: int, last: Attended) -> Matches:
        """The new matches of a year, of which only the first has any; ``last`` is the year before."""
        if number != START:
            return Matches.none()
        return telling.district.choose(number, last, telling.program, telling.rng)

    def attend(self, telling: Telling, number: int, matches: Matches) -> Attended:
        """A year's absences, and which of them are averted."""
        extra = self.extra(telling, number)
        return telling.district.attend(number, matches, telling.program, telling.rng, extra)

    def extra(self, telling: Telling, number: int) -> FloatArray | None:
        """(n,) what is added to the log-odds of an absence of each student of the year's roster; None for nothing."""
        return None

    def record(self, drawn: Draw, chronicle: Chronicle, ids: Ids, own: np.random.Generator) -> Draw:
        """What the district's tables say of what happened, and further truths. The default: all of it."""
        return drawn


def in_program_schools(district: District, number: int) -> FloatArray:
    """(n,) 1 for students who begin a school year in a school that has the program in some year, else 0."""
    ever = district.setting.starts < district.setting.n_years
    return ever[district.rosters[number].school].astype(np.float64)


def with_effects_on(truth: Truth, whom: str, potential: pd.DataFrame) -> Truth:
    """The truth with the effects on others beside those on mentees, as terms ``<whom>_all_years`` and so on.

    potential : rows of ``Truth.potential`` with cohort and event_time of these others; effects are those of the rows
        whose event_time is 0 or more
    """
    others = Truth.of(truth.rule, potential).effects
    others = others[others["term"].isin(OF_MENTEES)]
    others = others.assign(term=whom + "_" + others["term"])
    return replace(truth, effects=pd.concat([truth.effects, others], ignore_index=True))
