"""Matching with Abadie–Imbens errors: equal to R's Matching, and a study's students handled by the rules it states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Nearest
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import AbadieImbens
from mentoreval.effects.inference_methods import ClusterRobust, OwnVariance, RefitBootstrap
from mentoreval.errors import DesignError, EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference"
LALONDE = ["age", "educ", "race", "married", "nodegree", "re74", "re75"]


@pytest.mark.parametrize(
    ("case", "metric"),
    [("att_X_invvar_M1", "inverse_variance"), ("att_X_mahalanobis_M1", "mahalanobis"), ("att_ps_M1", "propensity")],
)
def test_effect_and_error_are_those_of_r(case: str, metric: Any) -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference values of R are not beside this repository")
    data = pd.read_csv(REFERENCE / "data" / "lalonde.csv")
    stored = json.loads((REFERENCE / "lalonde_abadie_imbens.json").read_text())["results"][case]
    data["race"] = data["race"].map({"white": "a white", "black": "black", "hispan": "hispan"})  # the first is left out
    panel = panel_from_frame(data, unit="id", treated="treat", covariates=LALONDE, outcomes=["re78"])
    row = estimate_effect(choose_design(panel), "re78", AbadieImbens(metric=metric)).frame.iloc[0]
    assert row["estimate"] == pytest.approx(stored["est"], rel=1e-8)
    assert row["std_error"] == pytest.approx(stored["se_AI"], rel=1e-6)
    assert row["n_treated"] == stored["nobs"]
    assert row["n_comparison"] == len(set(stored["control"]))
    assert np.isinf(row["df"])


def students(n: int = 240, seed: int = 4) -> pd.DataFrame:
    """Low marks are mentored more often; the effect is −2 where lunch is free and −1 where it is not."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"student": np.arange(n), "gpa": rng.normal(2.7, 0.5, n), "lunch": rng.random(n) < 0.5})
    data["mentored"] = (rng.random(n) < 1 / (1 + np.exp(0.6 + data["gpa"] - 2.7))).astype(int)
    data["absent"] = 12 - 3 * data["gpa"] - data["mentored"] * (1.0 + data["lunch"]) + rng.normal(0, 1, n)
    return data


def design_of(data: pd.DataFrame, method: Any = None, estimand: Any = "ATT", **roles: Any) -> Any:
    named = {"covariates": ["gpa", "lunch"], "outcomes": ["absent"], **roles}
    return choose_design(panel_from_frame(data, unit="student", treated="mentored", **named), method, estimand=estimand)


@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
@pytest.mark.parametrize("lunch", [(), ("lunch",)], ids=["any", "exact"])
def test_one_nearest_written_out(estimand: str, lunch: tuple[str, ...]) -> None:
    data = students()
    X = data[["gpa", "lunch"]].to_numpy(float)
    X = X / X.std(axis=0, ddof=1)
    y, treated = data["absent"].to_numpy(), data["mentored"].to_numpy(bool)
    gaps = []
    for i in np.flatnonzero({"ATT": treated, "ATC": ~treated, "ATE": treated | ~treated}[estimand]):
        pool = [j for j in range(len(y)) if treated[j] != treated[i] and (not lunch or X[j, 1] == X[i, 1])]
        j = min(pool, key=lambda j, i=i: np.sum((X[i] - X[j]) ** 2))  # type: ignore[misc]
        near = [k for k in pool if np.sum((X[i] - X[k]) ** 2) <= np.sum((X[i] - X[j]) ** 2) + 1e-5]
        gaps.append((1 if treated[i] else -1) * (y[i] - y[near].mean()))
    effect = estimate_effect(design_of(data, estimand=estimand), "absent", AbadieImbens(exact=lunch))
    assert effect.fit.theta[0] == pytest.approx(np.mean(gaps), rel=1e-12)


def test_the_bias_adjustment_finds_the_effect_where_the_outcome_is_a_line() -> None:
    data = students()
    data["absent"] = 12 - 3 * data["gpa"] - 2.0 * data["mentored"]
    plain, adjusted = (AbadieImbens(bias_adjust=flag).fit(design_of(data), "absent").theta[0] for flag in (False, True))
    assert abs(plain + 2.0) > 1e-4
    assert adjusted == pytest.approx(-2.0, abs=1e-10)


def test_who_finds_nobody_within_the_caliper_is_counted_and_out_of_the_sample() -> None:
    data = students()
    data.loc[data.index[data["mentored"] == 1][:3], "gpa"] = [9.0, 9.5, 10.0]
    fit = AbadieImbens(caliper=1.0).fit(design_of(data), "absent")
    assert fit.facts["treated_unmatched"] == 3
    assert fit.terms["n_treated"].iloc[0] == data["mentored"].sum() - 3
    assert len(fit.entries) == fit.terms["n_treated"].iloc[0] + fit.terms["n_comparison"].iloc[0]


