"""Baselines that are hard to have: kindergarten, years of closed schools, and shares of none or all.

Oak School is in session on 20 weekdays from the first Monday of September of each school year.
"""

from __future__ import annotations

import math

import pandas as pd
import pytest

from mentoreval.evidence.wwc import _cox
from mentoreval.numerics.effect_sizes import continuity_corrected, cox_index
from mentoreval.panel.build import build_panel
from mentoreval.panel.panel import Panel
from mentoreval.records import read_records

MONDAYS = {
    "2018-19": "2018-09-03",
    "2019-20": "2019-09-02",
    "2020-21": "2020-09-07",
    "2021-22": "2021-09-06",
    "2022-23": "2022-09-05",
}


def oak(spells: str, absences: str, match: str, **options: object) -> Panel:
    """The panel of "student year grade" spells, "student date" absences and one "student date" match."""
    rows = [line.split() for line in spells.strip().splitlines()]
    enrolment = pd.DataFrame(rows, columns=["student_id", "school_year", "grade_level"])
    enrolment = enrolment.assign(school_id="oak", entry_date=enrolment["school_year"].map(MONDAYS))
    days = [
        ("oak", day.strftime("%Y-%m-%d"), year)
        for year in enrolment["school_year"].unique()
        for day in pd.bdate_range(MONDAYS[year], periods=20)
    ]
    away = [line.split() for line in absences.strip().splitlines()]
    student, start = match.split()
    tables = {
        "students": pd.DataFrame({"student_id": enrolment["student_id"].unique()}),
        "enrolment": enrolment,
        "calendar": pd.DataFrame(days, columns=["school_id", "date", "school_year"]),
        "attendance": pd.DataFrame(away, columns=["student_id", "date"]).assign(code="absent"),
        "matches": pd.DataFrame({"match_id": ["m1"], "student_id": student, "mentor_id": "t1", "start_date": start}),
    }
    records = read_records(tables, attendance="absences_only")
    return build_panel(records, program="one_to_one", measures=["attendance_rate"], **options)  # type: ignore[arg-type]


def rates(panel: Panel) -> dict[tuple[str, str], float]:
    """Attendance rates by student and school year."""
    return {(row.student_id, row.period): row.attendance_rate for row in panel.frame.itertuples()}


CHILDREN = """
    kim 2022-23 KG
    lou 2022-23 KG
"""
THIRD_MONDAY = "kim 2022-09-19"


def test_kindergarten_has_the_first_weeks_for_a_baseline_and_no_day_from_the_match_on() -> None:
    away = """
        kim 2022-09-06
        kim 2022-09-19
        kim 2022-09-20
        lou 2022-09-20
    """
    found = rates(oak(CHILDREN, away, THIRD_MONDAY, baseline_window=3))
    assert found["kim", "2021-22"] == 9 / 10, "two weeks before the mentor came"
    assert found["lou", "2021-22"] == 14 / 15, "all three weeks of a child who has no mentor"
    assert found["kim", "2022-23"] == 17 / 20, "the outcome is that of the whole year"
    more = away + "        kim 2022-09-21\n        kim 2022-09-22\n"
    assert rates(oak(CHILDREN, more, THIRD_MONDAY, baseline_window=3))["kim", "2021-22"] == 9 / 10


def test_without_a_window_kindergarten_has_no_baseline() -> None:
    assert set(rates(oak(CHILDREN, "lou 2022-09-20", THIRD_MONDAY))) == {("kim", "2022-23"), ("lou", "2022-23")}


FOUR_YEARS = """
    ana 2018-19 5
    ana 2019-20 6
    ana 2020-21 7
    ana 2021-22 8
    bo  2018-19 5
    bo  2019-20 6
    bo  2020-21 7
    bo  2021-22 8
"""
AWAY = """
    ana 2018-09-04
    ana 2020-09-08
    ana 2020-09-09
"""


@pytest.mark.parametrize(
    ("options", "held", "before"),
    [
        ({}, ("2019-20", "2020-21"), 19 / 20),
        ({"no_baseline_years": ["2020-21"]}, ("2020-21",), 20 / 20),
        ({"no_baseline_years": []}, (), 18 / 20),
    ],
    ids=["default", "one year", "every year may be a baseline"],
)
def test_years_of_closed_schools_are_flagged_and_are_a_baseline_only_where_that_is_said(
    options: dict[str, object], held: tuple[str, ...], before: float
) -> None:
    panel = oak(FOUR_YEARS, AWAY, "ana 2021-09-08", **options)
    assert panel.no_baseline == held
    flagged = {e.rule: (e.rows, e.examples) for e in panel.ledger.entries if e.action == "flagged"}
    assert flagged.get("no_baseline_year", (0, ())) == (2 * len(held), held)
    assert len(panel.frame) == 8, "their rows stay"
    first = panel.covariates_at_baseline(
        pd.Series([0]).to_numpy(), panel.cohorts[[0]], ["prior_attendance_rate"]
    )  # of Ana, who sorts first
    assert first["prior_attendance_rate"].tolist() == [before]


def test_a_share_of_none_or_all_has_no_cox_index_and_a_reason_instead() -> None:
    """All 12 students of a small school are chronically absent, and none of the 8 whom it is compared with."""
    arms = {
        "n_treated": 12, "mean_treated": 1.0, "sd_treated": 0.0,
        "n_comparison": 8, "mean_comparison": 0.0, "sd_comparison": 0.0,
    }  # fmt: skip
    size, error, reason = _cox(arms, 1.0, 0.1, 0)
    assert math.isnan(size)
    assert math.isnan(error)
    assert reason == "share_at_its_limit", "the report says it in words"


def test_at_the_baseline_half_a_student_is_added_on_either_side() -> None:
    shares = continuity_corrected([1.0, 0.0], [12, 8])
    assert shares.tolist() == [12.5 / 13, 0.5 / 9]
    small = 1 - 3 / (4 * 20 - 9)
    expected = small * (math.log(12.5 / 0.5) - math.log(0.5 / 8.5)) / 1.65
    assert float(cox_index(shares[0], shares[1], 12, 8)) == pytest.approx(expected, rel=1e-12)
