"""High school peers: juniors and seniors mentor ninth-graders, marks gain a little, attendance nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting
from mentoreval.worlds.district.marks import Marks
from mentoreval.worlds.district.matches import MENTOR_TYPES, Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.peer_logs import PeerLogs
from mentoreval.worlds.district.roster import NOBODY, School
from mentoreval.worlds.district.staying import NEVER, DropoutModel, Staying
from mentoreval.worlds.world import OUTCOMES, Draw, Truth, World

MENTEE_GRADE, MENTOR_GRADES = 9, (11, 12)
SETTING = Setting(
    schools=(
        School("M1", (8, 8), feeds="H1", absence_shift=0.05),
        School("M2", (8, 8), feeds="H2", absence_shift=-0.05),
        School("M3", (8, 8), feeds="H3", absence_shift=0.0),
        School("H1", (9, 12), starts=1, absence_shift=0.05),
        School("H2", (9, 12), starts=1, absence_shift=-0.05),
        School("H3", (9, 12), absence_shift=0.0),
    ),
    first_year=2021,
    year_shifts=(0.08, 0.0, -0.04),
    served_grades=(MENTEE_GRADE,),
)
DROPOUTS = DropoutModel()
# Log-odds, or scores, of being taken, on last year's grade point average and points of the absence rate.
MENTEE_INTERCEPT, MENTEE_PER_GPA, MENTEE_PER_POINT, MOST_POINTS = -0.4, -0.9, 0.03, 20.0
MENTOR_PER_GPA, MENTOR_PER_POINT = 1.5, -0.08
USUAL_GPA = 2.6
LATER_YEARS = 0.5


@dataclass(frozen=True)
class HighSchoolPeers(World):
    """Three high schools and grade 8 of their feeders, 2,400 students in any of three years; peers in two schools.

    *Program.* In two of three high schools students of grades 11 and 12 mentor ninth-graders from 2022-23 on, two to
    each (cross-age peer mentoring). The program keeps its own logs: how pairs were made, hours of training, one meeting
    planned a week and those held, check-ins, gaps, and why matches ended. All numbers in the logs are assumptions.

    *Selection.* Mentees: ninth-graders whose marks in grade 8 are known; the chance falls with last year's grade point
    average and rises with last year's absences and economic disadvantage. Peer mentors: for each mentor who is needed,
    one of the students of the school in grade 11 (in the first year of the program 11 or 12), who is considered once;
    those with better marks and fewer absences come first, and chance decides the rest. So a comparison of participants
    with other students shows mentees worse and mentors far better than they are made by the program. Given these facts
    nothing else matters.

    *Effect.* Marks of mentees gain score points from the year of the match on, in later years half; those of peer
    mentors gain too. They are participants and can be in no comparison group. Attendance: none, as the randomized trial
    of Peer Group Connection found (Jenner et al. 2021/2023, ITT sample of 1,351: attendance and credits null, weighted
    grade point average 2.71 against 2.63, not significant; WWC Study 90321). The default makes about a tenth of a grade
    point, near that difference. Of dropout peer programs claim much and publish no number: that mentoring averts a
    quarter of the dropouts of mentees is an assumption, as is what mentors gain. Students who stay because of a mentor
    stay in the tables of later years, so that only the first year after the match is free of that selection.

    *Truth.* Terms as everywhere for mentees, with dropout as a further outcome, and "peer_mentors_event_time" and
    "peer_mentors_all_years" for the marks of peer mentors, who have no cohort in the potential outcomes but
    ``peer_mentor_since``. Dropout is unknown in the last year and for students who move away.

    n_students : about how many are enrolled on a day, 600 or more
    mentee_points, mentor_points : score points of 100 that mentoring adds on average; ten are a grade point
    dropout_averted : share of the dropouts of mentees that do not happen
    """

    name: ClassVar[str] = "high_school_peers"
    default_seed: ClassVar[int] = 20220901
    compressed: ClassVar[tuple[str, ...]] = (*World.compressed, "students", "calendar")
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType({"n_students": 900})
    n_students: int = 2400
    mentee_points: float = 1.2
    mentor_points: float = 1.0
    dropout_averted: float = 0.25

    def check(self) -> None:
        """Refuse schools too small to have mentors, and effects beyond sense."""
        if self.n_students < 600:
            raise OptionError(
                f"high_school_peers: n_students = {self.n_students} is too few for six schools. Take 600 or more."
            )
        if not (0 <= self.mentee_points <= 10 and 0 <= self.mentor_points <= 10 and 0 <= self.dropout_averted <= 1):
            raise OptionError("high_school_peers: points are from 0 to 10 and dropout_averted from 0 to 1.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw three school years, one after the other: both selections look at the marks of the year before."""
        # Attendance does not change, so what a match's share says here is how much of the points the mentee gains.
        program = Mentoring(share=1.0, later_years=LATER_YEARS, renewal=0.0, caseload=2)
        district = District.draw(SETTING, self.n_students, rng)
        story = _Story.write(self, district, program, rng)
        chronicle = story.chronicle
        history = chronicle.follow(program, rng)
        drawn, ids = chronicle.draw_tables(program, rng, history)
        logs = PeerLogs.draw(chronicle, history, story.mentor, rng)
        drawn = logs.into(story.staying.into(drawn, district.rosters, district.years, ids), chronicle, ids, rng)
        potential = chronicle.potential(ids).merge(
            story.staying.outcome_rows(district.rosters, district.years, ids), on=["student_id", "period"]
        )
        since = pd.Series(story.mentor_since(), index=ids.student)
        labels = np.array([*(year.label for year in district.years), None], dtype=object)
        potential["peer_mentor_since"] = labels[potential["student_id"].map(since).to_numpy()]
        truth = _truth(_rule(self), potential)
        return Draw(self, drawn, truth, {"attendance": "absences_only", "exit_date_is": "last_day"})


