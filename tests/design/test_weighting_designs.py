"""Designs by weights: what each balances exactly, estimands, cohorts, sampling weights, and what they refuse."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mentoreval as me
from mentoreval.aliases import Estimand
from mentoreval.panel.panel import Panel

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[1] / "twins" / "entropy_balancing_primal.py"))
METHODS = {
    "odds": me.OddsWeighting(),
    "inverse": me.InverseProbability(),
    "overlap": me.OverlapWeighting(),
    "entropy": me.EntropyBalancing(),
    "covariate": me.CovariateBalancing(),
}
SERVED: dict[str, set[str]] = {
    "odds": {"ATT", "ATC"},
    "inverse": {"ATT", "ATC", "ATE"},
    "overlap": {"ATO"},
    "entropy": {"ATT", "ATC", "ATE"},
    "covariate": {"ATT", "ATC", "ATE"},
}
EVERY_SERVED = pytest.mark.parametrize(("name", "estimand"), [(n, e) for n in SERVED for e in sorted(SERVED[n])])
EXACT = 1e-7
"""Exact balance: solvers stop at 1e-8 standard deviations, R's glm at a relative change of the deviance of 1e-8."""


def columns_of(frame: pd.DataFrame) -> np.ndarray:
    levels = [(frame["grade"] == grade).astype(float) for grade in ("6", "7", "8")]
    return np.column_stack([frame["gpa"], frame["absent"], frame["lunch"].astype(float), *levels])


def difference(design: me.Design, columns: np.ndarray) -> np.ndarray:
    """Differences of weighted means, in standard deviations."""
    weights, treated = design.weighting.weights, design.baseline.treated
    means = [np.average(columns[arm], axis=0, weights=weights[arm]) for arm in (treated, ~treated)]
    return np.asarray((means[0] - means[1]) / columns.std(axis=0))


