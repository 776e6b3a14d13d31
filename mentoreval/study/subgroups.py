"""Subgroups of a study: which are planned, and what was found in each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mentoreval.errors import StudyError, suggest
from mentoreval.evidence.subgroups import (
    LEAST_CLUSTERS,
    LEAST_STUDENTS,
    SubgroupEstimates,
    adjust_subgroup_tests,
    estimate_subgroups,
)

if TYPE_CHECKING:
    from mentoreval.effects.estimate import Estimate
    from mentoreval.study.study import EstimatePlan, Study


@dataclass(frozen=True)
class SubgroupPlan:
    """The effect in each level of a covariate, as in ``estimate_subgroups``.

    estimates : names of the estimates to take apart; empty = every headline
    """

    by: str
    estimates: tuple[str, ...] = ()
    cells: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    cuts: tuple[float, ...] = ()
    least_students: int = LEAST_STUDENTS
    least_clusters: int = LEAST_CLUSTERS

    def __post_init__(self) -> None:
        if not isinstance(self.cells, Mapping) or not all(isinstance(one, tuple) for one in self.cells.values()):
            raise StudyError("[subgroups] cells is a table of lists, such as { lower = [1, 2], upper = [3, 4] }.")
        if not isinstance(self.cuts, tuple) or not isinstance(self.estimates, tuple):
            raise StudyError("[subgroups] cuts and estimates are lists.")


@dataclass(frozen=True, eq=False)
class SubgroupResult:
    """One outcome in the levels of one covariate.

    name : as the study file calls the subgroups
    plan : of the estimate that is taken apart
    found : every level, and the test that they differ
    p_adjusted : of that test, over all subgroup tests of the study; NaN where there was none
    """

    name: str
    plan: EstimatePlan
    found: SubgroupEstimates
    p_adjusted: float


def run_subgroups(
    study: Study, estimates: Iterable[tuple[EstimatePlan, Estimate]], say: Callable[[str], None]
) -> tuple[SubgroupResult, ...]:
    """Every subgroup analysis that the study plans; none of fewer students than its report may show."""
    done = {plan.name: (plan, estimate) for plan, estimate in estimates}
    found = []
    for name, wanted in study.subgroups.items():
        headlines = [plan.name for plan, _ in done.values() if plan.role == "headline"]
        for one in wanted.estimates or headlines:
            if one not in done:
                raise StudyError(f"[subgroups.{name}] names an estimate {one!r}.{suggest(one, done)}")
            say(f"Estimating {one} by {name}")
            plan, overall = done[one]
            least = max(wanted.least_students, study.disclosure_threshold)
            apart = estimate_subgroups(
                overall, wanted.by, cells=wanted.cells, cuts=wanted.cuts, least_students=least,
                least_clusters=wanted.least_clusters,
            )  # fmt: skip
            found.append((name, plan, apart))
    adjusted = adjust_subgroup_tests(apart for *_, apart in found)
    return tuple(SubgroupResult(*one, float(p)) for one, p in zip(found, adjusted, strict=True))
