"""Castle doctrine laws and homicide (Cheng & Hoekstra 2013): imputation equal to R's didimputation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import GardnerTwoStage, Imputation
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.panel.panel import panel_from_frame

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the reference values of R are not beside this repository"
)

POINT, ERROR = 1e-8, 1e-6


def estimate(estimator: Any) -> Estimate:
    data = pd.read_csv(REFERENCE / "data" / "castle.csv")
    panel = panel_from_frame(
        data.assign(start=data["g"].where(data["g"] > 0)),
        unit="sid",
        period="year",
        first_treated="start",
        outcomes=["l_homicide"],
    )
    inference = ClusterRobust("student", "CR0")
    return estimate_effect(choose_design(panel), "l_homicide", estimator, inference=inference)


@pytest.fixture(scope="module")
def stored() -> Any:
    return json.loads((REFERENCE / "castle_imputation.json").read_text())["results"]


def test_the_static_effect(stored: Any) -> None:
    row = estimate(Imputation(shares="fixed")).headline()
    for column, key in (("estimate", "estimate"), ("std_error", "se")):
        assert row[column] == pytest.approx(stored["static"][key][0], abs=POINT)
    assert row["conf_low"] == pytest.approx(stored["static"]["ci_low"][0], abs=1e-5)  # didimputation takes 1.96
    assert row["conf_high"] == pytest.approx(stored["static"]["ci_high"][0], abs=1e-5)


def test_effects_by_periods_since_the_law(stored: Any) -> None:
    found = estimate(Imputation(shares="fixed")).frame.iloc[:-1]
    assert [str(time) for time in found["event_time"]] == stored["event"]["term"]
    np.testing.assert_allclose(found["estimate"], stored["event"]["estimate"], atol=POINT)
    np.testing.assert_allclose(found["std_error"], stored["event"]["se"], atol=ERROR)


def test_pooled_cells_and_two_stages_have_the_same_points(stored: Any) -> None:
    cells = estimate(Imputation())
    assert cells.headline()["estimate"] == pytest.approx(stored["static"]["estimate"][0], abs=POINT)
    by_time = cells.pool("event_time").frame.iloc[:-1]
    np.testing.assert_allclose(by_time["estimate"], stored["event"]["estimate"], atol=POINT)
    two_stage = estimate(GardnerTwoStage()).frame
    np.testing.assert_allclose(two_stage["estimate"].iloc[:-1], stored["event"]["estimate"], atol=POINT)
    assert cells.headline()["std_error"] == pytest.approx(two_stage["std_error"].iloc[-1], abs=1e-10)
