"""Optimal pairs: the least total there is, against a linear program; then as a design, and every mistake."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Nearest, OptimalPairs
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics import assignment
from mentoreval.numerics.assignment import apart_from_each_other, candidates, optimal_in_space, optimal_on_line
from mentoreval.numerics.covariate_spaces import euclidean_space
from mentoreval.numerics.strata import Limits
from mentoreval.panel.panel import Panel

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[1] / "twins" / "best_sets.py"))
PLENTY = 1e9
SOLVER = 1e-6
"""To which a linear program keeps its constraints and so its total; scores here differ by 0.001 or not at all."""


@st.composite
def problems(draw: st.DrawFn) -> dict[str, object]:
    """Few units on a line, often with equal scores; sometimes a caliper and strata."""
    n = draw(st.integers(2, 12))
    tenths = draw(st.booleans())
    scores = st.integers(0, 15).map(lambda x: x / 10) if tenths else st.integers(0, 1500).map(lambda x: x / 1000)
    return {
        "score": np.array(draw(st.lists(scores, min_size=n, max_size=n)), dtype=float),
        "treated": np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))),
        "caliper": draw(st.none() | st.floats(0.01, 1)),
        "strata": draw(st.none() | st.lists(st.integers(0, 1), min_size=n, max_size=n).map(np.array)),
    }


def check_pairs(pairs: np.ndarray, problem: dict[str, np.ndarray], ratio: int) -> float:
    """Total distance of pairs that are allowed."""
    score, treated, strata = problem["score"], problem["treated"], problem["strata"]
    apart = np.abs(score[pairs[:, 0]] - score[pairs[:, 1]])
    assert treated[pairs[:, 0]].all()
    assert not treated[pairs[:, 1]].any()
    assert len(np.unique(pairs[:, 1])) == len(pairs)
    assert np.bincount(pairs[:, 0], minlength=1).max() <= ratio
    assert problem["caliper"] is None or (apart <= problem["caliper"]).all()
    assert strata is None or (strata[pairs[:, 0]] == strata[pairs[:, 1]]).all()
    return float(apart.sum())


# ---------------------------------------------------------------------- the least total
@settings(max_examples=150, deadline=None)
@given(problem=problems(), ratio=st.integers(1, 3))
def test_as_many_pairs_and_as_near_as_a_linear_program_finds(problem: dict[str, np.ndarray], ratio: int) -> None:
    limits = Limits(caliper=problem["caliper"], strata=problem["strata"])  # type: ignore[arg-type]
    with mock.patch.object(assignment, "FEWEST_TOGETHER", 1):
        pairs = optimal_on_line(problem["score"], problem["treated"], ratio, limits, PLENTY)
    most, total = TWIN["best_pairs"](TWIN["edges_allowed"](**problem), ratio)
    assert len(pairs) == most
    assert check_pairs(pairs, problem, ratio) == pytest.approx(total, abs=SOLVER)


@settings(max_examples=60, deadline=None)
@given(problem=problems(), ratio=st.integers(1, 2))
def test_a_space_of_one_dimension_gives_the_totals_of_the_line(problem: dict[str, np.ndarray], ratio: int) -> None:
    score, treated = problem["score"], problem["treated"]
    widths = None if problem["caliper"] is None else np.array([problem["caliper"]])
    limits = Limits(strata=problem["strata"], covariates=None if widths is None else score[:, None], widths=widths)
    pairs = optimal_in_space(euclidean_space(score[:, None]), treated, ratio, limits, PLENTY)
    line = optimal_on_line(score, treated, ratio, Limits(problem["caliper"], problem["strata"]), PLENTY)  # type: ignore[arg-type]
    assert len(pairs) == len(line)
    if np.ptp(score) > 1e-6:
        assert check_pairs(pairs, problem, ratio) == pytest.approx(check_pairs(line, problem, ratio), abs=1e-9)


@pytest.mark.parametrize("caliper", [None, 0.02])
def test_a_thousand_units_against_the_whole_matrix(caliper: float | None) -> None:
    rng = np.random.default_rng(3)
    treated = rng.random(1500) < 0.3
    score = rng.beta(2, 5, 1500) + 0.2 * treated
    pairs = optimal_on_line(score, treated, 1, Limits(caliper=caliper), PLENTY)
    apart = np.abs(score[treated][:, None] - score[~treated])
    cost = apart if caliper is None else np.where(apart <= caliper, apart, 1e3)
    rows, columns = linear_sum_assignment(cost)
    best = apart[rows, columns][cost[rows, columns] < 1e3]
    assert len(pairs) == len(best)
    assert np.abs(score[pairs[:, 0]] - score[pairs[:, 1]]).sum() == pytest.approx(best.sum(), abs=1e-9)


def test_a_sparse_line_leaves_few_candidates() -> None:
    """One treated in ten: in a wide caliper hold 3.9 million pairs, but each need only look at a few."""
    rng = np.random.default_rng(4)
    score, treated = rng.random(20_000), rng.random(20_000) < 0.1
    first, last = candidates(np.sort(score[treated]), np.sort(score[~treated]), 0.055)
    assert (last - first).mean() < 5
    assert (last > first).all()


def test_groups_of_seekers_share_no_candidate_and_leave_out_who_has_none() -> None:
    first, last = np.array([4, 0, 2, 9, 6, 7]), np.array([6, 3, 4, 9, 8, 10])
    groups = apart_from_each_other(first, last, 1)
    assert [sorted(group.tolist()) for group in groups] == [[1, 2], [0], [4, 5]]  # 3 has none
    assert [len(group) for group in apart_from_each_other(first, last, 3)] == [3, 2]
    assert apart_from_each_other(first[3:4], last[3:4], 1) == []


# ---------------------------------------------------------------------- the design
def test_nobody_does_better_not_even_who_chooses_first(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students.assign(mentored=students["mentored"] | (students["absent"] > 14)))
    best, totals = choose_design(panel, OptimalPairs()), list[float]()
    for order in ("largest", "smallest", "closest", "data"):
        greedy = choose_design(panel, Nearest(order=order))  # type: ignore[arg-type]
        assert len(greedy.matched_sets) == len(best.matched_sets)
        totals.append(greedy.matched_sets["distance"].sum())
    assert min(totals) >= best.matched_sets["distance"].sum() - 1e-9
    assert max(totals) > best.matched_sets["distance"].sum() + 0.01
    assert best.weighting.facts["total_distance"] == pytest.approx(best.matched_sets["distance"].sum())


def test_pairs_sets_and_weights(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), OptimalPairs(ratio=2, exact=["school"]))
    weighting, school = design.weighting, students["school"].to_numpy()
    pairs = weighting.pairs
    np.testing.assert_array_equal(school[pairs[:, 0]], school[pairs[:, 1]])
    np.testing.assert_array_equal(weighting.matched_set[pairs[:, 0]], weighting.matched_set[pairs[:, 1]])
    table = design.weights[~design.weights["treated"]]
    share = 1 / table.groupby("matched_set")["unit"].transform("size")
    np.testing.assert_allclose(table["weight"], share / share.mean())
    assert weighting.facts["n_pairs"] == len(pairs)


@pytest.mark.parametrize("distance", ["propensity", "linear_propensity", "mahalanobis", "robust_mahalanobis"])
def test_for_the_others_it_is_they_who_are_matched(
    distance: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel = panel_of(students.assign(mentored=~students["mentored"]))
    design = choose_design(panel, OptimalPairs(distance=distance, caliper=0.5), estimand="ATC")  # type: ignore[arg-type]
    pairs, score, treated = design.weighting.pairs, design.weighting.propensity, design.baseline.treated
    assert treated[pairs[:, 0]].all()
    assert not treated[pairs[:, 1]].any()
    assert design.weighting.facts["n_to_match"] == (~treated).sum()
    line = np.log(score / (1 - score)) if distance == "linear_propensity" else score
    assert (np.abs(line[pairs[:, 0]] - line[pairs[:, 1]]) <= 0.5 * np.std(line, ddof=1) + 1e-12).all()


def test_cohorts_are_never_mixed(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, OptimalPairs())
    assert (design.weights.groupby("matched_set")["cohort"].nunique() == 1).all()
    assert design.weights["cohort"].nunique() == 2


# ---------------------------------------------------------------------- mistakes
def test_what_it_needs_is_said_before_it_starts(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    treated = int(students["mentored"].sum())
    cells = f"{treated * (240 - treated):,}"
    with pytest.raises(
        DesignError, match=rf"a matrix of {cells} distances, about 0.0 GB, and may take 0.0 GB.*memory_gb"
    ):
        choose_design(panel, OptimalPairs(distance="mahalanobis", memory_gb=1e-6))
    with pytest.raises(DesignError, match=r"pairs within the caliper.*Give a narrower caliper"):
        choose_design(panel, OptimalPairs(caliper=0.01, memory_gb=1e-7))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0}, "at least 1; got 0"),
        ({"caliper": -1.0}, r"caliper is a width above 0; got -1.0"),
        ({"distance": "manhattan"}, "distance = 'manhattan' is not allowed"),
    ],
)
def test_an_option_that_can_not_be_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        OptimalPairs(**options)  # type: ignore[arg-type]


def test_a_design_that_can_not_be_says_why(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    with pytest.raises(DesignError, match=r"not for the ATE.*inverse_probability"):
        choose_design(panel, OptimalPairs(), estimand="ATE")
    with pytest.raises(DesignError, match=r"No pair is within the caliper of .* Widen the caliper"):
        choose_design(panel, OptimalPairs(caliper=1e-12))
    with pytest.raises(DesignError, match=r"strata of cohort, gpa holds students of both arms"):
        choose_design(panel, OptimalPairs(exact=["gpa"]))
