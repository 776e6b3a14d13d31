"""What a world's tables say, counted from the tables alone and without the package's own measures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

import mentoreval as me
from mentoreval.records.read import validate_records
from mentoreval.records.records import Records
from mentoreval.worlds import Draw, World, draw_world, write_world

Tables = Mapping[str, pd.DataFrame]
BY = ["student_id", "school_year"]
KEYS = {
    "students": ["student_id"],
    "enrolment": ["student_id", "school_id", "school_year", "entry_date"],
    "calendar": ["school_id", "date"],
    "attendance": ["student_id", "date"],
    "grades": ["student_id", "school_year", "term", "course_id"],
    "matches": ["match_id"],
}
POINTS = {"A": 4.0, "A-": 3.7, "B+": 3.3, "B": 3.0, "B-": 2.7, "C+": 2.3, "C": 2.0, "C-": 1.7}
POINTS |= {"D+": 1.3, "D": 1.0, "D-": 0.7, "F": 0.0}


def closed_spells(tables: Tables) -> pd.DataFrame:
    """Enrolment with every exit date filled in: an empty one is the last day of the school's year."""
    last = tables["calendar"].groupby(["school_id", "school_year"], as_index=False)["date"].max()
    spells = tables["enrolment"].merge(last, on=["school_id", "school_year"])
    return spells.assign(exit_date=spells["exit_date"].fillna(spells["date"]))


def student_years(tables: Tables, first: str = "", stop: str = "9999") -> pd.DataFrame:
    """One row for each student and year: days enrolled and absent from one date on and before another."""
    spells = closed_spells(tables)
    sessions = {
        school: np.array([day for day in dates if first <= day < stop], dtype=str)
        for school, dates in tables["calendar"].groupby("school_id")["date"]
    }
    days = [
        np.searchsorted(sessions[school], leave, side="right") - np.searchsorted(sessions[school], entry)
        for school, entry, leave in zip(spells["school_id"], spells["entry_date"], spells["exit_date"], strict=True)
    ]
    years = spells.assign(enrolled=days).groupby(BY, as_index=False)["enrolled"].sum()
    attendance = tables["attendance"][tables["attendance"]["date"].between(first, stop, inclusive="left")]
    absent = attendance.assign(school_year=school_year(attendance["date"])).groupby(BY).size()
    return years.merge(absent.rename("absent").reset_index(), on=BY, how="left").fillna({"absent": 0})


def school_year(date: pd.Series) -> pd.Series:
    """A school year begins in August."""
    first = date.str[:4].astype(int) - (date.str[5:7].astype(int) < 8)
    return first.astype(str) + "-" + (first + 1).astype(str).str[2:]


def with_last_year(years: pd.DataFrame) -> pd.DataFrame:
    """The absence rate (prior) and the days absent of the year before, and whether they were chronic (10 %)."""
    before = years.assign(school_year=years["school_year"].map(next_year), prior=years["absent"] / years["enrolled"])
    before = before.assign(prior_absent=years["absent"], eligible=years["absent"] * 10 >= years["enrolled"])
    return years.merge(before[[*BY, "prior", "prior_absent", "eligible"]], on=BY, how="left")


def next_year(label: str) -> str:
    return f"{int(label[:4]) + 1}-{int(label[5:]) + 1:02d}"


def first_years(tables: Tables) -> pd.DataFrame:
    """Mentees and the school year of their match."""
    matches = tables["matches"]
    return pd.DataFrame({"student_id": matches["student_id"], "school_year": school_year(matches["start_date"])})


def considered_students(draw: Draw) -> pd.DataFrame:
    """Student and school year in which each student was considered: the first autumn in a school with the program."""
    first_day = draw.tables["enrolment"].sort_values("entry_date").drop_duplicates(["student_id", "school_year"])
    known = first_day[["student_id", "school_year"]].assign(school_year=first_day["school_year"].map(next_year))
    there = first_day.merge(known, on=["student_id", "school_year"])
    starts = there["school_id"].map(draw.truth.rule["program_starts"])
    running = there[(starts != "never") & (starts <= there["school_year"])]
    return running.sort_values("school_year").drop_duplicates("student_id")


def outcomes(draw: Draw) -> pd.DataFrame:
    """Every outcome of every student and year, from the tables."""
    years = student_years(draw.tables)
    marks = draw.tables["grades"].assign(points=draw.tables["grades"]["mark"].map(POINTS))
    marks["quality"] = marks["points"] * marks["credits"]
    by_student = marks.groupby(["student_id", "school_year"])
    sums = by_student[["quality", "credits"]].sum()
    grades = pd.DataFrame({"gpa": sums["quality"] / sums["credits"], "course_failure": by_student["points"].min() == 0})
    years = years.merge(grades.reset_index(), on=["student_id", "school_year"], how="left")
    years["course_failure"] = years["course_failure"].astype(float)
    years["attendance_rate"] = 1 - years["absent"] / years["enrolled"]
    years["chronic_absence"] = (years["absent"] * 10 >= years["enrolled"]).astype(float)
    return years.rename(columns={"absent": "days_absent"})


def assert_same_seed_same_bytes(world: World, folder: Path) -> None:
    """The same seed writes the same bytes, another seed writes others."""
    first, again = (write_world(draw_world(world, 3), folder / name) for name in ("first", "again"))
    other = write_world(draw_world(world, 4), folder / "other")
    for path in first.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    assert (first / "attendance.csv.gz").read_bytes() != (other / "attendance.csv.gz").read_bytes()


def assert_without_an_effect_only_days_of_mentees_differ(with_effect: Draw, without: Draw) -> None:
    """Mentoring averts absences and adds none, of mentees alone, and from the first match on."""
    for name in ("students", "enrolment", "calendar", "matches"):
        pd.testing.assert_frame_equal(with_effect.tables[name], without.tables[name])
    days = (draw.tables["attendance"] for draw in (with_effect, without))
    both = next(days).merge(next(days), how="outer", indicator=True)
    assert (both["_merge"] != "left_only").all()
    start = with_effect.tables["matches"].groupby("student_id")["start_date"].min()
    averted = both[both["_merge"] == "right_only"]
    assert len(averted)
    assert (averted["date"] >= averted["student_id"].map(start)).all()


def assert_valid_records(draw: Draw, folder: Path) -> Records:
    """The folder as it is written holds every rule, and is read."""
    written = write_world(draw, folder)
    assert validate_records(written).found == ()
    return me.read_records(written)
