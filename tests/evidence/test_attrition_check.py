"""The check of attrition: worlds in which nobody, few, many, or those of one arm are lost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError

TREATED, COMPARISON = 400, 600


def students(lost_treated: int, lost_comparison: int, *, effect: float = 0.0) -> pd.DataFrame:
    """Students of two arms, of whom those with the lowest outcomes have none on record."""
    rng = np.random.default_rng(4)
    mentored = np.repeat([1, 0], [TREATED, COMPARISON])
    frame = pd.DataFrame(
        {"student": range(len(mentored)), "mentored": mentored, "fact": rng.normal(size=len(mentored))}
    )
    frame["outcome"] = effect * mentored + rng.normal(size=len(mentored))
    for arm, lost in ((1, lost_treated), (0, lost_comparison)):
        frame.loc[frame.loc[frame["mentored"] == arm, "outcome"].nsmallest(lost).index, "outcome"] = np.nan
    return frame


def estimate(frame: pd.DataFrame, assignment: str = "observed", **options) -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", treated="mentored", covariates=["fact"], outcomes=["outcome"], assignment=assignment
    )
    return me.estimate_effect(me.choose_design(panel, **options), "outcome", me.DifferenceInMeans())


@pytest.mark.parametrize(
    ("lost", "verdict", "reason"),
    [
        ((0, 0), "pass", "nobody_lost"),
        ((20, 36), "pass", "low"),  # 5 and 6 %: 1 point apart, and about 6 are allowed
        ((8, 60), "caution", "low_optimistic"),  # 2 and 10 %: 8 points apart, 6.3 and 10.7 are allowed at 7 %
        ((20, 180), "fail", "high"),  # 5 and 30 %: 25 points apart
        ((240, 360), "cannot_judge", "beyond_table"),  # 60 % of each
    ],
)
def test_a_lottery_is_judged_by_the_federal_boundaries(lost, verdict, reason):
    finding = me.run_check("attrition", estimate(students(*lost), "random"))
    assert (finding.verdict, finding.key) == (verdict, f"attrition.{reason}")
    assert finding.numbers["lost_treated"] == pytest.approx(lost[0] / TREATED)
    assert finding.numbers["lost_comparison"] == pytest.approx(lost[1] / COMPARISON)
    assert finding.numbers["overall"] == pytest.approx(sum(lost) / (TREATED + COMPARISON))
    assert finding.frame["n_lost"].tolist() == list(lost)


def test_loss_that_depends_on_the_program_makes_an_effect_and_is_found_out():
    """Nothing happens in this world, but the comparison's lowest fifth is gone: a normal mean moves by .35."""
    complete, uneven = (estimate(students(*lost), "random") for lost in ((0, 0), (0, 120)))
    moved = uneven.headline()["estimate"] - complete.headline()["estimate"]
    assert moved == pytest.approx(-0.35, abs=0.05)
    assert uneven.headline()["conf_high"] < 0
    assert me.run_check("attrition", complete).verdict == "pass"
    assert me.run_check("attrition", uneven).verdict == "fail"


@pytest.mark.parametrize(
    ("lost", "verdict", "reason"),
    [
        ((0, 0), "pass", "nobody_lost"),
        ((20, 36), "pass", "few_lost"),
        ((20, 60), "pass", "few_lost"),  # 5 and 10 %: the gap is not above 5 points
        ((20, 66), "caution", "uneven"),  # 5 and 11 %
        ((100, 150), "caution", "many_lost"),  # 25 % of each
    ],
)
def test_without_a_lottery_two_conventions_hold(lost, verdict, reason):
    finding = me.run_check("attrition", estimate(students(*lost)))
    assert (finding.verdict, finding.key) == (verdict, f"attrition.{reason}")
    assert "cautious" not in finding.numbers
    assert finding.frame["share_lost"].tolist() == pytest.approx([lost[0] / TREATED, lost[1] / COMPARISON])


def test_without_a_lottery_counting_begins_with_those_who_were_compared():
    frame = students(20, 36)
    some = estimate(frame, eligibility=[me.Eligibility("fact", at_least=0.0)])
    there = frame[frame["fact"] >= 0].groupby("mentored")["outcome"].agg(["size", "count"])
    found = me.run_check("attrition", some).frame.set_index("arm")
    assert found["n"].to_dict() == {"treated": there.loc[1, "size"], "comparison": there.loc[0, "size"]}
    assert found["n_analysed"].to_dict() == {"treated": there.loc[1, "count"], "comparison": there.loc[0, "count"]}


def test_the_conventions_can_be_set_and_are_shares():
    lost = estimate(students(20, 66))
    assert me.run_check(me.AttritionCheck(largest_gap=0.1), lost).verdict == "pass"
    assert me.run_check(me.AttritionCheck(largest_gap=0.1, largest_overall=0.05), lost).key == "attrition.many_lost"
    with pytest.raises(OptionError, match="between 0 and 1"):
        me.AttritionCheck(largest_gap=5)


def test_after_a_lottery_with_few_lost_the_arms_need_not_be_shown_to_be_alike():
    apart = students(8, 12)
    apart["fact"] += 0.15 * apart["mentored"]
    judged = {kind: me.run_check("wwc_baseline_equivalence", estimate(apart, kind)) for kind in ("random", "observed")}
    assert (judged["random"].verdict, judged["random"].key) == ("pass", "wwc_baseline_equivalence.lottery")
    assert judged["observed"].verdict != "pass"
    many_lost = estimate(apart.assign(outcome=students(20, 180)["outcome"]), "random")
    assert me.run_check("wwc_baseline_equivalence", many_lost).verdict != "pass"
