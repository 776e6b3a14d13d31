"""A district before any mentoring, and what happens in it year after year when mentors come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, ObjectArray
from mentoreval.worlds.district import tables
from mentoreval.worlds.district.absences import AbsenceModel
from mentoreval.worlds.district.calendar import SchoolYear, make_school_year
from mentoreval.worlds.district.marks import MarkModel, Marks
from mentoreval.worlds.district.matches import History, Matches, follow_matches
from mentoreval.worlds.district.mentoring import Eligible, Mentoring
from mentoreval.worlds.district.outcomes import Attended, averted_absences, potential_outcomes
from mentoreval.worlds.district.people import Traits, number_ids
from mentoreval.worlds.district.roster import N_GRADES, NOBODY, Mobility, Roster, School


@dataclass(frozen=True)
class Setting:
    """What a district is drawn from.

    schools : in the order in which they are numbered
    year_shifts : for each school year, how far the log-odds of an absence are from an ordinary year, in every school
    chosen_by_grade : log-odds of being chosen as a mentee, kindergarten to grade 12, on top of ``Mentoring.intercept``
    chosen_if_disadvantaged : log-odds of being chosen that economic disadvantage adds
    opens : days from Labor Day to the first day of school
    served_grades : grades whose students are considered for mentoring, kindergarten is 0
    records_end : date (YYYY-MM-DD) on which the records of the last school year end; None for its last day
    """

    schools: tuple[School, ...]
    first_year: int
    year_shifts: tuple[float, ...]
    chosen_by_grade: tuple[float, ...] = (0.0,) * 13
    chosen_if_disadvantaged: float = 0.0
    absences: AbsenceModel = field(default_factory=AbsenceModel)
    marks: MarkModel = field(default_factory=MarkModel)
    mobility: Mobility = field(default_factory=Mobility)
    traits: Traits = field(default_factory=Traits)
    school_days: int = 180
    opens: int = -5
    served_grades: tuple[int, ...] = tuple(range(N_GRADES))
    records_end: str | None = None

    @property
    def n_years(self) -> int:
        """Number of school years."""
        return len(self.year_shifts)

    @property
    def school_ids(self) -> ObjectArray:
        """(n_schools,)"""
        return np.array([school.school_id for school in self.schools], dtype=object)

    @property
    def starts(self) -> IntArray:
        """(n_schools,) number of the school year in which the program starts; n_years for never."""
        return np.array([self.n_years if school.starts is None else school.starts for school in self.schools])


@dataclass(frozen=True, eq=False)
class District:
    """What is there before any mentoring.

    traits : one row for each student
    log_odds : (n_years, n_students) of an absence, without school, grade, year and day
    ability : (n_students,) standardized
    """

    setting: Setting
    years: Sequence[SchoolYear]
    rosters: Sequence[Roster]
    traits: pd.DataFrame
    log_odds: FloatArray
    ability: FloatArray

    @classmethod
    def draw(cls, setting: Setting, n_students: int, rng: np.random.Generator) -> District:
        """Calendars, rosters and students of every year; about ``n_students`` are enrolled on a day."""
        first, n_schools = setting.first_year, len(setting.schools)
        days, opens = setting.school_days, setting.opens
        years = [make_school_year(first + k, n_schools, rng, days, opens) for k in range(setting.n_years)]
        if setting.records_end is not None:
            years[-1] = years[-1].until(setting.records_end)
        rosters = setting.mobility.draw(setting.schools, n_students, years, rng)
        n = 1 + max(int(roster.student.max()) for roster in rosters)
        traits = setting.traits.draw(n, rng)
        own = setting.absences.draw_tendencies(n, setting.n_years, rng)
        log_odds = setting.absences.of_traits(traits) + own
        return cls(setting, years, rosters, traits, log_odds, setting.marks.ability(traits, rng))

    def eligible(self, number: int, last: Attended, program: Mentoring) -> Eligible:
        """Those who meet the program's rule this year; ``last`` is the school year before.

        A student is considered once: in the first autumn in which the program runs in the student's school and serves
        the student's grade, and the absences of the year before are known.
        """
        roster = self.rosters[number]
        known = np.flatnonzero(roster.previous != NOBODY)
        before = roster.previous[known]
        absent, enrolled = last.days_absent(True).sum(axis=1)[before], last.days_enrolled.sum(axis=1)[before]
        first_time = (self._serves(number) & ~self._considered_before(number))[known]
        meets_rule = first_time & program.meets_rule(absent, enrolled)
        row = known[meets_rule]
        disadvantaged = self.traits["economically_disadvantaged"].to_numpy()[roster.student[row]]
        by_grade = np.array(self.setting.chosen_by_grade)[roster.grade[row]]
        log_odds = self.setting.chosen_if_disadvantaged * disadvantaged + by_grade
        return Eligible(row, (absent / enrolled)[meets_rule], log_odds)

    def _serves(self, number: int) -> BoolArray:
        """(n,) the program runs that year in the school where the student's year begins, and serves the grade."""
        roster, setting = self.rosters[number], self.setting
        return np.asarray((setting.starts[roster.school] <= number) & np.isin(roster.grade, setting.served_grades))

    def _considered_before(self, number: int) -> BoolArray:
        """(n,) in an earlier autumn the program served the student and last year's absences were known."""
        roster = self.rosters[number]
        considered = np.zeros(len(roster.student), dtype=bool)
        for earlier in range(1, number):
            then = self.rosters[earlier]
            row = then.rows_of(roster.student, len(self.ability))
            considered |= (row != NOBODY) & (then.previous[row] != NOBODY) & self._serves(earlier)[row]
        return considered

    def choose(self, number: int, last: Attended, program: Mentoring, rng: np.random.Generator) -> Matches:
        """This year's new matches, among those who meet the rule; ``last`` is the school year before."""
        eligible = self.eligible(number, last, program)
        row = eligible.row[program.choose(eligible, rng)]
        return program.match(row, number, self.rosters[number], self.years[number], rng)

    def attend(
        self,
        number: int,
        matches: Matches,
        program: Mentoring,
        rng: np.random.Generator,
        extra: FloatArray | None = None,
    ) -> Attended:
        """The year's absences, and which of them mentoring averts.

        extra : (n,) added to the log-odds of an absence of each student of the year's roster, mentored or not
        """
        year, roster = self.years[number], self.rosters[number]
        enrolled = roster.enrolled(year)
        of_school = np.array([school.absence_shift for school in self.setting.schools])[roster.school]
        log_odds = self.log_odds[number, roster.student] + of_school + self.setting.year_shifts[number]
        log_odds = log_odds if extra is None else log_odds + extra
        absences = self.setting.absences.draw(log_odds, roster.grade, enrolled, year.dates, rng)
        share, start = matches.on_roster(roster, number, program.later_years, len(self.ability))
        runs = self.setting.starts[roster.school] <= number
        share = np.where(runs & (share == 0), program.culture_share, share)
        return Attended(year, roster, enrolled, absences, averted_absences(absences, share, start))


