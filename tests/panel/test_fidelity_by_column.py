"""Fidelity by a column of the students table, such as the district."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.errors import OptionError
from mentoreval.panel.fidelity import Fidelity, fidelity
from mentoreval.panel.programs import OneToOne
from mentoreval.records.read import read_records


@pytest.fixture(scope="module")
def found() -> Fidelity:
    """Three mentees in two districts and one who is in none; a week of five days in session, two meetings planned."""
    days = pd.date_range("2022-01-10", "2022-01-14").strftime("%Y-%m-%d")
    students = ["ana", "ben", "cy", "dee"]
    tables = {
        "students": pd.DataFrame({"student_id": students, "district": ["East", "East", "West", None]}),
        "enrolment": pd.DataFrame(
            {
                "student_id": students,
                "school_id": "oak",
                "school_year": "2021-22",
                "grade_level": "6",
                "entry_date": "2022-01-10",
                "exit_date": "2022-01-14",
            }
        ),
        "calendar": pd.DataFrame({"school_id": "oak", "date": days, "school_year": "2021-22"}),
        "matches": pd.DataFrame(
            {
                "match_id": ["1", "2", "3", "4"],
                "student_id": students,
                "mentor_id": ["kim", "kim", "lee", "lee"],
                "start_date": "2022-01-10",
                "end_date": None,
                "model": "one_to_one",
            }
        ),
        "sessions": pd.DataFrame(
            {"match_id": ["1", "1", "2", "4"], "date": [days[0], days[2], days[1], days[3]], "minutes": 30}
        ),
    }
    return fidelity(read_records(tables), OneToOne(planned_per_week=2.0), by="district")


def test_matches_are_grouped_by_the_column(found: Fidelity) -> None:
    """East: 2 + 1 contacts of 2 × 2 planned; West: none of 2; a mentee in no district stands under not_said."""
    frame = found.frame.set_index("district")
    assert frame["matches"].to_dict() == {"East": 2, "West": 1, "not_said": 1}
    assert frame["sessions"].to_dict() == {"East": 3.0, "West": 0.0, "not_said": 1.0}
    assert frame["planned_share"].to_dict() == {"East": 3 / 4, "West": 0.0, "not_said": 1 / 2}
    assert frame["never_met"].to_dict() == {"East": 0, "West": 1, "not_said": 0}


def test_levels_add_up_to_the_same_matches(found: Fidelity) -> None:
    """Whatever the level, every match is in it once."""
    assert [found.by(level).frame["matches"].sum() for level in ("mentor", "site", "district")] == [4, 4, 4]


def test_a_column_that_is_not_there_is_named(found: Fidelity) -> None:
    """The message says what was meant."""
    with pytest.raises(OptionError, match="district"):
        found.by("distrikt")
