"""fixest's staggered example: the two-way event study and Sun–Abraham with errors, limits and p-values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators import EventStudy, SunAbraham
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.panel.panel import panel_from_frame

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the reference values of R are not beside this repository"
)

TOLERANCE = 1e-7  # fixest absorbs effects iteratively, to 1e-10


def read(case: str) -> Any:
    return json.loads((REFERENCE / "base_stagg_sunab.json").read_text())["results"][case]


def estimate(estimator: Estimator) -> Estimate:
    data = pd.read_csv(REFERENCE / "data" / "base_stagg.csv")
    panel = panel_from_frame(
        data.assign(start=data["year_treated"].where(data["year_treated"] <= 10)),
        unit="id",
        period="year",
        first_treated="start",
        covariates=["x1"],
        outcomes=["y"],
    )
    return estimate_effect(choose_design(panel), "y", estimator, inference=ClusterRobust("student"))


def test_the_event_study_equals_fixest() -> None:
    stored = read("twfe_event_cluster_id")
    effect = estimate(EventStudy(covariates=("x1",)))
    found = effect.frame[effect.frame["term"].str.startswith("event_time")]
    terms = [f"time_to_treatment::{time}:treated" for time in found["event_time"]]
    assert terms == stored["term"][1:]
    for column, key in (
        ("estimate", "estimate"),
        ("std_error", "se"),
        ("statistic", "t"),
        ("p_value", "p"),
        ("conf_low", "ci_low"),
        ("conf_high", "ci_high"),
    ):
        np.testing.assert_allclose(found[column], stored[key][1:], atol=TOLERANCE)
    linear = effect.fit.linear
    assert linear is not None
    assert linear.coefficients[-1] == pytest.approx(stored["estimate"][0], abs=TOLERANCE)
    assert linear.n_parameters(effect.fit.clusters["student"]) == stored["df_k"]
    assert (found["df"] == stored["df_t"]).all()
    chosen = np.flatnonzero(effect.frame["term"].str.startswith("event_time"))
    vcov = np.array(stored["vcov"]["rows"])[1:, 1:]
    np.testing.assert_allclose(effect.vcov[np.ix_(chosen, chosen)], vcov, atol=TOLERANCE)


def test_sun_abraham_with_fixed_shares_equals_sunab() -> None:
    stored = read("sunab_cluster_id")
    effect = estimate(SunAbraham(covariates=("x1",), shares="fixed"))
    found = effect.frame[effect.frame["term"].str.startswith("event_time")]
    assert [f"year::{time}" for time in found["event_time"]] == stored["term"][1:]
    for column, key in (
        ("estimate", "estimate"),
        ("std_error", "se"),
        ("statistic", "t"),
        ("p_value", "p"),
        ("conf_low", "ci_low"),
        ("conf_high", "ci_high"),
    ):
        np.testing.assert_allclose(found[column], stored[key][1:], atol=TOLERANCE)
    assert (found["df"] == stored["df_t"]).all()
    linear = effect.fit.linear
    assert linear is not None
    assert linear.coefficients[-1] == pytest.approx(stored["estimate"][0], abs=TOLERANCE)
    assert linear.n_parameters(effect.fit.clusters["student"]) == stored["df_k"]
    assert linear.n_parameters() == stored["nparams"]
    assert effect.headline()["estimate"] == pytest.approx(stored["agg_att"]["estimate"][1], abs=TOLERANCE)
    assert effect.headline()["std_error"] == pytest.approx(stored["agg_att"]["se"][1], abs=TOLERANCE)


def test_independent_errors_of_sun_abraham_equal_sunab() -> None:
    stored = read("sunab_iid")
    linear = estimate(SunAbraham(covariates=("x1",), shares="fixed")).fit.linear
    assert linear is not None
    n, k = len(linear.response), linear.n_parameters()
    vcov = linear.residuals @ linear.residuals / (n - k) * linear.contrasts @ linear.bread @ linear.contrasts.T
    error = np.sqrt(np.diag(vcov))
    np.testing.assert_allclose(error[error > 0][:-1], stored["se"][1:], atol=TOLERANCE)
    assert error[-1] == pytest.approx(stored["agg_att"]["se"][1], abs=TOLERANCE)


def test_the_cells_of_sun_abraham_equal_sunab() -> None:
    stored = read("sunab_cluster_id")
    effect = estimate(SunAbraham(covariates=("x1",)))
    found = effect.frame[~effect.is_reference].sort_values(["event_time", "cohort"])
    cells = stored["disaggregated"]
    terms = [f"year::{row.event_time}:cohort::{row.cohort}" for row in found.itertuples()]
    assert terms == cells["term"][1:]
    np.testing.assert_allclose(found["estimate"], cells["estimate"][1:], atol=TOLERANCE)
    np.testing.assert_allclose(found["std_error"], cells["se"][1:], atol=TOLERANCE)
    cohorts = effect.pool("cohort").frame.iloc[:-1]
    np.testing.assert_allclose(cohorts["estimate"], stored["agg_cohort"]["estimate"][1:], atol=TOLERANCE)
    np.testing.assert_allclose(cohorts["std_error"], stored["agg_cohort"]["se"][1:], atol=TOLERANCE)
    assert effect.headline()["estimate"] == pytest.approx(stored["agg_att"]["estimate"][1], abs=TOLERANCE)
    assert effect.headline()["std_error"] > stored["agg_att"]["se"][1]  # the noise of cohort shares
