"""Synthetic difference-in-differences: the numbers of R, its special cases, several starts, and its variance."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators.synthetic_did import SyntheticDid
from mentoreval.effects.inference_methods import ClusterRobust, RefitBootstrap
from mentoreval.errors import EffectError
from mentoreval.panel.panel import panel_from_frame
from tests.twins.synthetic_weights import double_difference, weights_by_slsqp

R_PROP99 = {"synthetic_did": -15.6038278727338469, "synthetic_control": -19.61966, "did": -27.349111083614947}
"""synthdid 0.0.9 in R on california_prop99: synthdid_estimate, sc_estimate, did_estimate(Y, N0, T0)."""

R_WITH_WYOMING, R_JACKKNIFE = -4.1538623012790161, 17.867241960405
"""synthdid_estimate and sqrt(vcov(method = "jackknife")) with Wyoming treated too, as tests of azcausal state them."""

SINGLE_PRECISION = 1e-7
"""The data were published as single-precision numbers, in files that round them differently."""


def proposition_99(*treated: str) -> Design:
    """Cigarette sales of 39 states 1970-2000, from the package statspai where it is installed."""
    spec = importlib.util.find_spec("statspai")
    place = Path(str(spec.origin)).parent / "datasets/data/california_prop99.csv" if spec else None
    if place is None or not place.exists():
        pytest.skip("the data of Proposition 99 are not part of the repository; the package statspai brings them")
    frame = pd.read_csv(place, usecols=["state", "year", "cigsale"])
    frame["start"] = np.where(frame["state"].isin(treated), 1989.0, np.nan)
    return choose_design(
        panel_from_frame(frame, unit="state", period="year", first_treated="start", outcomes=["cigsale"])
    )


@pytest.mark.parametrize("method", R_PROP99)
def test_proposition_99_has_the_numbers_of_r(method: str) -> None:
    theta = SyntheticDid(method=method).fit(proposition_99("California"), "cigsale").theta  # type: ignore[arg-type]
    tolerance = 5e-6 if method == "synthetic_control" else SINGLE_PRECISION  # printed with five digits
    assert theta[0] == pytest.approx(R_PROP99[method], abs=tolerance)


def test_the_jackknife_has_the_number_of_r() -> None:
    effect = estimate_effect(proposition_99("California", "Wyoming"), "cigsale", SyntheticDid())
    assert effect.fit.theta[0] == pytest.approx(R_WITH_WYOMING, abs=SINGLE_PRECISION)
    assert effect.std_error[0] == pytest.approx(R_JACKKNIFE, abs=1e-5)
    assert effect.reason == "own_variance"


# ---------------------------------------------------------------------- made-up schools
def school_outcomes(seed: int = 2024) -> FloatArray:
    """(24, 14) two factors that trend, and noise; the last four schools fall by 3 from month 10 on."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(24, 2)) @ np.cumsum(rng.normal(size=(2, 14)), axis=1)
    y = np.round(20 + factors + rng.normal(0, 0.5, (24, 14)), 3)
    y[20:, 10:] -= 3
    return y


def school_frame(y: FloatArray, starts: dict[int, int] | None = None) -> pd.DataFrame:
    n, t = y.shape
    start = pd.Series(dict.fromkeys(range(20, 24), 10) if starts is None else starts, dtype=float)
    frame = pd.DataFrame({"school": np.repeat(np.arange(n), t), "month": np.tile(np.arange(t), n), "y": y.ravel()})
    return frame.assign(start=frame["school"].map(start))


def school_design(frame: pd.DataFrame, **roles: object) -> Design:
    named = {"outcomes": ["y"], "covariates": [], **roles}
    panel = panel_from_frame(frame, unit="school", period="month", first_treated="start", **named)  # type: ignore[arg-type]
    return choose_design(panel)


