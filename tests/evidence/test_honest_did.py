"""honest_did: it stands where trends are parallel, falls where they part, and says what it can not judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError

MPDTA = Path(__file__).resolve().parents[3] / "shared" / "reference" / "data" / "mpdta.csv"


def students(
    trend: float, effect: float = -2.0, n: int = 600, years: int = 7, late: bool = True, seed: int = 11
) -> pd.DataFrame:
    """Starts in 2003 (and 2004) and never; those who start drift by ``trend`` days a year, program or not."""
    rng = np.random.default_rng(seed)
    start = np.array([2003.0, 2004.0 if late else 2003.0, np.nan])[np.arange(n) % 3]
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), years), "year": np.tile(np.arange(1999, 1999 + years), n)})
    frame["start"] = start[frame["student"]]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + rng.normal(0, 1, len(frame))
    frame["absent"] += np.where(frame["start"].notna(), trend * (frame["year"] - 1999), 0.0)
    frame["absent"] += np.where(frame["year"] >= frame["start"], effect, 0.0)
    return frame


def estimate(frame: pd.DataFrame, estimator: Any = None) -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=[]
    )
    return me.estimate_effect(me.choose_design(panel), "absent", estimator or me.CallawaySantAnna())


def test_a_true_effect_under_parallel_trends_stands() -> None:
    finding = me.run_check("honest_did", estimate(students(0.0)))
    assert (finding.verdict, finding.key) == ("pass", "honest_did.relative_sturdy")
    assert float(str(finding.numbers["breakdown"])) > 1
    assert finding.frame["size"].tolist() == [0, 0.5, 1, 1.5, 2]


def test_a_trend_that_looks_like_an_effect_does_not_stand() -> None:
    """Without any effect, students drift by half a day a year; the step after the start is that before it."""
    finding = me.run_check("honest_did", estimate(students(-0.5, effect=0.0)))
    assert (finding.verdict, finding.key) == ("caution", "honest_did.relative_fragile")
    # A step as large as the one before explains everything, so zero is in the interval at M̄ = 1 at the latest.
    assert bool(finding.frame.loc[finding.frame["size"] == 1.0, "holds_zero"].iloc[0])


def test_smoothness_takes_a_straight_trend_off() -> None:
    """A drift without an effect: straight trends leave zero in 95 % of intervals, and an effect on top stands."""
    straight = me.HonestDid(restriction="smoothness", event_time=0, sizes=(0.0,))
    missed = 0
    for seed in range(20):
        found = me.run_check(straight, estimate(students(-0.5, effect=0.0, n=150, seed=seed)))
        missed += found.verdict != "info"
    assert missed <= 4  # 1 expected; 5 or more has probability 0.003
    found = me.run_check(me.HonestDid(restriction="smoothness", event_time=0), estimate(students(-0.5, -2.0, seed=3)))
    assert found.verdict == "pass"
    assert found.frame["conf_low"].iloc[0] < -2.0 < found.frame["conf_high"].iloc[0]


def test_intervals_widen_with_the_size() -> None:
    for check in (me.HonestDid(), me.HonestDid(restriction="smoothness")):
        frame = me.run_check(check, estimate(students(0.1))).frame
        assert (frame["conf_low"].diff().dropna() < 0).all()
        assert (frame["conf_high"].diff().dropna() > 0).all()


@pytest.mark.parametrize("estimator", [me.SunAbraham(), me.EventStudy(), me.Twfe(), me.CallawaySantAnna()])
def test_one_cohort_gives_the_same_path_by_every_estimator(estimator: Any) -> None:
    frame = students(0.1, n=150, late=False)
    expected = me.run_check("honest_did", estimate(frame, me.CallawaySantAnna(base_period="universal")))
    found = me.run_check("honest_did", estimate(frame, estimator))
    assert found.numbers["estimate"] == pytest.approx(expected.numbers["estimate"], abs=1e-9)
    # Their errors differ by G / (G − 1) and the like.
    assert found.numbers["breakdown"] == pytest.approx(expected.numbers["breakdown"], rel=0.02)


def test_counties_as_in_r() -> None:
    """HonestDiD 0.2.6 on did's universal base period without covariates, mpdta: points of its grid of 1,000."""
    if not MPDTA.is_file():
        pytest.skip("mpdta of the R package did is not here")
    frame = pd.read_csv(MPDTA)
    frame["first"] = frame["first.treat"].where(frame["first.treat"] > 0)
    panel = me.panel_from_frame(
        frame, unit="countyreal", period="year", first_treated="first", outcomes=["lemp"], covariates=[]
    )
    effect = me.estimate_effect(me.choose_design(panel), "lemp", me.CallawaySantAnna())
    found = me.run_check(me.HonestDid(sizes=(0.5, 1.0)), effect).frame
    step = 40 * 0.02 / 999
    np.testing.assert_allclose(found[["conf_low", "conf_high"]], [[-0.1555, 0.0004], [-0.211, 0.056]], atol=step + 5e-4)
    smooth = me.HonestDid(restriction="smoothness", event_time=0, sizes=(0.02,))
    found = me.run_check(smooth, effect).frame
    np.testing.assert_allclose(found[["conf_low", "conf_high"]], [[-0.0496, 0.0569]], atol=5e-4)


def test_what_can_not_be_judged_says_why() -> None:
    frame = students(0.0, n=150)
    cases = {
        "no_event_study": estimate(frame, me.Imputation()),
        "no_period_before": estimate(frame[(frame["year"] >= 2002) & ~frame["start"].eq(2004)]),
        "gaps": estimate(frame[frame["year"] != 2001][lambda rows: ~rows["start"].eq(2004)]),
    }
    for reason, effect in cases.items():
        finding = me.run_check("honest_did", effect)
        assert (finding.verdict, finding.key) == ("cannot_judge", f"honest_did.{reason}")
    finding = me.run_check(me.HonestDid(event_time=9), estimate(frame))
    assert finding.key == "honest_did.event_time_not_seen"


def test_options_are_checked() -> None:
    for options in ({"sizes": (-1.0,)}, {"enough": 0.0}, {"event_time": -1}, {"restriction": "none"}):
        with pytest.raises(OptionError):
            me.HonestDid(**options)
