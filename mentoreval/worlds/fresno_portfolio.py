"""A portfolio as in Fresno: four kinds of mentoring at once, some students in two, each kind with its own effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.errors import OptionError
from mentoreval.worlds.district.district import Chronicle, District, Setting
from mentoreval.worlds.district.matches import MENTOR_TYPES, Matches
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.outcomes import Attended
from mentoreval.worlds.district.portfolio_logs import arms_of, portfolio_tables
from mentoreval.worlds.district.roster import NOBODY, School
from mentoreval.worlds.world import Draw, Truth, World

SETTING = Setting(
    schools=(
        School("A1", (6, 8), feeds="B1", starts=1, absence_shift=0.05),
        School("A2", (6, 8), feeds="B2", starts=1, absence_shift=-0.05),
        School("A3", (6, 8), feeds="B3", absence_shift=0.0),
        School("B1", (9, 12), starts=1, absence_shift=-0.05),
        School("B2", (9, 12), starts=1, absence_shift=0.05),
        School("B3", (9, 12), absence_shift=0.0),
    ),
    first_year=2021,
    year_shifts=(0.08, 0.0, -0.04),
)
PEER = "peer_cross_age"
MODELS = ("one_to_one", PEER, "e_mentoring", "group")
# Log-odds against no mentoring of each kind: intercept, each point of last year's absences above 10 %, disadvantage.
CHOSEN: Mapping[str, tuple[float, float, float]] = {
    "one_to_one": (-1.2, 0.06, 0.2),
    PEER: (-0.8, 0.02, 0.2),
    "e_mentoring": (-0.7, -0.02, 0.0),
    "group": (-1.0, 0.0, 0.4),
}
GRADES: Mapping[str, tuple[int, int]] = {"one_to_one": (6, 12), PEER: (6, 8), "e_mentoring": (9, 12), "group": (6, 12)}
CASELOADS: Mapping[str, int] = {"one_to_one": 4, PEER: 2, "e_mentoring": 3, "group": 8}
MOST_POINTS = 20.0
IN_TWO = 0.25


@dataclass(frozen=True)
class FresnoPortfolio(World):
    """Three middle and three high schools, about 3,000 students in any of three years, four kinds of mentoring at once.

    *Program.* From 2022-23 on in two middle and two high schools, the kinds of the portfolio of Fresno Unified:
    one-to-one with adults; high school students who are paid to mentor middle school students after school; e-mentoring
    on a platform, weekly, with a meeting in person from time to time; groups. Mentors are shared: about eight mentees
    to a group, four to an adult, three on the platform, two to a peer. Minutes, frequencies and caseloads are
    assumptions.

    *Selection.* A student is considered once, in the first autumn in which the program runs in the student's school and
    the absences of the year before are known. Those absent on 10 % of their days or more get one of the kinds that are
    open to their grade, or none, by log-odds that depend on last year's absences and economic disadvantage, differently
    for each kind. A quarter of mentees are in a second kind as well. So kinds have different students, and a comparison
    of before and after finds an effect of every kind, that of none included. Given these facts nothing else matters.
    Peer mentors come from the students of the two high schools who do not meet the rule; nothing changes for them.

    *Effect.* From each match on a share of the would-be absences does not happen; of two kinds each averts its share
    of what the other leaves. One-to-one averts what Check & Connect did in Chicago (20 to 23 %; Guryan et al. 2016,
    WP-16-18; 2020, NBER 27661); e-mentoring nothing, the null that is expected of it on attendance; the shares of peers
    and groups are assumptions. No effect of the portfolio itself has been published. Marks rise with attendance alone.

    *Truth.* Terms as everywhere for all mentees, and "model_event_time" (first year) and "model_all_years" for each
    arm, whose ``level`` is what the panel's column ``model`` says: the kinds of a student in the order of their starts.

    n_students : about how many are enrolled on a day, 600 or more
    one_to_one, peer, e_mentoring, group : share of would-be absences that each kind averts on average; 0 is no effect
    """

    name: ClassVar[str] = "fresno_portfolio"
    default_seed: ClassVar[int] = 20220815
    compressed: ClassVar[tuple[str, ...]] = (*World.compressed, "students", "calendar")
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType({"n_students": 900})
    n_students: int = 3000
    one_to_one: float = 0.20
    peer: float = 0.12
    e_mentoring: float = 0.0
    group: float = 0.08

    @property
    def shares(self) -> dict[str, float]:
        """Share averted by kind."""
        return dict(zip(MODELS, (self.one_to_one, self.peer, self.e_mentoring, self.group), strict=True))

    def check(self) -> None:
        """Refuse schools too small to have every kind, and shares that could exceed one."""
        if self.n_students < 600:
            raise OptionError(
                f"fresno_portfolio: n_students = {self.n_students} is too few for six schools. Take 600 or more."
            )
        for name, share in self.shares.items():
            if not 0 <= share <= 0.4:
                raise OptionError(f"fresno_portfolio: the share of {name} is {share}, not between 0 and 0.4.")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw three school years, one after the other: selection looks at the absences of the year before."""
        kinds = {name: _kind(name, share) for name, share in self.shares.items()}
        district = District.draw(SETTING, self.n_students, rng)
        book = _Book(district, kinds, [])
        chronicle = Chronicle.write(
            district,
            kinds["one_to_one"],
            rng,
            choose=lambda number, last: book.choose(number, last, rng),
            attend=lambda number, matches: book.attend(number, rng),
        )
        model = np.repeat([name for name, _, _ in book.pages], [len(new) for _, new, _ in book.pages]).astype(object)
        peers = np.concatenate([peer for _, _, peer in book.pages])
        drawn, ids = portfolio_tables(chronicle, kinds["one_to_one"], model, peers, rng)
        arms = arms_of(drawn["matches"])
        potential = chronicle.potential(ids)
        potential["model"] = potential["student_id"].map(arms)
        return Draw(self, drawn, _truth(self, potential), {"attendance": "absences_only", "exit_date_is": "last_day"})


