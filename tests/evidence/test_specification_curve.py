"""Specification curve: what is varied, what is summed up, and what chance alone makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import EffectError, OptionError


def world(effect: float, seed: int = 6, n: int = 300) -> me.Panel:
    rng = np.random.default_rng(seed)
    before, other = rng.normal(size=n), rng.normal(size=n)
    mentored = rng.uniform(size=n) < 1 / (1 + np.exp(0.6 - before))
    frame = pd.DataFrame(
        {
            "student": range(n), "mentored": mentored, "before": before, "other": other,
            "outcome": effect * mentored + before + rng.normal(size=n),
        }
    )  # fmt: skip
    return me.panel_from_frame(
        frame, unit="student", treated="mentored", covariates=["before", "other"], outcomes=["outcome"]
    )


def lists(**changed) -> me.Specifications:
    given = {
        "methods": {"everyone": me.Unadjusted(), "nearest": me.Nearest(), "odds": me.OddsWeighting()},
        "estimators": {"means": me.DifferenceInMeans(), "regression": me.RegressionAdjustment()},
        "covariates": {"before": ("before",), "both": ("before", "other")},
        "samples": {"all": (), "low": (me.Eligibility("before", at_most=1.0),)},
    }
    return me.Specifications(**(given | changed))


def test_every_combination_is_answered_as_it_would_be_alone():
    panel = world(0.8)
    curve = me.specification_curve(panel, "outcome", lists())
    assert len(curve.frame) == lists().size == 24
    assert curve.frame["estimate"].is_monotonic_increasing
    design = me.choose_design(
        panel, me.OddsWeighting(), covariates=["before"], eligibility=[me.Eligibility("before", at_most=1.0)]
    )
    alone = me.estimate_effect(design, "outcome", me.RegressionAdjustment()).headline()
    row = curve.frame.query("design == 'odds' & estimator == 'regression' & covariates == 'before' & sample == 'low'")
    assert row["estimate"].item() == alone["estimate"]
    assert row["p_value"].item() == alone["p_value"]
    assert curve.median == pytest.approx(curve.frame["estimate"].median())
    assert curve.share_significant == (curve.frame["p_value"] < 0.05).mean()


def test_a_specification_without_an_answer_is_kept_with_its_reason():
    curve = me.specification_curve(
        world(0.8), "outcome", lists(samples={"all": (), "nobody": (me.Eligibility("before", at_most=-99.0),)})
    )
    lost = curve.frame[curve.frame["estimate"].isna()]
    assert len(lost) == 12
    assert (lost["sample"] == "nobody").all()
    assert lost["reason"].str.len().gt(20).all()
    assert curve.n_estimated == 12
    with pytest.raises(EffectError, match="None of 12 specifications"):
        me.specification_curve(
            world(0.8), "outcome", lists(samples={"nobody": (me.Eligibility("before", at_most=-99.0),)})
        )


def test_permutations_tell_an_effect_from_none_and_repeat_with_the_seed():
    few = lists(samples={"all": ()}, covariates={"both": ("before", "other")})
    strong = me.specification_curve(world(0.8), "outcome", few, permutations=19, seed=1)
    none = me.specification_curve(world(0.0, seed=10), "outcome", few, permutations=19, seed=1)
    assert strong.p_median == strong.p_significant == 1 / 20
    assert none.p_median > 0.05
    assert strong.n_permutations == 19
    again = me.specification_curve(world(0.0, seed=10), "outcome", few, permutations=19, seed=1)
    assert (again.p_median, again.p_significant) == (none.p_median, none.p_significant)


def test_permuted_arms_differ_in_the_covariates_as_the_real_ones_do():
    """Selection on ``before`` is kept: were students exchanged freely, the naive difference would centre on zero."""
    naive = me.Specifications(
        {"everyone": me.Unadjusted()}, {"means": me.DifferenceInMeans()}, {"before": ("before",)}, {"all": ()}
    )
    curve = me.specification_curve(world(0.0, seed=10), "outcome", naive, permutations=19)
    assert curve.median > 0.6  # the bias of not adjusting
    assert curve.p_median > 0.05  # which chance within fifths of the score makes as well


@pytest.mark.slow
def test_the_permutation_test_keeps_its_size():
    few = lists(samples={"all": ()}, covariates={"both": ("before", "other")}, methods={"nearest": me.Nearest()})
    rejected = [
        me.specification_curve(world(0.0, seed=seed), "outcome", few, permutations=19).p_median <= 0.05
        for seed in range(200)
    ]
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_options_are_checked():
    with pytest.raises(OptionError, match="at least one entry in methods"):
        lists(methods={})
    with pytest.raises(OptionError, match="permutations is 0 or more"):
        me.specification_curve(world(0.0), "outcome", lists(), permutations=-1)
