"""Negative binomial: statsmodels' fits, the effect in days, Poisson as the limit, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.design.methods import OddsWeighting, Unadjusted
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators.negative_binomial import NegativeBinomial
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.panel import panel_from_frame

BY_SCHOOL = ClusterRobust("school", "CR0")
POINTS, ERRORS = 1e-8, 1e-6
ROLES: dict[str, Any] = {
    "unit": "student",
    "treated": "mentored",
    "covariates": ["prior", "days_enrolled"],
    "outcomes": ["absent"],
    "school": "school",
}


def make_frame(n: int = 400, dispersion: float = 0.7, seed: int = 1) -> pd.DataFrame:
    """Days absent of students in 20 schools, enrolled for 30 to 180 days; mentoring takes a quarter off."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"student": np.arange(n), "prior": rng.normal(size=n), "school": rng.integers(0, 20, n)})
    frame["mentored"] = (rng.random(n) < 1 / (1 + np.exp(-0.5 * frame["prior"]))).astype(int)
    frame["days_enrolled"] = rng.integers(30, 181, n)
    mean = frame["days_enrolled"] * np.exp(-2.6 + 0.4 * frame["prior"] + np.log(0.75) * frame["mentored"])
    frame["absent"] = rng.poisson(mean * rng.gamma(1 / dispersion, dispersion, n)).astype(float)
    return frame


def estimate(frame: pd.DataFrame, roles: dict[str, Any] | None = None, **options: Any) -> Estimate:
    design = choose_design(panel_from_frame(frame, **ROLES, **(roles or {})), Unadjusted(), covariates=["prior"])
    return estimate_effect(design, "absent", NegativeBinomial(**options), inference=BY_SCHOOL)


def regressors(frame: pd.DataFrame) -> FloatArray:
    return np.column_stack([np.ones(len(frame)), frame["prior"], frame["mentored"]]).astype(float)


def by_statsmodels(frame: pd.DataFrame, **options: Any) -> Any:
    """statsmodels' own fit to its last digits, errors clustered by school without a correction."""
    model = sm.NegativeBinomial(frame["absent"], regressors(frame), **options)
    start = model.fit(disp=0, method="bfgs", maxiter=500).params
    clusters = {"groups": frame["school"].to_numpy(), "use_correction": False}
    return model.fit(
        start_params=start, disp=0, method="newton", maxiter=200, tol=1e-14, cov_type="cluster", cov_kwds=clusters
    )


def test_points_are_those_of_statsmodels_and_the_effect_is_its_average_over_the_treated() -> None:
    frame = make_frame()
    theirs = by_statsmodels(frame, exposure=frame["days_enrolled"])
    ours = estimate(frame)
    days = frame["days_enrolled"][frame["mentored"] == 1]
    without = days * np.exp(theirs.params.iloc[0] + theirs.params.iloc[1] * frame["prior"][days.index])
    expected = float((without * (np.exp(theirs.params.iloc[2]) - 1)).mean())
    assert ours.fit.theta[0] == pytest.approx(expected, rel=POINTS)
    assert ours.fit.facts["dispersion"] == pytest.approx(theirs.params.iloc[3], rel=POINTS)
    assert ours.fit.facts["rate_ratio"] == pytest.approx(np.exp(theirs.params.iloc[2]), rel=POINTS)


