"""The multiplier bootstrap: its errors are those of the sandwich but for noise, its bands hold every effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.design.design import choose_design
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.multiplier_bootstrap import MultiplierBootstrap
from mentoreval.errors import OptionError
from mentoreval.numerics.multiplier import QUARTILES, band_critical, draw_deviations, quartile_errors
from mentoreval.panel.panel import Panel


@pytest.mark.parametrize("weights", ["rademacher", "mammen"])
def test_with_many_clusters_it_is_the_error_of_cr0(panel: Panel, weights: str) -> None:
    fit = CallawaySantAnna().fit(choose_design(panel), "absent")
    drawn = MultiplierBootstrap("student", 20_000, weights).apply(fit)  # type: ignore[arg-type]
    plain = ClusterRobust("student", "CR0").apply(fit)
    # The quartiles of 20,000 draws have a Monte Carlo error of about 0.8 %.
    np.testing.assert_allclose(drawn.std_error, plain.std_error, rtol=0.035)
    correlation = plain.vcov / np.outer(plain.std_error, plain.std_error)
    np.testing.assert_allclose(drawn.vcov, correlation * np.outer(drawn.std_error, drawn.std_error), rtol=1e-12)


def test_quartiles_are_values_of_draws() -> None:
    draws = np.array([[4.0], [1.0], [3.0], [2.0]])
    np.testing.assert_allclose(QUARTILES, stats.norm.ppf(0.75) - stats.norm.ppf(0.25), rtol=1e-14)
    assert quartile_errors(draws)[0] == pytest.approx((3 - 1) / QUARTILES, rel=1e-14)


def test_the_band_is_the_quantile_of_the_largest_deviation() -> None:
    """For independent effects the largest of k has the quantile of one at confidence^(1/k)."""
    rng = np.random.default_rng(1)
    found = band_critical(rng.normal(size=(200_000, 5)), np.array([1.0] * 5), 0.95)
    assert found == pytest.approx(stats.norm.ppf((1 + 0.95**0.2) / 2), abs=0.01)


def test_deviations_are_signed_sums_of_clusters() -> None:
    """Of two clusters with influence 1 and 3, four sums are possible."""
    drawn = draw_deviations(np.array([[1.0], [3.0]]), "rademacher", 400, np.random.default_rng(0))
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [-4.0, -2.0, 2.0, 4.0]
    assert counts.min() > 60


def test_the_band_holds_more_than_the_interval_and_pooling_keeps_it(panel: Panel) -> None:
    effect = MultiplierBootstrap("student").apply(CallawaySantAnna().fit(choose_design(panel), "absent"))
    frame = effect.frame[~effect.is_reference]
    assert (frame["band_low"] < frame["conf_low"]).all()
    assert (frame["band_high"] > frame["conf_high"]).all()
    pooled = effect.pool("event_time")
    assert pooled.band is not None
    assert pooled.band > stats.norm.ppf(0.975)


def test_a_seed_gives_one_answer_and_another_seed_another(panel: Panel) -> None:
    fit = Did2x2().fit(choose_design(panel), "absent")
    first, again, other = (MultiplierBootstrap("student", seed=seed).apply(fit) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.frame, again.frame, check_exact=True)
    assert first.std_error[0] != other.std_error[0]
    assert first.band >= first.critical[0]


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(OptionError, match="too few"):
        MultiplierBootstrap(draws=50)
