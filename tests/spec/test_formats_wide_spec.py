"""Attendance with a column for each day: one row for each student, or one for each student and month."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentoreval.errors import OptionError
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import AttendanceRate
from mentoreval.panel.programs import OneToOne
from mentoreval.records import Records, ValidationReport, read_records, validate_records
from mentoreval.records.formats import Mapped

OURS = {
    "students": "student_id\n001\n002",
    "enrolment": """student_id,school_id,school_year,grade_level,entry_date,exit_date
001,north,2021-22,5,2021-09-01,2021-10-01
002,north,2021-22,5,2021-09-02,2021-10-01""",
    "calendar": """school_id,date,school_year
north,2021-09-01,2021-22
north,2021-09-02,2021-22
north,2021-09-03,2021-22
north,2021-10-01,2021-22""",
    "matches": "match_id,student_id,mentor_id,start_date\nm1,001,t1,2021-09-01",
    "sessions": "match_id,date,minutes\nm1,2021-09-01,30",
}
BY_DATE = """Attendance of Riverside,,,,,
Name,STU_ID,9/1/2021,09/02/2021,9/3/2021,Days absent
Ana,001,,A,P,1
Ben,002,,U,,1"""
BY_MONTH = """STU_ID,YR,MO,1,2,3,31
001,2021,9,,A,,
001,2021,Oct,T,,,
002,2021,Septiembre,,U,,"""
CODES = {"A": "absent", "U": "absent_unexcused", "P": "present", "T": "tardy"}
DATES: dict[str, Any] = {
    "source": "ATT", "columns": {"student_id": "STU_ID"}, "text": {"header_line": 2}, "dates": "MM/DD/YYYY",
    "days": {"columns": "dates", "blank": "present"}, "codes": {"code": CODES},
}  # fmt: skip
MONTHS: dict[str, Any] = {
    "source": "ATT", "columns": {"student_id": "STU_ID"}, "codes": {"code": CODES},
    "days": {"columns": "day_of_month", "year": "YR", "month": "MO", "blank": "present"},
}  # fmt: skip


def write(folder: Path, attendance: str) -> Path:
    """The district's files, with this attendance."""
    for name, text in {**OURS, "ATT": attendance}.items():
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return folder


def mapped(attendance: dict[str, Any], **changed: Any) -> Mapped:
    """A mapping whose other tables are our own."""
    return Mapped(tables={**{name: {"source": name} for name in OURS}, "attendance": {**attendance, **changed}})


def rows(records: Records) -> list[tuple[str, str, str]]:
    """Student, day and code of every row of attendance, in sorted order."""
    found = records.table("attendance").collect("pyarrow").to_native().to_pylist()
    return sorted((row["student_id"], row["date"].isoformat(), row["code"]) for row in found)


def account(report: ValidationReport, table: str) -> tuple[int, int, dict[str, tuple[str, int]]]:
    """Rows read and kept, and what the ledger says of the table; that they add up is the law."""
    ledger = report.ledger
    entries = {e.rule: (e.action, e.rows) for e in ledger.entries if e.table == table}
    dropped = sum(rows for action, rows in entries.values() if action == "dropped")
    assert ledger.rows_read[table] == ledger.rows_kept[table] + dropped
    return ledger.rows_read[table], ledger.rows_kept[table], entries


def test_every_cell_of_a_date_is_a_student_day(tmp_path: Path) -> None:
    records = read_records(write(tmp_path, BY_DATE), format=mapped(DATES), attendance="positive")
    assert rows(records) == [
        ("001", "2021-09-01", "present"),
        ("001", "2021-09-02", "absent"),
        ("001", "2021-09-03", "present"),
        ("002", "2021-09-02", "absent_unexcused"),
        ("002", "2021-09-03", "present"),  # 2021-09-01 was before the entry
    ]


def test_rows_and_cells_are_accounted_for_apart(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path, BY_DATE), format=mapped(DATES), attendance="positive")
    assert report.ok, report.message
    assert account(report, "ATT.csv") == (2, 2, {})
    assert account(report, "ATT.csv by day") == (
        2 * 3,
        2 * 3,
        {"codes_of_code": ("mapped", 3), "blank_as_present": ("mapped", 3)},
    )
    assert account(report, "attendance") == (2 * 3, 2 * 3 - 1, {"not_enrolled": ("dropped", 1)})


def test_where_absences_are_listed_only_absences_stay(tmp_path: Path) -> None:
    report = validate_records(write(tmp_path, BY_DATE), format=mapped(DATES), attendance="absences_only")
    assert report.ok, report.message
    read, kept, entries = account(report, "ATT.csv by day")
    assert (read, kept) == (2 * 3, 2)
    assert (entries["blank_as_present"], entries["no_absence"]) == (("dropped", 3), ("dropped", 1))
    records = read_records(tmp_path, format=mapped(DATES), attendance="absences_only")
    assert rows(records) == [("001", "2021-09-02", "absent"), ("002", "2021-09-02", "absent_unexcused")]


def test_an_empty_cell_may_mean_that_nothing_is_recorded(tmp_path: Path) -> None:
    layout = mapped(DATES, days={"columns": "dates", "blank": "no_record"})
    source = write(tmp_path, BY_DATE)
    assert rows(read_records(source, format=layout, attendance="positive")) == [
        ("001", "2021-09-02", "absent"),
        ("001", "2021-09-03", "present"),
        ("002", "2021-09-02", "absent_unexcused"),
    ]
    report = validate_records(source, format=layout, attendance="positive")
    assert account(report, "ATT.csv by day")[2]["blank_as_no_record"] == ("dropped", 3)
    (problem,) = validate_records(source, format=layout, attendance="absences_only").found
    assert "where a day without a row is a day present" in problem.finding