def test_the_error_is_the_delta_method_on_statsmodels_cluster_robust_variance() -> None:
    """For a fixed set of covariates: every student treated counts alike, so the average itself adds no noise here."""
    frame = make_frame()
    frame["prior"] = np.round(frame["prior"].clip(-1, 1))
    theirs = by_statsmodels(frame, exposure=frame["days_enrolled"])
    ours = estimate(frame, days=180)
    treated = regressors(frame)[frame["mentored"] == 1]
    base = np.exp(treated[:, :2] @ theirs.params.to_numpy()[:2]) * 180
    ratio = np.exp(theirs.params.iloc[2])
    gradient = np.append((base * (ratio - 1)) @ treated[:, :2], (base * ratio).sum()) / len(base)
    variance = theirs.cov_params().to_numpy()[:3, :3]
    # The rest of the influence: whose effects are averaged. Its clusters' sums, and those with the scores, by hand.
    effect = np.zeros(len(frame))
    effect[frame["mentored"] == 1] = base * (ratio - 1) - (base * (ratio - 1)).mean()
    parameters = theirs.params.to_numpy()
    scores = theirs.model.score_obs(parameters) @ np.linalg.inv(-theirs.model.hessian(parameters))
    parts = pd.DataFrame({"own": effect / len(base), "model": scores[:, :3] @ gradient}).groupby(frame["school"]).sum()
    model_alone = float(gradient @ variance @ gradient)
    assert float((parts["model"] ** 2).sum()) == pytest.approx(model_alone, rel=ERRORS)
    expected = np.sqrt(((parts["own"] + parts["model"]) ** 2).sum())
    assert ours.std_error[0] == pytest.approx(float(expected), rel=ERRORS)
    assert ours.fit.facts["days"] == 180


def test_weights_are_copies() -> None:
    """A student with weight 3 counts as three."""
    frame = make_frame(150)
    frame["copies"] = np.random.default_rng(2).integers(1, 4, 150)
    weighted = estimate(frame, {"weight": "copies"})
    several = frame.loc[frame.index.repeat(frame["copies"])].reset_index(drop=True)
    copied = estimate(several.assign(student=several.index))
    assert weighted.fit.theta[0] == pytest.approx(copied.fit.theta[0], rel=1e-10)
    assert weighted.fit.facts["dispersion"] == pytest.approx(copied.fit.facts["dispersion"], rel=1e-9)
    assert weighted.std_error[0] == pytest.approx(copied.std_error[0], rel=1e-9)


def test_counts_that_vary_less_than_poisson_are_poisson() -> None:
    frame = make_frame()
    mean = frame["days_enrolled"] * np.exp(-2.6 + 0.4 * frame["prior"] - 0.3 * frame["mentored"])
    frame["absent"] = np.round(mean)
    ours = estimate(frame)
    family = sm.families.Poisson()
    theirs = sm.GLM(frame["absent"], regressors(frame), family, exposure=frame["days_enrolled"]).fit(tol=1e-14)
    assert ours.fit.facts["dispersion"] == 0.0
    assert ours.fit.facts["rate_ratio"] == pytest.approx(np.exp(theirs.params.iloc[2]), rel=1e-10)


def test_the_fit_passes_into_poisson_without_a_jump() -> None:
    """Counts with hardly more spread than Poisson: a dispersion near 0, and nearly the rate ratio of Poisson."""
    frame = make_frame(4000, dispersion=1e-3, seed=3)
    ours = estimate(frame)
    family = sm.families.Poisson()
    theirs = sm.GLM(frame["absent"], regressors(frame), family, exposure=frame["days_enrolled"]).fit(tol=1e-14)
    assert 0.0 <= float(ours.fit.facts["dispersion"]) < 0.01  # type: ignore[arg-type]
    assert ours.fit.facts["rate_ratio"] == pytest.approx(np.exp(theirs.params.iloc[2]), rel=1e-3)


def test_without_covariates_and_with_equal_enrolment_it_is_the_difference_in_means() -> None:
    frame = make_frame().assign(days_enrolled=100)
    ours = estimate(frame.assign(prior=0.0), covariates=())
    means = frame.groupby("mentored")["absent"].mean()
    assert ours.fit.theta[0] == pytest.approx(means[1] - means[0], rel=1e-10)


