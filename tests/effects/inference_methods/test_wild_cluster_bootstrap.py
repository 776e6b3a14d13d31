"""The wild cluster bootstrap equals one regression for each draw, and its interval is the inverse of its test."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, EventStudy, RegressionAdjustment
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.wild_cluster_bootstrap import WildClusterBootstrap
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.wild_bootstrap import cluster_moments, draw_effects
from mentoreval.panel.panel import Panel, panel_from_frame

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[2] / "twins" / "wild_bootstrap_refit.py"))
wild_p_value = TWIN["wild_p_value"]


def small_frame(n: int = 24, schools: int = 6, seed: int = 4) -> pd.DataFrame:
    """24 students in 6 schools over 4 years; half of each school starts in the third."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 4), "year": np.tile([1, 2, 3, 4], n)})
    frame["start"] = np.where(rng.permutation(n) < n / 2, 3.0, np.nan)[frame["student"]]
    frame["school"] = frame["student"] % schools
    shock = rng.normal(size=(schools, 4))[frame["school"], frame["year"] - 1]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + shock + rng.normal(size=len(frame))
    frame["absent"] -= (frame["year"] >= frame["start"]) * 1.0
    return frame


def small_panel(frame: pd.DataFrame, **roles: Any) -> Panel:
    return panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school", **roles
    )


def dummies(frame: pd.DataFrame) -> np.ndarray:
    """Event times -2, 0 and 1 of the treated, then every student and every year but the first."""
    event_time = (frame["year"] - frame["start"]).to_numpy()
    effects = np.column_stack([event_time == time for time in (-2, 0, 1)])
    students, years = np.eye(24)[frame["student"]], np.eye(4)[frame["year"] - 1][:, 1:]
    return np.column_stack([effects, students, years]).astype(float)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("cluster", ["school", "crossing"])
def test_it_is_the_regression_with_all_dummies_fitted_in_every_draw(cluster: str, restricted: bool) -> None:
    """Students lie in schools, so that they stay absorbed; by years they do not, and every factor is spelt out."""
    frame = small_frame()
    linear = EventStudy().fit(choose_design(small_panel(frame)), "absent").linear
    assert linear is not None
    codes = (frame["school"] if cluster == "school" else (frame["student"] + frame["year"]) % 5).to_numpy()
    moments = cluster_moments(linear.arrays, codes, linear.absorbed)
    draws = draw_effects(moments, "rademacher", 64, np.random.default_rng(0))
    X, y = dummies(frame), frame["absent"].to_numpy()
    for place, column in ((0, 0), (3, 2)):  # the reference, event time -1, is the second effect
        found = draws[place]
        assert found is not None
        for null in (0.0, -0.7, 1.5):
            expected = wild_p_value(X, y, codes, column, null, restricted)
            assert found.p_value(linear.effects[place] - null, restricted) == pytest.approx(expected, abs=1e-12)
    assert draws[1] is None


def test_it_serves_weights_and_covariates() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"student": range(40), "mentored": rng.permutation(40) % 2, "school": np.arange(40) % 7})
    frame["before"], frame["weight"] = rng.normal(size=40), rng.uniform(0.5, 2, 40)
    frame["absent"] = frame["before"] + rng.normal(size=7)[frame["school"]] + rng.normal(size=40)
    panel = panel_from_frame(
        frame,
        unit="student",
        treated="mentored",
        covariates=["before"],
        outcomes=["absent"],
        weight="weight",
        school="school",
    )
    effect = WildClusterBootstrap("school").apply(RegressionAdjustment().fit(choose_design(panel), "absent"))
    root = np.sqrt(frame["weight"].to_numpy())
    X = np.column_stack([np.ones(40), frame["before"], frame["mentored"]]) * root[:, None]
    y, codes = root * frame["absent"].to_numpy(), frame["school"].to_numpy()
    assert effect.frame["p_value"].iloc[0] == pytest.approx(wild_p_value(X, y, codes, 2, 0.0), abs=1e-12)
    low, high = effect.frame[["conf_low", "conf_high"]].iloc[0]
    for inside, outside in ((low + 1e-6, low - 1e-6), (high - 1e-6, high + 1e-6)):
        assert wild_p_value(X, y, codes, 2, inside) >= 0.05 > wild_p_value(X, y, codes, 2, outside)


def test_the_error_is_that_of_cr1_and_enumeration_needs_no_seed() -> None:
    fit = EventStudy().fit(choose_design(small_panel(small_frame())), "absent")
    effect = WildClusterBootstrap("school", seed=1).apply(fit)
    np.testing.assert_allclose(effect.vcov, ClusterRobust("school").apply(fit).vcov, rtol=1e-12)
    pd.testing.assert_frame_equal(effect.frame, WildClusterBootstrap("school", seed=2).apply(fit).frame)
    assert (effect.frame["df"] == 5).all()
    p_values = effect.frame["p_value"].dropna() * 2**6
    np.testing.assert_allclose(p_values, p_values.round(), atol=1e-9)


@pytest.mark.parametrize("weights", ["rademacher", "webb", "mammen"])
def test_random_draws_come_near_to_all_of_them(weights: Any) -> None:
    """With 24 students as clusters every distribution gives nearly the p-value of t."""
    fit = Did2x2(event_time=1).fit(choose_design(small_panel(small_frame())), "absent")
    by_t = ClusterRobust("student").apply(fit).frame["p_value"].iloc[0]
    first, second = (WildClusterBootstrap("student", 4_999, weights, seed=s).apply(fit) for s in (1, 2))
    assert first.frame["p_value"].iloc[0] == pytest.approx(by_t, abs=0.08)
    assert first.frame["p_value"].iloc[0] != second.frame["p_value"].iloc[0]
    again = WildClusterBootstrap("student", 4_999, weights, seed=1).apply(fit)
    pd.testing.assert_frame_equal(first.frame, again.frame)


def test_names_of_schools_and_order_of_rows_do_not_move_the_draws() -> None:
    frame = small_frame(n=120, schools=20)
    other = frame.assign(school=[f"s{(7 * code) % 20}" for code in frame["school"]]).sample(frac=1, random_state=1)
    plain, renamed = (
        WildClusterBootstrap("school", 999).apply(Did2x2().fit(choose_design(small_panel(data)), "absent"))
        for data in (frame, other)
    )
    columns = ["p_value", "conf_low", "conf_high"]
    np.testing.assert_allclose(renamed.frame[columns], plain.frame[columns], rtol=1e-9)


def test_three_schools_bound_nothing_and_it_is_said() -> None:
    frame = small_frame(schools=3)
    effect = WildClusterBootstrap("school").apply(Did2x2().fit(choose_design(small_panel(frame)), "absent"))
    assert effect.frame[["conf_low", "conf_high"]].to_numpy().tolist() == [[-np.inf, np.inf]]
    assert any(note.key == "no_bound" for note in effect.notes)


def test_what_it_does_not_serve_it_refuses_by_name() -> None:
    design = choose_design(small_panel(small_frame()))
    with pytest.raises(EffectError, match="callaway_santanna is not one regression"):
        WildClusterBootstrap().apply(CallawaySantAnna().fit(design, "absent"))
    with pytest.raises(OptionError, match="too few"):
        WildClusterBootstrap(draws=20)
    with pytest.raises(EffectError, match="no clusters named 'mentor'"):
        WildClusterBootstrap("mentor").apply(Did2x2().fit(design, "absent"))
