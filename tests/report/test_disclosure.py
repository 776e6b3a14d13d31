"""Small numbers of students are taken out before anything becomes readable."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.errors import StudyError
from mentoreval.evidence.check import Finding
from mentoreval.report.disclosure import (
    coded_numbers,
    hide_alone,
    hide_small,
    protect,
    protect_all,
    shown_count,
    shown_share,
    withheld,
)
from mentoreval.report.exhibits import SampleFlow
from mentoreval.report.words import Words
from mentoreval.study.read import read_study

WORDS = Words("en")


@pytest.mark.parametrize(("count", "expected"), [(0, "<10"), (9, "<10"), (10, "10"), (1234, "1,234"), (pd.NA, "<10")])
def test_counts_below_ten_are_not_shown(count, expected):
    assert shown_count(count, WORDS) == expected


def test_small_counts_are_missing_and_the_rest_stays():
    frame = pd.DataFrame({"n": [9, 10, 250], "rows": [1, 2, 3]})
    hidden = hide_small(frame, ["n"])
    assert hidden["n"].isna().tolist() == [True, False, False]
    assert hidden["rows"].tolist() == [1, 2, 3]
    assert frame["n"].tolist() == [9, 10, 250]


def test_protecting_touches_the_counts_of_an_exhibit_only():
    frame = pd.DataFrame({"step": ["a"], "outcomes": [()], "n_treated": [4], "n_comparison": [40]})
    (flow,) = protect({"sample_flow": (SampleFlow(frame),)})["sample_flow"]
    assert flow.frame["n_treated"].isna().all()
    assert flow.frame["n_comparison"].tolist() == [40]


@pytest.mark.parametrize(
    ("share", "n", "expected"),
    [
        (0.5, 200, "50.0%"),
        (0.05, 200, "5.0%"),  # ten students
        (0.045, 200, "<5.0%"),  # nine
        (0.955, 200, ">95.0%"),
        (1.0, 200, ">95.0%"),
        (0.5, 19, "not shown"),
        (0.03, 3000, "<5.0%"),  # ninety students, but the rates of a report begin at 5 %
        (0.15, 60, "<20.0%"),
        (0.25, 36, "<30.0%"),
        (0.5, -60, "not shown"),  # a share to one decimal would tell a withheld n
        (0.512, -200, "51%"),
        (0.5, pd.NA, "not shown"),
        (float("nan"), 200, "not shown"),
    ],
)
def test_shares_that_stand_for_a_few_students_are_bounds(share, n, expected):
    assert shown_share(share, n, WORDS) == expected


def test_a_withheld_count_is_known_only_as_far_as_rates_need_it():
    assert [withheld(count) for count in (12, 33, 99, 150, 4000)] == [-1, -25, -50, -100, -200]


def test_differences_between_steps_are_protected_too():
    steps = ("in_panel", "compared")
    frame = pd.DataFrame(
        {"step": steps, "outcomes": [(), ()], "n_treated": [50, 47], "n_comparison": [80, 80]}
    )  # three were left out
    protected = protect_all({"sample_flow": (SampleFlow(frame),)})
    (flow,) = protected.exhibits["sample_flow"]
    assert (flow.frame["n_treated"] < 0).any()
    assert flow.frame["n_comparison"].tolist() == [80, 80]
    assert [(one.exhibit, one.small) for one in protected.log] == [("sample_flow", 0)]


def test_an_arm_of_few_takes_its_means_and_p_values_with_it():
    columns = {"n_treated": [4, 40], "mean_treated": [0.5, 0.6], "sd_treated": [0.1, 0.2], "p_value": [0.04, 0.05]}
    shown = hide_alone(hide_small(pd.DataFrame(columns), ["n_treated"]), ["n_treated"])
    assert shown.loc[0].isna().all()
    assert shown.loc[1].tolist() == [40, 0.6, 0.2, 0.05]


def test_a_finding_says_no_share_by_which_another_could_be_had():
    numbers = {"lost_treated": 0.02, "lost_comparison": 0.12, "overall": 0.08, "differential": 0.1}
    said = coded_numbers(Finding("attrition", "pass", "attrition.uneven", numbers), 300, WORDS)
    assert said == {
        "lost_treated": "<5.0%", "lost_comparison": "not shown", "overall": "not shown", "differential": "not shown",
    }  # fmt: skip


@pytest.mark.parametrize("threshold", ["2", "true", "9.5"])
def test_a_threshold_below_three_is_refused(threshold, tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(f"""
title = "T"
question = "Q?"
disclosure_threshold = {threshold}
data = {{ file = "a.csv" }}
panel = {{ unit = "student", outcomes = ["gpa"] }}
design.a = {{ method = "unadjusted" }}
estimate = [{{ outcome = "gpa", design = "a", estimator = "difference_in_means", role = "headline" }}]
""")
    with pytest.raises(StudyError, match="disclosure_threshold"):
        read_study(path)
