"""The effect on compliers: two-stage least squares as in linearmodels, Wald's ratio, and a weak lottery."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import ComplierEffect, RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust
from mentoreval.errors import DataError, EffectError
from mentoreval.panel.panel import panel_from_frame

HC0, CR0 = HeteroskedasticityRobust("HC0"), ClusterRobust("school", "CR0")


def lottery(n: int = 400, seed: int = 2, take_up: float = 0.6, others: float = 0.1) -> pd.DataFrame:
    """Those in need take part if they can; taking part does −3. A comparison of who took part is biased upwards."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"student": np.arange(n), "school": np.arange(n) % 25, "gpa": rng.normal(2.7, 0.5, n)})
    need = rng.normal(0, 1, n)
    rank = stats.norm.cdf(need)
    data["offered"] = rng.permutation(np.arange(n) % 2)
    data["took_part"] = (rank > 1 - np.where(data["offered"] == 1, take_up, others)).astype(int)
    data["w"] = rng.uniform(0.5, 2.0, n)
    shock = rng.normal(0, 1, 25)[data["school"]]
    data["absent"] = 15 + 2 * need - 2 * data["gpa"] - 3 * data["took_part"] + shock + rng.normal(0, 1, n)
    return data


def design_of(data: pd.DataFrame, **roles: Any) -> Any:
    named = {
        "treated": "offered",
        "participated": "took_part",
        "assignment": "random",
        "covariates": ["gpa"],
        "outcomes": ["absent"],
        "school": "school",
        **roles,
    }
    return choose_design(panel_from_frame(data, unit="student", **named))


@pytest.mark.parametrize("weight", [None, "w"])
def test_it_is_two_stage_least_squares_of_linearmodels(weight: str | None) -> None:
    iv = pytest.importorskip("linearmodels.iv")
    data = lottery()
    exog = np.column_stack([np.ones(len(data)), data["gpa"]])
    weights = None if weight is None else data["w"]
    model = iv.IV2SLS(data["absent"], exog, data["took_part"], data["offered"], weights=weights)
    design = design_of(data, weight=weight)
    for inference, asked in (
        (HC0, {"cov_type": "robust"}),
        (CR0, {"cov_type": "clustered", "clusters": data["school"]}),
    ):
        peer = model.fit(**asked)
        row = estimate_effect(design, "absent", ComplierEffect(), inference=inference).frame.iloc[0]
        assert row["estimate"] == pytest.approx(peer.params["took_part"], rel=1e-8)
        assert row["std_error"] == pytest.approx(peer.std_errors["took_part"], rel=1e-6)
    strength = ComplierEffect().fit(design, "absent").facts["first_stage_f"]
    cr1 = 25 / 24 * 399 / 397  # 25 schools, 400 students, 3 coefficients
    assert strength == pytest.approx(peer.first_stage.diagnostics["f.stat"].iloc[0] / cr1, rel=1e-6)


def test_without_covariates_it_is_the_ratio_of_two_differences() -> None:
    data = lottery(others=0.0)
    fit = ComplierEffect(covariates=()).fit(design_of(data), "absent")
    offered = data.groupby("offered")[["absent", "took_part"]].mean().diff().iloc[1]
    assert fit.theta[0] == pytest.approx(offered["absent"] / offered["took_part"], rel=1e-12)
    assert fit.facts["itt"] == pytest.approx(offered["absent"], rel=1e-12)
    assert fit.facts["first_stage"] == pytest.approx(offered["took_part"], rel=1e-12)
    assert fit.facts["took_part_not_offered"] == 0.0
    mentored = data.loc[data["took_part"] == 1, "absent"].mean()
    assert fit.facts["control_complier_mean"] == pytest.approx(mentored - fit.theta[0], rel=1e-12)


def test_the_control_complier_mean_with_others_taking_part_is_that_of_the_compliers() -> None:
    """In a large lottery, where it is known who would comply: their mean without the program."""
    data = lottery(n=200_000, seed=5)
    fit = ComplierEffect().fit(design_of(data, school=None), "absent")
    need = stats.norm.expect(lambda z: 2 * z, lb=stats.norm.ppf(0.4), ub=stats.norm.ppf(0.9), conditional=True)
    assert fit.facts["control_complier_mean"] == pytest.approx(15 + need - 2 * 2.7, abs=0.3)  # school shocks: 1/√25
    assert fit.theta[0] == pytest.approx(-3.0, abs=0.1)


