"""How the district of each world would be evaluated, and what simple and careful analyses find in one drawing of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mentoreval as me
from mentoreval.design.design import Design, DesignMethod
from mentoreval.effects.estimate import Estimate
from mentoreval.evidence.rehearsal import refused
from mentoreval.panel.measure import Measure
from mentoreval.panel.panel import Panel
from mentoreval.panel.program import Program
from mentoreval.worlds import Draw, draw_world

RATE, DAYS, GPA = "attendance_rate", "days_absent", "gpa"
OUTCOME = RATE
SCHOOL_DAYS = 180
"""Effects on the rate are said in days absent of a year of so many."""
TRAITS = ("grade_level", "economically_disadvantaged", "english_learner", "disability")
CLUSTERED = me.ClusterRobust("school", "CR2")
OVER_TIME = "pretrends"
CHECKS = (
    "attrition", "composition_change", OVER_TIME, "spillover", "leave_one_school_out", "placebo_period",
)  # fmt: skip
"""Those that one number each can answer."""


@dataclass(frozen=True)
class StudyOf:
    """The study that a careful evaluator would plan, knowing how students were chosen.

    outcome : what is studied; differences of rates are said in days absent of a school year
    exact : what is the same within a matched pair; the school makes it a comparison within schools
    rule : who could be chosen, for both arms
    min_enrolled_days : of a school year whose rate counts
    panel_options, world_options : further arguments of ``build_panel``, and of the world
    n_students : where it is not that of the other worlds
    did : False where differences over time mean nothing
    """

    outcome: str = RATE
    exact: tuple[str, ...] = ("grade_level",)
    covariates: tuple[str, ...] = (f"prior_{RATE}", *TRAITS)
    rule: tuple[me.Eligibility, ...] = (me.Eligibility(f"prior_{RATE}", at_most=0.90),)
    min_enrolled_days: int = 90
    program: Program = field(default_factory=me.OneToOne)
    further_measures: tuple[str, ...] = ()
    panel_options: Mapping[str, Any] = field(default_factory=dict)
    world_options: Mapping[str, Any] = field(default_factory=dict)
    n_students: int | None = None
    did: bool = True

    @property
    def by_school(self) -> bool:
        """Whether whole schools are compared, so that nobody is matched."""
        return self.program.unit == "school"

    def draw(self, name: str, seed: int, n_students: int) -> Draw:
        """One drawing of the world."""
        return draw_world(name, seed, n_students=self.n_students or n_students, **self.world_options)

    def panel(self, draw: Draw) -> Panel:
        """Student and school year, or school and school year."""
        records = me.read_records(dict(draw.tables), **draw.conventions)
        measures: list[str | Measure] = [me.AttendanceRate(min_enrolled_days=self.min_enrolled_days)]
        measures += self.further_measures
        return me.build_panel(records, program=self.program, measures=measures, **self.panel_options)

    def match(self, panel: Panel, exact: Sequence[str] | None = None) -> Design:
        """Pairs of students who met the same rule; all schools where schools are compared."""
        if self.by_school:
            return me.choose_design(panel, covariates=[])
        method: DesignMethod = me.Nearest(ratio=1, caliper=0.2, exact=tuple(self.exact if exact is None else exact))
        return me.choose_design(panel, method, covariates=self.covariates, eligibility=self.rule)

    def scale(self, outcome: str | None = None) -> float:
        """What an effect is multiplied with: rates become days absent."""
        return -SCHOOL_DAYS if (outcome or self.outcome) == RATE else 1.0


def ancova(design: Design, outcome: str = RATE) -> Estimate:
    """The matched analysis of covariance."""
    return me.estimate_effect(design, outcome, me.RegressionAdjustment(), inference=CLUSTERED)


def did(design: Design, outcome: str = RATE) -> Estimate:
    """The matched difference-in-differences."""
    inference = CLUSTERED if design.panel.school is not None else me.ClusterRobust("student", "CR2")
    return me.estimate_effect(design, outcome, me.Did2x2(), inference=inference)


def over_time(design: Design, outcome: str = RATE) -> Estimate:
    """Group-time effects, whose leads the pre-trend check reads."""
    cluster = "school" if design.panel.school is not None else "student"
    return me.estimate_effect(design, outcome, me.CallawaySantAnna(), inference=me.ClusterRobust(cluster))


def naive(panel: Panel, outcome: str) -> float:
    """The outcome of mentees in their first year less that in the year before."""
    unit = panel.unit
    frame = panel.frame[[unit, "period", "first_treated", outcome]].dropna(subset=["first_treated", outcome])
    first = frame[frame["period"] == frame["first_treated"]].set_index(unit)
    before = frame[frame["period"] < frame["first_treated"]].sort_values("period").groupby(unit)[outcome].last()
    return float((first[outcome] - before.reindex(first.index)).mean())


def days(rate: float) -> float:
    """A difference of attendance rates as days absent of a school year."""
    return -SCHOOL_DAYS * rate


def estimated_days(estimate: Estimate) -> float:
    """The headline in days absent."""
    return days(float(estimate.headline()["estimate"]))


def naive_days(panel: Panel) -> float:
    """``naive`` of attendance, in days absent."""
    return days(naive(panel, RATE))


def naive_in_window(panel: Panel) -> float:
    """The rate of mentees after the window of the baseline less that in it."""
    mentees = panel.frame[panel.frame["first_treated"].notna()]
    rate = mentees.groupby("baseline_window")[RATE].mean()
    return float(rate[0.0] - rate[1.0])


def found_in(name: str, seed: int, n_students: int, rehearsals: int) -> dict[str, Any]:
    """What analyses find in one drawing: numbers in the unit of the table, and the verdict of every check.

    rehearsals : draws of the rehearsal; 0 = none is held
    """
    study = STUDIES[name]
    draw = study.draw(name, seed, n_students)
    panel = study.panel(draw)
    design = study.match(panel)
    main = did(design, study.outcome) if study.by_school else ancova(design, study.outcome)
    truth, head, scale = draw.truth.effect(study.outcome), main.headline(), study.scale()
    windowed = "baseline_window" in study.panel_options
    before_after = study.scale(RATE) * naive_in_window(panel) if windowed else scale * naive(panel, study.outcome)
    found: dict[str, Any] = {
        "mentees": int(head["n_treated"]), "true": scale * truth, "before and after": before_after,
        "held": float(head["conf_low"] <= truth <= head["conf_high"]),
        "ANCOVA": math.nan if study.by_school else _estimated(main, scale),
        "within schools": _within_schools(study, panel, scale),
        "DiD": _estimated(did(design, study.outcome), scale) if study.did else math.nan,
    }  # fmt: skip
    found |= {check: _verdict(check, study, design, main) for check in CHECKS}
    return found | {"rehearsal": _rehearsed(main, seed, rehearsals) if rehearsals else ""}


def _estimated(estimate: Estimate, scale: float) -> float:
    return scale * float(estimate.headline()["estimate"])


def _within_schools(study: StudyOf, panel: Panel, scale: float) -> float:
    """The matched analysis of covariance of pairs from one school; missing where there are too few of them for it."""
    if study.by_school:
        return math.nan
    try:
        return _estimated(ancova(study.match(panel, (*study.exact, "school_id")), study.outcome), scale)
    except me.MentorevalError:
        return math.nan


def _verdict(check: str, study: StudyOf, design: Design, main: Estimate) -> str:
    if check == OVER_TIME and not study.did:
        return "cannot_judge"
    return me.run_check(check, over_time(design, study.outcome) if check == OVER_TIME else main).verdict


def _rehearsed(main: Estimate, seed: int, rehearsals: int) -> str:
    try:
        return me.rehearse(main, draws=rehearsals, seed=seed, workers=1).finding().verdict
    except me.RehearsalRefusedError as error:
        return refused(error).verdict


PLAIN = StudyOf()
BY_GRADES = ("prior_gpa", f"prior_{RATE}", "economically_disadvantaged")
CONSORTIUM = ("W1", "W2", "W3", "W4")
STUDIES: dict[str, StudyOf] = {
    "riverside": PLAIN,
    "nyc_success_mentors": StudyOf(
        rule=(me.Eligibility(f"prior_{DAYS}", at_least=20),), further_measures=(DAYS,),
        world_options={"one_school_in": 6},
    ),
    "thirty_districts": PLAIN,
    "fresno_portfolio": StudyOf(program=me.Portfolio()),
    "elementary_k2": StudyOf(
        outcome=DAYS, min_enrolled_days=20, further_measures=(DAYS,),
        panel_options={"baseline_window": 6}, did=False,
    ),
    "high_school_peers": StudyOf(
        outcome=GPA, exact=(), covariates=BY_GRADES, rule=(me.Eligibility("grade_level", at_least=8, at_most=8),),
        program=me.Peer(), further_measures=(GPA,),
    ),
    "west_kern": StudyOf(
        outcome=DAYS, program=me.SchoolWide(starts=tuple((school, "2023-09-10") for school in CONSORTIUM)),
        further_measures=(DAYS,), n_students=1000,
    ),
    "no_effect": PLAIN,
    "regression_to_the_mean": PLAIN,
    "broken_trends": PLAIN,
    "anticipation": PLAIN,
    "selection_on_unobservables": PLAIN,
    "spillover": PLAIN,
    "attrition": PLAIN,
    "composition_change": PLAIN,
    "missing_records": PLAIN,
    "school_shocks": PLAIN,
    "six_schools": PLAIN,
}  # fmt: skip
"""By world; a world with another program or baseline has a study of its own."""
