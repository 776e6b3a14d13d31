"""West Kern: a consortium of small rural districts in which every student has a mentor, and others without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting
from mentoreval.worlds.district.groups import group_sessions, group_sizes
from mentoreval.worlds.district.matches import MENTOR_TYPES, Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.people import Traits, number_ids
from mentoreval.worlds.district.roster import NOBODY, Mobility, School
from mentoreval.worlds.world import Draw, Truth, World

FIRST_MEETING_DAY = 12
MEETS_EVERY, MEETING_MINUTES = 20, 45
CONSORTIUM = ("W1", "W2", "W3", "W4")
START = 2
# Districts differ in their level of absences; those of the consortium and the others do not differ on average.
SETTING = Setting(
    schools=(
        School("W1", (0, 8), starts=START, absence_shift=0.10, site="consortium_1"),
        School("W2", (0, 8), starts=START, absence_shift=-0.10, site="consortium_2"),
        School("W3", (0, 8), starts=START, absence_shift=0.05, site="consortium_3"),
        School("W4", (0, 8), starts=START, absence_shift=-0.05, site="consortium_4"),
        School("C1", (0, 8), absence_shift=0.10, site="comparison_1"),
        School("C2", (0, 8), absence_shift=-0.05, site="comparison_2"),
        School("C3", (0, 8), absence_shift=0.05, site="comparison_3"),
        School("C4", (0, 8), absence_shift=-0.10, site="comparison_4"),
        School("C5", (0, 8), absence_shift=-0.05, site="comparison_5"),
        School("C6", (0, 8), absence_shift=0.10, site="comparison_6"),
        School("C7", (0, 8), absence_shift=-0.10, site="comparison_7"),
        School("C8", (0, 8), absence_shift=0.05, site="comparison_8"),
    ),
    first_year=2021,
    year_shifts=(0.30, 0.15, 0.0, -0.12),  # absences fall everywhere in the years after the pandemic
    mobility=Mobility(transfers=0.0),  # nobody moves from one small town to the next within the year
    traits=Traits(by_group=(0.62, 0.28, 0.02, 0.02, 0.04, 0.02), economically_disadvantaged=0.72),
)


@dataclass(frozen=True)
class WestKern(World):
    """Twelve rural districts of one K-8 school each, four of them a consortium in which every student has a mentor.

    *Students.* About 1,000 in any one of the school years 2021-22 to 2024-25, some 80 in a school and 9 in a grade:
    small cells everywhere. Absences, marks and traits follow the models in ``district/``; that nobody changes school
    within a year, and the shares of the traits, are assumptions.

    *Program.* From 2023-24 on every student of the consortium has a mentor, and every adult on campus mentors; groups
    meet monthly (West Kern Consortium, Kern County, California). Groups of six are an assumption. Nobody in these
    schools is left to compare with, so that schools are compared, not students. Absences fall everywhere in these
    years, so that a comparison of before and after shows several times the effect, while the other districts would have
    changed as the consortium. With a dozen schools of 80 students an effect of a day is within what chance does.

    *Effect.* From the first meeting on, a share of each student's would-be absences does not happen. The consortium has
    published no effect on attendance; the share is an assumption.

    *Survey.* Parents of the consortium in its two years, in English or Spanish. The consortium reported of "last
    year's surveys" that 92 % of parents agree that the child enjoys meeting the mentor and 89 % that the mentor gives
    meaningful support, and "a steady rise from the year before". Here the second year has these shares of answers 4 or
    5, to the nearest form. No number of respondents was published, nor the shares of the year before: the number here,
    ``response_rates``, ``rise`` and a third question are assumptions.

    n_students : about how many are enrolled on a day, 250 or more
    effect_share : share of would-be absences averted, on average over students; 0 is no effect
    rise : by how much the shares of the survey's first year were lower
    response_rates : share of parents who return a form in English and in Spanish
    """

    name: ClassVar[str] = "west_kern"
    default_seed: ClassVar[int] = 20230901
    compressed: ClassVar[tuple[str, ...]] = (*World.compressed, "students", "calendar", "matches", "surveys")
    n_students: int = 1000
    effect_share: float = 0.10
    rise: float = 0.05
    response_rates: tuple[float, float] = (0.55, 0.45)

    def check(self) -> None:
        """Refuse districts without a student in each grade, and shares that are none."""
        if self.n_students < 250:
            raise OptionError(
                f"west_kern: n_students = {self.n_students} is too few for twelve K-8 schools. Take 250 or more."
            )
        if not 0 <= self.effect_share <= 0.4 or not 0 <= self.rise <= 0.5:
            raise OptionError("west_kern: effect_share is from 0 to 0.4 and rise from 0 to 0.5.")
        if len(self.response_rates) != 2 or not all(0 < rate <= 1 for rate in self.response_rates):
            raise OptionError(f"west_kern: response_rates = {self.response_rates} are not two shares above 0.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw four school years, the program in the last two, then what families said of it."""
        program = Mentoring(share=self.effect_share, later_years=1.0, without_session=0.0, renewal=1.0, caseload=6)
        district = District.draw(SETTING, self.n_students, rng)
        chronicle = Chronicle.write(
            district, program, rng, choose=lambda number, last: _everybody(district, number, program, rng)
        )
        history = chronicle.follow(program, rng)
        drawn, ids = chronicle.draw_tables(program, rng, history)
        parts = []
        for attended, running in zip(chronicle.attended, history.running, strict=True):
            match, day, minutes = group_sessions(
                running, chronicle.matches.mentor, attended.present, MEETS_EVERY, MEETING_MINUTES, rng
            )
            dates = attended.year.iso_dates[day]
            parts.append(pd.DataFrame({"match_id": ids.match[match], "date": dates, "minutes": minutes}))
        drawn["matches"] = drawn["matches"].assign(model="group", planned_per_week=0.25)
        drawn["sessions"] = _told(pd.concat(parts, ignore_index=True), drawn["matches"])
        drawn["surveys"] = _surveys(self, drawn, rng)
        truth = Truth.of(_rule(self), chronicle.potential(ids))
        return Draw(self, drawn, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})