def test_intention_to_treat_is_that_of_a_regression_on_the_same_design() -> None:
    design = design_of(lottery())
    itt = RegressionAdjustment().fit(design, "absent").theta[0]
    fit = ComplierEffect().fit(design, "absent")
    assert fit.facts["itt"] == pytest.approx(itt, rel=1e-10)
    assert fit.theta[0] == pytest.approx(itt / fit.facts["first_stage"], rel=1e-10)


def facts_of(event_time: int = 0, design: Any = None) -> dict[str, Any]:
    return dict(ComplierEffect(event_time).fit(design, "absent").facts)


def rejects(data: pd.DataFrame, effect: float) -> bool:
    """Whether a regression of the outcome less the effect on the offer still sees the offer, CR1 and t(24)."""
    left = data.assign(absent=data["absent"] - effect * data["took_part"])
    row = estimate_effect(design_of(left), "absent", RegressionAdjustment(), inference=ClusterRobust("school"))
    return bool(row.frame["p_value"].iloc[0] < 0.05)


@pytest.mark.parametrize(("take_up", "shape"), [(0.6, "one"), (0.14, "half-lines or all")])
def test_the_anderson_rubin_set_holds_what_a_regression_does_not_reject(take_up: float, shape: str) -> None:
    data = lottery(take_up=take_up)
    sets = facts_of(design=design_of(data))["anderson_rubin"]
    bounds = [bound for pair in sets for bound in pair if np.isfinite(bound)]
    assert (len(sets) == 1 and len(bounds) == 2) == (shape == "one")
    for effect in [-40.0, -3.0, 0.0, 40.0, *(bound + step for bound in bounds for step in (-1e-6, 1e-6))]:
        assert rejects(data, effect) != any(low <= effect <= high for low, high in sets)


def test_a_weak_lottery_is_said_and_a_strong_one_is_not() -> None:
    strong, weak = (
        estimate_effect(design_of(lottery(take_up=share)), "absent", ComplierEffect()) for share in (0.6, 0.14)
    )
    assert "weak_instrument" not in [note.key for note in strong.notes]
    assert "weak_instrument" in [note.key for note in weak.notes]
    for effect, below in ((weak, True), (strong, False)):
        assert (dict(effect.fit.facts)["first_stage_f"] < 10) == below  # type: ignore[operator]


def test_taking_part_counts_from_the_start_to_the_outcome() -> None:
    data = lottery(n=60)
    long = data.loc[data.index.repeat(3)].assign(year=np.tile([1, 2, 3], 60))
    long["start"] = np.where(long["offered"] == 1, 2.0, np.nan)
    long["took_part"] *= long["year"] == 2  # nobody goes on in year 3
    design = design_of(long, treated=None, period="year", first_treated="start")
    once, later = (facts_of(event_time, design)["first_stage"] for event_time in (0, 1))
    assert once == pytest.approx(later, rel=1e-10)
    assert once > 0


def test_without_a_lottery_or_participation_it_is_refused() -> None:
    data = lottery(n=60)
    with pytest.raises(EffectError, match="only where a lottery"):
        ComplierEffect().fit(design_of(data, assignment="observed"), "absent")
    with pytest.raises(EffectError, match="has no participation"):
        ComplierEffect().fit(design_of(data, participated=None), "absent")
    with pytest.raises(EffectError, match="As many take part"):
        ComplierEffect().fit(design_of(data.assign(took_part=1)), "absent")
    with pytest.raises(EffectError, match="not known of 1 of 60 students"):
        ComplierEffect().fit(
            design_of(data.assign(took_part=data["took_part"].astype(float).mask(data.index == 3))), "absent"
        )
    with pytest.raises(DataError, match="must be 0 or 1; 60 of 60"):
        design_of(data.assign(took_part=2))
    with pytest.raises(DataError, match="'observed' or 'random'"):
        design_of(data, assignment="lottery")


@pytest.mark.parametrize(
    ("draws", "low", "high"), [(100, 0.88, 1.0), pytest.param(1000, 0.93, 0.97, marks=pytest.mark.slow)]
)
def test_intervals_hold_the_truth(draws: int, low: float, high: float) -> None:
    held = 0
    for seed in range(draws):
        row = estimate_effect(design_of(lottery(seed=500 + seed)), "absent", ComplierEffect()).frame.iloc[0]
        held += row["conf_low"] < -3.0 < row["conf_high"]
    assert low <= held / draws <= high
