"""Days as columns: a slow twin agrees, in every library that a frame can come from, and no cell is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.records import read_records, validate_records
from mentoreval.records.day_columns import DayColumns, days_among
from mentoreval.records.formats import Mapped

DAYS = ["2021-09-01", "2021-09-02", "2021-09-03"]
CODES = {"A": "absent", "P": "present", "T": "tardy"}
TABLES: dict[str, Any] = {"students": {"source": "students"}, "enrolment": {"source": "enrolment"}}
WIDE: dict[str, Any] = {"source": "wide", "columns": {"student_id": "ID"}, "codes": {"code": CODES}}


def layout(blank: str) -> Mapped:
    """The mapping of the district, with this meaning of an empty cell."""
    return Mapped(tables={**TABLES, "attendance": {**WIDE, "days": {"columns": "dates", "blank": blank}}})


def district(cells: list[tuple[str | None, ...]]) -> dict[str, pd.DataFrame]:
    """As many students as there are rows of cells."""
    students = [f"{n:03d}" for n in range(len(cells))]
    spells = [(student, "north", "2021-22", "5", DAYS[0], DAYS[-1]) for student in students]
    names = ["student_id", "school_id", "school_year", "grade_level", "entry_date", "exit_date"]
    return {
        "students": pd.DataFrame({"student_id": students}),
        "enrolment": pd.DataFrame(spells, columns=names),
        "wide": pd.DataFrame(cells, columns=DAYS, dtype="str").assign(ID=students),
    }


def twin(cells: list[tuple[str | None, ...]], blank: str) -> list[tuple[str, str, str]]:
    """Cell by cell."""
    found = []
    for number, row in enumerate(cells):
        for day, cell in zip(DAYS, row, strict=True):
            if cell is not None:
                found.append((f"{number:03d}", day, CODES[cell]))
            elif blank == "present":
                found.append((f"{number:03d}", day, "present"))
    return sorted(found)


def rows(source: Any, blank: str) -> list[tuple[str, str, str]]:
    """Student, day and code of what is read."""
    records = read_records(source, format=layout(blank), attendance="positive")
    found = records.table("attendance").collect("pyarrow").to_native().to_pylist()
    return sorted((row["student_id"], row["date"].isoformat(), row["code"]) for row in found)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    cells=st.lists(st.tuples(*[st.sampled_from(["A", "P", "T", None])] * 3), min_size=1, max_size=4),
    blank=st.sampled_from(["present", "no_record"]),
)
def test_what_is_read_is_what_a_person_would_read(cells: list[tuple[str | None, ...]], blank: str) -> None:
    expected = twin(cells, blank)
    report = validate_records(district(cells), format=layout(blank), attendance="positive")
    if expected:
        assert rows(district(cells), blank) == expected
    for table, read, kept, dropped in report.accounts:
        assert read == kept + dropped, table
    by_day = dict((table, (read, kept)) for table, read, kept, _ in report.accounts)["wide by day"]
    assert by_day == (3 * len(cells), len(expected))


def test_every_library_gives_the_same_days(engine: Callable[[dict[str, pd.DataFrame]], Any]) -> None:
    cells = [("A", None, "P"), (None, "T", None)]
    assert rows(engine(district(cells)), "present") == twin(cells, "present")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["1", "02", "D3", "Day 04", "day_5", "31"], ["01", "02", "03", "04", "05", "31"]),
        (["0", "32", "Total", "Week 1", "1st"], []),
    ],
)
def test_days_of_a_month_have_several_ways_to_be_written(names: list[str], found: list[str]) -> None:
    days = DayColumns("day_of_month", "present", "YR", "MO")
    assert [ours for ours, _ in days_among(days, None, names)[0]] == found


@pytest.mark.parametrize(
    ("dates", "names", "found", "strange"),
    [
        ("us", ["9/1/2021", "09/02/2021", "ID"], ["2021-09-01", "2021-09-02"], []),
        (None, ["2021-09-01", "2021-09-01 00:00:00", "9/1/2021"], ["2021-09-01", "2021-09-01"], ["9/1/2021"]),
        ("excel", ["44440", "44441", "Total"], ["2021-09-01", "2021-09-02"], []),
        ("us", ["2/30/2021", "9/1", "44440"], [], ["2/30/2021", "9/1", "44440"]),
    ],
)
def test_names_that_look_like_a_date_and_are_none_are_never_passed_over(
    dates: str | None, names: list[str], found: list[str], strange: list[str]
) -> None:
    pairs, others = days_among(DayColumns("dates", "present"), dates, names)
    assert ([ours for ours, _ in pairs], others) == (found, strange)
