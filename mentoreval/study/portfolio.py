"""Portfolio: a plan for several programs made into one design and one estimate for each pair of them."""

from __future__ import annotations

import re
from dataclasses import replace

from mentoreval.design.arms import ArmComparison, compare_arms
from mentoreval.design.design import Design
from mentoreval.errors import StudyError
from mentoreval.panel.panel import Panel
from mentoreval.study.read import one_headline
from mentoreval.study.study import DesignPlan, EstimatePlan, ProgramsPlan, Study

Pair = tuple[str, ...]


def choose_programs(panel: Panel, plan: ProgramsPlan) -> ArmComparison:
    """Compare the programs of a panel as planned; raises as ``compare_arms`` does."""
    return compare_arms(
        panel,
        plan.column,
        method=plan.method,
        estimand=plan.estimand,
        target=plan.target,
        reference=plan.reference,
        covariates=plan.covariates,
        common_support=plan.common_support,
        several=plan.several,
        pool=plan.pool,
        eligibility=plan.eligibility,
    )


def spell_out(study: Study, comparisons: dict[str, ArmComparison]) -> tuple[Study, dict[str, Design]]:
    """The study with a design and an estimate for each pair that is asked for, and those designs by name.

    A pair has its design once, whichever estimates use it.
    """
    estimates: list[EstimatePlan] = []
    designs: dict[str, Design] = {}
    plans: dict[str, DesignPlan] = {}
    for plan in study.estimates:
        if plan.design not in comparisons:
            estimates.append(plan)
            continue
        comparison = comparisons[plan.design]
        for pair in [plan.pair] if plan.pair else comparison.pairs:
            name = _slug(plan.design, pair)
            design = designs.get(name) or comparison.design(*pair)
            _refuse_same_name(name, design, pair)
            designs[name] = design
            plans[name] = DesignPlan(design.method, design.covariates, design.estimand, design.pool, design.eligibility)
            own = plan.name if plan.pair else _slug(plan.name, pair)
            estimates.append(replace(plan, design=name, pair=pair, name=own))
    one_headline(tuple(estimates))
    return replace(study, designs={**study.designs, **plans}, estimates=tuple(estimates)), designs


def _slug(name: str, pair: Pair) -> str:
    """A name for one pair of several programs, of letters, digits and underscores."""
    return re.sub(r"\W+", "_", f"{name}_{pair[0]}_against_{pair[1]}")


def _refuse_same_name(name: str, design: Design, pair: Pair) -> None:
    labels = (getattr(design.method, "treated", ""), getattr(design.method, "comparison", ""))
    if labels != tuple(pair):
        raise StudyError(f"The pairs {labels} and {tuple(pair)} would both be called {name!r}. Rename a program.")
