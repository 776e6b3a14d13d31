"""Riverside: a middle-sized district in which Success Mentors start in different schools in different years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district import tables
from mentoreval.worlds.district.absences import AbsenceModel
from mentoreval.worlds.district.calendar import SchoolYear, make_school_year
from mentoreval.worlds.district.marks import MarkModel, Marks
from mentoreval.worlds.district.matches import Matches, follow_matches
from mentoreval.worlds.district.mentoring import Eligible, Mentoring
from mentoreval.worlds.district.outcomes import Attended, averted_absences, potential_outcomes
from mentoreval.worlds.district.people import Traits, number_ids
from mentoreval.worlds.district.roster import NOBODY, Mobility, Roster, School
from mentoreval.worlds.world import Draw, Truth, World

FIRST_YEAR, N_YEARS = 2021, 4

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
YEAR_SHIFTS = (0.10, 0.04, 0.0, -0.04)  # absences fall for everybody, whatever their school does

# Log-odds of being chosen, kindergarten to grade 12, on top of Mentoring.intercept: few in the last grade.
CHOSEN_BY_GRADE = (0.0, 0.0, 0.0, 0.1, 0.1, 0.1, 0.5, 0.2, 0.1, 0.5, 0.2, 0.0, -0.5)
CHOSEN_IF_DISADVANTAGED = 0.35

ABSENCES, MARKS = AbsenceModel(), MarkModel()
SCHOOL_IDS = np.array([school.school_id for school in SCHOOLS], dtype=object)
STARTS = np.array([N_YEARS if school.starts is None else school.starts for school in SCHOOLS])


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
        district = _District.draw(self.n_students, rng)
        program = Mentoring(share=self.effect_share)
        matches = Matches.none()
        attended: list[Attended] = []
        marks: list[Marks] = []
        for number in range(N_YEARS):
            if attended:
                matches = matches.and_then(district.choose(number, attended[-1], program, rng))
            attended.append(district.attend(number, matches, program, rng))
            marks.append(attended[-1].draw_marks(MARKS, district.ability[attended[-1].roster.student], rng))
        history = follow_matches(matches, district.rosters, district.years, program.renewal, rng)
        ids = tables.Ids(number_ids("S", len(district.ability), rng), SCHOOL_IDS, number_ids("P", len(matches)))
        drawn = {
            "students": tables.students_table(district.traits, ids),
            "enrolment": tables.enrolment_table(attended, ids),
            "calendar": tables.calendar_table(district.years, ids),
            "attendance": tables.attendance_table(attended, ids),
            "grades": tables.grades_table(attended, marks, ids),
            "matches": tables.matches_table(matches, history, district.years, ids),
            "sessions": tables.sessions_table(attended, history, matches, ids, rng),
        }
        truth = Truth.of(_rule(program, district.years), _potential(attended, marks, matches, ids))
        return Draw(self, drawn, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})


@dataclass(frozen=True, eq=False)
class _District:
    """What is there before any mentoring.

    traits : one row for each student
    log_odds : (n_students,) of an absence, the part that stays with the student
    ability : (n_students,) standardized
    """

    years: Sequence[SchoolYear]
    rosters: Sequence[Roster]
    traits: pd.DataFrame
    log_odds: FloatArray
    ability: FloatArray

    @classmethod
    def draw(cls, n_students: int, rng: np.random.Generator) -> _District:
        """Calendars, rosters and students of every year."""
        years = [make_school_year(FIRST_YEAR + number, len(SCHOOLS), rng) for number in range(N_YEARS)]
        rosters = Mobility().draw(SCHOOLS, n_students, N_YEARS, years[0].n_days, rng)
        n = 1 + max(int(roster.student.max()) for roster in rosters)
        traits = Traits().draw(n, rng)
        log_odds = ABSENCES.of_traits(traits) + ABSENCES.draw_tendencies(n, N_YEARS, rng)
        return cls(years, rosters, traits, log_odds, MARKS.ability(traits, rng))

    def choose(self, number: int, last: Attended, program: Mentoring, rng: np.random.Generator) -> Matches:
        """This year's new matches, among those who meet the rule; ``last`` is the school year before."""
        roster = self.rosters[number]
        known = np.flatnonzero(roster.previous != NOBODY)
        before = roster.previous[known]
        absent, enrolled = last.days_absent(True).sum(axis=1)[before], last.days_enrolled.sum(axis=1)[before]
        started = STARTS[roster.school[known]] <= number
        first_time = ~self._considered_before(number)[known]
        meets_rule = started & first_time & (absent * 10 >= enrolled * program.threshold_tenths)
        row = known[meets_rule]
        disadvantaged = self.traits["economically_disadvantaged"].to_numpy()[roster.student[row]]
        log_odds = CHOSEN_IF_DISADVANTAGED * disadvantaged + np.array(CHOSEN_BY_GRADE)[roster.grade[row]]
        eligible = Eligible(row, (absent / enrolled)[meets_rule], log_odds)
        return program.match(row[program.choose(eligible, rng)], number, roster, self.years[number], rng)

    def _considered_before(self, number: int) -> BoolArray:
        """(n,) in an earlier autumn the program ran in the student's school and last year's absences were known."""
        roster = self.rosters[number]
        considered = np.zeros(len(roster.student), dtype=bool)
        for earlier in range(1, number):
            then = self.rosters[earlier]
            row = then.rows_of(roster.student, len(self.ability))
            considered |= (row != NOBODY) & (then.previous[row] != NOBODY) & (STARTS[then.school[row]] <= earlier)
        return considered

    def attend(self, number: int, matches: Matches, program: Mentoring, rng: np.random.Generator) -> Attended:
        """The year's absences, and which of them mentoring averts."""
        year, roster = self.years[number], self.rosters[number]
        enrolled = roster.enrolled(year)
        of_school = np.array([school.absence_shift for school in SCHOOLS])[roster.school]
        log_odds = self.log_odds[number, roster.student] + of_school + YEAR_SHIFTS[number]
        absences = ABSENCES.draw(log_odds, roster.grade, enrolled, year.dates, rng)
        share, start = matches.on_roster(roster, number, program.later_years, len(self.ability))
        return Attended(year, roster, enrolled, absences, averted_absences(absences, share, start))


