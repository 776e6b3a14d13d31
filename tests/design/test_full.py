"""Full matching: the least total there is, against linear programs and brute force; then as a design, and mistakes."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Full
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics.full_matching import full_on_line
from mentoreval.numerics.full_restricted import SetSizes, full_within_sizes
from mentoreval.numerics.strata import Limits
from mentoreval.panel.panel import Panel

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[1] / "twins" / "best_sets.py"))
PLENTY = 1e9
SOLVER = 1e-6
"""To which a linear program keeps its constraints and so its total; scores here differ by 0.001 or not at all."""


@st.composite
def problems(draw: st.DrawFn, most: int = 14) -> dict[str, object]:
    """Few units on a line, often with equal scores; sometimes a caliper and strata."""
    n = draw(st.integers(2, most))
    tenths = draw(st.booleans())
    scores = st.integers(0, 20).map(lambda x: x / 10) if tenths else st.integers(0, 2000).map(lambda x: x / 1000)
    return {
        "score": np.array(draw(st.lists(scores, min_size=n, max_size=n)), dtype=float),
        "treated": np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))),
        "caliper": draw(st.none() | st.floats(0.01, 1.5)),
        "strata": draw(st.none() | st.lists(st.integers(0, 1), min_size=n, max_size=n).map(np.array)),
    }


def check_sets(pairs: np.ndarray, problem: dict[str, np.ndarray]) -> float:
    """Total distance of pairs that are allowed and make sets with a centre."""
    score, treated, strata = problem["score"], problem["treated"], problem["strata"]
    apart = np.abs(score[pairs[:, 0]] - score[pairs[:, 1]])
    degree = np.bincount(pairs.ravel(), minlength=score.size)
    assert (degree[pairs].min(axis=1) == 1).all()
    assert treated[pairs[:, 0]].all()
    assert not treated[pairs[:, 1]].any()
    assert problem["caliper"] is None or (apart <= problem["caliper"]).all()
    assert strata is None or (strata[pairs[:, 0]] == strata[pairs[:, 1]]).all()
    return float(apart.sum())


# ---------------------------------------------------------------------- the least total
TWO_HEAPS = {
    "score": np.array([0.0, 0.0, 0.0, 0.001, 0.001, 0.001, 1.063, 1.063]),
    "treated": np.array([False, False, False, False, True, True, True, True]),
    "caliper": 1.0625,
    "strata": None,
}
FEW_PAIRS = {
    "score": np.array([0.1, 0.2, 0.3, 0.9, 0.9, 1.1, 1.5, 1.7, 1.9]),
    "treated": np.array([True, True, True, True, False, False, False, False, False]),
    "caliper": 0.99,
    "strata": None,
}
"""More on both sides of a gap must be joined across it than the caliper lets join one to one."""


@settings(max_examples=150, deadline=None)
@given(problem=problems())
@example(problem=TWO_HEAPS)
@example(problem=FEW_PAIRS)
def test_everybody_who_can_be_is_in_a_set_and_the_total_is_the_least(problem: dict[str, np.ndarray]) -> None:
    limits = Limits(caliper=problem["caliper"], strata=problem["strata"])  # type: ignore[arg-type]
    pairs = full_on_line(problem["score"], problem["treated"], limits)
    joined, total = TWIN["best_cover"](TWIN["edges_allowed"](**problem))
    assert len(np.unique(pairs)) == joined
    assert check_sets(pairs, problem) == pytest.approx(total, abs=SOLVER)


SIZES = {
    "at most two controls": (SetSizes(most=2), {"most": 2}),
    "at most two treated": (SetSizes(fewest=0.5), {"fewest": Fraction(1, 2)}),
    "pairs, or two of one": (SetSizes(fewest=0.5, most=2), {"fewest": Fraction(1, 2), "most": 2}),
    "at least two controls": (SetSizes(fewest=2), {"fewest": 2}),
    "at least two treated": (SetSizes(most=0.5), {"most": Fraction(1, 2)}),
    "pairs": (SetSizes(fewest=1, most=1), {"fewest": 1, "most": 1}),
}


@pytest.mark.parametrize("case", SIZES)
@settings(max_examples=25, deadline=None)
@given(problem=problems(most=7))
def test_sizes_are_kept_at_the_least_total_that_brute_force_finds(case: str, problem: dict[str, np.ndarray]) -> None:
    sizes, brute = SIZES[case]
    problem = {**problem, "strata": None}
    edges = TWIN["edges_allowed"](**problem)
    best = TWIN["best_full_match"](edges, **brute)
    limits = Limits(caliper=problem["caliper"])  # type: ignore[arg-type]
    if best is None:
        with pytest.raises(DesignError, match="can not be put in sets of these sizes"):
            full_within_sizes(problem["score"], problem["treated"], limits, sizes, PLENTY)
        return
    pairs = full_within_sizes(problem["score"], problem["treated"], limits, sizes, PLENTY)
    assert check_sets(pairs, problem) == pytest.approx(best, abs=SOLVER)
    assert len(np.unique(pairs)) == len({unit for edge in edges for unit in edge[:2]})


@settings(max_examples=25, deadline=None)
@given(problem=problems(most=7), mean=st.sampled_from([0.5, 1, 1.5]))
def test_so_many_controls_are_used_and_the_best_of_them(problem: dict[str, np.ndarray], mean: float) -> None:
    problem = {**problem, "strata": None, "caliper": None}
    edges = TWIN["edges_allowed"](**problem)
    if not edges:
        return
    treated = int(problem["treated"].sum())
    wanted = min(int(mean * treated), len(problem["score"]) - treated)
    best = TWIN["best_full_match"](edges, n_controls=wanted)
    if best is None:
        with pytest.raises(DesignError, match="can not be put in sets of these sizes"):
            full_within_sizes(problem["score"], problem["treated"], Limits(), SetSizes(mean=mean), PLENTY)
        return
    pairs = full_within_sizes(problem["score"], problem["treated"], Limits(), SetSizes(mean=mean), PLENTY)
    assert len(np.unique(pairs[:, 1])) == wanted
    assert check_sets(pairs, problem) == pytest.approx(best, abs=SOLVER)


def test_sizes_that_do_not_bind_change_nothing() -> None:
    rng = np.random.default_rng(5)
    treated = rng.random(120) < 0.3
    score = rng.normal(size=120) + 0.5 * treated
    pairs = full_on_line(score, treated, Limits())
    again = full_within_sizes(score, treated, Limits(), SetSizes(most=120), PLENTY)
    totals = [np.abs(score[found[:, 0]] - score[found[:, 1]]).sum() for found in (pairs, again)]
    assert totals[0] == pytest.approx(totals[1], abs=1e-9)


# ---------------------------------------------------------------------- the design
@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_everybody_is_in_and_the_arms_weigh_the_same_in_every_set(
    estimand: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Full(), estimand=estimand)  # type: ignore[arg-type]
    assert (design.weighting.weights > 0).all()
    assert (design.weighting.matched_set >= 0).all()
    by_set = design.weights.groupby(["matched_set", "treated"])["weight"].agg(["sum", "size"]).unstack()
    share = by_set["sum"] / by_set["sum"].sum()
    np.testing.assert_allclose(share[True], share[False])
    asked = {"ATT": by_set["size"][True], "ATC": by_set["size"][False], "ATE": by_set["size"].sum(axis=1)}[estimand]
    np.testing.assert_allclose(share[True], asked / asked.sum())
    assert (by_set["size"].min(axis=1) == 1).all()


def test_sizes_of_the_sets(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Full(min_controls=0.5, max_controls=6))
    sizes = design.weights.groupby(["matched_set", "treated"]).size().unstack()
    ratio = sizes[False] / sizes[True]
    assert ratio.min() >= 0.5
    assert ratio.max() <= 6
    free = choose_design(panel_of(students), Full())
    assert design.weighting.facts["total_distance"] >= free.weighting.facts["total_distance"]  # type: ignore[operator]


def test_the_controls_that_are_not_needed_are_left_out(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Full(mean_controls=1))
    used = design.weights["treated"].value_counts()
    assert used[False] == used[True] == students["mentored"].sum()


def test_a_caliper_and_an_exact_column_hold(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Full(caliper=0.05, exact=["grade"]))
    pairs, grade = design.weighting.pairs, students["grade"].to_numpy()
    np.testing.assert_array_equal(grade[pairs[:, 0]], grade[pairs[:, 1]])
    assert (design.weighting.pair_distance <= design.weighting.facts["caliper_width"]).all()
    assert design.weighting.facts["n_unmatched"] > 0  # type: ignore[operator]


def test_cohorts_are_never_mixed(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Full())
    assert (design.weights.groupby("matched_set")["cohort"].nunique() == 1).all()
    assert design.weights["cohort"].nunique() == 2


# ---------------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"caliper": 0.0}, r"caliper is a width above 0; got 0.0"),
        ({"min_controls": 3.0, "max_controls": 2.0}, "numbers above 0 in this order"),
        ({"mean_controls": 4.0, "max_controls": 2.0}, "numbers above 0 in this order"),
        ({"max_controls": -1.0}, "numbers above 0 in this order"),
    ],
)
def test_an_option_that_can_not_be_is_named(options: dict[str, float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Full(**options)  # type: ignore[arg-type]


def test_a_design_that_can_not_be_says_why(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    with pytest.raises(DesignError, match=r"'full' answers for .* not for the ATO.*overlap_weighting"):
        choose_design(panel, Full(), estimand="ATO")
    with pytest.raises(DesignError, match=r"No pair is within the caliper of .* Widen the caliper"):
        choose_design(panel, Full(caliper=1e-12))
    with pytest.raises(DesignError, match=r"has to hold .* pairs within the caliper.*narrower caliper"):
        choose_design(panel, Full(max_controls=2.0, memory_gb=1e-6))
    with pytest.raises(DesignError, match=r"can not be put in sets of these sizes.*Loosen min_controls"):
        choose_design(panel, Full(max_controls=1.0))
