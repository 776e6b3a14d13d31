"""Outcomes by dosage: a regression among the mentored that says it describes, and dosage that is no covariate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import ESTIMATORS, DoseResponse
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import DataError, EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame


def students(n: int = 120, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"student": np.arange(n), "mentored": np.arange(n) % 2, "school": np.arange(n) % 12})
    data["gpa"], data["w"] = rng.normal(2.7, 0.5, n), rng.uniform(0.5, 2, n)
    data["sessions"] = np.where(data["mentored"] == 1, rng.integers(0, 30, n), np.nan)
    data["absent"] = 12 - 0.1 * data["sessions"].fillna(0) - data["gpa"] + rng.normal(0, 1, n)
    return data


def design_of(data: pd.DataFrame, **roles: Any) -> Any:
    named = {"dosage": "sessions", "covariates": ["gpa"], "outcomes": ["absent"], "school": "school", **roles}
    if "period" not in named:
        named["treated"] = "mentored"
    return choose_design(panel_from_frame(data, unit="student", **named))


def test_the_slope_is_that_of_statsmodels_among_the_mentored() -> None:
    smf = pytest.importorskip("statsmodels.formula.api")
    data = students()
    mentored = data[data["mentored"] == 1]
    peer = smf.wls("absent ~ gpa + sessions", mentored, weights=mentored["w"]).fit(
        cov_type="cluster", cov_kwds={"groups": mentored["school"]}, use_t=True
    )
    estimator = DoseResponse(covariates=("gpa",))
    row = estimate_effect(
        design_of(data, weight="w"), "absent", estimator, inference=ClusterRobust("school")
    ).frame.iloc[0]
    assert row["estimate"] == pytest.approx(peer.params["sessions"], rel=1e-10)
    assert row["std_error"] == pytest.approx(peer.bse["sessions"], rel=1e-9)
    assert (row["term"], row["n_treated"]) == ("dosage", 60)


@pytest.mark.parametrize("bins", [(10.0, 20.0), ()])
def test_bins_are_differences_from_the_lowest(bins: tuple[float, ...]) -> None:
    data = students()
    fit = DoseResponse("bins", bins).fit(design_of(data), "absent")
    mentored = data[data["mentored"] == 1]
    bounds = bins or tuple(np.quantile(mentored["sessions"], [1 / 3, 2 / 3]))
    low, middle, high = (
        mentored.loc[(mentored["sessions"] >= a) & (mentored["sessions"] < b), "absent"]
        for a, b in zip((0, *bounds), (*bounds, np.inf), strict=True)
    )
    np.testing.assert_allclose(fit.theta, [middle.mean() - low.mean(), high.mean() - low.mean()])
    assert fit.terms["n_treated"].tolist() == [len(middle), len(high)]
    assert fit.terms["n_comparison"].tolist() == [len(low)] * 2


@pytest.mark.parametrize("knots", [(3.0, 12.0, 20.0, 27.0), ()])
def test_a_spline_is_a_natural_cubic_read_at_its_knots(knots: tuple[float, ...]) -> None:
    """Another basis of the same curves: interpolations of the unit vectors at the knots, straight beyond them."""
    data = students()
    fit = DoseResponse("spline", knots=knots).fit(design_of(data), "absent")
    mentored = data[data["mentored"] == 1]
    x = mentored["sessions"].to_numpy(dtype=float)
    places = np.array(knots or np.quantile(x, [0.1, 0.5, 0.9]))
    curve = CubicSpline(places, np.eye(len(places)), bc_type="natural")
    inside = np.clip(x, places[0], places[-1])
    basis = curve(inside) + (x - inside)[:, None] * curve(inside, 1)
    heights = np.linalg.lstsq(basis, mentored["absent"].to_numpy(), rcond=None)[0]
    np.testing.assert_allclose(fit.theta, heights[1:] - heights[0], atol=1e-9)
    assert fit.terms["term"].tolist() == [f"dosage={place:g}" for place in places[1:]]
    assert set(fit.terms["n_treated"]) == {60}


def test_comparison_students_are_out_unless_asked_for() -> None:
    data = students()
    without, asked = (DoseResponse(with_comparison=flag).fit(design_of(data), "absent") for flag in (False, True))
    assert (len(without.entries), len(asked.entries)) == (60, 120)
    slope = np.polyfit(data["sessions"].fillna(0), data["absent"], 1)[0]
    assert asked.theta[0] == pytest.approx(slope, rel=1e-9)


def test_dosage_adds_up_from_the_start_to_the_outcome_and_unknown_dosage_is_counted() -> None:
    data = students()
    data.loc[[1, 3], "sessions"] = np.nan
    long = data.loc[data.index.repeat(3)].assign(year=np.tile([1, 2, 3], 120))
    long["start"] = np.where(long["mentored"] == 1, 2.0, np.nan)
    long["absent"] += np.random.default_rng(3).normal(0, 1, 360)
    roles: dict[str, Any] = {"period": "year", "first_treated": "start"}
    first, second = (DoseResponse(event_time=time).fit(design_of(long, **roles), "absent") for time in (0, 1))
    assert first.facts["without_dosage"] == 2
    mentored = data[data["sessions"].notna()].index
    for fit, years in ((first, 1), (second, 2)):
        absent = long[long["year"] == years + 1].loc[mentored, "absent"]
        assert fit.theta[0] == pytest.approx(np.polyfit(years * data.loc[mentored, "sessions"], absent, 1)[0], rel=1e-9)


def test_it_says_that_it_describes() -> None:
    effect = estimate_effect(design_of(students()), "absent", DoseResponse())
    assert "descriptive" in [note.key for note in effect.notes]
    assert [name for name, kind in ESTIMATORS.items() if kind.descriptive] == ["dose_response"]


def test_dosage_is_no_covariate_of_a_panel_or_a_design() -> None:
    data = students()
    with pytest.raises(
        DataError, match="'sessions' can not be a covariate: it is known only after the program started"
    ):
        design_of(data, covariates=["gpa", "sessions"])
    panel = design_of(data).panel
    with pytest.raises(DataError, match="'sessions' can not be a covariate"):
        choose_design(panel, covariates=["sessions"])
    with pytest.raises(DataError, match="already has another role"):
        design_of(data, dosage="absent")


def test_what_can_not_be_described_is_a_plain_error() -> None:
    data = students()
    with pytest.raises(EffectError, match="this panel has none"):
        DoseResponse().fit(design_of(data, dosage=None), "absent")
    with pytest.raises(EffectError, match="Dosage is 4 for all 60"):
        DoseResponse().fit(design_of(data.assign(sessions=np.where(data["mentored"] == 1, 4, np.nan))), "absent")
    with pytest.raises(EffectError, match="60 comparison students have dosage above 0"):
        DoseResponse().fit(design_of(data.assign(sessions=3)), "absent")
    with pytest.raises(EffectError, match="none may be empty"):
        DoseResponse("bins", (10.0, 500.0)).fit(design_of(data), "absent")
    with pytest.raises(DataError, match="below 0 in 120 rows"):
        design_of(data.assign(sessions=-1))
    with pytest.raises(OptionError, match="rising numbers"):
        DoseResponse("bins", (5.0, 2.0))
