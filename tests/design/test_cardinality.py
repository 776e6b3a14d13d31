"""Cardinality matching: the largest balanced sample against brute force; then as a design, and every mistake."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.design.design import NO_SET, choose_design
from mentoreval.design.methods import Cardinality
from mentoreval.errors import DesignError, OptionError
from mentoreval.numerics import cardinality
from mentoreval.numerics.cardinality import largest_balanced_sample
from mentoreval.panel.panel import Panel


def brute_force(values: np.ndarray, seekers: np.ndarray, ratio: int, bound: float) -> int:
    """The size of the largest sample by trying all, the largest first."""
    some, others = np.flatnonzero(seekers), np.flatnonzero(~seekers)
    for size in range(min(len(some), len(others) // ratio), 0, -1):
        for left in combinations(some, size):
            for right in combinations(others, size * ratio):
                apart = values[list(left)].mean(axis=0) - values[list(right)].mean(axis=0)
                if (np.abs(apart) <= bound + 1e-9).all():
                    return size
    return 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), ratio=st.integers(1, 2), bound=st.sampled_from([0.0, 0.1, 0.5]))
def test_no_sample_that_brute_force_finds_is_larger(seed: int, ratio: int, bound: float) -> None:
    rng = np.random.default_rng(seed)
    seekers = rng.permutation(10) < 4
    values = np.column_stack([rng.integers(0, 3, 10), rng.integers(0, 5, 10) / 2]).astype(float)
    one = np.zeros(10, dtype=np.int64)
    found = largest_balanced_sample(values, seekers, one, ratio=ratio, bounds=np.full(2, bound), time_limit=60)
    chosen = found.chosen
    assert (chosen & seekers).sum() == brute_force(values, seekers, ratio, bound)
    assert (chosen & ~seekers).sum() == ratio * (chosen & seekers).sum()
    assert found.proven
    assert found.gap == 0


def test_of_many_distinct_students_the_sample_is_as_large_as_its_gap_says() -> None:
    """3,000 distinct rows go the way over fractions; the treated differ by a whole deviation, so that not all fit."""
    rng = np.random.default_rng(6)
    seekers = rng.random(3000) < 0.4
    values = rng.normal(size=(3000, 3)) + np.outer(seekers, [1.0, 0.3, -0.2])
    one = np.zeros(3000, dtype=np.int64)
    found = largest_balanced_sample(values, seekers, one, ratio=1, bounds=np.full(3, 0.05), time_limit=60)
    chosen, size = found.chosen, int((found.chosen & seekers).sum())
    apart = values[chosen & seekers].mean(axis=0) - values[chosen & ~seekers].mean(axis=0)
    assert np.abs(apart).max() <= 0.05 + 1e-6
    assert (chosen & ~seekers).sum() == size
    assert 0 < size < seekers.sum()
    assert found.gap < 0.01
    assert found.proven == (found.gap == 0)


@pytest.mark.parametrize("bound", [0.02, 0.05, 0.2])
def test_every_covariate_is_within_its_bound(
    bound: float, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Cardinality(bounds=bound))
    assert design.balance().frame["smd_after"].abs().max() <= bound + 1e-9
    weighting = design.weighting
    assert set(weighting.weights) == {0.0, 1.0}
    assert weighting.weights[students["mentored"]].sum() == weighting.weights[~students["mentored"]].sum()
    assert (weighting.matched_set == NO_SET).all()
    assert weighting.facts["n_matched"] == weighting.weights[students["mentored"]].sum()
    assert weighting.facts["proven_largest"] is True


def test_wider_bounds_leave_more_students(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students.assign(mentored=students["mentored"] | (students["absent"] > 11)))
    kept = [choose_design(panel, Cardinality(bounds=b)).weighting.facts["n_matched"] for b in (0.01, 0.1, 0.4)]
    assert kept == sorted(kept)  # type: ignore[type-var]
    assert kept[0] < kept[-1]  # type: ignore[operator]


def test_the_same_numbers_in_every_stratum_and_cohort(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Cardinality(bounds=0.1, ratio=2, exact=["school"]))
    base = design.baseline
    table = pd.DataFrame(
        {"cohort": base.cohort, "school": base.column("school"), "treated": base.treated, "w": design.weighting.weights}
    )
    counts = table.pivot_table(index=["cohort", "school"], columns="treated", values="w", aggfunc="sum")
    np.testing.assert_array_equal(counts[False], 2 * counts[True])
    assert (counts[True] > 0).sum() > 2


def test_for_the_others_it_is_they_who_are_counted(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students.assign(mentored=~students["mentored"]))
    design = choose_design(panel, Cardinality(ratio=2), estimand="ATC")
    weights, treated = design.weighting.weights, design.baseline.treated
    assert weights[treated].sum() == 2 * weights[~treated].sum()
    frame = design.balance(["gpa", "absent"]).frame
    assert len(frame) >= 2


def test_sampling_weights_multiply(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["w"] = np.where(students["lunch"], 3.0, 1.0)
    plain = choose_design(panel_of(students), Cardinality()).weighting.weights
    weighted = choose_design(panel_of(students, weight="w"), Cardinality()).weighting.weights
    np.testing.assert_array_equal(weighted, plain * students["w"])


def test_a_covariate_may_have_a_bound_of_its_own(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """The treated are made more alike in one covariate than the others ask for, and the study file can say so."""
    panel = panel_of(students.assign(mentored=students["mentored"] | (students["absent"] > 11)))
    method = Cardinality(bounds=0.3, covariate_bounds={"gpa": 0.01})
    assert method == Cardinality(bounds=0.3, covariate_bounds=(("gpa", 0.01),))
    assert hash(method) == hash(Cardinality(bounds=0.3, covariate_bounds={"gpa": 0.01}))
    after = choose_design(panel, method).balance().frame.set_index("covariate")["smd_after"].abs()
    assert after["gpa"] <= 0.01 + 1e-9
    assert after.max() <= 0.3 + 1e-9
    assert after.max() > 0.01


@pytest.mark.parametrize("share", [0.8, 1e-9])
def test_when_time_is_up_the_best_so_far_is_taken_and_its_gap_said(
    share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no time for the fractions at all there still is a sample within the bounds, and it is not called proven."""
    monkeypatch.setattr(cardinality, "FRACTIONS_SHARE", share)
    rng = np.random.default_rng(6)
    seekers = rng.random(6000) < 0.4
    values = rng.normal(size=(6000, 3)) + np.outer(seekers, [1.0, 0.3, -0.2])
    one = np.zeros(6000, dtype=np.int64)
    found = largest_balanced_sample(values, seekers, one, ratio=1, bounds=np.full(3, 0.05), time_limit=20)
    chosen, size = found.chosen, int((found.chosen & seekers).sum())
    apart = values[chosen & seekers].mean(axis=0) - values[chosen & ~seekers].mean(axis=0)
    assert np.abs(apart).max() <= 0.05 + 1e-6
    assert (chosen & ~seekers).sum() == size > 0
    if share < 0.1:
        assert not found.proven
        assert size * (1 + found.gap) == pytest.approx(seekers.sum())
    else:
        assert found.gap < 0.01