def test_a_code_without_a_meaning_is_counted_in_cells(tmp_path: Path) -> None:
    attendance = BY_DATE.replace("Ana,001,,A,P", "Ana,001,V,V,Q")
    (problem,) = validate_records(write(tmp_path, attendance), format=mapped(DATES), attendance="positive").found
    assert str(problem).startswith("ATT.csv by day has 3 rows whose code is not mapped (found: V (2), Q (1)). 50.0 %")


def test_the_days_of_a_month_become_dates(tmp_path: Path) -> None:
    """September has no 31st: its empty cell is no day. Weekends are not in the calendar."""
    source = write(tmp_path, BY_MONTH)
    records = read_records(source, format=mapped(MONTHS), attendance="positive")
    assert rows(records) == [
        ("001", "2021-09-01", "present"),
        ("001", "2021-09-02", "absent"),
        ("001", "2021-09-03", "present"),
        ("001", "2021-10-01", "tardy"),
        ("002", "2021-09-02", "absent_unexcused"),
        ("002", "2021-09-03", "present"),
    ]
    report = validate_records(source, format=mapped(MONTHS), attendance="positive")
    read, kept, entries = account(report, "ATT.csv by day")
    assert (read, kept, entries["no_such_day"]) == (3 * 4, 3 * 4 - 2, ("dropped", 2))


def test_the_rate_is_that_of_the_days_listed(tmp_path: Path) -> None:
    """Ana: absent on one of her four days."""
    records = read_records(write(tmp_path, BY_MONTH), format=mapped(MONTHS), attendance="positive")
    panel = build_panel(records, program=OneToOne(min_sessions=1), measures=[AttendanceRate(min_enrolled_days=1)])
    assert panel.frame.set_index("student_id")["attendance_rate"]["001"] == pytest.approx(1 - 1 / 4)


def test_a_code_on_a_day_that_the_month_does_not_have_is_refused(tmp_path: Path) -> None:
    attendance = BY_MONTH.replace("001,2021,9,,A,,", "001,2021,9,,A,,A")
    (problem,) = validate_records(write(tmp_path, attendance), format=mapped(MONTHS), attendance="positive").found
    assert "whose date is no day of that month (found: 2021-09-31)" in problem.finding


def test_a_month_that_can_not_be_read_is_listed(tmp_path: Path) -> None:
    attendance = BY_MONTH.replace("Oct", "Term 1").replace("Septiembre", "13")
    found = validate_records(write(tmp_path, attendance), format=mapped(MONTHS), attendance="positive").found
    assert "ATT.csv has 2 rows whose MO can not be read (found: 13 (1), Term 1 (1))" in found[0].finding


def test_without_a_calendar_the_weekends_of_a_month_would_be_days_present(tmp_path: Path) -> None:
    tables = {name: spec for name, spec in mapped(MONTHS).tables.items() if name != "calendar"}
    found = validate_records(write(tmp_path, BY_MONTH), format=Mapped(tables=tables), attendance="positive").found
    assert [problem.rule for problem in found] == ["missing_calendar"]


def test_days_in_the_names_that_are_not_written_as_stated_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path, BY_DATE.replace("9/3/2021", "2021/9/3"))
    (problem,) = validate_records(source, format=mapped(DATES), attendance="positive").found
    assert "ATT has the columns 2021/9/3, each with a name that is not a date as MM/DD/YYYY" in problem.finding
    source = write(tmp_path, BY_DATE.replace("9/3/2021", "9/02/2021"))
    (problem,) = validate_records(source, format=mapped(DATES), attendance="positive").found
    assert "ATT has more than one column for the same day: 2021-09-02" in problem.finding
    source = write(tmp_path, BY_DATE)
    (problem,) = validate_records(source, format=mapped(DATES, dates="D.M.YYYY"), attendance="positive").found
    assert "whose name" not in problem.finding
    assert "is not a date as D.M.YYYY" in problem.finding


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ({"columns": "dates"}, "days has no blank. What an empty cell means is never guessed"),
        ({"columns": "weeks", "blank": "present"}, "days columns = 'weeks' is not allowed"),
        ({"columns": "dates", "blank": "absent"}, "days blank = 'absent' is not allowed"),
        ({"columns": "day_of_month", "blank": "present"}, "takes year and month"),
        ({"columns": "dates", "blank": "present", "month": "MO"}, "takes year and month"),
        ({"columns": "dates", "blank": "present", "yaer": "YR"}, r"no key 'yaer'\. Did you mean 'year'"),
        ("dates", "days takes a table"),
    ],
)
def test_a_block_of_days_that_can_not_be_meant_is_refused(days: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        mapped(DATES, days=days)


def test_the_names_of_a_workbook_are_dates_already(tmp_path: Path) -> None:
    """A frame with dates as names, as a workbook comes, needs no statement of how dates are written."""
    import pandas as pd

    wide = pd.DataFrame([["001", None, "A"]], columns=["STU_ID", "2021-09-01", "2021-09-02"])
    frames = {name: pd.read_csv(write(tmp_path, "x") / f"{name}.csv", dtype=str) for name in OURS}
    spec = {key: value for key, value in DATES.items() if key not in ("text", "dates")}
    records = read_records({**frames, "ATT": wide}, format=mapped(spec), attendance="positive")
    assert rows(records) == [("001", "2021-09-01", "present"), ("001", "2021-09-02", "absent")]
    assert date(2021, 9, 2).isoformat() == rows(records)[1][1]
