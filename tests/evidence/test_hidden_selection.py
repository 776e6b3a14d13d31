"""The four checks of hidden selection: worlds with and without it, sensemakr's numbers, and what can not be judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError

DARFUR = Path(__file__).resolve().parents[3] / "shared" / "reference" / "data" / "darfur.csv"


def world(effect: float, hidden: float, seed: int = 8, n: int = 3000) -> me.Panel:
    """Students who are picked, and do well, by a recorded fact and by a hidden one."""
    rng = np.random.default_rng(seed)
    recorded, unrecorded = rng.normal(size=n), rng.normal(size=n)
    mentored = rng.uniform(size=n) < 1 / (1 + np.exp(1.4 - 0.6 * recorded - hidden * unrecorded))
    outcome = effect * mentored + 0.5 * recorded + hidden * unrecorded + rng.normal(size=n)
    frame = pd.DataFrame({"student": range(n), "mentored": mentored, "recorded": recorded, "outcome": outcome})
    return me.panel_from_frame(frame, unit="student", treated="mentored", covariates=["recorded"], outcomes=["outcome"])


def estimate(panel: me.Panel, method=None) -> me.Estimate:
    return me.estimate_effect(me.choose_design(panel, method), "outcome", me.RegressionAdjustment())


STRONG, NONE, FALSE = {"effect": 1.0, "hidden": 0.0}, {"effect": 0.0, "hidden": 0.0}, {"effect": 0.0, "hidden": 0.5}


@pytest.mark.parametrize(
    ("check", "verdicts"),
    [
        ("omitted_variable", ("pass", "info", "fail")),
        ("rosenbaum_bounds", ("pass", "info", "caution")),
        ("e_value", ("info", "info", "info")),
    ],
)
def test_a_true_effect_stands_none_is_not_undone_and_a_false_one_is_fragile(check, verdicts):
    method = me.Nearest(caliper=0.1) if check == "rosenbaum_bounds" else None
    found = [me.run_check(check, estimate(world(**kind), method)) for kind in (STRONG, NONE, FALSE)]
    assert tuple(finding.verdict for finding in found) == verdicts
    assert found[1].key == f"{check}.nothing_to_undo"


def test_the_verdict_is_about_a_fact_as_strong_as_those_recorded_whatever_strengths_are_tabled():
    subject = estimate(world(effect=0.35, hidden=0.0))
    usual, stronger = (me.run_check(me.OmittedVariable(times=times), subject) for times in ((1.0, 2.0), (4.0, 6.0)))
    assert (stronger.verdict, stronger.numbers) == (usual.verdict, usual.numbers)
    assert stronger.frame["times"].tolist() == [4.0, 6.0]
    assert stronger.frame["estimate"].iloc[0] < usual.numbers["left"]


def test_oster_sees_an_estimate_that_melts_as_facts_enter():
    sturdy, melting = (
        me.run_check("oster_delta", estimate(panel)) for panel in (world(**STRONG), world(0.03, 0.0, n=20_000))
    )
    assert (sturdy.verdict, melting.verdict) == ("pass", "caution")
    assert sturdy.numbers["delta"] > 1 > melting.numbers["delta"] > 0
    assert melting.numbers["without"] > 2 * melting.numbers["with"]


def test_the_short_and_full_regressions_are_those_of_least_squares():
    panel = world(**STRONG)
    frame = panel.frame
    found = me.run_check("oster_delta", estimate(panel))
    treated = me.choose_design(panel).baseline.treated.astype(float)
    y, x = frame["outcome"].to_numpy(dtype=float), frame["recorded"].to_numpy(dtype=float)
    short = np.linalg.lstsq(np.column_stack([np.ones(len(y)), treated]), y, rcond=None)[0][1]
    assert found.numbers["without"] == pytest.approx(short)
    columns = np.column_stack([np.ones(len(y)), treated, x])
    left = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
    assert found.frame["r2"].iloc[1] == pytest.approx(1 - left.var() / y.var())


def test_benchmarks_of_the_check_equal_sensemakr():
    if not DARFUR.is_file():
        pytest.skip("the Darfur survey of sensemakr is not here")
    frame = pd.read_csv(DARFUR).reset_index(names="person")
    names = ["age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur", "female", "village"]
    panel = me.panel_from_frame(
        frame, unit="person", treated="directlyharmed", covariates=names, outcomes=["peacefactor"]
    )
    effect = me.estimate_effect(
        me.choose_design(panel), "peacefactor", me.RegressionAdjustment(fixed_effects=("village",))
    )
    found = me.run_check(me.OmittedVariable(benchmarks=("female",)), effect)
    assert found.numbers["robustness_value"] == pytest.approx(0.13877635389358828, abs=1e-8)
    assert found.numbers["robustness_value_interval"] == pytest.approx(0.07625796554485731, abs=1e-8)
    expected = {
        "estimate": [0.07522027121444991, 0.05291517238445298, 0.030396023464156416],
        "std_error": [0.021873327743756863, 0.020350062077963374, 0.018670064817092106],
        "conf_low": [0.03228296572744606, 0.012968034831485023, -0.006253282297855628],
        "r2_treatment": [0.00916428667504857, 0.01832857335009714, 0.02749286002514571],
        "r2_outcome": [0.12464092303636994, 0.2493240641999754, 0.3740504710380948],
    }
    for column, values in expected.items():
        assert found.frame[column].tolist() == pytest.approx(values, abs=1e-8), column
    assert found.verdict == "pass"


def test_what_can_not_be_judged_says_why():
    panel = world(**STRONG)
    assert me.run_check("rosenbaum_bounds", estimate(panel)).key == "rosenbaum_bounds.no_pairs"
    means = me.estimate_effect(me.choose_design(panel), "outcome", me.DifferenceInMeans())
    assert me.run_check("oster_delta", means).verdict == "cannot_judge"
    assert me.run_check("omitted_variable", means).verdict == "cannot_judge"


def test_options_are_checked():
    with pytest.raises(OptionError, match="not among the covariates"):
        me.run_check(me.OmittedVariable(benchmarks=("height",)), estimate(world(**STRONG)))
    for wrong in (
        lambda: me.RosenbaumBounds(gammas=(0.5,)),
        lambda: me.OsterDelta(r2_factor=1.0),
        lambda: me.OmittedVariable(times=()),
    ):
        with pytest.raises(OptionError):
            wrong()


def test_pairs_count_only_once_and_only_where_both_are_known():
    panel = world(**STRONG, n=400)
    once = me.run_check("rosenbaum_bounds", estimate(panel, me.Nearest()))
    again = me.run_check("rosenbaum_bounds", estimate(panel, me.Nearest(replace=True)))
    assert once.numbers["n_pairs"] == int(me.choose_design(panel).baseline.treated.sum())
    assert again.numbers["n_pairs"] < once.numbers["n_pairs"]


def test_a_covariate_that_nothing_can_match_is_no_benchmark():
    """Two thirds of who is mentored hang on it: something as strong again would explain more than all."""
    rng = np.random.default_rng(1)
    fact = rng.normal(size=500)
    mentored = fact + 0.3 * rng.normal(size=500) > 0
    frame = pd.DataFrame({"student": range(500), "mentored": mentored, "fact": np.sign(fact)})
    frame["outcome"] = 5.0 * mentored + rng.normal(size=500)
    panel = me.panel_from_frame(frame, unit="student", treated="mentored", covariates=["fact"], outcomes=["outcome"])
    found = me.run_check("omitted_variable", estimate(panel))
    assert (found.verdict, found.key) == ("caution", "omitted_variable.no_bound")
    assert found.numbers["covariate"] == "fact"
