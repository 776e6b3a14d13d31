"""fixest's staggered example: the two-way event study with its errors, limits and p-values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import EventStudy
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.panel.panel import panel_from_frame

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(), reason="the reference values of R are not beside this repository"
)

TOLERANCE = 1e-7  # fixest absorbs effects iteratively, to 1e-10


def test_the_event_study_equals_fixest() -> None:
    stored = json.loads((REFERENCE / "base_stagg_sunab.json").read_text())["results"]["twfe_event_cluster_id"]
    data = pd.read_csv(REFERENCE / "data" / "base_stagg.csv")
    panel = panel_from_frame(
        data.assign(start=data["year_treated"].where(data["year_treated"] <= 10)),
        unit="id",
        period="year",
        first_treated="start",
        covariates=["x1"],
        outcomes=["y"],
    )
    effect = estimate_effect(
        choose_design(panel), "y", EventStudy(covariates=("x1",)), inference=ClusterRobust("student")
    )
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
