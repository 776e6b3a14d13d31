"""How the district of each world would be evaluated, and what simple and careful analyses find there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mentoreval as me
from mentoreval.design.design import Design, DesignMethod
from mentoreval.effects.estimate import Estimate
from mentoreval.panel.panel import Panel
from mentoreval.panel.program import Program
from mentoreval.worlds import Draw, draw_world

OUTCOME = "attendance_rate"
SCHOOL_DAYS = 180
"""Effects on the rate are said in days absent of a year of so many."""
TRAITS = ("grade_level", "economically_disadvantaged", "english_learner", "disability")
CLUSTERED = me.ClusterRobust("school", "CR2")
CHECKS = ("attrition", "composition_change", "pretrends", "spillover", "leave_one_school_out")
"""Those that one number each can answer. placebo_period is left out: a year earlier is the year that mentees were
chosen for, in which they must have been absent more than others."""


@dataclass(frozen=True)
class StudyOf:
    """The study that a careful evaluator would plan, knowing how students were chosen.

    exact : what is the same within a matched pair; the school makes it a comparison within schools
    rule : who could be chosen, for both arms
    min_enrolled_days : of a school year whose rate counts
    """

    exact: tuple[str, ...] = ("grade_level",)
    covariates: tuple[str, ...] = (f"prior_{OUTCOME}", *TRAITS)
    rule: tuple[me.Eligibility, ...] = (me.Eligibility(f"prior_{OUTCOME}", at_most=0.90),)
    min_enrolled_days: int = 90
    program: Program = field(default_factory=me.OneToOne)

    def panel(self, draw: Draw) -> Panel:
        """Student and school year."""
        records = me.read_records(dict(draw.tables), attendance="absences_only", exit_date_is="last_day")
        measures = [me.AttendanceRate(min_enrolled_days=self.min_enrolled_days)]
        return me.build_panel(records, program=self.program, measures=measures)

    def match(self, panel: Panel, exact: Sequence[str] | None = None) -> Design:
        """Pairs of students who met the same rule."""
        method: DesignMethod = me.Nearest(ratio=1, caliper=0.2, exact=tuple(self.exact if exact is None else exact))
        return me.choose_design(panel, method, covariates=self.covariates, eligibility=self.rule)


def ancova(design: Design) -> Estimate:
    """The matched analysis of covariance."""
    return me.estimate_effect(design, OUTCOME, me.RegressionAdjustment(), inference=CLUSTERED)


def did(design: Design) -> Estimate:
    """The matched difference-in-differences."""
    return me.estimate_effect(design, OUTCOME, me.Did2x2(), inference=CLUSTERED)


def over_time(design: Design) -> Estimate:
    """Group-time effects, whose leads the pre-trend check reads."""
    return me.estimate_effect(design, OUTCOME, me.CallawaySantAnna(), inference=me.ClusterRobust("school"))


def days(rate: float) -> float:
    """A difference of attendance rates as days absent of a school year."""
    return -SCHOOL_DAYS * rate


def estimated_days(estimate: Estimate) -> float:
    """The headline in days absent."""
    return days(float(estimate.headline()["estimate"]))


def naive_days(panel: Panel) -> float:
    """Days absent of mentees in their first year less those in the year before."""
    frame = panel.frame[["student_id", "period", "first_treated", OUTCOME]].dropna(subset=["first_treated", OUTCOME])
    first = frame[frame["period"] == frame["first_treated"]].set_index("student_id")
    before = frame[frame["period"] < frame["first_treated"]].sort_values("period").groupby("student_id")[OUTCOME].last()
    return days(float((first[OUTCOME] - before.reindex(first.index)).mean()))


def within_schools(study: StudyOf, panel: Panel) -> Estimate:
    """The matched analysis of covariance of pairs from one school."""
    return ancova(study.match(panel, (*study.exact, "school_id")))


def noticed(design: Design, estimate: Estimate) -> str:
    """The checks that caution or fail, in words."""
    found = [me.run_check(check, over_time(design) if check == "pretrends" else estimate) for check in CHECKS]
    told = [f"{f.check} {'**fails**' if f.verdict == 'fail' else 'cautions'}" for f in found if f.verdict in SAID]
    return ", ".join(told) or "none"


def line_of(name: str, n_students: int) -> tuple[object, ...]:
    """World, mentees compared, and the numbers of the table of worlds."""
    study = STUDIES[name]
    draw = draw_world(name, n_students=n_students)
    panel = study.panel(draw)
    design = study.match(panel)
    adjusted, change, inside = ancova(design), did(design), within_schools(study, panel)
    compared = int(adjusted.headline()["n_treated"])
    numbers = (days(draw.truth.effect(OUTCOME)), naive_days(panel))
    told = [_number(value) for value in numbers] + [_with_error(estimate) for estimate in (adjusted, change, inside)]
    return (name, compared, *told, noticed(design, adjusted))


def _number(value: float) -> str:
    """One decimal, with a real minus sign and no minus zero."""
    return f"{round(value, 1) + 0.0:.1f}".replace("-", "−")


def _with_error(estimate: Estimate) -> str:
    """Estimate and standard error."""
    return f"{_number(estimated_days(estimate))} ({SCHOOL_DAYS * float(estimate.headline()['std_error']):.1f})"


SAID = ("caution", "fail")
PLAIN = StudyOf()
STUDIES: dict[str, StudyOf] = {
    "riverside": PLAIN,
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
}
"""By world; a world with another program or baseline has a study of its own."""
