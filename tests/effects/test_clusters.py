"""Clusters: one school, set and mentor for each student, whatever the student's entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.effects.clusters import entry_of_unit, keeps_everyone, own_school, unit_clusters
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import DifferenceInMeans
from mentoreval.effects.inference import natural_cluster
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame

MOVES = pd.DataFrame(
    {
        "student": ["a"] * 4 + ["b"] * 4 + ["c"] * 4,
        "year": [1, 2, 3, 4] * 3,
        "start": [3.0] * 4 + [4.0] * 4 + [np.nan] * 4,
        "school": ["east", "east", "west", "west"] + ["east"] * 3 + ["north"] + ["west", "west", "east", "north"],
        "mentor": [None, None, "mia", "mia", None, None, None, "mia"] + [None] * 4,
        "absent": np.arange(12.0) ** 2,
    }
)


def design_of(frame: pd.DataFrame, method: Any = None, **options: Any) -> Design:
    panel = panel_from_frame(
        frame,
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        school="school",
        mentor="mentor",
    )
    return choose_design(panel, method, **options)


def test_the_school_is_the_one_at_the_start_and_of_the_first_cohort_for_a_comparison() -> None:
    schools = unit_clusters(design_of(MOVES))["school"]
    names = ["east", "north", "west"]
    assert [names[code] for code in schools] == ["west", "north", "east"]


def test_refits_draw_the_school_at_the_own_start_or_the_first() -> None:
    names = ["east", "north", "west"]
    assert [names[code] for code in own_school(design_of(MOVES).panel)] == ["west", "north", "east"]
    later = MOVES.assign(start=MOVES["start"].replace(3.0, 4.0))
    assert [names[code] for code in own_school(design_of(later).panel)] == ["west", "north", "north"]


def test_students_of_one_mentor_are_one_cluster_and_others_stand_alone() -> None:
    a, b, c = unit_clusters(design_of(MOVES))["mentor"]
    assert a == b
    assert c not in (a, b)


def test_the_own_cohort_speaks_for_a_unit_that_also_compares() -> None:
    design = design_of(MOVES, pool="not_yet_treated")
    entry = entry_of_unit(design)
    base = design.baseline
    assert base.cohort[entry].tolist() == [3, 4, 3]
    assert base.treated[entry].tolist() == [True, True, False]


def test_sets_are_clusters_where_everyone_is_in_one(given: Any) -> None:
    frame = MOVES[MOVES["student"] != "b"]
    design = design_of(frame, given((1.0, 1.0), (0, 0)))
    assert unit_clusters(design)["matched_set"].tolist() == [0, 0]
    assert "matched_set" not in unit_clusters(design_of(frame, given((1.0, 1.0), (0, -1))))
    in_two_sets = design_of(MOVES, given((1.0, 1.0, 1.0, 1.0), (0, 0, 1, 1)))
    assert "matched_set" not in unit_clusters(in_two_sets), "c is the comparison of a and of b"


def test_a_design_that_chooses_does_not_keep_everyone(panel: Panel, given: Any) -> None:
    design = choose_design(panel)
    assert keeps_everyone(design)
    weights = np.ones(design.baseline.size)
    weights[-1] = 0.0
    assert not keeps_everyone(choose_design(panel, given(tuple(weights))))
    rule = Eligibility("gpa", at_least=2.0)
    assert not keeps_everyone(choose_design(panel, eligibility=[rule]))


def test_the_natural_cluster_is_the_highest(panel: Panel, frame: pd.DataFrame, given: Any) -> None:
    assert natural_cluster(DifferenceInMeans().fit(choose_design(panel), "absent")) == "school"
    one = frame.assign(school="only")
    single = panel_from_frame(
        one, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    assert natural_cluster(DifferenceInMeans().fit(choose_design(single), "absent")) == "student"


def test_a_student_without_school_stops_errors_by_school(frame: pd.DataFrame) -> None:
    frame.loc[frame["student"] == "s0001", "school"] = None
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    with pytest.raises(EffectError, match=r"1 of 160 rows have no school.*student"):
        estimate_effect(choose_design(panel), "absent", DifferenceInMeans())
    by_student = estimate_effect(
        choose_design(panel), "absent", DifferenceInMeans(), inference=ClusterRobust("student")
    )
    assert by_student.n_clusters == 120
