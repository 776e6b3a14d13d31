"""Thirty districts: one program in many places, with an effect of its own in each and none where nobody met."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from mentoreval.aliases import FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.absences import AbsenceModel
from mentoreval.worlds.district.district import Chronicle, District, Setting, selection_rule
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.roster import Mobility, School
from mentoreval.worlds.world import Draw, Truth, World

WAVES = 3  # one district in three starts first: 10 cities, then 30 (My Brother's Keeper Success Mentors)
LEAST_WEEKLY = 2.4  # meetings in a week of five days present; the most is the model's three
HARDLY_EVER = 0.1  # the same where the program exists on paper
MOST = 2.0  # largest factor of a district


def _schools(n_districts: int) -> tuple[School, ...]:
    """A middle and a high school in each district; a third of the districts start a year before the others."""
    schools = []
    for number in range(n_districts):
        site, starts = f"D{number + 1:02d}", 1 if number % WAVES == 0 else 2
        # Seven levels of absence, so that neither wave nor district number goes with them.
        shift = round(0.07 * (number % 7 - 3), 2)
        schools.append(School(f"{site}-M", (5, 8), f"{site}-H", starts, shift, site))
        schools.append(School(f"{site}-H", (9, 12), None, starts, shift, site))
    return tuple(schools)


def _setting(n_districts: int) -> Setting:
    return Setting(
        schools=_schools(n_districts),
        first_year=2015,
        year_shifts=(0.04, 0.0, -0.02, -0.04),
        chosen_if_disadvantaged=0.35,
        absences=AbsenceModel(level=-4.28, own_sd=1.45),
        # Records of different districts can not be joined: who changes districts has left one and is new in the other.
        mobility=Mobility(leaves_in_year=0.035, joins_in_year=0.025, transfers=0.0, follows_feeder=1.0),
        served_grades=(6, 9),
    )


@dataclass(frozen=True)
class ThirtyDistricts(World):
    """Success Mentors in thirty districts, with a site effect in each and some districts in which nobody met.

    *Program.* Three to five mentees for each mentor, meetings three times a week in school all year, sixth and ninth
    grade first: the national Success Mentors model, which went from 10 cities to 30 (My Brother's Keeper, 2016;
    Johns Hopkins Center for Social Organization of Schools, America's Promise). Ten districts start in 2016-17 and
    twenty in 2017-18; the years are assumptions, and so are a middle school (grades 5 to 8) and a high school in each
    district and about 1,000 students. The records begin a year earlier and end before other grades follow. Absences
    have the mean and the spread of the randomized US Department of Education Student Mentoring Program (5.0 and 5.5 %,
    standard deviations 7.7 and 9.6 points; Bernstein et al. 2009, NCEE 2009-4047, Exhibit ES.1).

    *Selection.* Of the students of grades 6 and 9 who were absent on 10 % of their days or more last year some are
    chosen; the chance rises with last year's rate and with economic disadvantage. Each student is considered once:
    those who were in grade 6 when the program came are in grade 9 after the records end.

    *Site effects.* The share of absences averted in a district is the mean times a factor, normal with mean 1 and
    standard deviation ``site_sd``, between 0 and 2. In ``n_without_fidelity`` districts, which the draw picks, mentor
    and mentee hardly ever meet (about once in ten weeks) and nothing changes; the mean is over the others. How much
    sites differ, and how many do not carry the program out, are assumptions. The default mean gives about 4 days, as
    in the randomized trial of Check & Connect in Chicago (3.4 and 4.2 days; Guryan et al. 2016, WP-16-18; 2020, NBER
    27661); pooled over all districts it is less. The students table has the ``district``.

    n_students : about how many are enrolled on a day
    effect_share : share of would-be absences averted in the first year, over mentees of the districts with fidelity
    site_sd : standard deviation of the factor of a district
    n_without_fidelity : districts in which hardly any session is held
    n_districts : 30, or fewer for a small file; one in three starts first
    """

    name: ClassVar[str] = "thirty_districts"
    default_seed: ClassVar[int] = 20160219
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"n_students": 1000, "n_districts": 10, "n_without_fidelity": 2}
    )
    compressed: ClassVar[tuple[str, ...]] = (*World.compressed, "students", "calendar", "matches")
    n_students: int = 30_000
    effect_share: float = 0.18
    site_sd: float = 0.4
    n_without_fidelity: int = 6
    n_districts: int = 30

    def check(self) -> None:
        """Refuse districts without students in every grade, and shares that could exceed one."""
        if not WAVES <= self.n_districts <= 30:
            raise OptionError(f"{self.name}: n_districts = {self.n_districts} is not between {WAVES} and 30.")
        least = 60 * self.n_districts
        if self.n_students < least:
            raise OptionError(
                f"{self.name}: n_students = {self.n_students} is too few for {self.n_districts} districts. "
                f"Take {least} or more."
            )
        if not 0 <= self.effect_share <= 0.25:
            raise OptionError(f"{self.name}: effect_share = {self.effect_share} is not between 0 and 0.25.")
        if not 0 <= self.site_sd <= 1:
            raise OptionError(f"{self.name}: site_sd = {self.site_sd} is not between 0 and 1.")
        if not 0 <= self.n_without_fidelity < self.n_districts:
            raise OptionError(
                f"{self.name}: n_without_fidelity = {self.n_without_fidelity} leaves no district of {self.n_districts}."
            )

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw four school years; what a match holds and does depends on its district."""
        program = Mentoring(share=self.effect_share, threshold_tenths=1, intercept=0.1, renewal=0.8)
        factor = self._site_factors(rng)
        setting = _setting(self.n_districts)
        district = District.draw(setting, self.n_students, rng)

        def choose(number: int, last: Attended) -> Matches:
            """This year's new matches, with the meetings and the effect of their districts."""
            return _as_in_districts(district.choose(number, last, program, rng), factor)

        chronicle = Chronicle.write(district, program, rng, choose)
        drawn, ids = chronicle.draw_tables(program, rng)
        site = drawn["enrolment"].drop_duplicates("student_id").set_index("student_id")["school_id"].str[:3]
        drawn["students"] = drawn["students"].assign(district=drawn["students"]["student_id"].map(site))
        rule = selection_rule(setting, program) | {
            "site_factor": {"mean": 1.0, "standard_deviation": self.site_sd, "at_least": 0.0, "at_most": MOST},
            "districts_without_fidelity": self.n_without_fidelity,
            "meetings_in_a_week": [LEAST_WEEKLY, 3.0],
            "meetings_in_a_week_without_fidelity": HARDLY_EVER,
        }
        conventions = {"attendance": "absences_only", "exit_date_is": "last_day"}
        return Draw(self, drawn, Truth.of(rule, chronicle.potential(ids)), conventions)

    def _site_factors(self, rng: np.random.Generator) -> FloatArray:
        """(n_districts,) factor on the share averted; missing where the program is not carried out."""
        factor = np.clip(1.0 + self.site_sd * rng.standard_normal(self.n_districts), 0.0, MOST)
        factor[rng.permutation(self.n_districts)[: self.n_without_fidelity]] = np.nan
        return factor


def _as_in_districts(matches: Matches, factor: FloatArray) -> Matches:
    """The matches with their district's effect and meetings; each district has two schools, one after the other."""
    of_match = factor[matches.school // 2]
    carried_out = ~np.isnan(of_match)
    weekly = LEAST_WEEKLY + (matches.weekly - 1.0) * (3.0 - LEAST_WEEKLY) / 2.0  # the program's own are 1 to 3
    weekly = np.where(carried_out, weekly, HARDLY_EVER)
    share = np.where(carried_out, matches.share * np.nan_to_num(of_match), 0.0)
    return replace(matches, share=share, weekly=np.where(matches.weekly > 0, weekly, 0.0))
