"""Which inference is taken where none is named, and why: what holds with few schools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, EventStudy, RegressionAdjustment
from mentoreval.effects.inference import Inference, default_inference
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.wild_cluster_bootstrap import WildClusterBootstrap
from mentoreval.panel.panel import panel_from_frame

CR1, CR2, WILD = ClusterRobust(), ClusterRobust(small_sample="CR2"), WildClusterBootstrap()


def fitted(schools: int, estimator: Estimator, each: int = 4, uneven: bool = False) -> Fit:
    rng = np.random.default_rng(schools)
    n = schools * each
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 3), "year": np.tile([1, 2, 3], n)})
    frame["start"] = np.where(np.arange(n) % 2, 3.0, np.nan)[frame["student"]]
    frame["school"], frame["room"] = frame["student"] // each, frame["student"] // 3
    frame["weight"] = rng.uniform(1, 2, n)[frame["student"]] if uneven else 1.0
    frame["absent"] = rng.normal(size=len(frame))
    panel = panel_from_frame(
        frame,
        unit="student",
        period="year",
        first_treated="start",
        covariates=["room"],
        outcomes=["absent"],
        school="school",
        weight="weight",
    )
    return estimator.fit(choose_design(panel), "absent")


@pytest.mark.parametrize(
    ("schools", "estimator", "expected", "reason"),
    [
        (40, Did2x2(), CR1, "many_clusters"),
        (40, CallawaySantAnna(), CR1, "many_clusters"),
        (39, Did2x2(), CR2, "some_clusters"),
        (10, EventStudy(), CR2, "some_clusters"),
        (10, CallawaySantAnna(), CR1, "some_clusters_no_regression"),
        (9, Did2x2(), WILD, "few_clusters"),
        (2, EventStudy(), WILD, "few_clusters"),
        (9, CallawaySantAnna(), CR1, "few_clusters_no_regression"),
    ],
)
def test_it_follows_from_the_number_of_clusters(
    schools: int, estimator: Estimator, expected: Inference, reason: str
) -> None:
    fit = fitted(schools, estimator)
    assert default_inference(fit) == (expected, reason)
    assert expected.apply(fit).n_clusters == schools


def test_many_absorbed_effects_of_uneven_weights_are_bootstrapped() -> None:
    """CR2 would need a column for each classroom; without weights, or without effects of classrooms, it does not."""
    within = RegressionAdjustment(covariates=(), fixed_effects=("room",))
    assert default_inference(fitted(10, within, each=402, uneven=True)) == (WILD, "some_clusters_large")
    assert default_inference(fitted(10, within, each=402)) == (CR2, "some_clusters")
    assert default_inference(fitted(10, Did2x2(), each=501, uneven=True)) == (CR2, "some_clusters")
    assert default_inference(fitted(10, Did2x2(), uneven=True)) == (CR2, "some_clusters")


def six_schools(rng: np.random.Generator) -> Fit:
    """Three of six schools, of different sizes, have the program; schools differ, and the effect is zero."""
    sizes = np.array([40, 10, 15, 20, 25, 30])
    school = np.repeat(np.arange(6), sizes)
    frame = pd.DataFrame({"student": range(len(school)), "school": school, "treated": (school < 3).astype(int)})
    frame["absent"] = rng.normal(size=6)[school] + rng.normal(size=len(school))
    panel = panel_from_frame(frame, unit="student", treated="treated", outcomes=["absent"], school="school")
    return RegressionAdjustment().fit(choose_design(panel), "absent")


@pytest.mark.slow
def test_with_six_schools_plain_errors_miss_and_corrected_ones_hold() -> None:
    """200 draws know a coverage of 95 % to 1.5 points."""
    methods = {"plain": ClusterRobust("school", "CR0"), "CR2": CR2, "wild": WILD}
    covered = {name: 0 for name in methods}
    rng = np.random.default_rng(12)
    for _ in range(200):
        fit = six_schools(rng)
        for name, method in methods.items():
            row = method.apply(fit).frame.iloc[0]
            covered[name] += int(row["conf_low"] < 0 < row["conf_high"])
    assert covered["plain"] < 0.88 * 200
    assert covered["CR2"] > 0.904 * 200
    assert covered["wild"] > 0.904 * 200