def test_weights_that_copy_students_are_copies_of_students() -> None:
    """With weights of 1 and 2, a student of weight 2 counts as two: as two students with the same values."""
    data = students(n=90)
    data["w"] = np.where(data.index % 3 == 0, 2.0, 1.0)
    copies = data.loc[data.index.repeat(data["w"].astype(int))].assign(student=lambda frame: np.arange(len(frame)))
    for matches in (1, 2):
        once = AbadieImbens(matches=matches, bias_adjust=True).fit(design_of(data, weight="w"), "absent")
        twice = AbadieImbens(matches=matches, bias_adjust=True).fit(design_of(copies), "absent")
        assert once.theta[0] == pytest.approx(twice.theta[0], rel=1e-3)  # scaling by n/(n − 1) can move who is nearest


def test_errors_follow_the_options() -> None:
    design = design_of(students())
    errors = {
        name: estimate_effect(design, "absent", estimator).frame["std_error"].iloc[0]
        for name, estimator in {
            "plain": AbadieImbens(),
            "robust": AbadieImbens(variance_matches=2),
            "conditional": AbadieImbens(conditional=True),
        }.items()
    }
    assert len({round(error, 6) for error in errors.values()}) == 3
    assert errors["robust"] == pytest.approx(errors["plain"], rel=0.2)


@pytest.mark.parametrize(
    ("draws", "low", "high"), [(60, 0.85, 1.0), pytest.param(1000, 0.93, 0.97, marks=pytest.mark.slow)]
)
def test_intervals_hold_the_truth(draws: int, low: float, high: float) -> None:
    """The effect on the treated is −1 less the share with free lunch, which is drawn by half."""
    held = 0
    for seed in range(draws):
        data = students(n=300, seed=100 + seed)
        row = estimate_effect(design_of(data), "absent", AbadieImbens(matches=2, bias_adjust=True)).frame.iloc[0]
        held += row["conf_low"] < -1.5 < row["conf_high"]
    assert low <= held / draws <= high


def test_cohorts_are_matched_within_themselves_and_a_student_of_two_is_one_person() -> None:
    rng = np.random.default_rng(3)
    n = 60
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 4), "year": np.tile([1, 2, 3, 4], n)})
    frame["start"] = np.array([3.0, 4.0, np.nan])[np.arange(n) % 3][frame["student"]]
    frame["gpa"] = rng.normal(size=n)[frame["student"]]
    frame["absent"] = rng.normal(size=n)[frame["student"]] + rng.normal(size=len(frame))
    roles: dict[str, Any] = {"unit": "student", "period": "year", "first_treated": "start", "outcomes": ["absent"]}
    design = choose_design(panel_from_frame(frame, covariates=["gpa"], **roles), covariates=["gpa"])
    effect = estimate_effect(design, "absent", AbadieImbens())
    assert effect.n_clusters == len(np.unique(design.baseline.unit[effect.fit.entries]))
    cohorts = design.baseline.cohort[effect.fit.entries]
    assert len(np.unique(cohorts)) == 2
    treated = design.baseline.treated[effect.fit.entries]
    gaps = []
    for student in range(n):
        if student % 3 == 2:
            continue
        column = 2 if student % 3 == 0 else 3  # both arms in the year of the start
        gpa, absent = (frame[name].to_numpy().reshape(n, 4)[:, column] for name in ("gpa", "absent"))
        waiting = np.arange(n)[np.arange(n) % 3 == 2]
        gaps.append(absent[student] - absent[waiting[np.argmin(np.abs(gpa[waiting] - gpa[student]))]])
    assert treated.sum() == len(gaps)
    assert effect.fit.theta[0] == pytest.approx(np.mean(gaps), rel=1e-10)


@pytest.mark.parametrize("method", [ClusterRobust(), RefitBootstrap(draws=10)])
def test_errors_that_do_not_hold_for_matching_are_refused(method: Any) -> None:
    with pytest.raises(EffectError, match=r"Use OwnVariance\."):
        estimate_effect(design_of(students()), "absent", AbadieImbens(), inference=method)
    assert isinstance(estimate_effect(design_of(students()), "absent", AbadieImbens()).inference, OwnVariance)


def test_what_can_not_be_matched_is_a_plain_error() -> None:
    data = students()
    with pytest.raises(EffectError, match="'nearest' has matched or weighted them already"):
        AbadieImbens().fit(design_of(data, Nearest()), "absent")
    with pytest.raises(EffectError, match="there are none"):
        AbadieImbens(covariates=()).fit(design_of(data), "absent")
    double = design_of(data.assign(marks=2 * data["gpa"]), covariates=["gpa", "marks"])
    with pytest.raises(DesignError, match="repeat each other"):
        AbadieImbens(metric="mahalanobis").fit(double, "absent")
    with pytest.raises(OptionError, match="matches is 1 or more"):
        AbadieImbens(matches=0)