def test_it_is_the_double_difference_of_the_weights_it_states() -> None:
    y = school_outcomes()
    fit = SyntheticDid().fit(school_design(school_frame(y)), "y")
    donors = {int(school): weight for _, school, weight in fit.facts["donor_weights"]}  # type: ignore[attr-defined]
    months = {int(month): weight for _, month, weight in fit.facts["period_weights"]}  # type: ignore[attr-defined]
    before = {month: months.get(month, 0.0) for month in range(10)}
    assert fit.theta[0] == pytest.approx(double_difference(y, [20, 21, 22, 23], donors, before), abs=1e-10)
    assert sum(donors.values()) == pytest.approx(1.0)
    assert abs(fit.theta[0] + 3) < abs(SyntheticDid(method="did").fit(school_design(school_frame(y)), "y").theta[0] + 3)


def test_its_weights_are_near_the_optimum() -> None:
    """Frank–Wolfe stops, as synthdid does, where it gains a 1e-5th of the noise; the optimum is near."""
    y = school_outcomes()
    fit = SyntheticDid().fit(school_design(school_frame(y)), "y")
    noise = np.diff(y[:20, :10], axis=1).std(ddof=1)
    best = weights_by_slsqp(y[:20, :10].T, y[20:, :10].mean(axis=0), 2.0 * noise, True)
    stated = np.zeros(20)
    for _, school, weight in fit.facts["donor_weights"]:  # type: ignore[attr-defined]
        stated[school] = weight
    gaps = y[:20, :10].T - y[20:, :10].mean(axis=0)[:, None]
    gaps -= gaps.mean(axis=0)
    loss = [np.mean((gaps @ x) ** 2) + 4 * noise**2 * (x @ x) for x in (stated, best)]
    assert -1e-9 < loss[0] / loss[1] - 1 < 1e-3


def test_did_is_the_difference_of_mean_changes() -> None:
    y = school_outcomes()
    change = y[:, 10:].mean(axis=1) - y[:, :10].mean(axis=1)
    fit = SyntheticDid(method="did").fit(school_design(school_frame(y)), "y")
    assert fit.theta[0] == pytest.approx(change[20:].mean() - change[:20].mean(), abs=1e-12)
    effect = estimate_effect(fit.design, "y", fit.estimator)
    kept = [np.delete(np.arange(24), u) for u in range(24)]
    drawn = [change[k[k >= 20]].mean() - change[k[k < 20]].mean() for k in kept]
    assert effect.std_error[0] == pytest.approx(np.sqrt(23 / 24 * 24 * np.var(drawn)), rel=1e-10)


def test_the_jackknife_has_the_degrees_of_freedom_of_welch() -> None:
    """(A + B)² / (A²/3 + B²/19) with A and B what the 4 treated and the 20 donors add to the variance."""
    y = school_outcomes()
    change = y[:, 10:].mean(axis=1) - y[:, :10].mean(axis=1)
    effect = estimate_effect(school_design(school_frame(y)), "y", SyntheticDid(method="did"))
    A, B = change[20:].var(ddof=1) / 3, change[:20].var(ddof=1) / 19
    assert effect.df[0] == pytest.approx((A + B) ** 2 / (A**2 / 3 + B**2 / 19), rel=1e-10)
    assert effect.critical[0] == pytest.approx(stats.t.ppf(0.975, effect.df[0]))


def test_donors_that_hardly_count_give_no_degrees_of_freedom() -> None:
    y = school_outcomes()
    y[20:] = y[20]  # the treated are alike, so that all that varies is among the donors
    effect = estimate_effect(school_design(school_frame(y)), "y", SyntheticDid())
    weights = np.array([weight for _, _, weight in effect.fit.facts["donor_weights"]])  # type: ignore[attr-defined]
    effective = 1 / (weights @ weights)
    assert effect.df[0] == pytest.approx(effective - 1, abs=0.01)  # without one donor the mean of the others moves
    assert effective < 13


