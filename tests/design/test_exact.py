"""Exact matching on made-up students: strata, weights by hand, cohorts, and the message for every mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.methods import Exact
from mentoreval.errors import DesignError
from mentoreval.panel.panel import Panel

BY_HAND = pd.DataFrame(
    {
        "id": list("abcdefgh"),
        "club": ["chess", "chess", "chess", "choir", "choir", "choir", "choir", "drama"],
        "mentored": [True, False, False, True, True, True, False, True],
        "attendance": 0.9,
    }
)
"""Chess: 1 treated, 2 others. Choir: 3 treated, 1 other. Drama: nobody to compare with."""

# Raw weights of the stratum, each arm then scaled to a mean of 1; b and c are in chess, g in choir.
WEIGHTS = {
    "ATT": [1, 3 / 8, 3 / 8, 1, 1, 1, 9 / 4, 0],  # others: 1/2, 1/2, 3, of mean 4/3
    "ATC": [8 / 3, 1, 1, 4 / 9, 4 / 9, 4 / 9, 1, 0],  # treated: 2, 1/3, 1/3, 1/3, of mean 3/4
    "ATE": [12 / 7, 9 / 14, 9 / 14, 16 / 21, 16 / 21, 16 / 21, 12 / 7, 0],  # 3, 4/3 ×3 of 7/4; 3/2, 3/2, 4 of 7/3
}


@pytest.mark.parametrize("estimand", WEIGHTS)
def test_weights_by_hand(estimand: str, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(BY_HAND, covariates=["club"], school=None)
    design = choose_design(panel, Exact(), estimand=estimand)  # type: ignore[arg-type]
    np.testing.assert_allclose(design.weighting.weights, WEIGHTS[estimand])
    assert design.weighting.matched_set.tolist() == [0, 0, 0, 1, 1, 1, 1, -1]
    assert len(design.matched_sets) == 0


def test_facts_count_those_whose_effect_is_asked_for(panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(BY_HAND, covariates=["club"], school=None)
    counted = {
        estimand: [
            choose_design(panel, Exact(), estimand=estimand).weighting.facts[key]  # type: ignore[arg-type]
            for key in ("n_to_match", "n_matched", "n_unmatched", "n_sets", "largest_set", "matched_on")
        ]
        for estimand in WEIGHTS
    }
    assert counted == {
        "ATT": [5, 4, 1, 2, 4, ("club",)],
        "ATC": [3, 3, 0, 2, 4, ("club",)],
        "ATE": [8, 7, 1, 2, 4, ("club",)],
    }


def test_it_agrees_on_the_categories_unless_told_otherwise(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel = panel_of(students)
    assert choose_design(panel, Exact()).weighting.facts["matched_on"] == ("grade", "lunch")
    design = choose_design(panel, Exact(on=["school", "grade"]))
    table = students.assign(set=design.weighting.matched_set, weight=design.weighting.weights)
    inside = table[table["set"] >= 0]
    assert (inside.groupby("set")[["school", "grade"]].nunique() == 1).all(axis=None)
    by_hand = students.groupby(["school", "grade"])["mentored"].agg(["sum", "size"])
    both = by_hand[(by_hand["sum"] > 0) & (by_hand["sum"] < by_hand["size"])]
    assert inside["set"].nunique() == len(both)
    sums = inside.pivot_table(index="set", columns="mentored", values="weight", aggfunc="sum")
    np.testing.assert_allclose(sums[True] / sums[True].sum(), sums[False] / sums[False].sum())


def test_the_arms_are_alike_in_what_was_matched_on(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Exact(on=["grade"]))
    frame = design.balance().frame
    np.testing.assert_allclose(frame.loc[frame["covariate"] == "grade", "smd_after"], 0, atol=1e-12)


def test_sampling_weights_multiply(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["w"] = np.where(students["lunch"], 3.0, 1.0)
    plain = choose_design(panel_of(students), Exact()).weighting.weights
    weighted = choose_design(panel_of(students, weight="w"), Exact()).weighting.weights
    np.testing.assert_allclose(weighted, plain * students["w"])


def test_cohorts_are_never_mixed(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Exact(on=["school"]))
    table = design.weights
    assert (table.groupby("matched_set")["cohort"].nunique() == 1).all()
    assert (table.groupby("matched_set")["treated"].nunique() == 2).all()
    assert table["cohort"].nunique() == 2


# ---------------------------------------------------------------------- mistakes
def test_numbers_alone_are_no_categories(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(DesignError, match=r"no covariate is a category: name them.*CoarsenedExact"):
        choose_design(panel_of(students), Exact(), covariates=["gpa", "absent"])


def test_no_stratum_with_both_arms(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    treated = int(students["mentored"].sum())
    with pytest.raises(
        DesignError, match=rf"none of the 240 strata of gpa holds students of both arms \({treated} treated"
    ):
        choose_design(panel_of(students), Exact(on=["gpa"]))


def test_the_overlap_estimand_names_the_method_that_serves_it(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    with pytest.raises(DesignError, match=r"'exact' answers for .* not for the ATO.*use overlap_weighting"):
        choose_design(panel_of(students), Exact(), estimand="ATO")