def _everybody(district: District, number: int, program: Mentoring, rng: np.random.Generator) -> Matches:
    """Every student of the consortium who has no mentor yet: all in the first year, then who is new."""
    roster, year = district.rosters[number], district.years[number]
    runs = SETTING.starts[roster.school] <= number
    row = np.flatnonzero(runs & ((roster.previous == NOBODY) | (number == START)))
    matches = program.match(row, number, roster, year, rng)
    entry = roster.entry[roster.rows_of(matches.student, len(district.ability))]
    staff = np.full(len(row), MENTOR_TYPES.tolist().index("internal"))
    return replace(matches, start=np.maximum(FIRST_MEETING_DAY, entry), weekly=np.zeros(len(row)), mentor_type=staff)


def _told(sessions: pd.DataFrame, matches: pd.DataFrame) -> pd.DataFrame:
    """The meetings by match and date, with how many met and how."""
    ordered = sessions.sort_values(["match_id", "date"], kind="stable", ignore_index=True)
    return ordered.assign(mode="in_person", activity="group_meeting", group_size=group_sizes(ordered, matches))


# --- the parents' survey -------------------------------------------------------------------------------------------

TOP_SHARES: Mapping[str, float] = {
    "child_enjoys_meeting_mentor": 0.92,
    "mentor_gives_meaningful_support": 0.89,
    "family_feels_welcome_at_school": 0.84,  # a question of our own, so that there is a scale; an assumption
}
LOW_ANSWERS: IntArray = np.array([3, 3, 3, 2, 1])
NO_ANSWER = 0.03


def _surveys(world: WestKern, drawn: Mapping[str, pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    """One row for each form and question: whose parents answered, in which language, and what."""
    consortium = drawn["enrolment"][drawn["enrolment"]["school_id"].isin(CONSORTIUM)]
    learner = drawn["students"].set_index("student_id")["english_learner"]
    parts = []
    for number, start in ((START, world.rise), (START + 1, 0.0)):
        label = f"{SETTING.first_year + number}-{(SETTING.first_year + number + 1) % 100:02d}"
        student = consortium.loc[consortium["school_year"] == label, "student_id"].to_numpy(dtype=object)
        spanish = rng.random(len(student)) < np.where(learner.loc[student] == 1, 0.85, 0.08)
        returned = rng.random(len(student)) < np.where(spanish, world.response_rates[1], world.response_rates[0])
        forms = pd.DataFrame({"school_year": label, "student_id": student[returned]})
        forms = forms.assign(language=np.where(spanish[returned], "es", "en"), date=f"{label[:2]}{label[5:]}-05-15")
        forms.insert(0, "form_id", number_ids(f"F{label[5:]}", len(forms), rng))
        parts += [_answers(forms, item, share - start, rng) for item, share in TOP_SHARES.items()]
    table = pd.concat(parts, ignore_index=True)[[*SURVEY_COLUMNS]]
    return table.sort_values(["school_year", "form_id", "item"], kind="stable", ignore_index=True)


SURVEY_COLUMNS = ("form_id", "school_year", "item", "answer", "student_id", "role", "language", "date")


def _answers(forms: pd.DataFrame, item: str, top_share: float, rng: np.random.Generator) -> pd.DataFrame:
    """One question: of those who answer, exactly the share (to the nearest form) gives a 4 or a 5."""
    n = len(forms)
    answered: BoolArray = rng.random(n) >= NO_ANSWER
    place = np.argsort(np.argsort(np.where(answered, rng.random(n), 2.0)))
    top = place < round(top_share * int(answered.sum()))
    answer = pd.Series(np.where(top, 4 + (rng.random(n) < 0.6), LOW_ANSWERS[rng.integers(0, 5, size=n)]))
    return forms.assign(item=item, answer=answer.astype("Int64").mask(~answered), role="parent")


def _rule(world: WestKern) -> dict[str, Any]:
    """Who is in the program, what it does, and what the survey was drawn from."""
    label = f"{SETTING.first_year + START}-{(SETTING.first_year + START + 1) % 100:02d}"
    return {
        "selection": "Every student of a school of the consortium has a mentor, from the first group meeting of "
        f"{label} on or from the first day enrolled.",
        "program_starts": {s.school_id: label if s.starts is not None else "never" for s in SETTING.schools},
        "log_odds_of_an_absence_by_school": {s.school_id: s.absence_shift for s in SETTING.schools},
        "log_odds_of_an_absence_by_year": list(SETTING.year_shifts),
        "effect": "From the first meeting on, a share of the would-be absences does not happen; marks follow.",
        "share_averted": world.effect_share,
        "survey_top_two_shares_second_year": dict(TOP_SHARES),
        "survey_top_two_shares_first_year": {item: share - world.rise for item, share in TOP_SHARES.items()},
        "survey_response_rates": {"en": world.response_rates[0], "es": world.response_rates[1]},
    }
