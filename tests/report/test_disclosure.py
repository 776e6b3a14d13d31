"""Small numbers of students are taken out before anything becomes readable."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.report.disclosure import hide_small, protect, shown_count, shown_share
from mentoreval.report.exhibits import SampleFlow
from mentoreval.report.words import Words

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
        (0.5, pd.NA, "not shown"),
        (float("nan"), 200, "not shown"),
    ],
)
def test_shares_that_stand_for_a_few_students_are_bounds(share, n, expected):
    assert shown_share(share, n, WORDS) == expected
