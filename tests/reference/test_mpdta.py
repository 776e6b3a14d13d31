"""County teen employment and the minimum wage (Callaway & Sant'Anna 2021): equal to R's did and fixest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray
from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, ExtendedTwfe, GardnerTwoStage, Imputation, Twfe
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.effects.regression import fit_linear
from mentoreval.numerics.sandwich import cluster_vcov
from mentoreval.panel.panel import panel_from_frame

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the reference values of R are not beside this repository"
)

POINT, ERROR = 1e-8, 1e-6
CASES = ["never_dr", "never_dr_lpop", "notyet_dr", "notyet_dr_lpop", "never_dr_cluster_state"]
POOLED = {"simple": "simple", "event_time": "dynamic", "cohort": "group", "period": "calendar"}


def read(name: str) -> Any:
    return json.loads((REFERENCE / name).read_text())["results"]


def counties() -> pd.DataFrame:
    data = pd.read_csv(REFERENCE / "data" / "mpdta.csv")
    return data.assign(start=data["first.treat"].where(data["first.treat"] > 0))


def design(control: Any) -> Design:
    panel = panel_from_frame(
        counties(),
        unit="countyreal",
        period="year",
        first_treated="start",
        covariates=["lpop"],
        outcomes=["lemp"],
        school="state",
    )
    return choose_design(panel, pool=control)


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Estimate, dict[str, Any]]:
    """An estimate and did's values of the same call."""
    name: str = request.param
    control: Any = "never_treated" if name.startswith("never") else "not_yet_treated"
    estimator = CallawaySantAnna(control=control, covariates=("lpop",) if "lpop" in name else ())
    inference = ClusterRobust("school" if "state" in name else "student", "CR0")
    return estimate_effect(design(control), "lemp", estimator, inference=inference), read("mpdta_att_gt.json")[name]


def test_group_time_effects(case: tuple[Estimate, dict[str, Any]]) -> None:
    effect, stored = case
    assert effect.frame["cohort"].tolist() == stored["group"]
    assert effect.frame["period"].tolist() == stored["t"]
    np.testing.assert_allclose(effect.frame["estimate"], stored["att"], atol=POINT)
    np.testing.assert_allclose(effect.frame["std_error"], stored["se"], atol=ERROR)
    np.testing.assert_allclose(effect.vcov, stored["vcov"]["rows"], atol=ERROR * 1e-2)


def test_the_test_of_trends_before(case: tuple[Estimate, dict[str, Any]]) -> None:
    effect, stored = case
    test = effect.joint_test()
    assert test.statistic == pytest.approx(stored["pretest_W"], abs=1e-6)
    assert round(test.p_value, 5) == stored["pretest_p"]


@pytest.mark.parametrize("by", POOLED)
def test_pooled_effects(case: tuple[Estimate, dict[str, Any]], by: Any) -> None:
    effect, whole = case
    found, stored = effect.pool(by).frame, whole["aggte"][POOLED[by]]
    assert found["estimate"].iloc[-1] == pytest.approx(stored["overall_att"], abs=POINT)
    assert found["std_error"].iloc[-1] == pytest.approx(stored["overall_se"], abs=ERROR)
    if by != "simple":
        np.testing.assert_allclose(found["estimate"].iloc[:-1], stored["att"], atol=POINT)
        np.testing.assert_allclose(found["std_error"].iloc[:-1], stored["se"], atol=ERROR)
        label = {"event_time": "event_time", "cohort": "cohort", "period": "period"}[by]
        assert found[label].iloc[:-1].tolist() == stored["egt"]


def two_way() -> tuple[Any, FloatArray, pd.DataFrame]:
    data = counties()
    post = (data["year"] >= data["start"]).to_numpy(dtype=float)[:, None]
    effects = tuple(pd.factorize(data[name])[0].astype(np.int64) for name in ("countyreal", "year"))
    linear = fit_linear(post, data["lemp"].to_numpy(), np.ones(len(data)), ["post"], effects, np.eye(1))
    return linear, linear.arrays.influence, data


@pytest.mark.parametrize(("name", "cluster"), [("twfe_cluster", "countyreal"), ("twfe_cluster_state", "state")])
def test_two_way_fixed_effects_equal_fixest(name: str, cluster: str) -> None:
    linear, influence, data = two_way()
    stored = read("mpdta_twfe.json")[name]
    codes = pd.factorize(data[cluster])[0]
    g, n, k = len(np.unique(codes)), len(data), linear.n_parameters(codes)
    assert k == stored["df_k"]
    assert linear.n_parameters() == stored["nparams"]
    assert linear.effects[0] == pytest.approx(stored["estimate"][0], abs=POINT)
    error = np.sqrt(g / (g - 1) * (n - 1) / (n - k) * cluster_vcov(influence, codes)[0, 0])
    assert error == pytest.approx(stored["se"][0], abs=1e-10)


@pytest.mark.parametrize(("name", "cluster"), [("twfe_cluster", "student"), ("twfe_cluster_state", "school")])
def test_twfe_equals_fixest(name: str, cluster: str) -> None:
    stored = read("mpdta_twfe.json")[name]
    row = estimate_effect(design("never_treated"), "lemp", Twfe(), inference=ClusterRobust(cluster)).headline()
    assert row["estimate"] == pytest.approx(stored["estimate"][0], abs=POINT)
    assert row["std_error"] == pytest.approx(stored["se"][0], abs=ERROR)
    for column, key in (("statistic", "t"), ("p_value", "p"), ("conf_low", "ci_low"), ("conf_high", "ci_high")):
        assert row[column] == pytest.approx(stored[key][0], abs=ERROR)
    assert row["df"] == stored["df_t"]


def test_twfe_with_independent_errors_equals_fixest() -> None:
    stored = read("mpdta_twfe.json")["twfe_iid"]
    linear = Twfe().fit(design("never_treated"), "lemp").linear
    assert linear is not None
    df = len(linear.response) - linear.n_parameters()
    squares = linear.residuals @ linear.residuals
    assert (df, linear.n_parameters()) == (stored["df_t"], stored["nparams"])
    assert squares == pytest.approx(stored["ssr"], abs=ERROR)
    assert np.sqrt(squares / df * linear.bread[0, 0]) == pytest.approx(stored["se"][0], abs=ERROR)


PUBLISHED = 5e-6  # did2s, and the README of etwfe, give four or five decimals


def test_two_stages_equal_did2s() -> None:
    """R did2s: -0.04771 (0.01348), clustered by county."""
    inference = ClusterRobust("student", "CR0")
    for estimator in (GardnerTwoStage(), Imputation()):
        row = estimate_effect(design("never_treated"), "lemp", estimator, inference=inference).headline()
        assert row["estimate"] == pytest.approx(-0.04771, abs=PUBLISHED)
        assert row["std_error"] == pytest.approx(0.01348, abs=PUBLISHED)


def test_extended_two_way_fixed_effects_equal_etwfe() -> None:
    """R etwfe with lpop: -0.0506 (0.0125); without covariates the points of did2s."""
    adjusted = ExtendedTwfe(covariates=("lpop",), shares="fixed")
    row = estimate_effect(design("never_treated"), "lemp", adjusted, inference=ClusterRobust("student")).headline()
    assert row["estimate"] == pytest.approx(-0.0506, abs=5e-5)
    assert row["std_error"] == pytest.approx(0.0125, abs=5e-5)
    plain = estimate_effect(design("never_treated"), "lemp", ExtendedTwfe(), inference=ClusterRobust("student"))
    assert plain.headline()["estimate"] == pytest.approx(-0.04771, abs=PUBLISHED)
