"""Which sentence a result has earned, case by case, and how it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentoreval.evidence.wwc import judge_baseline
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.judgement import judge_effect
from mentoreval.report.plain import say_result
from mentoreval.report.section import Material
from mentoreval.report.words import Words

MORE_IS_BETTER, LESS_IS_BETTER = MeasureFacts("days", True, "attendance"), MeasureFacts("days", False, "attendance")


def interval(low: float, high: float) -> pd.Series:
    return pd.Series({"estimate": (low + high) / 2, "conf_low": low, "conf_high": high})


@pytest.mark.parametrize(
    ("low", "high", "facts", "meaningful", "expected"),
    [
        (0.5, 3.0, MORE_IS_BETTER, 2.0, "better"),
        (-3.0, -0.5, MORE_IS_BETTER, 2.0, "worse"),
        (0.5, 3.0, LESS_IS_BETTER, 2.0, "worse"),
        (-3.0, -0.5, LESS_IS_BETTER, 2.0, "better"),
        (0.5, 3.0, None, 2.0, "higher"),
        (-3.0, -0.5, None, None, "lower"),
        (-1.0, 3.0, MORE_IS_BETTER, 2.0, "cannot_tell"),  # 2 would matter and is inside
        (-3.0, 1.0, MORE_IS_BETTER, 2.0, "cannot_tell"),  # so is -2
        (-1.0, 1.0, MORE_IS_BETTER, 2.0, "small_at_most"),
        (-1.0, 2.0, MORE_IS_BETTER, 2.0, "cannot_tell"),  # the bound itself would matter
        (-0.01, 0.01, MORE_IS_BETTER, None, "cannot_tell"),  # nobody said what would matter
        (0.0, 3.0, MORE_IS_BETTER, 5.0, "small_at_most"),  # an interval that touches zero holds it
        (np.nan, np.nan, MORE_IS_BETTER, 2.0, "no_interval"),
    ],
)
def test_what_may_be_said_of_an_effect(low, high, facts, meaningful, expected):
    assert judge_effect(interval(low, high), facts, meaningful) == expected


def baseline(*rows: tuple[str, str, bool, bool]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["covariate", "band", "adjusted", "decides"])
    sizes = {"satisfied": 0.01, "needs_adjustment": -0.2, "not_satisfied": 0.4, "cannot_judge": np.nan}
    return frame.assign(effect_size=frame["band"].map(sizes))


@pytest.mark.parametrize(
    ("rows", "case", "covariates"),
    [
        ([("prior_days", "satisfied", False, True)], "alike", ("prior_days",)),
        ([("prior_days", "needs_adjustment", True, True)], "adjusted", ("prior_days",)),
        ([("prior_days", "needs_adjustment", False, True)], "not_adjusted", ("prior_days",)),
        ([("prior_days", "not_satisfied", True, True)], "not_alike", ("prior_days",)),
        ([("prior_days", "satisfied", True, True), ("race", "not_satisfied", True, False)], "alike", ("prior_days",)),
        ([("prior_days", "cannot_judge", True, True)], "unknown", ("prior_days",)),
        ([("a", "cannot_judge", True, True), ("b", "satisfied", True, True)], "unknown", ("a",)),
        ([("a", "cannot_judge", True, True), ("b", "not_satisfied", True, True)], "not_alike", ("b",)),
        ([], "unknown", ()),
    ],
)
def test_whether_the_arms_were_alike(rows, case, covariates):
    opinion = judge_baseline(baseline(*rows))
    assert (opinion.case, opinion.covariates) == (case, covariates)


ALIKE = baseline(("prior_attendance_rate", "satisfied", True, True))


def said(evaluation, low: float, high: float, rows: pd.DataFrame = ALIKE, language: str = "en") -> tuple[str, str]:
    """Label and sentences for an attendance rate with this interval; 0.01 (1.8 days) would matter."""
    first = evaluation.results[0]
    headline = pd.Series({**first.headline, **interval(low, high)})
    result = replace(first, headline=headline, baseline=rows)
    material = Material.gather(evaluation, {"impact_plot": EXHIBITS["impact_plot"]})
    statement = say_result(material, result, Words(language))
    return statement.label, " ".join(statement.sentences)


def test_a_better_result_gives_days_and_their_range(evaluation):
    label, text = said(evaluation, 0.01, 0.03)
    assert label == "Better"
    assert text.startswith(
        "Students in Mentors and Friends came to school about 3.6 more days a year than comparison students. "
        "The true difference is likely between 1.8 and 5.4 more days a year. "
        "The chance of an improvement of 1.8 days a year or more is about "
    )


def test_a_better_result_that_is_too_small_to_matter_says_so(evaluation):
    assert said(evaluation, 0.002, 0.006)[1].endswith(
        "That is less than 1.8 days a year, the smallest difference that would matter."
    )


def test_no_effect_is_never_said_while_one_that_matters_is_possible(evaluation):
    label, text = said(evaluation, -0.005, 0.025)
    assert label == "We cannot tell"
    assert "We cannot tell if Mentors and Friends made a difference in attendance rate." in text
    assert "from 0.9 fewer to 4.5 more days a year" in text
    assert "A difference of 1.8 days a year would matter, and we cannot rule it out." in text


def test_a_narrow_interval_around_zero_bounds_the_difference(evaluation):
    label, text = said(evaluation, -0.004, 0.006)
    assert label == "Small at most"
    assert "it is likely smaller than 1.8 days a year" in text


def test_groups_that_were_not_alike_come_first(evaluation):
    label, text = said(evaluation, 0.01, 0.03, baseline(("prior_attendance_rate", "not_satisfied", True, True)))
    assert label == "Not a fair comparison"
    assert text.startswith("The two groups were not alike before the program began.")
    assert "attendance rate before the program" in text
    assert text.endswith("So this number should not be read as the effect of Mentors and Friends.")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (ALIKE.iloc[:0], "We could not check if the two groups were alike before the program began."),
        (baseline(("prior_gpa", "needs_adjustment", False, True)), "this number does not take that into account."),
    ],
)
def test_doubts_about_the_baseline_follow_the_result(evaluation, rows, sentence):
    label, text = said(evaluation, 0.01, 0.03, rows)
    assert label == "Better"
    assert text.endswith(sentence)


def test_the_same_in_spanish(evaluation):
    label, text = said(evaluation, 0.01, 0.03, language="es")
    assert label == "Mejor"
    assert text.startswith(
        "Los estudiantes en Mentors and Friends fueron a la escuela unos 3.6 días más al año que los de comparación. "
        "Es probable que la diferencia real esté entre 1.8 y 5.4 días más al año. "
        "La probabilidad de una mejora de 1.8 días al año o más es de más o menos el "
    )
