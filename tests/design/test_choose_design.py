"""Baselines, the sample flow and the frames of a design."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import NO_SET, choose_design, stand_at_start
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.methods import METHODS, Nearest, Unadjusted
from mentoreval.errors import DesignError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def test_unadjusted_compares_everybody_with_their_sampling_weights(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students["w"] = np.arange(len(students)) % 3 + 1.0
    students.loc[0, "gpa"] = np.nan
    weighting = choose_design(panel_of(students, weight="w")).weighting
    np.testing.assert_array_equal(weighting.weights, students["w"])
    assert weighting.considered.all()
    assert (weighting.matched_set == NO_SET).all()
    assert weighting.pairs.shape == (0, 2)
    assert np.isnan(weighting.propensity).all()


def test_a_baseline_has_an_entry_for_each_start_at_which_a_unit_could_be_chosen(
    cohorts: pd.DataFrame, cohort_panel: Panel
) -> None:
    base = stand_at_start(cohort_panel, ("gpa", "prior_absent"))
    start = cohorts.groupby("id", sort=False)["start"].first()
    never, sizes = int(start.isna().sum()), start.value_counts()
    assert base.size == 2 * never + sizes[2020] + sizes[2021]
    for cohort in (2020, 2021):
        here = (base.cohort == cohort) & ~base.treated
        expected = cohorts[(cohorts["year"] == cohort - 1) & cohorts["start"].isna()]
        np.testing.assert_array_equal(base.frame.loc[here, "gpa"], expected["gpa"])
        np.testing.assert_array_equal(base.frame.loc[here, "prior_absent"], expected["absent"])


def test_only_students_enrolled_before_and_at_the_start_are_at_risk(cohorts: pd.DataFrame) -> None:
    gone = ((cohorts["id"] == 3) & (cohorts["year"] == 2019)) | ((cohorts["id"] == 4) & (cohorts["year"] == 2021))
    panel = panel_from_frame(cohorts[~gone], unit="id", period="year", first_treated="start", outcomes=["absent"])
    base = stand_at_start(panel, (), "not_yet_treated")
    missing = {(int(u), int(c)) for u, c in zip(base.unit[~base.at_risk], base.cohort[~base.at_risk], strict=True)}
    start = cohorts.groupby("id")["start"].first()
    expected = {(3, 2020)} if not start[3] < 2020 else set()
    expected |= {(4, 2021)} if not start[4] < 2021 else set()
    assert missing == expected


def test_a_start_between_two_periods_is_at_risk_in_the_next(cohorts: pd.DataFrame) -> None:
    every_other = cohorts[cohorts["year"].isin([2018, 2020, 2022])]
    panel = panel_from_frame(every_other, unit="id", period="year", first_treated="start", outcomes=["absent"])
    base = stand_at_start(panel, ("prior_absent",))
    assert base.at_risk.all()
    here = (base.cohort == 2021) & base.treated
    expected = cohorts[(cohorts["year"] == 2020) & (cohorts["start"] == 2021)]["absent"]
    np.testing.assert_array_equal(base.frame.loc[here, "prior_absent"], expected)


def test_the_school_is_a_text_also_where_it_is_a_number(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["school"] = students["school"].map({"east": 10, "north": 20, "west": 30})
    design = choose_design(panel_of(students), Nearest(), covariates=["gpa", "school"])
    assert design.balance().frame["level"].tolist() == ["", "", "10", "20", "30"]


def test_the_flow_counts_distinct_units(cohorts: pd.DataFrame, cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Nearest(), eligibility=[Eligibility("prior_absent", at_least=8.0)])
    flow = {step.key: (step.n_treated, step.n_comparison) for step in design.flow}
    start = cohorts.groupby("id")["start"].first()
    assert flow["in_panel"] == (int(start.notna().sum()), int(start.isna().sum()))
    assert flow["in_panel"][0] > flow["eligible"][0] == flow["at_risk"][0] == flow["considered"][0]
    assert flow["compared"] == (
        design.weights.query("treated")["unit"].nunique(),
        design.weights.query("not treated")["unit"].nunique(),
    )


def test_no_step_of_the_flow_adds_students(cohorts: pd.DataFrame) -> None:
    gone = (cohorts["id"] % 7 == 0) & (cohorts["year"] == 2019)
    panel = panel_from_frame(
        cohorts[~gone], unit="id", period="year", first_treated="start", covariates=["gpa"], outcomes=["absent"]
    )
    for method in (Unadjusted(), Nearest()):
        steps = choose_design(panel, method).flow
        for arm in ("n_treated", "n_comparison"):
            counts = [getattr(step, arm) for step in steps]
            assert counts == sorted(counts, reverse=True)


def test_frames_for_people_use_their_labels(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest())
    assert list(design.matched_sets.columns) == [
        "cohort", "treated", "comparison", "propensity_treated", "propensity_comparison", "distance",
    ]  # fmt: skip
    assert set(design.matched_sets["treated"]) == set(students.loc[students["mentored"], "id"])
    assert list(design.weights.columns) == ["unit", "cohort", "treated", "weight", "matched_set", "propensity"]
    sizes = design.weights.groupby("matched_set").size()
    assert (sizes == 2).all()
    assert repr(design).startswith("Design: nearest, ATT; ")
    assert "<table" in design._repr_html_()


def test_eligibility_that_nobody_meets_leaves_nobody(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    for method in (Nearest(), Unadjusted()):
        with pytest.raises(DesignError, match=r"No cohort has students|leaves no treated unit"):
            choose_design(panel, method, eligibility=[Eligibility("absent", at_least=1e6)])


def test_every_treated_unit_starts_in_the_first_period(cohorts: pd.DataFrame) -> None:
    late = cohorts[cohorts["year"] >= 2021].assign(
        start=lambda frame: frame["start"].where(frame["start"].isna(), 2021)
    )
    panel = panel_from_frame(late, unit="id", period="year", first_treated="start", outcomes=["absent"])
    with pytest.raises(DesignError, match="starts in the first period"):
        choose_design(panel)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"estimand": "ATTT"}, r"no estimand 'ATTT'. Did you mean 'ATT'"),
        ({"covariates": "gpa"}, r"not the text 'gpa': write \['gpa'\]"),
        ({"method": Nearest}, r"a method such as Nearest\(\) or Unadjusted\(\), not <class"),
        ({"method": "nearest"}, r"a method such as Nearest\(\) or Unadjusted\(\), not 'nearest'"),
    ],
)
def test_a_request_that_can_not_be_is_named(
    request_: dict[str, object], message: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    with pytest.raises(OptionError, match=message):
        choose_design(panel_of(students), **request_)  # type: ignore[arg-type]


def test_a_method_that_is_misspelt_gets_a_suggestion() -> None:
    from mentoreval.registry import build

    with pytest.raises(OptionError, match=r"no design named 'neerest'. Did you mean 'nearest'"):
        build(METHODS, "neerest", "design")
