"""How likely an effect matters, and what a unit of it costs: closed forms, frequencies and refusals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mentoreval as me


def effect(difference: float, n: int = 200, seed: int = 1):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 10, n)
    frame = pd.DataFrame({"student": range(n), "mentored": [1, 0] * (n // 2), "days": 150 + noise})
    frame["days"] += difference * frame["mentored"]
    design = me.choose_design(me.panel_from_frame(frame, unit="student", treated="mentored", outcomes=["days"]))
    return me.estimate_effect(design, "days", me.DifferenceInMeans())


def test_the_chance_is_that_of_the_sampling_distribution():
    found, row = me.chance_of_mattering(effect(3.0), 2.0), effect(3.0).headline()
    scale = {"loc": row["estimate"], "scale": row["std_error"]}
    law = stats.norm(**scale) if math.isinf(row["df"]) else stats.t(row["df"], **scale)
    assert found.better == pytest.approx(law.sf(2.0))
    assert found.worse == pytest.approx(law.cdf(-2.0))
    assert found.better + found.worse + found.between == pytest.approx(1.0)
    assert found.flat


def test_a_lower_outcome_may_be_the_better_one():
    up, down = (me.chance_of_mattering(effect(3.0), 2.0, higher_is_better=side) for side in (True, False))
    assert (up.better, up.worse) == (down.worse, down.better)


def test_a_prior_pulls_by_its_precision():
    row = effect(3.0).headline()
    prior = me.Prior(mean=0.0, sd=float(row["std_error"]))
    found = me.chance_of_mattering(effect(3.0), 2.0, prior=prior)
    assert found.mean == pytest.approx(row["estimate"] / 2)
    assert found.sd == pytest.approx(row["std_error"] / math.sqrt(2))
    assert found.better == pytest.approx(stats.norm(found.mean, found.sd).sf(2.0))
    vague = me.chance_of_mattering(effect(3.0), 2.0, prior=me.Prior(0.0, 1e6))
    assert vague.better == pytest.approx(me.chance_of_mattering(effect(3.0), 2.0).better, abs=5e-3)


def test_chances_are_kept_in_the_long_run():
    """Under the prior from which effects are drawn, of those with a chance near 70 % about 70 % do matter."""
    rng = np.random.default_rng(8)
    row = effect(0.0).headline()
    error = float(row["std_error"])
    said, true = [], []
    for _ in range(20_000):
        truth = rng.normal(1.0, 2.0)
        weight = 4 / (4 + error**2)
        mean = weight * (truth + error * rng.normal()) + (1 - weight)
        said.append(stats.norm.sf(2.0, mean, math.sqrt(weight) * error))
        true.append(truth >= 2.0)
    near = np.abs(np.array(said) - 0.7) < 0.1
    assert np.mean(np.array(true)[near]) == pytest.approx(np.mean(np.array(said)[near]), abs=0.04)


def test_cost_is_the_effect_turned_over():
    estimate = effect(6.0)
    row, cost = estimate.headline(), me.cost_per_unit(estimate, 450)
    assert cost.per_unit == pytest.approx(450 / row["estimate"])
    assert (cost.low, cost.high) == pytest.approx((450 / row["conf_high"], 450 / row["conf_low"]))
    days = me.cost_per_unit(estimate, 450, scale=180)
    assert days.per_unit == pytest.approx(cost.per_unit / 180)


def test_no_cost_where_the_interval_holds_zero_or_the_effect_is_a_harm():
    unsure = me.cost_per_unit(effect(0.5), 450)
    assert unsure.reason == "interval_holds_zero"
    assert math.isnan(unsure.per_unit)
    assert me.cost_per_unit(effect(-8.0), 450).reason == "worse"
    assert me.cost_per_unit(effect(-8.0), 450, higher_is_better=False).per_unit > 0


def test_numbers_that_make_no_sense_are_refused():
    with pytest.raises(me.OptionError, match="above 0; got -1"):
        me.chance_of_mattering(effect(3.0), -1)
    with pytest.raises(me.OptionError, match="sd above 0"):
        me.Prior(0.0, 0.0)
    with pytest.raises(me.OptionError, match="not negative"):
        me.cost_per_unit(effect(3.0), -5)
