"""Elementary schools, kindergarten to grade 2: no year before, so that mentees are chosen by their first weeks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray, ObjectArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting
from mentoreval.worlds.district.matches import Matches
from mentoreval.worlds.district.mentoring import Eligible, Mentoring
from mentoreval.worlds.district.outcomes import Attended, averted_absences
from mentoreval.worlds.district.roster import School
from mentoreval.worlds.world import Draw, Truth, World

WINDOW_WEEKS = 6
FIRST_MATCH_DAY, LAST_MATCH_DAY = 32, 44
"""Positions in the year's dates; nobody who was there on the first day leaves before the 45th."""
SETTING = Setting(
    schools=(
        School("K1", (0, 2), starts=0, absence_shift=0.10),
        School("K2", (0, 2), starts=0, absence_shift=-0.10),
        School("K3", (0, 2), starts=0, absence_shift=0.05),
        School("K4", (0, 2), starts=0, absence_shift=-0.05),
        School("K5", (0, 2), starts=0, absence_shift=0.0),
        School("K6", (0, 2), absence_shift=0.10),
        School("K7", (0, 2), absence_shift=-0.10),
        School("K8", (0, 2), absence_shift=0.0),
    ),
    first_year=2023,
    year_shifts=(0.0,),
    chosen_by_grade=(0.3, 0.0, -0.2, *(0.0,) * 10),
    chosen_if_disadvantaged=0.35,
)
CONTACTS: ObjectArray = np.array(["check_in", "family_call"], dtype=object)
MODES: ObjectArray = np.array(["in_person", "telephone"], dtype=object)
FAMILY_CALLS = 0.25


@dataclass(frozen=True)
class ElementaryK2(World):
    """Eight schools from kindergarten to grade 2 in one school year, mentees chosen for absences of the first weeks.

    *Students.* About 2,400 in 2023-24, the only year on record: nobody has a year before, as it is for kindergarten
    everywhere. Absences and mobility follow the models in ``district/``, whose docstrings give their sources. No marks
    are given in these grades.

    *Program.* Elementary Success Mentors in five of the schools. In the first grades the family is the first contact,
    as the toolkit of the program says ("Relationships Matter", Attendance Works), so that a share of the contacts are
    calls to the family; how large a share is an assumption.

    *Selection.* Students of the five schools who were there on the first day of school are considered once, after the
    first six weeks (42 days of the calendar). Of those absent on 10 % of these days or more some are chosen; the chance
    rises with the rate and with economic disadvantage and depends on the grade. Matches start after the window. Six
    weeks are few days: much of what they show is chance, and the months after would have been better in any case. Given
    the window's rate, grade and disadvantage, who is chosen has nothing to do with what a student would do next.

    *Effect.* From the match on, a share of a mentee's would-be absences does not happen. The share is an assumption,
    below what Check & Connect averted in Chicago in grades 5 to 7 (20 to 23 %; Guryan et al. 2016, WP-16-18; 2020, NBER
    27661), where no significant effect was found in grades 1 to 4. The truth has a term of its own, "after_match": the
    days from each mentee's match on. In days it equals the effect on the year; in rates it is larger.

    n_students : about how many are enrolled on a day, 400 or more
    effect_share : share of would-be absences averted from the match on, on average over mentees; 0 is no effect
    """

    name: ClassVar[str] = "elementary_k2"
    default_seed: ClassVar[int] = 20230830
    n_students: int = 2400
    effect_share: float = 0.15

    def check(self) -> None:
        """Refuse districts too small to have every grade in every school, and shares that could exceed one."""
        if self.n_students < 400:
            raise OptionError(
                f"elementary_k2: n_students = {self.n_students} is too few for eight schools. Take 400 or more."
            )
        if not 0 <= self.effect_share <= 0.4:
            raise OptionError(f"elementary_k2: effect_share = {self.effect_share} is not between 0 and 0.4.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw the year without mentors, choose by its first weeks, and let mentoring act on the days after."""
        program = Mentoring(share=self.effect_share, intercept=-0.45, per_rate=0.03)
        district = District.draw(SETTING, self.n_students, rng)
        alone = district.attend(0, Matches.none(), program, rng)
        matches = _choose(district, alone, program, rng)
        share, start = matches.on_roster(alone.roster, 0, program.later_years, len(district.ability))
        attended = replace(alone, averted=averted_absences(alone.absences, share, start))
        marks = attended.draw_marks(SETTING.marks, district.ability[alone.roster.student], rng)
        chronicle = Chronicle(district, (attended,), (marks,), matches)
        drawn, ids = chronicle.draw_tables(program, rng)
        del drawn["grades"]  # nobody in these grades has a mark
        drawn["sessions"] = _with_family_calls(drawn["sessions"], rng)
        truth = Truth.of(_rule(program), chronicle.potential(ids))
        rows = _effects_after_match(attended, matches, len(district.ability))
        truth = replace(truth, effects=pd.concat([truth.effects, rows], ignore_index=True).astype(truth.effects.dtypes))
        return Draw(self, drawn, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})


