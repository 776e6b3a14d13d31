"""Subclasses on made-up students: quantiles of those who are asked about, weights, empty classes, cohorts, mistakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Subclass
from mentoreval.errors import DataError, DesignError, OptionError
from mentoreval.numerics.coarsening import quantile_cuts, subclasses
from mentoreval.panel.panel import Panel


@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_classes_lie_between_quantiles_of_those_whose_effect_is_asked_for(
    estimand: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Subclass(n=4), estimand=estimand)  # type: ignore[arg-type]
    score, treated = design.weighting.propensity, design.baseline.treated
    asked = {"ATT": treated, "ATC": ~treated, "ATE": np.ones(240, dtype=bool)}[estimand]
    inner = np.quantile(score[asked], [0.25, 0.5, 0.75])
    np.testing.assert_array_equal(design.weighting.matched_set, (score[:, None] >= inner).sum(axis=1))
    assert design.weighting.facts["n_sets"] == 4
    assert (design.weighting.weights > 0).all()


def test_the_arms_weigh_the_same_in_every_class(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    for estimand in ("ATT", "ATC", "ATE"):
        design = choose_design(panel_of(students), Subclass(), estimand=estimand)  # type: ignore[arg-type]
        table = design.weights.pivot_table(index="matched_set", columns="treated", values="weight", aggfunc="sum")
        share = table / table.sum()
        np.testing.assert_allclose(share[True], share[False])
        size = design.weights.groupby(["matched_set", "treated"]).size().unstack()
        expected = {"ATT": size[True], "ATC": size[False], "ATE": size.sum(axis=1)}[estimand]
        np.testing.assert_allclose(share[True], expected / expected.sum())


def test_more_classes_leave_less_imbalance(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    worst = [choose_design(panel, Subclass(n=n)).balance().frame["smd_after"].abs().mean() for n in (2, 8)]
    assert worst[1] < worst[0]


def test_each_cohort_has_its_own_quantiles(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Subclass(n=3))
    table = design.weights
    assert (table.groupby("matched_set")["cohort"].nunique() == 1).all()
    assert table["matched_set"].nunique() == 6
    for cohort, cuts in design.weighting.facts["quantiles"].items():  # type: ignore[attr-defined]
        own = (design.baseline.cohort == cohort) & design.baseline.treated & design.weighting.considered
        np.testing.assert_allclose(cuts, np.quantile(design.weighting.propensity[own], [0, 1 / 3, 2 / 3, 1]))


# ---------------------------------------------------------------------- the cut itself
def test_an_empty_class_is_given_the_nearest_of_its_arm() -> None:
    """The controls lie all in the lowest class; two of them move up, the highest first."""
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.01, 0.02, 0.03, 0.04])
    treated = np.arange(10) < 6
    found = subclasses(score, treated, quantile_cuts(score[treated], 3))
    assert found.tolist() == [0, 0, 1, 1, 2, 2, 0, 0, 1, 2]


def test_equal_quantiles_make_fewer_classes() -> None:
    score = np.array([0.5, 0.5, 0.5, 0.5, 0.9, 0.2, 0.5, 0.95])
    treated = np.arange(8) < 5
    assert set(subclasses(score, treated, quantile_cuts(score[treated], 4))) == {0, 1}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 6), shift=st.floats(0, 3))
def test_every_class_has_both_arms(seed: int, classes: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    treated = rng.permutation(40) < rng.integers(classes, 40 - classes)
    score = rng.normal(size=40) + shift * treated
    found = subclasses(score, treated, quantile_cuts(score[treated], classes))
    for arm in (treated, ~treated):
        assert set(found[arm]) == set(range(classes))


def test_too_few_rows_to_fill_the_classes() -> None:
    score, treated = np.arange(6.0), np.array([True, True, True, True, True, False])
    with pytest.raises(DataError, match="1 rows of one arm can not fill 2 subclasses"):
        subclasses(score, treated, quantile_cuts(score[treated], 2))


def test_a_small_cohort_is_cut_into_as_many_classes_as_it_can_fill(panel_of: Callable[..., Panel]) -> None:
    frame = pd.DataFrame({"id": range(9), "gpa": [1.0, 3, 5, 2, 4, 6, 1.5, 2.5, 0.5], "attendance": 0.9})
    frame["mentored"] = frame["id"] < 3
    design = choose_design(panel_of(frame, covariates=["gpa"], school=None), Subclass(n=5))
    assert design.weighting.facts["n_sets"] == 3


# ---------------------------------------------------------------------- mistakes
def test_mistakes(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(OptionError, match="n is the number of classes, at least 2; got 1"):
        Subclass(n=1)
    with pytest.raises(DesignError, match=r"'subclass' answers for .* not for the ATO"):
        choose_design(panel_of(students), Subclass(), estimand="ATO")