@dataclass(frozen=True, eq=False)
class _Story:
    """What happened, who mentored, and who stayed. mentor : (n_mentors,) student who is each mentor."""

    chronicle: Chronicle
    mentor: IntArray
    staying: Staying

    @classmethod
    def write(cls, world: HighSchoolPeers, district: District, program: Mentoring, rng: np.random.Generator) -> _Story:
        """Go through the years: choose, attend, give marks, and see who comes back."""
        n_students = len(district.ability)
        matches, attended, marks = Matches.none(), list[Attended](), list[Marks]()
        mentor, staying = np.zeros(0, dtype=np.int64), Staying.of_everybody(n_students)
        for number in range(SETTING.n_years):
            roster = district.rosters[number]
            if attended:
                known = _LastYear.of(attended[-1], marks[-1], district, number)
                new = known.choose_mentees(program, rng)
                mentor = np.concatenate([mentor, known.choose_mentors(new, mentor, staying, rng)])
                matches = matches.and_then(new)
            response, _ = matches.on_roster(roster, number, program.later_years, n_students)
            mentoring = np.isin(roster.student, mentor)
            year = district.attend(number, Matches.none(), program, rng)
            gain = world.mentee_points * response + world.mentor_points * mentoring
            attended.append(year)
            marks.append(year.draw_marks(SETTING.marks, district.ability[roster.student], rng, gain))
            rate = year.days_absent(True).sum(axis=1) / np.maximum(year.days_enrolled.sum(axis=1), 1)
            chance = DROPOUTS.chance(roster.grade, rate, district.ability[roster.student])
            averted = 1.0 - world.dropout_averted * np.isin(roster.student, matches.student)
            staying.end_year(
                number, district.rosters, year.year.n_days, (chance, chance * averted), rng.random(len(rate))
            )
        return cls(Chronicle(district, tuple(attended), tuple(marks), matches), mentor, staying)

    def mentor_since(self) -> IntArray:
        """(n_students,) school year in which each student became a peer mentor; the number of years for never."""
        matches = self.chronicle.matches
        since = np.full(len(self.chronicle.district.ability), SETTING.n_years)
        np.minimum.at(since, self.mentor[matches.mentor], matches.cohort)
        return since


