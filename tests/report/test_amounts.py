"""Differences are said in the unit that people use."""

from __future__ import annotations

import math

import pytest

from mentoreval.panel.facts import MeasureFacts
from mentoreval.report import amounts
from mentoreval.report.words import Words

WORDS = Words("en")
ATTENDANCE = MeasureFacts("share", True, "attendance")
SHARE = MeasureFacts("share", True, "other")
CHRONIC_IN_SCHOOLS = MeasureFacts("share", False, "attendance", share_of="students")
DAYS = MeasureFacts("days", False, "attendance")
POINTS = MeasureFacts("points", True, "academic_achievement")
FLAG = MeasureFacts("flag", False, "attendance")


@pytest.mark.parametrize(
    ("facts", "value", "expected"),
    [
        (ATTENDANCE, 0.019, "3.4 days a year"),  # 0.019 × 180 = 3.42
        (SHARE, 0.019, "1.9 percentage points"),
        (CHRONIC_IN_SCHOOLS, -0.048, "4.8 percentage points"),
        (FLAG, -0.104, "10.4 percentage points"),
        (DAYS, -2.04, "2.0 days"),
        (POINTS, 0.125, "0.12 grade points"),
        (None, 29.786, "29.79"),
    ],
)
def test_the_size_of_a_difference(facts, value, expected):
    assert amounts.size(WORDS, amounts.reader_scale(facts), value) == expected


def test_tables_keep_percentage_points_for_attendance():
    assert amounts.digits(WORDS, amounts.table_scale(ATTENDANCE), 0.019, signed=True) == "+1.9"


@pytest.mark.parametrize(
    ("facts", "low", "high", "expected"),
    [
        (ATTENDANCE, 0.01, 0.03, "between 1.8 and 5.4 more days a year"),
        (ATTENDANCE, -0.03, -0.01, "between 1.8 and 5.4 fewer days a year"),
        (ATTENDANCE, -0.01, 0.03, "from 1.8 fewer to 5.4 more days a year"),
        (DAYS, -3.0, -1.0, "between 1.0 and 3.0 fewer days"),
        (POINTS, -0.1, 0.25, "from 0.10 grade points lower to 0.25 grade points higher"),
        (POINTS, 0.1, 0.25, "between 0.10 and 0.25 grade points higher"),
        (None, -5.8, -0.79, "between 0.79 and 5.80 lower"),
    ],
)
def test_intervals_in_words(facts, low, high, expected):
    assert amounts.spoken_range(WORDS, amounts.reader_scale(facts), low, high) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.01, "more"), (-0.01, "less"), (0.0002, "same"), (-0.0002, "same")])
def test_a_difference_whose_digits_are_zero_has_no_direction(value, expected):
    assert amounts.direction(amounts.reader_scale(ATTENDANCE), value) == expected


@pytest.mark.parametrize(
    ("facts", "mean", "sd", "n", "expected"),
    [
        (ATTENDANCE, 0.8832, 0.0951, 457, "88.3% (9.5)"),
        (POINTS, 2.641, 0.39, 457, "2.64 (0.39)"),
        (FLAG, 0.46, 0.5, 457, "46.0%"),
        (FLAG, 1 / 457, 0.05, 457, "<5.0%"),  # rates beyond 5 and 95 % are bounds
        (FLAG, 450 / 457, 0.1, 457, ">95.0%"),
        (FLAG, 0.4, 0.5, 15, "not shown"),  # no share of 15 students has 10 on both sides
        (POINTS, 2.64, 0.39, None, "not shown"),
        (POINTS, 2.64, math.nan, 457, "2.64"),
    ],
)
def test_means_never_give_away_a_few_students(facts, mean, sd, n, expected):
    assert amounts.mean_and_sd(WORDS, facts, mean, sd, n) == expected