def test_synthetic_control_compares_levels() -> None:
    """A school that is a mean of two others before the start gets these two, and the effect is the gap after it."""
    y = school_outcomes()[:20]
    y[19] = 0.25 * y[3] + 0.75 * y[7]
    y[19, 10:] -= 2.0
    fit = SyntheticDid(method="synthetic_control").fit(school_design(school_frame(y, {19: 10})), "y")
    weights = {school: weight for _, school, weight in fit.facts["donor_weights"]}  # type: ignore[attr-defined]
    assert weights[3] == pytest.approx(0.25, abs=0.02)
    assert weights[7] == pytest.approx(0.75, abs=0.02)
    assert fit.theta[0] == pytest.approx(-2.0, abs=0.05)
    assert fit.facts["period_weights"] == ()
    assert not fit.estimator.sees_changes()
    assert SyntheticDid().sees_changes()


def test_several_starts_are_blocks_of_their_own_averaged_by_treated_months() -> None:
    y = school_outcomes()
    both = SyntheticDid().fit(school_design(school_frame(y, {20: 8, 21: 10, 22: 10, 23: 10})), "y")
    one = SyntheticDid().fit(school_design(school_frame(y, {20: 8, 21: np.nan})[lambda d: d["school"] < 21]), "y")
    other = SyntheticDid().fit(
        school_design(school_frame(y, {21: 10, 22: 10, 23: 10})[lambda d: d["school"] != 20]), "y"
    )
    assert both.terms["term"].tolist() == ["cohort=8", "cohort=10", "average"]
    np.testing.assert_allclose(both.theta[:2], [one.theta[0], other.theta[0]], atol=1e-12)
    assert both.theta[2] == pytest.approx((6 * one.theta[0] + 12 * other.theta[0]) / 18, abs=1e-12)
    assert both.terms["n_treated"].tolist() == [1, 3, 4]


def test_the_errors_agree_with_the_bootstrap_of_the_paper() -> None:
    effect = estimate_effect(school_design(school_frame(school_outcomes())), "y", SyntheticDid())
    drawn = RefitBootstrap(cluster="student", draws=60, seed=1).apply(effect.fit)
    assert 0.4 < drawn.std_error[0] / effect.std_error[0] < 1.6  # 60 draws, four treated schools


def test_covariates_that_change_are_taken_out() -> None:
    y, rng = school_outcomes(), np.random.default_rng(5)
    x = rng.normal(size=y.shape)
    x[20:, 10:] += 2.0
    frame = school_frame(y + 4.0 * x).assign(x=x.ravel())
    design = school_design(frame, covariates=["x"])
    plain = SyntheticDid().fit(school_design(school_frame(y)), "y").theta[0]
    adjusted = SyntheticDid(covariates=("x",)).fit(design, "y").theta[0]
    assert abs(adjusted - plain) < 1.0 < abs(SyntheticDid().fit(design, "y").theta[0] - plain)


def test_a_school_with_a_gap_is_left_out_and_counted() -> None:
    y = school_outcomes()
    y[5, 3] = np.nan
    fit = SyntheticDid().fit(school_design(school_frame(y)), "y")
    assert fit.facts["units_with_gaps"] == 1
    assert fit.terms["n_comparison"].tolist() == [19]


def test_one_treated_school_needs_placebos() -> None:
    design = school_design(school_frame(school_outcomes()[:21], {20: 10}))
    with pytest.raises(EffectError, match="inference = Placebo"):
        estimate_effect(design, "y", SyntheticDid())


def test_errors_from_influence_are_refused() -> None:
    design = school_design(school_frame(school_outcomes()))
    with pytest.raises(EffectError, match=r"no derivative follows\. Use OwnVariance"):
        estimate_effect(design, "y", SyntheticDid(), inference=ClusterRobust("student"))


def test_thousands_of_students_are_refused_with_the_way_out() -> None:
    y = np.zeros((2_100, 3))
    with pytest.raises(EffectError, match="one row for each school and period"):
        SyntheticDid().fit(school_design(school_frame(y, dict.fromkeys(range(40), 1))), "y")
