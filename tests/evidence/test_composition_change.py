"""composition_change: leaving at random shifts nothing, leaving by need in one arm does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError


def students(leave_by_need: float = 0.0, leave_treated: float = 0.2, n: int = 1200) -> pd.DataFrame:
    """Half start in 2002. From 2003 on some are gone: at random, and among the treated the more so the needier."""
    rng = np.random.default_rng(14)
    treated, need = np.arange(n) % 2 == 0, rng.normal(size=n)
    chance = np.where(treated, leave_treated + leave_by_need * (need > 0), 0.2)
    gone = rng.uniform(size=n) < chance
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 4), "year": np.tile(np.arange(2000, 2004), n)})
    frame["start"] = np.where(treated, 2002.0, np.nan)[frame["student"]]
    frame["need"] = need[frame["student"]]
    frame["absent"] = 10 + 3 * frame["need"] + rng.normal(0, 1, len(frame))
    return frame[~((frame["year"] == 2003) & gone[frame["student"]])]


def estimate(frame: pd.DataFrame) -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=["need"]
    )
    return me.estimate_effect(me.choose_design(panel), "absent", me.CallawaySantAnna(covariates=()))


def test_leaving_at_random_shifts_nothing() -> None:
    finding = me.run_check("composition_change", estimate(students()))
    assert (finding.verdict, finding.key) == ("pass", "composition_change.same_people")
    assert finding.numbers["stayed_treated"] == pytest.approx(0.8, abs=0.04)


def test_leaving_by_need_in_one_arm_is_found() -> None:
    finding = me.run_check("composition_change", estimate(students(leave_by_need=0.7)))
    assert (finding.verdict, finding.key) == ("fail", "composition_change.other_people")
    assert float(str(finding.numbers["shift"])) < -0.25


def test_more_leaving_of_the_same_kind_earns_a_caution() -> None:
    finding = me.run_check("composition_change", estimate(students(leave_treated=0.5)))
    assert (finding.verdict, finding.key) == ("caution", "composition_change.more_leave")


def test_the_shift_and_the_counts_are_those_of_the_definition() -> None:
    frame = students(leave_by_need=0.4)
    found = me.run_check("composition_change", estimate(frame)).frame
    first = frame.groupby("student").agg(need=("need", "first"), start=("start", "first"), rows=("year", "size"))
    first["treated"], first["stays"] = first["start"].notna(), first["rows"] == 4
    gaps = [rows.groupby("treated")["need"].mean().diff().iloc[-1] for rows in (first[first["stays"]], first)]
    shift = found[(found["covariate"] == "need")]["shift"].iloc[0]
    assert shift == pytest.approx((gaps[0] - gaps[1]) / first["need"].std(ddof=0))
    last = found[(found["kind"] == "period") & (found["period"] == 2003)].set_index("arm")
    assert last.loc["treated", "n_left"] == int((first["treated"] & ~first["stays"]).sum())
    assert last.loc["comparison", "n_seen"] == int((~first["treated"] & first["stays"]).sum())


def test_what_can_not_be_judged_says_why() -> None:
    frame = pd.DataFrame({"student": range(8), "mentored": [0, 1] * 4, "grade": [1.0, 2, 3, 4, 2, 3, 4, 5]})
    panel = me.panel_from_frame(frame, unit="student", treated="mentored", outcomes=["grade"])
    effect = me.estimate_effect(me.choose_design(panel), "grade", me.DifferenceInMeans())
    finding = me.run_check("composition_change", effect)
    assert (finding.verdict, finding.key) == ("cannot_judge", "composition_change.one_period")


def test_options_are_checked() -> None:
    for options in ({"caution": 0.0}, {"caution": 0.5}, {"gap": 2.0}):
        with pytest.raises(OptionError):
            me.CompositionChange(**options)