def test_the_estimand_says_over_whom_the_effect_is_averaged() -> None:
    frame = make_frame()
    panel = panel_from_frame(frame, **ROLES)
    found = {}
    for estimand in ("ATT", "ATC", "ATE"):
        design = choose_design(panel, Unadjusted(), estimand=estimand, covariates=["prior"])
        found[estimand] = NegativeBinomial().fit(design, "absent").theta[0]
    share = frame["mentored"].mean()
    assert found["ATE"] == pytest.approx(share * found["ATT"] + (1 - share) * found["ATC"], rel=1e-10)
    assert found["ATT"] < found["ATC"]  # who is mentored missed more days before


def test_half_days_and_design_weights_are_taken() -> None:
    frame = make_frame()
    frame["absent"] += 0.5 * (np.arange(400) % 3 == 0)
    design = choose_design(panel_from_frame(frame, **ROLES), OddsWeighting(), covariates=["prior"])
    effect = estimate_effect(design, "absent", NegativeBinomial(), inference=BY_SCHOOL)
    assert abs(effect.fit.theta[0] + 0.25 * np.exp(-2.6) * 105 * np.exp(0.3)) < 4 * effect.std_error[0]


def test_days_enrolled_are_those_of_the_period_of_the_outcome() -> None:
    frame = make_frame(200)
    long = pd.concat([frame.assign(year=year) for year in (2023, 2024)], ignore_index=True)
    long["start"] = np.where(long["mentored"] == 1, 2024.0, np.nan)
    long.loc[long["year"] == 2023, "days_enrolled"] = 1
    roles = {name: role for name, role in ROLES.items() if name != "treated"}
    panel = panel_from_frame(long, period="year", first_treated="start", **roles)
    fit = NegativeBinomial().fit(choose_design(panel, Unadjusted(), covariates=["prior"]), "absent")
    assert fit.theta[0] == pytest.approx(estimate(frame).fit.theta[0], rel=1e-10)


def test_intervals_cover_the_effect_in_days() -> None:
    """60 draws with students as clusters: the 95 % interval misses the average at most 8 times (p < 0.01 at 95 %)."""
    prior = np.random.default_rng(0).normal(size=1_000_000)
    mentored = 1 / (1 + np.exp(-0.5 * prior))
    truth = -0.25 * 105 * np.exp(-2.6) * float((mentored * np.exp(0.4 * prior)).sum() / mentored.sum())
    frames = [make_frame(600, seed=50 + seed).assign(school=np.arange(600)) for seed in range(60)]
    found = [estimate(frame).frame.iloc[0] for frame in frames]
    assert sum(one["conf_low"] < truth < one["conf_high"] for one in found) >= 52


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"absent": -1.0}, {}, "below 0 for 1 of 400 students"),
        ({"days_enrolled": 0}, {}, "no days_enrolled above 0"),
        ({}, {"exposure": "days_enroled"}, "no numbers 'days_enroled'.*days_enrolled"),
    ],
)
def test_what_is_no_count_or_has_no_days_is_named(
    change: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    frame = make_frame()
    for name, value in change.items():
        frame.loc[7, name] = value
    with pytest.raises(EffectError, match=message):
        estimate(frame, **options)


def test_other_measures_and_empty_groups_are_refused() -> None:
    frame = make_frame()
    for facts, message in (
        (MeasureFacts(unit="share"), "is measured as share"),
        (MeasureFacts(unit="days", rule="days_absent per_180=True min_enrolled_days=1"), "scaled to 180 days already"),
    ):
        with pytest.raises(EffectError, match=message):
            estimate(frame, {"measures": {"absent": facts}})
    with pytest.raises(EffectError, match=r"is 0 for all .* treated students"):
        estimate(frame.assign(absent=frame["absent"].where(frame["mentored"] == 0, 0.0)))
    with pytest.raises(EffectError, match="no usable fit"):
        estimate(frame.assign(prior=frame["prior"] > 0, absent=frame["absent"] * (frame["prior"] > 0)))
    with pytest.raises(OptionError, match="days needs an exposure"):
        NegativeBinomial(exposure=None, days=180)