def _kind(name: str, share: float) -> Mentoring:
    """The numbers of one kind of mentoring; a group meets whoever is missing, so that nobody is without a session."""
    without = 0.0 if name == "group" else 0.06
    return Mentoring(share=share, later_years=1.0, caseload=CASELOADS[name], without_session=without)


@dataclass(frozen=True, eq=False)
class _Book:
    """What was arranged so far. pages : kind, matches, and (n_mentors,) the student who is each mentor or NOBODY."""

    district: District
    kinds: Mapping[str, Mentoring]
    pages: list[tuple[str, Matches, IntArray]]

    def choose(self, number: int, last: Attended, rng: np.random.Generator) -> Matches:
        """This year's matches of every kind."""
        roster, year = self.district.rosters[number], self.district.years[number]
        eligible = self.district.eligible(number, last, self.kinds["one_to_one"])
        working = np.isin(roster.student[eligible.row], self._peer_mentors())
        row, rate = eligible.row[~working], eligible.rate[~working]
        poor = self.district.traits["economically_disadvantaged"].to_numpy()[roster.student[row]]
        in_kind = _kinds_of(roster.grade[row], np.minimum(100.0 * (rate - 0.1), MOST_POINTS), poor, rng)
        everything = Matches.none()
        for place, name in enumerate(MODELS):
            new = self.kinds[name].match(row[in_kind[:, place]], number, roster, year, rng)
            new, peer = self._staffed(name, new, number, last, rng)
            self.pages.append((name, new, peer))
            everything = everything.and_then(new)
        return everything

    def _staffed(
        self, name: str, new: Matches, number: int, last: Attended, rng: np.random.Generator
    ) -> tuple[Matches, IntArray]:
        """The matches with meetings as often as the kind has them, and the students who mentor."""
        n_mentors = int(new.mentor.max(initial=-1)) + 1
        nobody = np.full(n_mentors, NOBODY)
        if name == PEER:
            peer = np.full(len(new), MENTOR_TYPES.tolist().index("peer"))
            return replace(new, mentor_type=peer, weekly=new.weekly / 2.0), self._hire(n_mentors, number, last, rng)
        adult = np.where(new.mentor_type == MENTOR_TYPES.tolist().index("peer"), 0, new.mentor_type)
        often = {"one_to_one": 1.0, "e_mentoring": 1.0 / 3.0, "group": 0.0}[name]
        return replace(new, mentor_type=adult, weekly=new.weekly * often), nobody

    def _hire(self, n_mentors: int, number: int, last: Attended, rng: np.random.Generator) -> IntArray:
        """(n_mentors,) students of grades 10 to 12 in schools with the program who were absent on fewer days."""
        roster = self.district.rosters[number]
        before = roster.previous
        absent, enrolled = last.days_absent(True).sum(axis=1)[before], last.days_enrolled.sum(axis=1)[before]
        fit = (before != NOBODY) & (absent * 10 < enrolled) & (roster.grade >= 10)
        fit &= (SETTING.starts[roster.school] <= number) & ~np.isin(roster.student, self._participants())
        found = roster.student[fit][np.argsort(rng.random(int(fit.sum())), kind="stable")]
        hired: IntArray = found[:n_mentors]
        return hired

    def _participants(self) -> IntArray:
        return np.concatenate([self._peer_mentors(), *(new.student for _, new, _ in self.pages)])

    def _peer_mentors(self) -> IntArray:
        return np.concatenate([np.zeros(0, dtype=np.int64), *(peer[peer != NOBODY] for _, _, peer in self.pages)])

    def attend(self, number: int, rng: np.random.Generator) -> Attended:
        """The year's absences, averted by every kind in turn: each averts its share of what the others leave."""
        alone = self.district.attend(number, Matches.none(), self.kinds["one_to_one"], rng)
        happens = np.ones(len(alone.absences.row))
        for name, new, _ in self.pages:
            later = self.kinds[name].later_years
            share, start = new.on_roster(alone.roster, number, later, len(self.district.ability))
            acts = alone.absences.day >= start[alone.absences.row]
            happens *= 1.0 - np.where(acts, share[alone.absences.row], 0.0)
        return replace(alone, averted=alone.absences.luck < 1.0 - happens)