@pytest.mark.slow
def test_a_hundred_thousand_distinct_students_have_an_answer() -> None:
    rng = np.random.default_rng(7)
    seekers = rng.random(100_000) < 0.3
    values = rng.normal(size=(100_000, 8)) + np.outer(seekers, np.linspace(0.8, 0.0, 8))
    one = np.zeros(100_000, dtype=np.int64)
    found = largest_balanced_sample(values, seekers, one, ratio=1, bounds=np.full(8, 0.05), time_limit=60)
    chosen = found.chosen
    apart = values[chosen & seekers].mean(axis=0) - values[chosen & ~seekers].mean(axis=0)
    assert np.abs(apart).max() <= 0.05 + 1e-6
    assert found.gap < 0.01


# ---------------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": 0}, "at least 1; got 0"),
        ({"bounds": -0.1}, r"a standardized difference, 0 or more; got -0.1"),
        ({"covariate_bounds": {"gpa": "close"}}, r"the bound of 'gpa' is a standardized difference.*got 'close'"),
        ({"time_limit": 0.0}, "a number of seconds above 0; got 0.0"),
    ],
)
def test_an_option_that_can_not_be_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Cardinality(**options)  # type: ignore[arg-type]


def test_a_design_that_can_not_be_says_why(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    apart = students.assign(gpa=students["gpa"] + 10 * students["mentored"])
    with pytest.raises(DesignError, match=r"No sample has all standardized differences within 0.05, not even one"):
        choose_design(panel_of(apart, covariates=["gpa"]), Cardinality())
    with pytest.raises(OptionError, match=r"'gap' has a bound but is not a covariate.*gpa"):
        choose_design(panel_of(students), Cardinality(covariate_bounds={"gap": 0.1}))
    with pytest.raises(DesignError, match=r"not for the ATE.*inverse_probability"):
        choose_design(panel_of(students), Cardinality(), estimand="ATE")
