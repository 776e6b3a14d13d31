"""Nearest matching under many options: the pairs and weights of MatchIt 4.5.1 (R 4.2.2) on made-up students.

Every case is one call of ``matchit(F, data = d, …)``, with F = treat ~ gpa + absent + grade + lunch and ps, lp, pp, pl
the fitted probabilities and linear predictors of glm(F, binomial) and glm(F, binomial("probit")). That version does not
always take the nearest control on a propensity score, but it does on the Mahalanobis distance of one variable, which
ranks controls alike: so the score is given as ``mahvars`` too. Robust Mahalanobis distances, which that version can not
compute, are given as a matrix, made with cov, rank and MASS::ginv by Rosenbaum's recipe (2010, chapter 8).
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import mentoreval as me
from mentoreval.aliases import Estimand

SAMPLE = runpy.run_path(str(Path(__file__).parent / "design_sample.py"))

LINE = {"distance": "linear_propensity"}
MAHALANOBIS, ROBUST, SCALED = ({"distance": name} for name in ("mahalanobis", "robust_mahalanobis", "scaled_euclidean"))
BY_SCORE = {**MAHALANOBIS, "order": "largest"}

Options = dict[str, object]
Expected = tuple[tuple[int, int], tuple[float, float]]

ATT: dict[str, tuple[Options, Expected]] = {
    "distance = ps, mahvars = ~ps": ({}, ((36, 121631), (57.05555555555556, 36.0))),
    "distance = ps, mahvars = ~ps, ratio = 2": ({"ratio": 2}, ((72, 252602), (56.861111111111114, 72.0))),
    "distance = ps, mahvars = ~ps, ratio = 3": ({"ratio": 3}, ((84, 321515), (59.962962962962976, 81.0))),
    'distance = ps, mahvars = ~ps, m.order = "smallest"': (
        {"order": "smallest"},
        ((36, 128718), (58.333333333333336, 36.0)),
    ),
    'distance = ps, mahvars = ~ps, m.order = "data"': ({"order": "data"}, ((36, 130888), (58.333333333333336, 36.0))),
    "distance = ps, mahvars = ~ps, ratio = 2, replace = TRUE": (
        {"ratio": 2, "replace": True},
        ((72, 242811), (54.38888888888889, 30.139534883720945)),
    ),
    "distance = lp, mahvars = ~lp, ratio = 2": ({"ratio": 2, **LINE}, ((72, 252602), (56.861111111111114, 72.0))),
    "distance = pp, mahvars = ~pp, ratio = 2": (
        {"ratio": 2, "propensity": me.Probit()},
        ((72, 276033), (57.541666666666664, 72.0)),
    ),
    "distance = pl, mahvars = ~pl, ratio = 2": (
        {"ratio": 2, "propensity": me.Probit(), **LINE},
        ((72, 276413), (57.611111111111114, 72.0)),
    ),
    "distance = ps, mahvars = ~ps, caliper = .1, ratio = 2": (
        {"caliper": 0.1, "ratio": 2},
        ((47, 163749), (56.33928571428571, 42.37837837837836)),
    ),
    "distance = ps, mahvars = ~ps, caliper = .02, std.caliper = FALSE": (
        {"caliper": 0.02, "caliper_unit": "raw"},
        ((29, 102992), (59.55172413793103, 29.0)),
    ),
    "distance = lp, mahvars = ~lp, caliper = .1": ({"caliper": 0.1, **LINE}, ((28, 102958), (60.92857142857143, 28.0))),
    "distance = ps, mahvars = ~ps, caliper = c(gpa = .3, absent = .5)": (
        {"covariate_calipers": {"gpa": 0.3, "absent": 0.5}},
        ((29, 99971), (52.03448275862069, 29.0)),
    ),
    "distance = ps, mahvars = ~ps, caliper = c(.25, gpa = .4, absent = 3), std.caliper = c(TRUE, FALSE, FALSE)": (
        {"caliper": 0.25, "covariate_calipers": {"gpa": [0.4, "raw"], "absent": [3, "raw"]}},
        ((24, 77397), (51.125, 24.0)),
    ),
    "distance = ps, mahvars = ~ps, exact = ~grade + lunch": (
        {"exact": ["grade", "lunch"]},
        ((36, 113490), (53.166666666666664, 36.0)),
    ),
    "distance = ps, mahvars = ~ps, exact = ~grade, ratio = 2": (
        {"exact": ["grade"], "ratio": 2},
        ((72, 262763), (57.888888888888886, 72.0)),
    ),
    "distance = ps, mahvars = ~ps, exact = ~grade, caliper = .2, replace = TRUE, ratio = 2": (
        {"exact": ["grade"], "caliper": 0.2, "replace": True, "ratio": 2},
        ((49, 159476), (59.316666666666656, 24.65753424657534)),
    ),
    "distance = ps, mahvars = ~ps, ratio = 2, min.controls = 1, max.controls = 5": (
        {"ratio": 2, "min_ratio": 1, "max_ratio": 5},
        ((72, 262957), (58.888888888888864, 45.0)),
    ),
    "distance = ps, mahvars = ~ps, ratio = 2, max.controls = 3": (
        {"ratio": 2, "max_ratio": 3},
        ((72, 229453), (56.759259259259245, 54.0)),
    ),
    "distance = ps, mahvars = ~ps, ratio = 2, min.controls = 1, max.controls = 4, caliper = .15": (
        {"ratio": 2, "min_ratio": 1, "max_ratio": 4, "caliper": 0.15},
        ((63, 209172), (57.88333333333333, 42.352941176470594)),
    ),
    'distance = ps, mahvars = ~ps, discard = "treated"': (
        {"discard": "treated"},
        ((35, 115091), (56.97142857142857, 35.0)),
    ),
    'distance = ps, mahvars = ~ps, discard = "treated", caliper = .1': (
        {"discard": "treated", "caliper": 0.1},
        ((27, 99106), (61.18518518518518, 27.0)),
    ),
    'distance = ps, mahvars = ~ps, discard = "control"': (
        {"discard": "comparison"},
        ((36, 124975), (58.27777777777778, 36.0)),
    ),
    'distance = ps, mahvars = ~ps, discard = "control", caliper = .1': (
        {"discard": "comparison", "caliper": 0.1},
        ((28, 108990), (62.714285714285715, 28.0)),
    ),
    'distance = ps, mahvars = ~ps, discard = "both"': ({"discard": "both"}, ((35, 118435), (58.22857142857143, 35.0))),
    'distance = ps, mahvars = ~ps, discard = "both", caliper = .1': (
        {"discard": "both", "caliper": 0.1},
        ((27, 102450), (62.81481481481482, 27.0)),
    ),
    'distance = "mahalanobis"': (MAHALANOBIS, ((36, 116023), (49.5, 36.0))),
    'distance = "mahalanobis", ratio = 2': ({**MAHALANOBIS, "ratio": 2}, ((72, 263843), (58.138888888888886, 72.0))),
    'distance = "mahalanobis", ratio = 3, replace = TRUE': (
        {**MAHALANOBIS, "ratio": 3, "replace": True},
        ((108, 353564), (52.62962962962965, 42.8823529411765)),
    ),
    'distance = "mahalanobis", caliper = c(gpa = .5, absent = 4), std.caliper = c(TRUE, FALSE)': (
        {**MAHALANOBIS, "covariate_calipers": {"gpa": 0.5, "absent": [4, "raw"]}},
        ((32, 101761), (53.78125, 32.0)),
    ),
    'distance = "scaled_euclidean"': (SCALED, ((36, 107128), (47.22222222222222, 36.0))),
    'distance = "scaled_euclidean", ratio = 2': ({**SCALED, "ratio": 2}, ((72, 261582), (57.75, 72.0))),
    'distance = "scaled_euclidean", ratio = 3, replace = TRUE': (
        {**SCALED, "ratio": 3, "replace": True},
        ((108, 344570), (51.268518518518526, 43.2)),
    ),
    'distance = "scaled_euclidean", caliper = c(gpa = .5, absent = 4), std.caliper = c(TRUE, FALSE)': (
        {**SCALED, "covariate_calipers": {"gpa": 0.5, "absent": [4, "raw"]}},
        ((33, 115008), (56.03030303030303, 33.0)),
    ),
    'distance = ps, mahvars = ~ps, discard = "treated", ratio = 2, min.controls = 1, max.controls = 5': (
        {"discard": "treated", "ratio": 2, "min_ratio": 1, "max_ratio": 5},
        ((71, 256417), (58.857142857142861, 44.064748201438853)),
    ),
    'distance = ps, mahvars = ~ps, discard = "both", ratio = 2, max.controls = 3': (
        {"discard": "both", "ratio": 2, "max_ratio": 3},
        ((71, 230133), (57.571428571428569, 53.260869565217384)),
    ),
    "distance = robust": (ROBUST, ((36, 114339), (49.9166666666667, 36))),
    "distance = robust, ratio = 2": ({**ROBUST, "ratio": 2}, ((72, 262769), (59.0972222222222, 72))),
    "distance = robust, ratio = 3, replace = TRUE": (
        {**ROBUST, "ratio": 3, "replace": True},
        ((108, 352258), (52.4907407407407, 44.8615384615385)),
    ),
    "distance = ps, mahvars = ~gpa + absent + grade + lunch": (BY_SCORE, ((36, 117503), (53.05555555555556, 36.0))),
    "distance = ps, mahvars = ~gpa + absent + grade + lunch, caliper = .2": (
        {**BY_SCORE, "caliper": 0.2},
        ((33, 116789), (60.63636363636363, 33.0)),
    ),
    "distance = ps, mahvars = ~gpa + absent + grade + lunch, caliper = .3, ratio = 2": (
        {**BY_SCORE, "caliper": 0.3, "ratio": 2},
        ((52, 183154), (57.72857142857143, 46.22641509433958)),
    ),
    "distance = ps, mahvars = ~gpa + absent + grade + lunch, caliper = .3, exact = ~lunch, replace = TRUE": (
        {**BY_SCORE, "caliper": 0.3, "exact": ["lunch"], "replace": True},
        ((36, 137079), (62.5, 19.63636363636363)),
    ),
    'distance = ps, mahvars = ~gpa + absent + grade + lunch, discard = "treated"': (
        {**BY_SCORE, "discard": "treated"},
        ((35, 117830), (54.0, 35.0)),
    ),
    'distance = ps, mahvars = ~gpa + absent + grade + lunch, discard = "control"': (
        {**BY_SCORE, "discard": "comparison"},
        ((36, 117503), (53.05555555555556, 36.0)),
    ),
}
"""By the options of the call, with m.order = "largest" where a score is given: number of pairs and Σ treated row ·
control row; then of the controls, with their weights, the mean of the row number and the effective sample size."""

ATC: dict[str, tuple[Options, Expected]] = {
    "distance = ps, mahvars = ~ps": ({}, ((36, 155093), (62.05555555555556, 36.0))),
    "distance = ps, mahvars = ~ps, replace = TRUE": (
        {"replace": True},
        ((84, 301212), (59.0595238095238, 18.092307692307685)),
    ),
    "distance = ps, mahvars = ~ps, caliper = .2, replace = TRUE, ratio = 2": (
        {"caliper": 0.2, "replace": True, "ratio": 2},
        ((158, 570896), (60.80120481927709, 20.11386861313869)),
    ),
    'distance = "mahalanobis", replace = TRUE': (
        {**MAHALANOBIS, "replace": True},
        ((84, 319955), (60.46428571428571, 17.64)),
    ),
    'distance = "scaled_euclidean", replace = TRUE': (
        {**SCALED, "replace": True},
        ((84, 312614), (58.35714285714286, 17.81818181818181)),
    ),
}
"""The same with estimand = "ATC" and, where a score is given, m.order = "smallest"; the last two are of the treated."""

WEIGHTED: dict[str, tuple[str, Options, Expected]] = {
    's.weights = ~weight, distance = "glm", mahvars = ~ps': ("weight", {}, ((36, 121423), (56.583333333333336, 36.0))),
    's.weights = ~weight, distance = "glm", mahvars = ~ps, caliper = .2': (
        "weight",
        {"caliper": 0.2},
        ((32, 107514), (55.40625, 32.0)),
    ),
    's.weights = ~uneven, distance = "mahalanobis"': (
        "uneven",
        MAHALANOBIS,
        ((36, 107128), (47.22222222222222, 36.0)),
    ),
    's.weights = ~uneven, distance = "mahalanobis", ratio = 2, replace = TRUE': (
        "uneven",
        {**MAHALANOBIS, "ratio": 2, "replace": True},
        ((72, 231211), (50.59722222222222, 35.506849315068465)),
    ),
    's.weights = ~uneven, distance = "scaled_euclidean", ratio = 2, replace = TRUE': (
        "uneven",
        {**SCALED, "ratio": 2, "replace": True},
        ((72, 226126), (49.972222222222214, 36.0)),
    ),
    's.weights = ~uneven, distance = "glm", mahvars = ~gpa + absent + grade + lunch, caliper = .3': (
        "uneven",
        {**BY_SCORE, "caliper": 0.3},
        ((35, 114727), (57.94285714285714, 35.0)),
    ),
    "distance = robust, with cov.wt(ranks, cubed)": (
        "cubed",
        {**ROBUST, "ratio": 2},
        ((72, 263894), (59.2361111111111, 72)),
    ),
}
"""The same with sampling weights, which are taken off the weights again; cubed = weight^3."""


def matched(options: Options, estimand: Estimand, weight: str | None = None) -> tuple[list[int], list[float]]:
    """Number of pairs and checksum; of those who were sought the mean of the row number and the effective size."""
    frame = SAMPLE["students"]()
    frame["cubed"] = frame["weight"] ** 3
    panel = me.panel_from_frame(
        frame, unit="id", treated="treat", covariates=SAMPLE["COVARIATES"], outcomes=["y"], weight=weight
    )
    design = me.choose_design(panel, me.Nearest(**options), estimand=estimand)  # type: ignore[arg-type]
    rows = design.weighting.pairs + 1
    weights = design.weighting.weights / (1.0 if weight is None else frame[weight].to_numpy())
    numbers = SAMPLE["summed_up"](weights, design.baseline.treated)
    return [len(rows), int(rows.prod(axis=1).sum())], numbers[2:] if estimand == "ATT" else numbers[:2]


@pytest.mark.parametrize("call", ATT)
def test_pairs_and_weights_for_the_treated(call: str) -> None:
    options, (pairs, numbers) = ATT[call]
    found = matched(options, "ATT")
    assert tuple(found[0]) == pairs
    np.testing.assert_allclose(found[1], numbers, rtol=1e-12)


@pytest.mark.parametrize("call", ATC)
def test_pairs_and_weights_for_the_others(call: str) -> None:
    options, (pairs, numbers) = ATC[call]
    found = matched(options, "ATC")
    assert tuple(found[0]) == pairs
    np.testing.assert_allclose(found[1], numbers, rtol=1e-12)


@pytest.mark.parametrize("call", WEIGHTED)
def test_sampling_weights_count_in_scores_and_distances(call: str) -> None:
    weight, options, (pairs, numbers) = WEIGHTED[call]
    found = matched(options, "ATT", weight)
    assert tuple(found[0]) == pairs
    np.testing.assert_allclose(found[1], numbers, rtol=1e-12)


@pytest.mark.parametrize(
    ("distance", "pairs", "numbers"),
    [
        ("scaled_euclidean", (108, 344288), (51.212962962962962, 42.569343065693424)),
        ("mahalanobis", (108, 353564), (52.629629629629626, 42.882352941176478)),
    ],
)
def test_a_text_of_two_levels_has_both_in_a_distance(
    distance: str, pairs: tuple[int, int], numbers: tuple[float, float]
) -> None:
    """matchit(treat ~ gpa + absent + grade + meal, d, distance = distance, ratio = 3, replace = TRUE), meal a factor.

    Both of its indicators are divided by their own deviation, so that it counts twice what 0 and 1 would.
    """
    frame = SAMPLE["students"]()
    frame["meal"] = frame["lunch"].map({1: "free", 0: "paid"})
    covariates = ["gpa", "absent", "grade", "meal"]
    panel = me.panel_from_frame(frame, unit="id", treated="treat", covariates=covariates, outcomes=["y"])
    design = me.choose_design(panel, me.Nearest(distance=distance, ratio=3, replace=True))  # type: ignore[arg-type]
    rows = design.weighting.pairs + 1
    assert (len(rows), int(rows.prod(axis=1).sum())) == pairs
    found = SAMPLE["summed_up"](design.weighting.weights, design.baseline.treated)
    np.testing.assert_allclose(found[2:], numbers, rtol=1e-12)


@pytest.mark.parametrize("caliper", [None, 0.3])
def test_the_closest_pair_of_all_is_made_first(caliper: float | None) -> None:
    """MatchIt has this order from 4.6.0 on: all pairs by their distance, each made if both students are still free."""
    panel = me.panel_from_frame(
        SAMPLE["students"](), unit="id", treated="treat", covariates=SAMPLE["COVARIATES"], outcomes=["y"]
    )
    design = me.choose_design(panel, me.Nearest(order="closest", caliper=caliper))
    score, treated = design.weighting.propensity, design.baseline.treated
    reach = np.inf if caliper is None else caliper * np.std(score, ddof=1)
    apart = [(abs(score[t] - score[c]), t, c) for t in np.flatnonzero(treated) for c in np.flatnonzero(~treated)]
    free, pairs = set(range(len(score))), set()
    for distance, t, c in sorted(apart):
        if distance <= reach and {t, c} <= free:
            pairs.add((t, c))
            free -= {t, c}
    assert set(map(tuple, design.weighting.pairs.tolist())) == pairs