def window_days(dates: np.ndarray) -> int:
    """How many dates of a calendar lie in the window."""
    return int(np.searchsorted(dates, dates[0] + np.timedelta64(7 * WINDOW_WEEKS, "D")))


def _choose(district: District, alone: Attended, program: Mentoring, rng: np.random.Generator) -> Matches:
    """The matches, among those whose first weeks meet the rule; they start after the window."""
    roster, early = alone.roster, window_days(alone.year.dates)
    enrolled = alone.enrolled[:, :early].sum(axis=1)
    in_window = alone.absences.day < early
    absent = np.bincount(alone.absences.row[in_window], minlength=len(roster.student))
    runs = SETTING.starts[roster.school] == 0
    row = np.flatnonzero(runs & (roster.entry == 0) & program.meets_rule(absent, enrolled))
    disadvantaged = district.traits["economically_disadvantaged"].to_numpy()[roster.student[row]]
    by_grade = np.array(SETTING.chosen_by_grade)[roster.grade[row]]
    log_odds = SETTING.chosen_if_disadvantaged * disadvantaged + by_grade
    chosen = row[program.choose(Eligible(row, absent[row] / enrolled[row], log_odds), rng)]
    matches = program.match(chosen, 0, roster, alone.year, rng)
    return replace(matches, start=rng.integers(FIRST_MATCH_DAY, LAST_MATCH_DAY + 1, size=len(matches)))


def _with_family_calls(sessions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The sessions, some of which are calls to the family."""
    family: IntArray = (rng.random(len(sessions)) < FAMILY_CALLS).astype(np.int64)
    return sessions.assign(mode=MODES[family], activity=CONTACTS[family])


def _effects_after_match(attended: Attended, matches: Matches, n_students: int) -> pd.DataFrame:
    """Rows of the truth for the days from each mentee's match to the end of the year."""
    row = attended.roster.rows_of(matches.student, n_students)
    start = np.full(len(attended.roster.student), attended.year.n_days)
    start[row] = matches.start
    later = attended.enrolled & (np.arange(attended.year.n_days) >= start[:, None])
    days = later.sum(axis=1)[row]
    counts = attended.absences.day >= start[attended.absences.row]
    would_be, absent = (
        np.bincount(attended.absences.row[counts & happened], minlength=len(start))[row]
        for happened in (np.ones(len(counts), dtype=bool), ~attended.averted)
    )
    values: dict[str, tuple[FloatArray, FloatArray]] = {
        "days_absent": (would_be.astype(np.float64), absent.astype(np.float64)),
        "attendance_rate": (1.0 - would_be / days, 1.0 - absent / days),
    }
    label = attended.year.label
    rows = [
        {
            **{"outcome": outcome, "term": "after_match", "cohort": label, "period": label, "event_time": 0},
            **{"n_mentees": len(row), "mean_unmentored": alone.mean(), "mean_mentored": mentored.mean()},
            "effect": mentored.mean() - alone.mean(),
        }
        for outcome, (alone, mentored) in values.items()
    ]
    return pd.DataFrame(rows)


def _rule(program: Mentoring) -> dict[str, object]:
    """How mentees are chosen and what mentoring does, in words and numbers."""
    by_grade = dict(zip(["KG", "1", "2"], SETTING.chosen_by_grade[:3], strict=True))
    return {
        "selection": f"Students who were enrolled on the first day in a school with the program are considered after "
        f"the first {WINDOW_WEEKS} weeks of school. Of those absent on at least 10 % of these days, some are chosen, "
        "with the log-odds given here; matches start after these weeks.",
        "window_weeks": WINDOW_WEEKS,
        "absence_rate_at_least": program.threshold_tenths / 10,
        "log_odds_of_being_chosen": {
            "intercept": program.intercept,
            "each_point_of_absence_above_threshold": program.per_rate,
            "counted_up_to_points": program.most_points,
            "economically_disadvantaged": SETTING.chosen_if_disadvantaged,
            "by_grade_level": by_grade,
        },
        "program_schools": [school.school_id for school in SETTING.schools if school.starts == 0],
        "effect": "From the match on, a share of the would-be absences does not happen.",
        "share_averted": program.share,
    }
