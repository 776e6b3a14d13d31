"""How well the items of a survey scale go together: Cronbach's alpha, and where it is said."""

from __future__ import annotations

import math
import string
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mentoreval.numerics.reliability import cronbach_alpha
from mentoreval.panel.build import build_panel
from mentoreval.panel.measures import SurveyScale
from mentoreval.panel.programs import OneToOne
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import Records, read_records

ANSWERS = {  # student: cares, listens, bored
    "01": (5, 4, 1), "02": (4, 4, 2), "03": (3, 2, 3), "04": (2, 3, 4), "05": (5, 5, 1), "06": (1, 2, 5),
    "07": (4, 3, 2), "08": (3, 3, 3), "09": (2, 1, 5), "10": (5, 4, 2), "11": (4, None, 2),
}  # fmt: skip
SCALE = SurveyScale(items=("cares", "listens", "bored"), reverse=("bored",), min_answered=0.5)


def records(answers: dict[str, tuple[float | None, ...]]) -> Records:
    """A district in which these students answered these items."""
    students = list(answers)
    forms = [
        (f"f{student}", "2021-22", item, answer, student)
        for student, given in answers.items()
        for item, answer in zip(SCALE.items, given, strict=True)
    ]
    spells = [(student, "north", "2021-22", "5", "2021-09-01", "2022-06-10") for student in students]
    tables = {
        "students": pd.DataFrame({"student_id": students}),
        "enrolment": pd.DataFrame(
            spells, columns=["student_id", "school_id", "school_year", "grade_level", "entry_date", "exit_date"]
        ),
        "surveys": pd.DataFrame(forms, columns=["form_id", "school_year", "item", "answer", "student_id"]),
        "matches": pd.DataFrame(
            [("m1", students[0], "t1", "2021-09-01")], columns=["match_id", "student_id", "mentor_id", "start_date"]
        ),
        "sessions": pd.DataFrame([("m1", "2021-09-02", 30)], columns=["match_id", "date", "minutes"]),
    }
    return read_records(tables)


def test_alpha_of_two_items_is_twice_their_covariance_over_the_mean_variance_of_the_sum() -> None:
    """k/(k-1) (1 - sum of variances / variance of the sum) = 4 cov / (var + var + 2 cov) for k = 2."""
    first, second = np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])
    variance, covariance = 5 / 3, 1.0  # of both, by hand: deviations -1.5 -.5 .5 1.5 and -.5 -1.5 1.5 .5
    expected = 4 * covariance / (2 * variance + 2 * covariance)
    assert cronbach_alpha(np.column_stack([first, second])) == pytest.approx(expected, abs=1e-15)
    assert expected == pytest.approx(0.75)


def test_alpha_of_the_same_item_three_times_is_one_and_of_one_item_is_unknown() -> None:
    item = np.array([[1.0], [2], [5]])
    assert cronbach_alpha(np.repeat(item, 3, axis=1)) == pytest.approx(1)
    assert math.isnan(cronbach_alpha(item))


def test_alpha_counts_complete_answers_with_reversed_items_turned() -> None:
    """Student 11 left out one item. Reversed answers are 6 - x."""
    complete = np.array([(a, b, 6 - c) for a, b, c in ANSWERS.values() if b is not None], dtype=float)
    covariances = np.cov(complete.T)
    expected = 3 / 2 * (1 - np.trace(covariances) / covariances.sum())
    assert SCALE.alpha(RecordsByPeriod(records(ANSWERS))) == pytest.approx(expected, abs=1e-12)
    assert expected > 0.9


def test_the_rule_of_the_panel_says_alpha() -> None:
    panel = build_panel(records(ANSWERS), program=OneToOne(min_sessions=1), measures=[SCALE])
    alpha = SCALE.alpha(RecordsByPeriod(records(ANSWERS)))
    rule = panel.measures["survey_scale"].rule
    assert rule == (f"survey_scale_with_alpha items=3 reversed=1 lowest=1 highest=5 min_answered=50% alpha={alpha:.2f}")


def test_too_few_complete_answers_give_no_alpha_in_the_rule() -> None:
    few = {student: given for student, given in ANSWERS.items() if student < "06"}
    panel = build_panel(records(few), program=OneToOne(min_sessions=1), measures=[SCALE])
    assert panel.measures["survey_scale"].rule.startswith("survey_scale items=3")


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_report_has_words_for_alpha(language: str) -> None:
    import mentoreval.report.languages as home

    words = tomllib.loads((Path(home.__path__[0]) / f"{language}.toml").read_text(encoding="utf-8"))
    said = words["rule"]["survey_scale_with_alpha"]
    fields = {name for _, name, _, _ in string.Formatter().parse(said) if name}
    assert fields == {"items", "lowest", "highest", "reversed", "min_answered", "alpha"}
