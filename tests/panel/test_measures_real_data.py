"""Published rates from real public files: New York City, Connecticut and the STAR experiment."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.panel.missing_codes import mark_missing
from mentoreval.panel.panel import panel_from_frame
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records

CITYWIDE = (26.4, 24.5, 24.1, 24.9, 26.6)  # percent chronically absent, 2013-14 to 2017-18, NYC Open Data
CONNECTICUT = {-9999: "suppressed", -6666: "missing"}
STAR_CHRONIC = {"1985-86": 0.183, "1986-87": 0.111, "1988-89": 0.097}  # share below 90 % attendance, grades K, 1 and 3


def test_the_share_of_students_of_a_city_is_the_mean_of_its_schools_by_their_students(real_data: Path):
    schools = pd.read_csv(real_data / "nyc_school_attendance.csv.gz")
    schools["rate"] = schools["n_chronically_absent"] / schools["n_students_20plus_days"]
    schools["program"] = (schools["dbn"] < "02").astype(int)
    panels = {
        year: panel_from_frame(
            rows.dropna(subset=["rate"]),
            unit="dbn",
            treated="program",
            outcomes=["rate"],
            weight="n_students_20plus_days",
        )
        for year, rows in schools.groupby("year_start")
    }
    assert list(panels) == [2013, 2014, 2015, 2016, 2017]
    found = [
        (panel.outcome_matrix("rate")[:, 0] @ panel.unit_weight) / panel.unit_weight.sum() for panel in panels.values()
    ]
    assert [round(100 * rate, 1) for rate in found] == list(CITYWIDE)
    unweighted = [panel.frame["rate"].mean() for panel in panels.values()]
    assert [round(100 * rate, 1) for rate in unweighted] != list(CITYWIDE)


def test_the_sentinels_of_connecticut_are_suppressed_or_missing_and_never_numbers(real_data: Path):
    districts = pd.read_csv(real_data / "ct_chronic_absenteeism.csv.gz")
    marked, ledger = mark_missing(districts, CONNECTICUT)
    assert ledger.frame["rows"].sum() == 10_817
    assert set(ledger.frame["rule"].str.rsplit(".").str[-1]) == {"suppressed", "missing"}
    numbers = marked.select_dtypes("number")
    assert numbers.min().min() >= 0
    assert len(marked) == len(districts) == ledger.rows_kept["frame"]
    assert int(numbers.isna().sum().sum() - districts.select_dtypes("number").isna().sum().sum()) == 10_817
    with pytest.raises(DataError, match="no column of numbers 'District'"):
        mark_missing(districts, CONNECTICUT, columns=["District"])


def star_as_records(real_data: Path) -> RecordsByPeriod:
    """The wide file of one row per student as enrolment and yearly totals; grade 2 has no attendance."""
    wide = pd.read_csv(real_data / "star_students.csv.gz", low_memory=False)
    grades = {"gk": ("1985-86", "KG"), "g1": ("1986-87", "1"), "g3": ("1988-89", "3")}
    parts = []
    for prefix, (year, level) in grades.items():
        present, absent = wide[f"{prefix}present"], wide[f"{prefix}absent"]
        part = pd.DataFrame({"student_id": wide["stdntid"], "school_id": wide[f"{prefix}schid"]})
        part = part.assign(school_year=year, grade_level=level, days_enrolled=present + absent, days_absent=absent)
        parts.append(part.dropna())
    long = pd.concat(parts).astype({"student_id": str, "school_id": str})
    enrolment = long[["student_id", "school_id", "school_year", "grade_level"]]
    tables = {
        "students": long[["student_id"]].drop_duplicates(),
        "enrolment": enrolment.assign(entry_date=long["school_year"].str[:4] + "-09-01"),
        "attendance": long[["student_id", "school_id", "school_year", "days_enrolled", "days_absent"]],
    }
    return RecordsByPeriod(read_records(tables, attendance="yearly_totals"))


def test_star_from_wide_to_long_has_its_published_shares_with_enrolled_days_that_differ(real_data: Path):
    records = star_as_records(real_data)
    rates = AttendanceRate().compute(records).dropna(subset=["attendance_rate"])
    below = (rates["attendance_rate"] < 0.9).groupby(rates["period"]).mean()
    assert below.round(3).to_dict() == STAR_CHRONIC
    chronic = ChronicAbsence(min_enrolled_days=1).compute(records).groupby("period")["chronic_absence"].mean()
    assert (chronic >= below).all()  # exactly 90 % is chronic by the federal rule, and not below 90 %
    days = records.attendance.frame.groupby("period")["enrolled"].median() / 1000
    assert days.round().to_dict() == {"1985-86": 180, "1986-87": 160, "1988-89": 160}
    scaled = DaysAbsent(per_180=True).compute(records).merge(records.attendance.frame, on=["student_id", "period"])
    expected = scaled["absent"] / scaled["enrolled"] * 180
    assert (scaled["days_absent"] - expected).abs().max() < 1e-9
