"""Earlier school years known by totals alone, later ones day by day, in one set of records."""

from __future__ import annotations

from pathlib import Path

import pytest

from mentoreval.errors import DataError
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import AttendanceRate, ChronicAbsence, DaysAbsent
from mentoreval.panel.panel import Panel
from mentoreval.panel.programs import OneToOne
from mentoreval.records import read_records, validate_records

TABLES = {
    "students": "student_id\n1\n2\n3",
    "enrolment": """student_id,school_id,school_year,grade_level,entry_date,exit_date
1,north,2020-21,5,2020-09-01,2021-06-11
2,north,2020-21,5,2020-09-01,2021-06-11
3,north,2020-21,5,2020-09-01,2021-06-11
1,north,2021-22,6,2021-09-01,2021-09-14
2,north,2021-22,6,2021-09-01,2021-09-14
3,north,2021-22,6,2021-09-08,2021-09-14""",
    "calendar": "school_id,date,school_year\n"
    + "\n".join(f"north,2021-09-{day:02d},2021-22" for day in (1, 2, 3, 6, 7, 8, 9, 10, 13, 14)),
    "attendance": "student_id,date,code\n1,2021-09-02,absent_excused\n3,2021-09-09,absent_unexcused",
    "attendance_totals": "student_id,school_year,days_enrolled,days_absent\n1,2020-21,180,18\n2,2020-21,170,3",
    "matches": "match_id,student_id,mentor_id,start_date\nm1,1,t1,2021-09-01",
    "sessions": "match_id,date,minutes\nm1,2021-09-02,30",
}


def write(folder: Path, **changed: str) -> Path:
    """The tables as CSV files, with some of them changed."""
    for name, text in {**TABLES, **changed}.items():
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def panel_of(source: Path, attendance: str, period: str = "year") -> Panel:
    """A panel of attendance."""
    records = read_records(source, attendance=attendance)  # type: ignore[arg-type]
    measures = [AttendanceRate(min_enrolled_days=1), ChronicAbsence(min_enrolled_days=1), DaysAbsent()]
    return build_panel(
        records,
        program=OneToOne(min_sessions=1),
        measures=measures,
        period=period,
        no_baseline_years=[],  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("calendar", [TABLES["calendar"], TABLES["calendar"] + "\nnorth,2020-09-01,2020-21"])
def test_each_school_year_is_counted_from_the_table_that_has_it(tmp_path: Path, calendar: str) -> None:
    """2020-21 as stated, whether or not the calendar knows a day of it; 2021-22 from its ten days in session."""
    panel = panel_of(write(tmp_path, calendar=calendar), "absences_only")
    frame = panel.frame.set_index(["student_id", "period"])
    told = [(e.rows, e.examples) for e in panel.ledger.entries if e.rule == "counted_from_totals"]
    assert told == [(2, ("2020-21",))]
    assert frame["attendance_rate"].dropna().to_dict() == pytest.approx(
        {
            ("1", "2020-21"): 1 - 18 / 180,
            ("2", "2020-21"): 1 - 3 / 170,
            ("1", "2021-22"): 1 - 1 / 10,
            ("2", "2021-22"): 1,
            ("3", "2021-22"): 1 - 1 / 5,
        }
    )
    assert frame["chronic_absence"].dropna().to_dict()[("1", "2020-21")] == 1
    assert frame["days_enrolled"].dropna().to_dict() == {
        ("1", "2020-21"): 180, ("2", "2020-21"): 170, ("1", "2021-22"): 10, ("2", "2021-22"): 10, ("3", "2021-22"): 5,
    }  # fmt: skip


def test_a_student_without_a_total_is_not_taken_to_have_been_there_every_day(tmp_path: Path) -> None:
    """Student 3 has no total of 2020-21, and nothing is known of that year."""
    frame = panel_of(write(tmp_path), "absences_only").frame.set_index(["student_id", "period"])
    assert frame["attendance_rate"].isna()[("3", "2020-21")]
    assert ("3", "2020-21") in frame.index, "the student was enrolled"


def test_totals_stand_beside_a_table_of_every_day_too(tmp_path: Path) -> None:
    days = TABLES["attendance"] + "\n1,2021-09-03,present\n1,2021-09-06,present\n1,2021-09-07,present"
    frame = panel_of(write(tmp_path, attendance=days), "positive").frame.set_index(["student_id", "period"])
    assert frame["attendance_rate"].dropna().to_dict() == pytest.approx(
        {("1", "2020-21"): 1 - 18 / 180, ("2", "2020-21"): 1 - 3 / 170, ("1", "2021-22"): 3 / 4, ("3", "2021-22"): 0}
    )


def test_a_year_in_both_tables_is_refused_and_named(tmp_path: Path) -> None:
    totals = TABLES["attendance_totals"] + "\n2,2021-22,10,1"
    source = write(tmp_path, attendance_totals=totals)
    (problem,) = validate_records(source, attendance="absences_only").found
    assert str(problem) == (
        "attendance has 2 rows on days of school years of which attendance_totals has the totals (found: 2021-22 (2)). "
        "100 % of attendance is affected. Keep each school year in one of the two tables: leave those totals out, or "
        "those days."
    )


def test_totals_alone_belong_into_the_table_of_attendance(tmp_path: Path) -> None:
    source = write(tmp_path)
    (source / "attendance.csv").unlink()
    assert [problem.rule for problem in validate_records(source).found] == ["totals_alone"]


def test_totals_can_not_be_split_into_semesters(tmp_path: Path) -> None:
    message = r"Attendance of 2020-21 is kept as totals \(attendance_totals\), which can not be split into semesters"
    with pytest.raises(DataError, match=message):
        panel_of(write(tmp_path), "absences_only", period="semester")


def test_rows_of_totals_are_accounted_for(tmp_path: Path) -> None:
    totals = TABLES["attendance_totals"] + "\n3,2019-20,180,1"
    report = validate_records(write(tmp_path, attendance_totals=totals), attendance="absences_only")
    assert report.ok, report.message
    dropped = {
        e.rule: e.rows for e in report.ledger.entries if e.table == "attendance_totals" and e.action == "dropped"
    }
    assert (report.ledger.rows_read["attendance_totals"], dropped) == (3, {"not_enrolled": 1})


def test_californias_summary_of_earlier_years_stands_beside_days(tmp_path: Path) -> None:
    stas = """SSID,School of Attendance,Academic Year ID,Exemption Indicator,Expected Attendance Days,Days Attended,\
Days Absent Out-of-School Suspension,Days Absent Excused Non-Suspension,Days Absent Unexcused Non-Suspension
1,north,2020-2021,N,180,162,2,10,6"""
    source = write(tmp_path, STAS=stas.replace("\\\n", ""))
    (source / "attendance_totals.csv").unlink()
    records = read_records(source, format="calpads", attendance="absences_only")
    (row,) = records.table("attendance_totals").collect("pyarrow").to_native().to_pylist()
    assert (row["school_year"], row["days_enrolled"], row["days_absent"]) == ("2020-21", 180, 2 + 10 + 6)