@pytest.fixture
def weighted(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> Panel:
    """Students with sampling weights."""
    return panel_of(students.assign(w=np.random.default_rng(8).uniform(0.5, 3, len(students))), weight="w")


# ---------------------------------------------------------------------- what is balanced
@pytest.mark.parametrize(
    ("method", "estimand"),
    [
        (me.OverlapWeighting(), "ATO"),
        *((me.EntropyBalancing(), estimand) for estimand in ("ATT", "ATC", "ATE")),
        *((me.CovariateBalancing(), estimand) for estimand in ("ATT", "ATC", "ATE")),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_means_are_exactly_alike(method: Any, estimand: Estimand, weighted: Panel, students: pd.DataFrame) -> None:
    design = me.choose_design(weighted, method, estimand=estimand)
    assert np.abs(difference(design, columns_of(students))).max() < EXACT
    assert design.weighting.conditional is False


@pytest.mark.parametrize("estimand", ["ATT", "ATC", "ATE"])
def test_entropy_balancing_meets_the_means_of_those_it_answers_for(
    estimand: Estimand, weighted: Panel, students: pd.DataFrame
) -> None:
    design = me.choose_design(weighted, me.EntropyBalancing(), estimand=estimand)
    base, columns = design.baseline, columns_of(students)
    whom = {"ATT": base.treated, "ATC": ~base.treated, "ATE": np.ones(base.size, dtype=bool)}[estimand]
    target = np.average(columns[whom], axis=0, weights=base.weight[whom])
    for arm in (base.treated, ~base.treated):
        found = np.average(columns[arm], axis=0, weights=design.weighting.weights[arm])
        np.testing.assert_allclose(found, target, atol=1e-6)
        assert design.weighting.weights[arm].sum() == pytest.approx(base.weight[whom].sum())


@pytest.mark.parametrize("moments", [2, 3])
def test_entropy_balancing_on_higher_moments(
    moments: int, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = me.choose_design(panel_of(students), me.EntropyBalancing(moments=moments))
    numbers = students[["gpa", "absent"]].to_numpy()
    powers = np.column_stack([numbers**power for power in range(1, moments + 1)])
    assert np.abs(difference(design, powers)).max() < EXACT
    if moments == 2:
        assert np.abs(difference(design, numbers**3)).max() > 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_entropy_balancing_equals_its_definition(seed: int, k: int) -> None:
    """The twin minimizes the divergence over the weights themselves."""
    rng = np.random.default_rng(seed)
    n = 30
    frame = pd.DataFrame(rng.normal(size=(n, k)), columns=[f"x{j}" for j in range(k)])
    frame = frame.assign(id=np.arange(n), treated=np.arange(n) < 8, y=0.0, w=rng.uniform(0.5, 2, n))
    names = [f"x{j}" for j in range(k)]
    frame.loc[frame["treated"], names] *= 0.5  # so that the target is inside the others' range
    panel = me.panel_from_frame(frame, unit="id", treated="treated", covariates=names, outcomes=["y"], weight="w")
    found = me.choose_design(panel, me.EntropyBalancing()).weighting.weights
    x, w, t = frame[names].to_numpy(), frame["w"].to_numpy(), frame["treated"].to_numpy()
    expected = TWIN["least_divergence"](x[~t], w[~t], np.average(x[t], axis=0, weights=w[t]), w[t].sum())
    np.testing.assert_allclose(found[~t], expected, atol=1e-4)
    np.testing.assert_array_equal(found[t], w[t])


def test_covariate_balancing_for_everybody_has_weights_that_are_its_scores_inverted(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = me.choose_design(panel_of(students), me.CovariateBalancing(), estimand="ATE")
    score, treated = design.weighting.propensity, design.baseline.treated
    np.testing.assert_allclose(design.weighting.weights, 1 / np.where(treated, score, 1 - score))


def test_a_level_that_no_treated_student_has_gets_no_weight(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """Balance on the share of grade 8, which is 0 among the treated, leaves nothing else."""
    students.loc[students["grade"] == "8", "mentored"] = False
    design = me.choose_design(panel_of(students), me.EntropyBalancing())
    eighth = (students["grade"] == "8").to_numpy()
    assert (design.weighting.weights[eighth] == 0).all()
    assert (design.weighting.weights[~eighth] > 0).all()
    assert design.weighting.facts["n_without_counterpart"] == eighth.sum()
    assert np.abs(difference(design, columns_of(students))).max() < EXACT


# ---------------------------------------------------------------------- weights and cohorts
def test_weights_from_a_known_score(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """Four students a row, with scores ¼ and ½, written out."""
    frame = pd.DataFrame({"id": range(4), "mentored": [1, 0, 1, 0], "p": [0.25, 0.25, 0.5, 0.5], "attendance": 0.0})
    panel = panel_of(frame, covariates=["p"], school=None)
    known = me.GivenScores("p")

    def weights(method: Any, estimand: Estimand) -> list[float]:
        return [
            round(float(weight), 12) for weight in me.choose_design(panel, method, estimand=estimand).weighting.weights
        ]

    assert weights(me.OddsWeighting(known, normalized=False), "ATT") == [1, round(1 / 3, 12), 1, 1]
    assert weights(me.OddsWeighting(known, normalized=False), "ATC") == [3, 1, 1, 1]
    assert weights(me.OddsWeighting(known), "ATT") == [1, 0.5, 1, 1.5]  # 1/3 and 1, scaled from 4/3 to 2
    assert weights(me.InverseProbability(known, stabilized=False), "ATE") == [4, round(4 / 3, 12), 2, 2]
    assert weights(me.InverseProbability(known), "ATE") == [round(4 / 3, 12), 0.8, round(2 / 3, 12), 1.2]
    assert weights(me.OverlapWeighting(known), "ATO") == [0.75, round(0.25 * 5 / 3, 12), 0.5, round(0.5 * 5 / 3, 12)]


@EVERY_SERVED
def test_in_each_cohort_the_arms_weigh_the_same(name: str, estimand: Estimand, cohort_panel: Panel) -> None:
    """Up to the share of the treated in a stabilized weight, which is one for all cohorts."""
    design = me.choose_design(cohort_panel, METHODS[name], estimand=estimand)
    base, weights = design.baseline, design.weighting.weights
    ratios = []
    for cohort in np.unique(base.cohort):
        here = base.cohort == cohort
        ratios.append(weights[here & base.treated].sum() / weights[here & ~base.treated].sum())
    share = base.weight[base.treated].sum() / base.weight.sum()
    expected = share / (1 - share) if (name, estimand) == ("inverse", "ATE") else 1.0
    np.testing.assert_allclose(ratios, expected, rtol=1e-6)


@EVERY_SERVED
def test_sampling_weights_count_students_as_often(
    name: str, estimand: Estimand, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """A student with a weight of 2 is two students with a weight of 1."""
    once = panel_of(students.assign(w=np.where(students["grade"] == "6", 2.0, 1.0)), weight="w")
    twice = students[students["grade"] == "6"].assign(id=lambda frame: frame["id"] + "b")
    doubled = panel_of(pd.concat([students, twice], ignore_index=True))
    left, right = (
        me.choose_design(panel, METHODS[name], estimand=estimand).weighting.weights for panel in (once, doubled)
    )
    np.testing.assert_allclose(left / once.frame["w"].to_numpy(), right[: len(students)], rtol=1e-5)


# ---------------------------------------------------------------------- trimming and overlap
@pytest.mark.parametrize("estimand", ["ATE", "ATT", "ATC"])
def test_trimming_lowers_weights_to_the_percentile_of_all_who_are_weighted(
    estimand: Estimand, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel = panel_of(students)
    raw = me.choose_design(panel, me.InverseProbability(stabilized=False), estimand=estimand).weighting.weights
    design = me.choose_design(panel, me.InverseProbability(stabilized=False, trim=0.95), estimand=estimand)
    treated = design.baseline.treated
    weighted = {"ATT": ~treated, "ATC": treated}.get(estimand, np.ones(treated.size, dtype=bool))
    limit = np.sort(raw[weighted])[round(0.95 * weighted.sum()) - 1]
    np.testing.assert_allclose(design.weighting.weights, np.where(weighted, np.minimum(raw, limit), raw))
    assert design.weighting.facts["n_trimmed"] == (weighted & (raw > limit)).sum() > 0


def test_stabilized_weights_are_trimmed_as_such(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """Unstabilized, the smaller arm has the larger weights and would be trimmed alone."""
    design = me.choose_design(panel_of(students), me.InverseProbability(trim=0.95), estimand="ATE")
    treated, score = design.baseline.treated, design.weighting.propensity
    weight = np.where(treated, treated.mean() / score, (1 - treated.mean()) / (1 - score))
    weight = np.minimum(weight, np.sort(weight)[round(0.95 * weight.size) - 1])
    for arm in (treated, ~treated):
        np.testing.assert_allclose(design.weighting.weights[arm], weight[arm] * arm.sum() / weight[arm].sum())


def test_the_overlap_region_leaves_out_certain_students(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    design = me.choose_design(panel, me.InverseProbability(overlap=(0.1, 0.9)), estimand="ATE")
    score = design.weighting.propensity
    inside = (score >= 0.1) & (score <= 0.9)
    np.testing.assert_array_equal(design.weighting.weights > 0, inside)
    assert 0 < design.weighting.facts["n_outside_overlap"] == (~inside).sum()


def test_an_empty_overlap_region_is_explained(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(me.DesignError, match=r"overlap region of 0\.998 to 0\.999: scores are .* among the treated"):
        me.choose_design(panel_of(students), me.InverseProbability(overlap=(0.998, 0.999)), estimand="ATE")


@pytest.mark.parametrize("options", [{"trim": 1.0}, {"trim": 0.2}, {"overlap": [0.9, 0.1]}, {"overlap": [0.1]}])
def test_percentiles_and_regions_that_do_not_exist(options: dict[str, Any]) -> None:
    with pytest.raises(me.OptionError, match="InverseProbability"):
        me.InverseProbability(**options)


@pytest.mark.parametrize("options", [{"moments": 4}, {"tolerance": 0.0}])
def test_moments_and_tolerances_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(me.OptionError, match="EntropyBalancing"):
        me.EntropyBalancing(**options)


# ---------------------------------------------------------------------- what they refuse
@pytest.mark.parametrize(
    ("name", "estimand", "instead"),
    [
        (name, estimand, {"ATO": "overlap_weighting", "ATE": "inverse_probability"}.get(estimand, "odds_weighting"))
        for name in SERVED
        for estimand in sorted({"ATT", "ATC", "ATE", "ATO"} - SERVED[name])
    ],
)
def test_an_estimand_that_it_can_not_serve(
    name: str, estimand: Estimand, instead: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    with pytest.raises(me.DesignError, match=f"not for the {estimand}.*use {instead}"):
        me.choose_design(panel_of(students), METHODS[name], estimand=estimand)


def refusal(panel: Panel, method: Any) -> str:
    with pytest.raises(me.DesignError) as caught:
        me.choose_design(panel, method)
    return str(caught.value)


@pytest.mark.parametrize("method", [me.EntropyBalancing(), me.CovariateBalancing()], ids=lambda method: method.name)
def test_a_mean_out_of_reach_is_named_with_both_ranges(
    method: Any, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    mentored = np.flatnonzero(students["mentored"])
    students.loc[mentored[3:], "absent"] += 100  # three stay, so that the number separates nobody
    highest = students.loc[~students["mentored"], "absent"].max()
    message = refusal(panel_of(students), method)
    assert "No weights make comparison students resemble treated students in 'absent'" in message
    assert f"to {highest:.4g}" in message
    assert "eligibility" in message


def test_a_spread_out_of_reach_is_named(panel_of: Callable[..., Panel]) -> None:
    """The treated are at 0 and 10, the others between 2 and 8: the mean of 5 can be met, the square can not."""
    frame = pd.DataFrame({"id": range(24), "mentored": [True] * 4 + [False] * 20, "attendance": 0.0})
    frame["gpa"] = [0.0, 10.0, 0.0, 10.0, *np.linspace(2, 8, 20)]
    panel = panel_of(frame, covariates=["gpa"], school=None)
    assert me.choose_design(panel, me.EntropyBalancing()).weighting.weights[4:].sum() == pytest.approx(4)
    assert "in the square of 'gpa'" in refusal(panel, me.EntropyBalancing(moments=2))


def test_means_that_can_not_be_met_together(panel_of: Callable[..., Panel]) -> None:
    """Each of two numbers can be 0.9 among the comparison students, but those with one high have the other low."""
    corner = [(1.0, 0.0)] * 10 + [(0.0, 1.0)] * 10 + [(0.0, 0.0)] * 10 + [(0.9, 0.9)] * 3 + [(0.9, 0.8)] * 3
    frame = pd.DataFrame(corner, columns=["gpa", "absent"]).assign(attendance=0.0, id=np.arange(36))
    panel = panel_of(frame.assign(mentored=frame["id"] >= 30), covariates=["gpa", "absent"], school=None)
    message = refusal(panel, me.EntropyBalancing())
    assert "comparison students (30) resemble treated students (6) in all of 2 moments at once" in message
    assert "'gpa' (" in message
    assert "'absent' (" in message
    assert "predict treatment perfectly together" in refusal(panel, me.CovariateBalancing())


def test_covariate_balancing_names_what_separates(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students.loc[students["grade"] == "8", "mentored"] = False
    assert "'grade' predicts treatment perfectly" in refusal(panel_of(students), me.CovariateBalancing())


def test_a_covariate_that_is_constant_in_one_cohort(cohorts: pd.DataFrame) -> None:
    """Nothing is to be balanced there, however large the number is; in the other cohort it is balanced."""
    cohorts["code"] = np.where(cohorts["year"] == 2019, 1e9 + 0.1, 1e9 + cohorts["id"] % 3)
    panel = me.panel_from_frame(
        cohorts, unit="id", period="year", first_treated="start", covariates=["gpa", "code"], outcomes=["absent"]
    )
    design = me.choose_design(panel, me.EntropyBalancing(), covariates=["gpa", "code"])
    base, weights = design.baseline, design.weighting.weights
    for cohort in np.unique(base.cohort):
        for name in ("gpa", "code"):
            values, here = base.column(name).to_numpy(dtype=float), base.cohort == cohort
            means = [
                np.average(values[here & arm], weights=weights[here & arm]) for arm in (base.treated, ~base.treated)
            ]
            assert means[0] - means[1] == pytest.approx(0, abs=1e-6)