def _potential(attended: Sequence[Attended], marks: Sequence[Marks], matches: Matches, ids: tables.Ids) -> pd.DataFrame:
    """Both potential outcomes of every student and school year, as ``Truth.potential`` has them."""
    labels = np.array([a.year.label for a in attended], dtype=object)
    cohort = np.full(len(ids.student), NOBODY)
    cohort[matches.student] = matches.cohort
    frames = []
    for number, (a, m) in enumerate(zip(attended, marks, strict=True)):
        own = cohort[a.roster.student]
        since = pd.array(number - own, dtype="Int64")
        since[own == NOBODY] = pd.NA
        names = {"student_id": ids.student[a.roster.student], "period": a.year.label}
        names |= {"cohort": np.where(own == NOBODY, None, labels[own]), "event_time": since}
        frames.append(pd.concat([pd.DataFrame(names), potential_outcomes(a, m)], axis=1))
    table = pd.concat(frames, ignore_index=True)
    return table.sort_values(["student_id", "period"], kind="stable", ignore_index=True)


def _rule(program: Mentoring, years: Sequence[SchoolYear]) -> dict[str, Any]:
    """How mentees were chosen and what mentoring does, in words and numbers."""
    return {
        "selection": "A student is considered once, in the first autumn in which the program runs in the student's "
        "school and the absences of the school year before are known. Of those considered who were absent on at least "
        "10 % of their days in that year, in whichever schools, some are chosen, with the log-odds given here.",
        "absence_rate_at_least": program.threshold_tenths / 10,
        "log_odds_of_being_chosen": {
            "intercept": program.intercept,
            "each_point_of_absence_above_threshold": program.per_rate,
            "counted_up_to_points": program.most_points,
            "economically_disadvantaged": CHOSEN_IF_DISADVANTAGED,
            "by_grade_level": dict(zip(["KG", *map(str, range(1, 13))], CHOSEN_BY_GRADE, strict=True)),
        },
        "program_starts": {s.school_id: years[s.starts].label if s.starts is not None else "never" for s in SCHOOLS},
        "effect": "From the match on, a share of the would-be absences does not happen; marks follow attendance.",
        "share_averted_first_year": program.share,
        "share_averted_later_years": program.share * program.later_years,
    }