def _kinds_of(grade: IntArray, points: FloatArray, poor: IntArray, rng: np.random.Generator) -> BoolArray:
    """(m, kinds) which kinds each of those who meet the rule is in; most are in none or one."""
    open_to = np.stack([(grade >= low) & (grade <= high) for low, high in GRADES.values()], axis=1)
    terms = np.array([CHOSEN[name] for name in MODELS])
    odds = np.exp(terms[:, 0] + np.outer(points, terms[:, 1]) + np.outer(poor, terms[:, 2])) * open_to
    limits = np.cumsum(np.column_stack([np.ones(len(grade)), odds]), axis=1)
    first = (rng.random(len(grade))[:, None] * limits[:, -1:] >= limits).sum(axis=1) - 1
    in_kind: BoolArray = first[:, None] == np.arange(len(MODELS))
    also = rng.random(in_kind.shape) * (open_to & ~in_kind)
    in_two = (first >= 0) & (rng.random(len(grade)) < IN_TWO)
    in_kind[in_two, also.argmax(axis=1)[in_two]] = True
    return in_kind


def _truth(world: FresnoPortfolio, potential: pd.DataFrame) -> Truth:
    """The truth of all mentees, and behind it that of each arm."""
    truth = Truth.of(_rule(world), potential)
    parts: list[pd.DataFrame] = [truth.effects]
    for arm, rows in potential.drop(columns="program_start").groupby("model"):
        effects = Truth.of({}, rows).effects
        effects = effects[effects["term"].isin(["event_time", "all_years"]) & (effects["event_time"].fillna(0) == 0)]
        parts.append(effects.assign(term="model_" + effects["term"], level=arm))
    return replace(truth, effects=pd.concat(parts, ignore_index=True))


def _rule(world: FresnoPortfolio) -> dict[str, Any]:
    """How mentees are chosen and what each kind does, in words and numbers."""
    label = f"{SETTING.first_year + 1}-{(SETTING.first_year + 2) % 100:02d}"
    names: Sequence[str] = ("intercept", "each_point_of_absence_above_threshold", "economically_disadvantaged")
    return {
        "selection": "A student is considered once, in the first autumn in which the program runs in the student's "
        "school and the absences of the school year before are known. Of those considered who were absent on at least "
        "10 % of their days in that year, each gets one of the kinds open to the grade, or none, by the log-odds "
        "against none given here; of those with one some are also in another, all others being equally likely.",
        "absence_rate_at_least": 0.1,
        "log_odds_against_none": {name: dict(zip(names, CHOSEN[name], strict=True)) for name in MODELS},
        "counted_up_to_points": MOST_POINTS,
        "grades": {name: list(GRADES[name]) for name in MODELS},
        "share_in_two_kinds": IN_TWO,
        "program_starts": {s.school_id: label if s.starts is not None else "never" for s in SETTING.schools},
        "effect": "From each match on, a share of the would-be absences does not happen; marks follow attendance.",
        "share_averted": world.shares,
    }