@dataclass(frozen=True, eq=False)
class _LastYear:
    """What the program knows in the autumn of students with marks of the year before (m of them).

    row : in the year's roster; gpa, points : of last year, the second in points of the absence rate
    """

    district: District
    number: int
    row: IntArray
    gpa: FloatArray
    points: FloatArray

    @classmethod
    def of(cls, last: Attended, marks: Marks, district: District, number: int) -> _LastYear:
        """Those who were here last year and had a mark."""
        roster = district.rosters[number]
        gpa = marks.gpa(marks.mentored, len(last.roster.student))
        rate = last.days_absent(True).sum(axis=1) / np.maximum(last.days_enrolled.sum(axis=1), 1)
        row = np.flatnonzero(roster.previous != NOBODY)
        row = row[~np.isnan(gpa[roster.previous[row]])]
        before = roster.previous[row]
        return cls(district, number, row, gpa[before], np.minimum(100.0 * rate[before], MOST_POINTS))

    def choose_mentees(self, program: Mentoring, rng: np.random.Generator) -> Matches:
        """This year's matches, with peers who are found afterwards."""
        roster = self.district.rosters[self.number]
        served = (SETTING.starts[roster.school[self.row]] <= self.number) & (roster.grade[self.row] == MENTEE_GRADE)
        poor = self.district.traits["economically_disadvantaged"].to_numpy()[roster.student[self.row]]
        log_odds = MENTEE_INTERCEPT + MENTEE_PER_GPA * (self.gpa - USUAL_GPA) + MENTEE_PER_POINT * self.points
        chosen = served & (rng.random(len(poor)) * (1.0 + np.exp(-(log_odds + 0.2 * poor))) < 1.0)
        matches = program.match(self.row[chosen], self.number, roster, self.district.years[self.number], rng)
        peer = np.full(len(matches), MENTOR_TYPES.tolist().index("peer"))
        return replace(matches, weekly=matches.weekly / 3.0, mentor_type=peer)

    def choose_mentors(
        self, matches: Matches, mentors: IntArray, staying: Staying, rng: np.random.Generator
    ) -> IntArray:
        """(n_mentors,) the student who is each mentor of these matches, from the school of the match."""
        roster = self.district.rosters[self.number]
        school, grade, student = roster.school[self.row], roster.grade[self.row], roster.student[self.row]
        considered = np.isin(grade, MENTOR_GRADES if self.number == 1 else MENTOR_GRADES[:1])
        considered &= ~np.isin(student, mentors) & ~staying.gone(student, self.number) & (roster.exit[self.row] > 60)
        score = MENTOR_PER_GPA * self.gpa + MENTOR_PER_POINT * self.points + rng.gumbel(size=len(self.row))
        found = np.full(int(matches.mentor.max(initial=-1)) + 1, NEVER)
        for place in np.unique(matches.school):
            wanted = np.unique(matches.mentor[matches.school == place])
            best = np.argsort(np.where(considered & (school == place), -score, np.inf), kind="stable")
            found[wanted] = student[best[: len(wanted)]]
        return found


PEER_TERMS = ("event_time", "all_years")


def _truth(rule: dict[str, Any], potential: pd.DataFrame) -> Truth:
    """The truth of mentees, and behind it what being a mentor does to the marks of mentors."""
    truth = Truth.of(rule, potential, (*OUTCOMES, "dropout"))
    since = potential["peer_mentor_since"]
    first, now = (pd.to_numeric(labels.str[:4]).astype("Int64") for labels in (since, potential["period"]))
    of_mentors = potential.assign(cohort=since, event_time=now - first).drop(columns="program_start")
    rows = Truth.of({}, of_mentors, ("gpa", "course_failure")).effects.query("term in @PEER_TERMS")
    rows = rows.assign(term="peer_mentors_" + rows["term"])
    return replace(truth, effects=pd.concat([truth.effects, rows], ignore_index=True))


def _rule(world: HighSchoolPeers) -> dict[str, Any]:
    """How mentees and mentors are chosen and what mentoring does, in words and numbers."""
    label = f"{SETTING.first_year + 1}-{(SETTING.first_year + 2) % 100:02d}"
    return {
        "selection": "Ninth-graders in schools with the program whose marks of grade 8 are known are considered once; "
        "some are chosen, with the log-odds given here. For each mentor who is needed one student of the school in "
        f"grade 11, in {label} in grade 11 or 12, is taken: those with the highest scores, the sum given here "
        "and a Gumbel draw.",
        "log_odds_of_being_mentored": {
            "intercept": MENTEE_INTERCEPT,
            f"each_grade_point_above_{USUAL_GPA}": MENTEE_PER_GPA,
            "each_point_of_absence": MENTEE_PER_POINT,
            "counted_up_to_points": MOST_POINTS,
            "economically_disadvantaged": 0.2,
        },
        "score_of_peer_mentors": {"each_grade_point": MENTOR_PER_GPA, "each_point_of_absence": MENTOR_PER_POINT},
        "program_starts": {s.school_id: label if s.starts is not None else "never" for s in SETTING.schools},
        "effect": "Marks gain score points of 100; attendance gains nothing; some dropouts of mentees do not happen.",
        "mentee_points_first_year": world.mentee_points,
        "mentee_points_later_years": world.mentee_points * LATER_YEARS,
        "mentor_points": world.mentor_points,
        "share_of_dropouts_averted": world.dropout_averted,
    }
