"""Overlap, leaving out a school or a mentor, and spillover: worlds in which each must pass, and must not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import OptionError


def students(seed: int = 3, schools: int = 8, per_school: int = 80) -> pd.DataFrame:
    """Students of several schools with a background fact; in the first half of the schools a third is mentored."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(schools), per_school)
    fact = rng.normal(size=len(school))
    mentored = (rng.uniform(size=len(school)) < 1 / 3) & (school < schools // 2)
    return pd.DataFrame(
        {
            "student": range(len(school)),
            "school": [f"school {number}" for number in school],
            "number": school,
            "fact": fact,
            "mentored": mentored.astype(int),
            "mentor": np.where(mentored, (np.arange(len(school)) // 12).astype(str), None),
            "outcome": 0.5 * fact + rng.normal(size=len(school)),
        }
    )


def estimate(frame: pd.DataFrame, **roles) -> me.Estimate:
    panel = me.panel_from_frame(
        frame, unit="student", treated="mentored", covariates=["fact"], outcomes=["outcome"], **roles
    )
    return me.estimate_effect(me.choose_design(panel), "outcome", me.RegressionAdjustment())


def with_effect(frame: pd.DataFrame, effect) -> pd.DataFrame:
    return frame.assign(outcome=frame["outcome"] + effect * frame["mentored"])


def test_arms_that_lie_over_each_other_overlap_and_arms_apart_do_not():
    frame = students()
    alike = me.run_check("overlap", estimate(frame))
    assert (alike.verdict, alike.numbers["share"] > 0.95) == ("pass", True)
    apart = frame.assign(fact=frame["fact"] + 3 * frame["mentored"])
    finding = me.run_check("overlap", estimate(apart))
    assert finding.verdict == "fail"
    scores = apart.groupby("mentored")["fact"].agg(["min", "max"])
    mentees = apart.loc[apart["mentored"] == 1, "fact"]
    assert finding.numbers["outside"] == (mentees > scores.loc[0, "max"]).sum()


def test_no_school_decides_an_effect_that_all_have():
    finding = me.run_check("leave_one_school_out", estimate(with_effect(students(), 1.0), school="school"))
    assert finding.verdict == "pass"
    assert finding.numbers["n_groups"] == 8
    assert finding.frame["n_units"].tolist() == [80] * 8


def test_an_effect_of_one_school_alone_is_found_out():
    frame = students()
    frame = with_effect(frame, np.where(frame["number"] == 0, 8.0, -0.4))
    effect = estimate(frame, school="school")
    effect = me.estimate_effect(
        effect.design, "outcome", me.RegressionAdjustment(), inference=me.ClusterRobust("student")
    )
    finding = me.run_check("leave_one_school_out", effect)
    assert finding.verdict == "fail"
    without = frame[frame["number"] != 0]
    expected = np.linalg.lstsq(
        np.column_stack([np.ones(len(without)), without["fact"], without["mentored"]]), without["outcome"], rcond=None
    )[0][2]
    row = finding.frame.set_index("left_out").loc["school 0"]
    assert row["estimate"] == pytest.approx(expected)
    assert finding.numbers["left_out"] == "school 0"


def test_the_mentees_of_one_mentor_can_carry_an_effect():
    frame = students()
    caseload = frame["mentor"].value_counts()
    shared = with_effect(frame, 1.0)
    one = with_effect(frame, np.where(frame["mentor"] == caseload.index[0], 25.0, -0.3))
    passed, failed = (
        me.run_check(
            "leave_one_mentor_out",
            me.estimate_effect(
                estimate(each, mentor="mentor").design, "outcome", me.RegressionAdjustment(),
                inference=me.ClusterRobust("student"),
            ),
        )
        for each in (shared, one)
    )  # fmt: skip
    assert (passed.verdict, failed.verdict) == ("pass", "fail")
    assert failed.frame["n_units"].iloc[0] == caseload.iloc[0]
    assert passed.numbers["n_groups"] == frame["mentor"].nunique()


def test_spillover_is_found_where_classmates_gain_too():
    frame = with_effect(students(schools=20), 1.0)
    beside = (frame["number"] < 10) & (frame["mentored"] == 0)
    none = me.run_check("spillover", estimate(frame, school="school"))
    spilled = frame.assign(outcome=frame["outcome"] + 0.8 * beside)
    found = me.run_check("spillover", estimate(spilled, school="school"))
    assert (none.verdict, found.verdict) == ("pass", "fail")
    assert found.numbers["difference"] - none.numbers["difference"] == pytest.approx(0.8)


def test_two_schools_of_a_kind_can_not_tell():
    finding = me.run_check("spillover", estimate(with_effect(students(schools=4), 0.1), school="school"))
    assert finding.key == "spillover.can_not_tell"


def test_what_can_not_be_judged_says_why():
    frame = students()
    nowhere = estimate(frame)
    keys = {check: me.run_check(check, nowhere).key for check in
            ("leave_one_school_out", "leave_one_mentor_out", "spillover")}  # fmt: skip
    assert keys == {
        "leave_one_school_out": "leave_one_school_out.no_schools",
        "leave_one_mentor_out": "leave_one_mentor_out.no_mentors",
        "spillover": "spillover.no_schools",
    }
    everywhere = frame[frame["number"] < 4]
    assert me.run_check("spillover", estimate(everywhere, school="school")).key == "spillover.one_kind_of_school"
    with pytest.raises(OptionError):
        me.LeaveOneMentorOut(most=0)
