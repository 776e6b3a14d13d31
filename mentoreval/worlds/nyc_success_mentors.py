"""NYC Success Mentors: 100 pilot schools that start in three years and 46 others, as in the evaluation of 2013."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np

from mentoreval.errors import OptionError
from mentoreval.worlds.district.absences import AbsenceModel
from mentoreval.worlds.district.district import Chronicle, District, Setting, selection_rule
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.roster import School
from mentoreval.worlds.world import Draw, Truth, World

LEVELS = (("E", (0, 5), "M"), ("M", (6, 8), "H"), ("H", (9, 12), None))
# Name of the group, school year in which it starts, and how many elementary, middle and high schools it has: 25 schools
# start in 2010-11, 25 in 2011-12, 50 in 2012-13, and 46 never (Balfanz and Byrnes 2013). The levels are assumptions.
GROUPS: tuple[tuple[str, int | None, tuple[int, int, int]], ...] = (
    ("A", 1, (11, 6, 8)),
    ("B", 2, (12, 6, 7)),
    ("C", 3, (23, 12, 15)),
    ("N", None, (21, 11, 14)),
)
VOLUNTEERS = "A"
SHARES: Mapping[str, float] = MappingProxyType({"published": 0.385, "randomized": 0.16})


def _schools(one_school_in: int) -> tuple[School, ...]:
    """The schools of every group and level, or one in so many of them, each feeding a school of its own group."""
    schools: list[School] = []
    for group, starts, counts in GROUPS:
        kept = [range(0, count, one_school_in) for count in counts]
        for place, (level, grades, above) in enumerate(LEVELS):
            # Levels of absence differ between schools and not between groups: "similar initial rates".
            shifts = np.linspace(-0.3, 0.3, len(kept[place])) if len(kept[place]) > 1 else np.zeros(1)
            for k, number in enumerate(kept[place]):
                feeds = f"{group}-{above}{kept[place + 1][k % len(kept[place + 1])] + 1:02d}" if above else None
                school_id = f"{group}-{level}{number + 1:02d}"
                schools.append(School(school_id, grades, feeds, starts, round(float(shifts[k]), 6)))
    return tuple(schools)


def _setting(one_school_in: int) -> Setting:
    return Setting(
        schools=_schools(one_school_in),
        first_year=2009,
        year_shifts=(0.04, 0.0, -0.02, -0.04),
        chosen_if_disadvantaged=0.3,
        absences=AbsenceModel(level=-4.30, own_sd=1.45),
        opens=2,
        records_end="2013-02-28",
    )


@dataclass(frozen=True)
class NycSuccessMentors(World):
    """New York City's mentors against chronic absence, September 2009 to February 2013.

    *Schools.* 25 schools start in 2010-11, 25 in 2011-12 and 50 in 2012-13; 46 schools "with similar initial rates"
    never do (Balfanz and Byrnes 2013, *Meeting the Challenge of Combating Chronic Absenteeism*, Johns Hopkins). The
    pilot schools had more than 60,000 students; here a school has about 220, and that is a scale and no finding. How
    many schools are elementary (K to 5), middle (6 to 8) and high schools, and that a school sends its last grade on to
    a school of its own group most of the time, are assumptions. Attendance is daily and ends on 28 February 2013: in
    the last school year everything is counted up to that day.

    *Absences.* Heavy-tailed; the mean and the spread of the rate are those of the randomized US Department of Education
    Student Mentoring Program (5.0 and 5.5 %, standard deviations 7.7 and 9.6 points; Bernstein et al. 2009, NCEE
    2009-4047, Exhibit ES.1), not New York's, which were higher.

    *Selection.* In each school's first autumn with mentors, and for newcomers later, some of the students who were
    absent on 20 days or more in the year before are chosen. That is the city's definition of chronic absence. The
    chance rises with last year's rate and with economic disadvantage, which is an assumption; given these it has
    nothing to do with what a student would do next.

    *Fair comparisons.* Students who were considered and not chosen, and students of the 46 schools. Those of a school
    that starts later are there only if they were not chosen in the end, so their later years went well: a comparison
    with them hides about a day of the effect.

    *Mentors.* External, internal and peer mentors with 15 to 20 mentees each (Attendance Works on the city's model).
    That caseload is what a school's mentors have when it has enough mentees; where few are chosen a mentor has fewer.
    The type of mentor makes no difference: "age or source of the mentors didn't matter as much as other factors".

    *Effect.* ``published``: about 9 days in a school year for each mentee, the "nearly two more weeks" that the city's
    evaluation printed without a standard error. ``randomized``: between the 3.4 and 4.2 days that the randomized trial
    of Check & Connect in Chicago found (Guryan et al. 2016, WP-16-18; 2020, NBER 27661). Both are the mean over the
    school years that the records have whole. Mentoring averts a share of a mentee's would-be absences from the match
    on, in later years too; marks follow attendance.

    *Other students.* Mentors were to spend 20 % of their time on the culture of the whole school (Attendance Works).
    What that does to students without a mentor is not known; the trial in Chicago found no spillover to classmates,
    so the default is nothing, and ``culture_share`` says otherwise.

    *Volunteers.* The principals of the first 25 schools volunteered (press release PR-360-10 of the city, 2010), and a
    school that volunteers may be on its way up already. ``volunteer_trend`` lets absences in these schools change by
    themselves, each year from the first; below 0 they fall, and parallel trends do not hold for that group.

    version : "published" or "randomized"
    n_students : about how many are enrolled on a day
    effect_share : share of would-be absences averted, on average over mentees, in place of that of the
        version; 0 is no effect
    culture_share : share averted among students without a mentor in schools with the program
    volunteer_trend : log-odds of an absence in the first 25 schools, added each year
    one_school_in : keep one school in so many of each group and level, for a small district
    """

    name: ClassVar[str] = "nyc_success_mentors"
    default_seed: ClassVar[int] = 20090908
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType({"n_students": 1200, "one_school_in": 16})
    compressed: ClassVar[tuple[str, ...]] = (*World.compressed, "students", "calendar", "matches")
    version: Literal["published", "randomized"] = "published"
    n_students: int = 32_000
    effect_share: float | None = None
    culture_share: float = 0.0
    volunteer_trend: float = 0.0
    one_school_in: int = 1

    def check(self) -> None:
        """Refuse schools without students, and shares that could exceed one."""
        if self.one_school_in < 1:
            raise OptionError(f"{self.name}: one_school_in = {self.one_school_in} takes 1 or more.")
        least = 40 * len(_schools(self.one_school_in))
        if self.n_students < least:
            raise OptionError(
                f"{self.name}: n_students = {self.n_students} is too few for {least // 40} schools. "
                f"Take {least} or more, or fewer schools with one_school_in."
            )
        if not 0 <= (self.effect_share or 0.0) <= 0.5:
            raise OptionError(f"{self.name}: effect_share = {self.effect_share} is not between 0 and 0.5.")
        if not 0 <= self.culture_share <= 0.2:
            raise OptionError(f"{self.name}: culture_share = {self.culture_share} is not between 0 and 0.2.")
        if abs(self.volunteer_trend) > 0.3:
            raise OptionError(f"{self.name}: volunteer_trend = {self.volunteer_trend} is not between -0.3 and 0.3.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw three school years and the first six months of a fourth, with what the options change."""
        setting = _setting(self.one_school_in)
        share = SHARES[self.version] if self.effect_share is None else self.effect_share
        program = Mentoring(
            share=share,
            later_years=1.0,
            threshold_days=20,
            intercept=0.5,
            caseload=17,
            culture_share=self.culture_share,
        )
        district = District.draw(setting, self.n_students, rng)
        volunteers = np.array([school.school_id.startswith(VOLUNTEERS) for school in setting.schools])

        def attend(number: int, matches: Matches) -> Attended:
            """A year's absences, with the volunteers' own trend."""
            extra = self.volunteer_trend * number * volunteers[district.rosters[number].school]
            return district.attend(number, matches, program, rng, extra)

        chronicle = Chronicle.write(district, program, rng, attend=attend)
        drawn, ids = chronicle.draw_tables(program, rng)
        rule = selection_rule(setting, program) | {
            "culture_share": self.culture_share,
            "volunteer_trend": self.volunteer_trend,
            "records_end": setting.records_end,
        }
        conventions = {"attendance": "absences_only", "exit_date_is": "last_day"}
        return Draw(self, drawn, Truth.of(rule, chronicle.potential(ids)), conventions)
