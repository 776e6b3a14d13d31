"""Coarsened exact matching on made-up students: classes of numbers and texts, k2k, and the message for each mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.methods import METHODS, CoarsenedExact
from mentoreval.errors import DesignError, OptionError
from mentoreval.panel.panel import Panel
from mentoreval.registry import build, spec_of


def facts(panel: Panel, **options: object) -> dict[str, object]:
    return choose_design(panel, CoarsenedExact(**options)).weighting.facts  # type: ignore[arg-type]


def test_numbers_are_cut_by_the_rule_of_sturges(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """⌈log₂ 240 + 1⌉ = 9 classes of equal width; of absences some hold nobody."""
    panel = panel_of(students)
    occupied = np.unique(np.floor(9 * (students["gpa"] - students["gpa"].min()) / np.ptp(students["gpa"])).clip(0, 8))
    classes = facts(panel)["classes"]
    assert isinstance(classes, dict)
    assert classes["gpa"] == len(occupied) <= 9
    assert (classes["grade"], classes["lunch"]) == (3, 2)


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ([2.0, 3.0], [0, 1, 1, 2, 2]),  # a value on a cut point belongs above it
        (2, [0, 0, 1, 1, 1]),  # halves of 1 … 4: cut at 2.5
        ("q2", [0, 0, 1, 1, 1]),  # the median, 3, belongs above
        ("exact", [0, 1, 2, 3, 4]),
    ],
)
def test_each_form_of_cut_points(cut: object, expected: list[int], panel_of: Callable[..., Panel]) -> None:
    gpa = [1.0, 2.0, 2.9, 3.0, 4.0] if cut != 2 and cut != "q2" else [1.0, 2.0, 3.0, 3.5, 4.0]
    frame = pd.DataFrame(
        {"id": range(10), "gpa": gpa * 2, "mentored": [True] * 5 + [False] * 5, "attendance": 0.9},
    )
    panel = panel_of(frame, covariates=["gpa"], school=None)
    design = choose_design(panel, CoarsenedExact(cutpoints={"gpa": cut}))
    assert design.weighting.matched_set.tolist() == expected * 2


def test_levels_that_count_as_one(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students, covariates=["grade"])
    design = choose_design(panel, CoarsenedExact(groupings={"grade": [["6", "7"]]}))
    table = students.assign(set=design.weighting.matched_set).groupby("grade")["set"].agg(["min", "max"])
    assert table.loc["6"].tolist() == table.loc["7"].tolist() != table.loc["8"].tolist()


def test_one_to_one_pairs_in_a_stratum(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    options = {"cutpoints": {"gpa": 3, "absent": 3}}
    whole, paired = (choose_design(panel, CoarsenedExact(k2k=k2k, **options)) for k2k in (False, True))  # type: ignore[arg-type]
    pairs, stratum = paired.weighting.pairs, whole.weighting.matched_set
    np.testing.assert_array_equal(stratum[pairs[:, 0]], stratum[pairs[:, 1]])
    sizes = students.assign(set=stratum)[stratum >= 0].groupby(["set", "mentored"]).size().unstack()
    assert len(pairs) == sizes.min(axis=1).sum()
    assert len(np.unique(pairs)) == pairs.size
    assert set(paired.weighting.weights) == {0.0, 1.0}
    np.testing.assert_array_equal(paired.weighting.matched_set[pairs[:, 0]], paired.weighting.matched_set[pairs[:, 1]])
    assert (paired.weighting.pair_distance >= 0).all()


def test_cohorts_are_never_mixed(cohort_panel: Panel) -> None:
    table = choose_design(cohort_panel, CoarsenedExact()).weights
    assert (table.groupby("matched_set")["cohort"].nunique() == 1).all()
    assert table["cohort"].nunique() == 2


def test_it_is_written_in_a_study_file_as_a_table() -> None:
    spec = {
        "kind": "coarsened_exact",
        "cutpoints": {"gpa": [2.0, 3.0], "absent": 4},
        "groupings": {"grade": [["6", "7"]]},
    }
    made = build(METHODS, spec, "design")
    assert made == CoarsenedExact(cutpoints={"absent": 4, "gpa": [2.0, 3.0]}, groupings={"grade": (("6", "7"),)})
    assert build(METHODS, spec_of(made), "design") == made
    assert len({made, build(METHODS, spec, "design")}) == 1


# ---------------------------------------------------------------------- mistakes
MISTAKES = {
    "form": ({"cutpoints": {"gpa": "fine"}}, r"cutpoints of 'gpa' = 'fine' is not allowed. It takes a list of numbers"),
    "zero": ({"cutpoints": {"gpa": 0}}, r"cutpoints of 'gpa' = 0 is not allowed"),
    "unknown": ({"cutpoints": {"gpaa": 3}}, r"'gpaa' is not a covariate of the design. Did you mean 'gpa'"),
    "text": ({"cutpoints": {"grade": 3}}, r"'grade' is a text and has no cut points. Use groupings"),
    "number": ({"groupings": {"gpa": [["1", "2"]]}}, r"'gpa' is a number and has no groupings. Use cutpoints"),
    "level": ({"groupings": {"grade": [["6", "9"]]}}, r"'grade' has no level '9'.*Available: 6, 7, 8"),
    "table": ({"cutpoints": [3]}, r"cutpoints is a table by covariate; got \(3,\)"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named(case: str, students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    options, message = MISTAKES[case]
    with pytest.raises(OptionError, match=message):
        choose_design(panel_of(students), CoarsenedExact(**options))  # type: ignore[arg-type]


def test_no_stratum_with_both_arms(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(DesignError, match=r"none of the 240 strata holds students of both arms.*fewer classes"):
        choose_design(panel_of(students), CoarsenedExact(cutpoints={"gpa": "exact"}))


def test_pairs_do_not_serve_the_average_of_everybody(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(DesignError, match=r"the ATT or the ATC, not for the ATE\. Leave k2k out"):
        choose_design(panel_of(students), CoarsenedExact(k2k=True), estimand="ATE")