Choose = Callable[[int, Attended], Matches]
Attend = Callable[[int, Matches], Attended]


@dataclass(frozen=True, eq=False)
class Chronicle:
    """What happened: absences and marks of every school year, with and without mentoring, and every match."""

    district: District
    attended: tuple[Attended, ...]
    marks: tuple[Marks, ...]
    matches: Matches

    @classmethod
    def write(
        cls,
        district: District,
        program: Mentoring,
        rng: np.random.Generator,
        choose: Choose | None = None,
        attend: Attend | None = None,
    ) -> Chronicle:
        """Go through the years one after the other, since selection looks at the absences of the year before.

        choose : the new matches of a year, from its number and the year before; by default ``District.choose``
        attend : a year's absences, from its number and all matches so far; by default ``District.attend``
        """
        matches, attended, marks = Matches.none(), list[Attended](), list[Marks]()
        for number in range(district.setting.n_years):
            if attended:
                last = attended[-1]
                new = choose(number, last) if choose else district.choose(number, last, program, rng)
                matches = matches.and_then(new)
            year = attend(number, matches) if attend else district.attend(number, matches, program, rng)
            attended.append(year)
            marks.append(year.draw_marks(district.setting.marks, district.ability[year.roster.student], rng))
        return cls(district, tuple(attended), tuple(marks), matches)

    def follow(self, program: Mentoring, rng: np.random.Generator) -> History:
        """How every match went on and ended."""
        return follow_matches(self.matches, self.district.rosters, self.district.years, program.renewal, rng)

    def draw_tables(
        self, program: Mentoring, rng: np.random.Generator, history: History | None = None
    ) -> tuple[dict[str, pd.DataFrame], tables.Ids]:
        """The tables that the district keeps, and the identifiers in them.

        history : from ``follow``, where a world needs it for more than these tables; drawn here by default
        """
        district, matches = self.district, self.matches
        history = history or self.follow(program, rng)
        student_ids = number_ids("S", len(district.ability), rng)
        ids = tables.Ids(student_ids, district.setting.school_ids, number_ids("P", len(matches)))
        drawn = {
            "students": tables.students_table(district.traits, ids),
            "enrolment": tables.enrolment_table(self.attended, ids),
            "calendar": tables.calendar_table(district.years, ids),
            "attendance": tables.attendance_table(self.attended, ids),
            "grades": tables.grades_table(self.attended, self.marks, ids),
            "matches": tables.matches_table(matches, history, district.years, ids),
            "sessions": tables.sessions_table(self.attended, history, matches, ids, rng),
        }
        return drawn, ids

    def potential(self, ids: tables.Ids) -> pd.DataFrame:
        """Both potential outcomes of every student and school year, as ``Truth.potential`` has them."""
        labels = np.array([a.year.label for a in self.attended], dtype=object)
        cohort = np.full(len(ids.student), NOBODY)
        cohort[self.matches.student] = self.matches.cohort
        frames = []
        for number, (a, m) in enumerate(zip(self.attended, self.marks, strict=True)):
            own = cohort[a.roster.student]
            since = pd.array(number - own, dtype="Int64")
            since[own == NOBODY] = pd.NA
            names = {"student_id": ids.student[a.roster.student], "period": a.year.label}
            names |= {"cohort": np.where(own == NOBODY, None, labels[own]), "event_time": since}
            frames.append(pd.concat([pd.DataFrame(names), potential_outcomes(a, m), self._facts(a)], axis=1))
        table = pd.concat(frames, ignore_index=True)
        return table.sort_values(["student_id", "period"], kind="stable", ignore_index=True)

    def _facts(self, attended: Attended) -> pd.DataFrame:
        """What the truth is told by, one row for each student of a year's roster: traits, grades and school."""
        district, roster = self.district, attended.roster
        setting, traits = district.setting, district.traits.iloc[roster.student].reset_index(drop=True)
        starts = np.array([*(year.label for year in district.years), None], dtype=object)[setting.starts]
        bands = np.where(roster.grade <= 5, "K-5", np.where(roster.grade <= 8, "6-8", "9-12"))
        facts = {"grade_band": bands, "gender": traits["gender"]}
        facts |= {"economically_disadvantaged": traits["economically_disadvantaged"]}
        facts |= {"school_id": setting.school_ids[roster.school], "program_start": starts[roster.school]}
        if any(school.site for school in setting.schools):
            facts["site"] = np.array([school.site for school in setting.schools], dtype=object)[roster.school]
        return pd.DataFrame(facts)


