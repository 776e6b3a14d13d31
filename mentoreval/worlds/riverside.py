"""Riverside: a middle-sized district in which Success Mentors start in different schools in different years."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting, selection_rule
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.roster import School
from mentoreval.worlds.world import Draw, Truth, World

# Schools differ in their level of absences, but program schools and the others do not differ on average.
SCHOOLS = (
    School("E1", (0, 5), feeds="M1", starts=1, absence_shift=0.10),
    School("E2", (0, 5), feeds="M1", starts=1, absence_shift=-0.10),
    School("E3", (0, 5), feeds="M2", starts=1, absence_shift=0.0),
    School("E4", (0, 5), feeds="M2", starts=1, absence_shift=0.08),
    School("E5", (0, 5), feeds="M3", starts=1, absence_shift=-0.08),
    School("E6", (0, 5), feeds="M3", absence_shift=0.0),
    School("M1", (6, 8), feeds="H1", starts=2, absence_shift=0.06),
    School("M2", (6, 8), feeds="H2", starts=2, absence_shift=-0.06),
    School("M3", (6, 8), feeds="H3", absence_shift=0.0),
    School("H1", (9, 12), starts=3, absence_shift=-0.05),
    School("H2", (9, 12), starts=3, absence_shift=0.05),
    School("H3", (9, 12), absence_shift=0.0),
)
RIVERSIDE = Setting(
    schools=SCHOOLS,
    first_year=2021,
    year_shifts=(0.10, 0.04, 0.0, -0.04),  # absences fall for everybody, whatever their school does
    chosen_by_grade=(0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.5, 0.2, 0.1, 0.5, 0.2, 0.0, -0.5),  # few in the last grade
    chosen_if_disadvantaged=0.35,
)


@dataclass(frozen=True)
class Riverside(World):
    """Twelve schools, about 6,000 students in any one of four school years, mentees chosen for last year's absences.

    *Students.* Six elementary (K to 5), three middle (6 to 8) and three high schools (9 to 12), with kindergartners,
    joiners, leavers, transfers during the year and promotion. Absences, marks, mobility and traits follow the models
    in ``district/``, whose docstrings give their sources; what has no published source is called an assumption there.

    *Program.* Success Mentors start in five elementary schools in 2022-23, in two middle schools in 2023-24 and in two
    high schools in 2024-25. One school of each level never has them.

    *Selection.* A student is considered once: in the first autumn in which the program runs in the student's school and
    last year's absences are known. That is nearly everybody when a school starts, then first-graders and newcomers.
    Of those considered who were absent on 10 % of their days or more last year, some are chosen; the chance rises with
    last year's absence rate and with economic disadvantage and depends on the grade. Given these, who is chosen has
    nothing to do with what a student would do next: among students of the same grade above the same threshold,
    matching or regression on them is unbiased, and a before/after comparison is not, because a high rate falls by
    itself.

    *Why once.* Were students considered again each autumn, those never mentored in the end would be those whose later
    years went well, and a comparison with them would hide more than a day of the effect.

    *Effect.* From the match on, a share of a mentee's would-be absences does not happen; the share differs by mentor
    and by how often they meet, and is 0 for mentees who never meet. It lasts when the match ends (what is true here is
    the effect of having been matched). The default gives about 4 days in the first year: randomized evaluations of
    Check & Connect in Chicago found 3.4 and 4.2 days (Guryan et al. 2016, WP-16-18; 2020, NBER 27661), far from the
    "nearly two weeks" said of New York City's program (Balfanz and Byrnes 2013). Marks rise with attendance alone.

    n_students : about how many are enrolled on a day, 600 or more
    effect_share : share of would-be absences averted in the first year, on average over mentees; 0 is no effect
    """

    name: ClassVar[str] = "riverside"
    default_seed: ClassVar[int] = 20210901
    n_students: int = 6000
    effect_share: float = 0.19

    def check(self) -> None:
        """Refuse districts too small to have every grade in every school, and shares that could exceed one."""
        if self.n_students < 600:
            raise OptionError(
                f"riverside: n_students = {self.n_students} is too few for twelve schools. Take 600 or more."
            )
        if not 0 <= self.effect_share <= 0.4:
            raise OptionError(f"riverside: effect_share = {self.effect_share} is not between 0 and 0.4.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw four school years, one after the other: selection looks at the absences of the year before."""
        program = Mentoring(share=self.effect_share)
        chronicle = Chronicle.write(District.draw(RIVERSIDE, self.n_students, rng), program, rng)
        drawn, ids = chronicle.draw_tables(program, rng)
        truth = Truth.of(selection_rule(RIVERSIDE, program), chronicle.potential(ids))
        return Draw(self, drawn, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})
