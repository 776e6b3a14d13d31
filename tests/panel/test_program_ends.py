"""A program that ends: read from a column of 0 and 1 in every period."""

from __future__ import annotations

import pandas as pd
import pytest

from mentoreval.errors import DataError
from mentoreval.panel.panel import Panel, panel_from_frame
from mentoreval.panel.timeline import Timeline


def make(paths: dict[str, list[object]], periods: list[object] | None = None) -> Panel:
    """One student for each path; None where there is no row."""
    rows = [
        (student, (periods or [1, 2, 3, 4])[place], on, 1.0)
        for student, path in paths.items()
        for place, on in enumerate(path)
        if on is not None
    ]
    frame = pd.DataFrame(rows, columns=["student", "year", "mentored", "absent"])
    return panel_from_frame(frame, unit="student", period="year", treated="mentored", outcomes=["absent"])


def test_the_start_is_the_first_period_with_a_one() -> None:
    panel = make({"ana": [0, 1, 1, 0], "ben": [0, 0, 1, 1], "eva": [0, 0, 0, 0], "leo": [1, 1, 0, 0]})
    assert panel.start.tolist() == [2, 3, Timeline.NEVER, 1]
    assert panel.status == "mentored"
    assert panel.n_ended == 2
    assert panel.acts.astype(int).tolist() == [[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]]


def test_where_nothing_ends_it_is_a_panel_of_starts() -> None:
    panel = make({"ana": [0, 1, 1, 1], "eva": [0, 0, 0, 0]})
    assert panel.status is None
    assert panel.n_ended == 0
    assert panel.acts.astype(int).tolist() == [[0, 1, 1, 1], [0, 0, 0, 0]]


def test_periods_may_be_texts_and_values_true_and_false() -> None:
    years = ["2020-21", "2021-22", "2022-23", "2023-24"]
    panel = make({"ana": [False, True, False, False], "eva": [False] * 4}, list(years))
    assert panel.timeline.label(int(panel.start[0])) == "2021-22"
    assert panel.n_ended == 1


def test_a_student_without_a_row_stays_as_before() -> None:
    panel = make({"ana": [0, 1, None, 0], "eva": [0, 0, 0, 0], "leo": [None, 1, 0, 1]})
    assert panel.acts[0].astype(int).tolist() == [0, 1, 1, 0]
    assert panel.acts[2].astype(int).tolist() == [0, 1, 0, 1]


def test_a_flag_that_never_changes_does_not_say_since_when() -> None:
    with pytest.raises(DataError, match="not since when: mentored never changes within a unit, and year has 4 periods"):
        make({"ana": [1, 1, 1, 1], "eva": [0, 0, 0, 0]})


def test_other_values_are_refused() -> None:
    with pytest.raises(DataError, match="must be 0 or 1 in every row; 1 of 8 rows"):
        make({"ana": [0, 2, 1, 1], "eva": [0, 0, 0, 0]})
