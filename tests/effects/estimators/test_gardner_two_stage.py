"""Gardner's two stages: the points of imputation, and the errors of both stages as one system of moments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import GardnerTwoStage, Imputation
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.panel.panel import Panel, panel_from_frame
from tests.twins.dummy_regressions import dummies, imputed

BY_STUDENT = ClusterRobust("student", "CR0")


@pytest.fixture
def some(frame: pd.DataFrame) -> pd.DataFrame:
    kept = (np.random.default_rng(4).random(len(frame)) > 0.15) | (frame["year"] <= 2002)
    return frame[kept].reset_index(drop=True)


def panel_of(frame: pd.DataFrame) -> Panel:
    return panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])


def test_it_is_two_regressions_with_the_errors_of_stacked_moments(some: pd.DataFrame) -> None:
    """Newey & McFadden (1994), section 6: A⁻¹ (g₂ − G A₁⁻¹ g₁), with every dummy of the first stage written out."""
    effect = estimate_effect(choose_design(panel_of(some)), "absent", GardnerTwoStage(), inference=BY_STUDENT)
    untreated = ~(some["year"] >= some["start"]).to_numpy()
    left = imputed(some)
    relative = (some["year"] - some["start"]).to_numpy()
    times = [0, 1, 2]
    for second in (np.column_stack([relative == time for time in times]).astype(float), (~untreated)[:, None] * 1.0):
        inverse = np.linalg.inv(second.T @ second)
        beta = inverse @ second.T @ left
        Z = np.column_stack([dummies(some, ["student"]), dummies(some, ["year"])])
        first = Z * untreated[:, None]
        bridge = second.T @ Z @ np.linalg.pinv(first.T @ first)
        moments = second * (left - second @ beta)[:, None] - (first * left[:, None]) @ bridge.T
        sums = pd.DataFrame(moments).groupby(some["student"]).sum().to_numpy() @ inverse
        found = effect.frame[effect.frame["event_time"].notna() if len(beta) > 1 else effect.frame["term"] == "average"]
        np.testing.assert_allclose(found["estimate"], beta, atol=1e-10)
        np.testing.assert_allclose(found["std_error"], np.sqrt((sums**2).sum(axis=0)), atol=1e-10)


def test_its_points_are_those_of_imputation(some: pd.DataFrame) -> None:
    design = choose_design(panel_of(some))
    fixed = Imputation(shares="fixed").fit(design, "absent")
    two_stage = GardnerTwoStage().fit(design, "absent")
    np.testing.assert_allclose(two_stage.theta, fixed.theta, atol=1e-12)
    pd.testing.assert_frame_equal(two_stage.terms, fixed.terms)


def test_a_student_with_one_untreated_row_stays(frame: pd.DataFrame) -> None:
    short = frame[(frame["start"] != 2003) | (frame["year"] >= 2002)]
    fit = GardnerTwoStage().fit(choose_design(panel_of(short)), "absent")
    treated = short["year"] >= short["start"]
    assert fit.facts["rows_not_imputed"] == 0
    assert fit.terms["n_treated"].iloc[-1] == short.loc[treated, "student"].nunique() == 80