def selection_rule(setting: Setting, program: Mentoring) -> dict[str, object]:
    """How ``District.choose`` chooses mentees and what mentoring does to absences, in words and numbers."""
    labels = [f"{setting.first_year + k}-{(setting.first_year + k + 1) % 100:02d}" for k in range(setting.n_years)]
    starts = {s.school_id: labels[s.starts] if s.starts is not None else "never" for s in setting.schools}
    tenths, days = program.threshold_tenths, program.threshold_days
    least = f"{10 * tenths} % of their days" if days is None else f"{days} days"
    return {
        "selection": "A student is considered once, in the first autumn in which the program runs in the student's "
        "school and the absences of the school year before are known. Of those considered who were absent on at least "
        f"{least} in that year, in whichever schools, some are chosen, with the log-odds given here.",
        **({"absence_rate_at_least": tenths / 10} if days is None else {"days_absent_at_least": days}),
        "served_grades": list(setting.served_grades),
        "log_odds_of_being_chosen": {
            "intercept": program.intercept,
            "each_point_of_absence_above_threshold": program.per_rate,
            "counted_up_to_points": program.most_points,
            "economically_disadvantaged": setting.chosen_if_disadvantaged,
            "by_grade_level": dict(zip(["KG", *map(str, range(1, 13))], setting.chosen_by_grade, strict=True)),
        },
        "program_starts": starts,
        "effect": "From the match on, a share of the would-be absences does not happen; marks follow attendance.",
        "share_averted_first_year": program.share,
        "share_averted_later_years": program.share * program.later_years,
    }
