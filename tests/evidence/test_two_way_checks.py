"""bacon_decomposition and negative_weights: exact sums, published numbers, and worlds with growing effects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError

CASTLE = Path(__file__).resolve().parents[3] / "shared" / "reference" / "data" / "castle.csv"


def students(growth: float, never: bool = True, n: int = 120, seed: int = 6) -> pd.DataFrame:
    """Starts in 2002 and 2004, and never: the effect grows by ``growth`` days a year from 1 on."""
    rng = np.random.default_rng(seed)
    start = np.array([2002.0, 2004.0, np.nan])[np.arange(n) % (3 if never else 2)]
    if not never:
        start[:4] = np.nan
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 8), "year": np.tile(np.arange(1999, 2007), n)})
    frame["start"] = start[frame["student"]]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + rng.normal(0, 1, len(frame))
    since = (frame["year"] - frame["start"]).fillna(-1.0)
    frame["absent"] -= np.where(since >= 0, 1.0 + growth * since, 0.0)
    frame["size"] = rng.integers(1, 4, n)[frame["student"]]
    return frame


def estimate(frame: pd.DataFrame, estimator: Any = None, **roles: Any) -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=[], **roles
    )
    return me.estimate_effect(me.choose_design(panel), "absent", estimator or me.Twfe())


def castle(outcome: str = "l_homicide") -> me.Estimate:
    if not CASTLE.is_file():
        pytest.skip("the castle doctrine data of bacondecomp are not here")
    frame = pd.read_csv(CASTLE)
    start = frame[frame["post"] == 1].groupby("sid")["year"].min()
    frame["start"] = frame["sid"].map(start)
    panel = me.panel_from_frame(frame, unit="sid", period="year", first_treated="start", outcomes=[outcome])
    return me.estimate_effect(me.choose_design(panel), outcome, me.Twfe())


def test_castle_doctrine_as_published() -> None:
    """The README of the R package bacondecomp: weights, average estimates, and their sum."""
    effect = castle()
    finding = me.run_check("bacon_decomposition", effect)
    frame = finding.frame
    by_kind = frame.groupby("kind")["weight"].sum().round(5).to_dict()
    assert by_kind == {"earlier_later": 0.05976, "later_earlier": 0.03190, "treated_untreated": 0.90834}
    means = {kind: np.average(rows["estimate"], weights=rows["weight"]) for kind, rows in frame.groupby("kind")}
    expected = {"earlier_later": -0.00554, "later_earlier": 0.07032, "treated_untreated": 0.08796}
    assert {kind: round(float(mean), 5) for kind, mean in means.items()} == expected
    assert finding.numbers["estimate"] == pytest.approx(0.08181162, abs=1e-8)
    assert finding.verdict == "pass"


@pytest.mark.parametrize("weight", [None, "size"])
def test_the_comparisons_add_up_to_the_coefficient(weight: str | None) -> None:
    effect = estimate(students(0.5), weight=weight)
    finding = me.run_check("bacon_decomposition", effect)
    assert finding.frame["weight"].sum() == pytest.approx(1.0)
    assert finding.numbers["estimate"] == pytest.approx(float(effect.fit.theta[0]), abs=1e-10)


def test_growing_effects_among_cohorts_alone_are_found() -> None:
    """With few never-treated students a third of the weight is on forbidden comparisons, of the wrong sign."""
    finding = me.run_check("bacon_decomposition", estimate(students(1.0, never=False)))
    assert (finding.verdict, finding.key) == ("fail", "bacon_decomposition.many")
    wrong = finding.frame[finding.frame["kind"] == "later_earlier"]
    assert (wrong["estimate"] > 0).all()
    assert finding.numbers["without"] < finding.numbers["estimate"]  # type: ignore[operator]


def test_one_start_has_no_forbidden_comparison() -> None:
    frame = students(1.0)
    finding = me.run_check("bacon_decomposition", estimate(frame[~frame["start"].eq(2004)]))
    assert (finding.verdict, finding.key) == ("pass", "bacon_decomposition.one_start")


def test_negative_weights_are_those_of_the_definition() -> None:
    """Weights by a regression of treatment on both effects with dummies; their spread gives the heterogeneity."""
    frame = students(1.0, never=False)
    effect = estimate(frame)
    finding = me.run_check("negative_weights", effect)
    treated = (frame["year"] >= frame["start"]).to_numpy(dtype=float)
    dummies = pd.get_dummies(frame[["student", "year"]].astype(str), dtype=float).to_numpy()
    residual = treated - dummies @ np.linalg.lstsq(dummies, treated, rcond=None)[0]
    rows = frame.assign(residual=residual)[treated == 1]
    cells = rows.groupby(["start", "year"])["residual"].agg(["mean", "size"])
    share = cells["size"] / cells["size"].sum()
    relative = cells["mean"] / (share * cells["mean"]).sum()
    assert finding.frame["weight"].to_numpy() == pytest.approx((share * relative).to_numpy(), abs=1e-9)
    numbers = finding.numbers
    assert numbers["n_negative"] == int((relative < -1e-12).sum())
    assert numbers["sum_negative"] == pytest.approx((share * relative)[relative < 0].sum())
    spread = float(np.sqrt((share * (relative - 1) ** 2).sum()))
    assert numbers["heterogeneity"] == pytest.approx(abs(effect.fit.theta[0]) / spread)


def test_negative_weights_fail_where_cohorts_compare_with_each_other_and_pass_with_one_start() -> None:
    frame = students(1.0)
    assert me.run_check("negative_weights", estimate(frame[~frame["start"].eq(2004)])).verdict == "pass"
    found = me.run_check("negative_weights", estimate(students(1.0, never=False)))
    assert found.verdict in ("caution", "fail")
    assert float(str(found.numbers["sum_negative"])) < 0


def test_what_can_not_be_judged_says_why() -> None:
    frame = students(0.5)
    for check in ("bacon_decomposition", "negative_weights"):
        finding = me.run_check(check, estimate(frame, me.CallawaySantAnna()))
        assert (finding.verdict, finding.key) == ("cannot_judge", f"{check}.another_estimator")
    assert me.run_check("bacon_decomposition", estimate(frame.drop(index=5))).key == "bacon_decomposition.unbalanced"


def test_shares_are_checked() -> None:
    for options in ({"caution": 0.0}, {"caution": 0.5, "fail": 0.2}, {"fail": 1.5}):
        with pytest.raises(OptionError):
            me.BaconDecomposition(**options)
