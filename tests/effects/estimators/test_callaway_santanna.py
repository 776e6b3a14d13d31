"""Callaway–Sant'Anna: every cell equals a double loop, and every rule for who is in a cell."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.effects.cells import BasePeriod, Control
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.numerics.did_cells import CellMethod
from mentoreval.panel.panel import Panel, panel_from_frame

TWIN = runpy.run_path(str(Path(__file__).resolve().parents[2] / "twins" / "att_gt_loop.py"))
att_gt: Callable[..., dict[tuple[int, int], float]] = TWIN["att_gt"]


def make_panel(frame: pd.DataFrame, **roles: Any) -> Panel:
    named = {"unit": "student", "period": "year", "first_treated": "start", "outcomes": ["absent"], **roles}
    return panel_from_frame(frame, **named)


def fit(panel: Panel, pool: Control | None = None, **options: Any) -> pd.DataFrame:
    estimator = CallawaySantAnna(**options)
    design = choose_design(panel, pool=pool or estimator.control)
    return estimate_effect(design, "absent", estimator).frame


def cells(found: pd.DataFrame) -> dict[tuple[int, int], float]:
    return {(int(row.cohort), int(row.period)): row.estimate for row in found.itertuples()}


def loop(frame: pd.DataFrame, **options: Any) -> dict[tuple[int, int], float]:
    names = {"student": "unit", "year": "period", "absent": "y"}
    return att_gt(frame.rename(columns=names), **options)


@pytest.mark.parametrize("control", get_args(Control))
@pytest.mark.parametrize("base_period", get_args(BasePeriod))
@pytest.mark.parametrize("anticipation", [0, 1])
def test_every_cell_is_that_of_a_double_loop(
    frame: pd.DataFrame, control: Control, base_period: BasePeriod, anticipation: int
) -> None:
    options = {"control": control, "base_period": base_period, "anticipation": anticipation}
    found, expected = cells(fit(make_panel(frame), **options)), loop(frame, **options)
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[key] for key in expected], list(expected.values()), atol=1e-12)


@pytest.mark.parametrize("control", get_args(Control))
def test_with_missing_rows_and_outcomes_each_cell_uses_the_units_known_in_both_its_periods(
    frame: pd.DataFrame, control: Control
) -> None:
    rng = np.random.default_rng(5)
    frame = frame[rng.random(len(frame)) > 0.1].copy()
    frame.loc[frame.index[rng.random(len(frame)) < 0.1], "absent"] = np.nan
    found, expected = fit(make_panel(frame), control=control), loop(frame, control=control)
    np.testing.assert_allclose([cells(found)[key] for key in expected], list(expected.values()), atol=1e-12)
    wide = frame.pivot(index="student", columns="year", values="absent")
    start = frame.groupby("student")["start"].first()
    both = wide[[2002, 2004]].notna().all(axis=1)
    row = found[(found["cohort"] == 2003) & (found["period"] == 2004)].iloc[0]
    assert row["n_treated"] == int((both & (start == 2003)).sum())


@pytest.mark.parametrize("method", get_args(CellMethod))
def test_the_method_makes_no_difference_without_covariates(frame: pd.DataFrame, method: CellMethod) -> None:
    panel = make_panel(frame)
    pd.testing.assert_frame_equal(fit(panel, method=method), fit(panel))


def test_one_cohort_and_its_first_period_is_the_2x2(frame: pd.DataFrame) -> None:
    panel = make_panel(frame[(frame["start"] == 2003) | frame["start"].isna()])
    design = choose_design(panel)
    cs = estimate_effect(design, "absent", CallawaySantAnna(), inference=ClusterRobust("student", "CR0")).frame
    two = estimate_effect(design, "absent", Did2x2(event_time=1), inference=ClusterRobust("student", "CR0")).frame
    row = cs[cs["period"] == 2004].iloc[0]
    assert row["estimate"] == pytest.approx(two["estimate"].iloc[0], abs=1e-12)
    assert row["std_error"] == pytest.approx(two["std_error"].iloc[0], abs=1e-12)


def test_school_years_as_texts_give_the_numbers_of_whole_years(frame: pd.DataFrame) -> None:
    def label(year: float) -> str | None:
        return None if np.isnan(year) else f"{int(year)}-{int(year) % 100 + 1:02d}"

    texts = frame.assign(year=frame["year"].map(label), start=frame["start"].map(label))
    found, expected = fit(make_panel(texts)), fit(make_panel(frame))
    np.testing.assert_array_equal(found["estimate"], expected["estimate"])
    assert found["period"].tolist()[:2] == ["2002-03", "2003-04"]
    assert found["event_time"].tolist() == expected["event_time"].tolist()
    assert found["term"].iloc[0] == "att(2003-04,2002-03)"


def test_a_gap_between_periods_stays_a_gap(frame: pd.DataFrame) -> None:
    """Without 2002 the base of the cohort of 2003 is 2001, and event times still count years."""
    found = fit(make_panel(frame[frame["year"] != 2002]))
    first = found[(found["cohort"] == 2003) & (found["period"] == 2003)].iloc[0]
    wide = frame.pivot(index="student", columns="year", values="absent")
    start = frame.groupby("student")["start"].first()
    change = wide[2003] - wide[2001]
    assert first["estimate"] == pytest.approx(change[start == 2003].mean() - change[start.isna()].mean(), abs=1e-12)
    assert found[(found["cohort"] == 2004) & (found["period"] == 2003)]["event_time"].tolist() == [-1]


def test_universal_base_gives_a_reference_without_error(frame: pd.DataFrame) -> None:
    design = choose_design(make_panel(frame))
    effect = estimate_effect(design, "absent", CallawaySantAnna(base_period="universal"))
    reference = effect.frame[effect.frame["term"] == "reference att(2003,2002)"].iloc[0]
    assert reference["estimate"] == 0.0
    assert np.isnan(reference["std_error"])
    assert effect.notes[0].key == "zero_by_definition"
    pooled = effect.pool("event_time")
    assert pooled.frame["term"].tolist()[2] == "reference event_time=-1"


def test_units_treated_from_the_first_period_are_left_out_and_counted(frame: pd.DataFrame) -> None:
    early = frame[frame["student"].isin(["s0000", "s0003"])].assign(start=2001.0)
    more = pd.concat([frame, early.assign(student=early["student"] + " early")])
    effect = estimate_effect(choose_design(make_panel(more)), "absent", CallawaySantAnna())
    assert effect.fit.facts["always_treated"] == 2
    np.testing.assert_allclose(effect.frame["estimate"], fit(make_panel(frame))["estimate"], atol=1e-12)


def test_covariates_are_read_before_the_start_and_later_values_change_nothing(frame: pd.DataFrame) -> None:
    """The cohort of 2003 reads 2002; for the comparison students, who are compared in 2003 and 2004, also 2003."""
    rng = np.random.default_rng(6)
    frame["mood"] = rng.normal(size=len(frame)) + frame["gpa"]
    later = frame.assign(mood=frame["mood"].where(frame["year"] <= 2003, 99.0 * frame["mood"]))
    options = {"covariates": ("mood",), "control": "never_treated"}
    found = fit(make_panel(later, covariates=["mood"]), **options)
    expected = fit(make_panel(frame, covariates=["mood"]), **options)
    np.testing.assert_array_equal(found["estimate"], expected["estimate"])


def test_not_yet_treated_comparisons_show_no_covariate_from_after_their_own_start(frame: pd.DataFrame) -> None:
    rng = np.random.default_rng(7)
    frame["mood"] = rng.normal(size=len(frame))
    after = frame["year"] >= frame["start"]
    later = frame.assign(mood=frame["mood"].mask(after, 50.0))
    options = {"covariates": ("mood",), "control": "not_yet_treated", "method": "outcome_regression"}
    found = fit(make_panel(later, covariates=["mood"]), **options)
    expected = fit(make_panel(frame, covariates=["mood"]), **options)
    np.testing.assert_array_equal(found["estimate"], expected["estimate"])


def test_categories_and_missing_covariates(frame: pd.DataFrame) -> None:
    frame.loc[frame["student"] == "s0000", "grade"] = None
    panel = make_panel(frame, covariates=["gpa", "grade"])
    found = fit(panel, covariates=("gpa", "grade"))
    complete = fit(
        make_panel(frame[frame["student"] != "s0000"], covariates=["gpa", "grade"]), covariates=("gpa", "grade")
    )
    np.testing.assert_allclose(found["estimate"], complete["estimate"], atol=1e-12)
    assert found["n_treated"].iloc[0] == 39


def test_a_cell_that_can_not_be_estimated_is_left_out_with_its_reason(frame: pd.DataFrame) -> None:
    gone = frame[~((frame["start"] == 2004) & (frame["year"] == 2005))]
    effect = estimate_effect(choose_design(make_panel(gone)), "absent", CallawaySantAnna())
    assert (2004, 2005) not in cells(effect.frame)
    assert effect.fit.facts["cells_left_out"] == ((2004, 2005, "no treated unit with a known outcome in both periods"),)
    assert effect.frame["std_error"].notna().all()


def test_a_covariate_that_tells_who_is_treated_is_an_error_that_says_so(frame: pd.DataFrame) -> None:
    frame["teacher"] = np.where(frame["start"].notna(), 1.0, 0.0) + 1e-3 * np.arange(len(frame)) / len(frame)
    with pytest.raises(EffectError, match="no overlap"):
        fit(make_panel(frame, covariates=["teacher"]), covariates=("teacher",))


def test_the_pool_of_the_design_must_have_the_comparisons(frame: pd.DataFrame) -> None:
    panel = make_panel(frame)
    with pytest.raises(EffectError, match="pool='not_yet_treated'"):
        fit(panel, pool="never_treated", control="not_yet_treated")
    everyone = make_panel(frame[frame["start"].notna()])
    with pytest.raises(EffectError, match="nobody is never treated"):
        fit(everyone, pool="not_yet_treated", control="never_treated")


def test_a_wider_pool_changes_nothing_for_never_treated_comparisons(frame: pd.DataFrame) -> None:
    panel = make_panel(frame)
    wider = fit(panel, pool="not_yet_treated", control="never_treated")
    np.testing.assert_array_equal(wider["estimate"], fit(panel)["estimate"])
    np.testing.assert_array_equal(wider["n_comparison"], fit(panel)["n_comparison"])


def test_when_everyone_is_treated_in_the_end_cells_stop_where_nobody_waits(frame: pd.DataFrame) -> None:
    everyone = frame[frame["start"].notna()]
    found = cells(fit(make_panel(everyone), control="not_yet_treated"))
    expected = loop(everyone, control="not_yet_treated")
    assert set(found) == {(2003, 2002), (2003, 2003)}, "the last cohort has nobody to be compared with"
    for key, value in found.items():
        assert value == pytest.approx(expected[key], abs=1e-12)


def test_binary_outcomes_that_never_change_have_no_error_and_a_note(frame: pd.DataFrame) -> None:
    flat = frame.assign(absent=(frame["year"] >= 2004).astype(float))
    moving = flat["student"].isin(["s0002", "s0005"]) & (flat["year"] == 2003)
    flat.loc[moving, "absent"] = 1.0
    effect = estimate_effect(choose_design(make_panel(flat)), "absent", CallawaySantAnna())
    row = effect.frame[effect.frame["term"] == "att(2003,2002)"].iloc[0]
    assert row["estimate"] == 0.0
    assert np.isnan(row["std_error"])
    assert any(note.key == "no_error_can_be_estimated" and "att(2003,2002)" in note.terms for note in effect.notes)


def test_matched_weights_count_in_the_cohort_they_were_made_for(frame: pd.DataFrame, given: Any) -> None:
    """Comparison students that weigh 2 in the first cohort and 1 or nothing in the second."""
    panel = make_panel(frame)
    baseline = choose_design(panel).baseline
    weights = np.ones(baseline.size)
    first = ~baseline.treated & (baseline.cohort == 2003)
    second = ~baseline.treated & (baseline.cohort == 2004)
    weights[first], weights[second] = 1.0 + (baseline.unit[first] % 2), baseline.unit[second] % 2
    found = estimate_effect(choose_design(panel, given(tuple(weights))), "absent", CallawaySantAnna()).frame
    wide = frame.pivot(index="student", columns="year", values="absent").to_numpy()
    for cohort, mask in ((2003, first), (2004, second)):
        treated = baseline.unit[baseline.treated & (baseline.cohort == cohort)]
        change = wide[:, cohort - 2001] - wide[:, cohort - 2002]
        expected = change[treated].mean() - np.average(change[baseline.unit[mask]], weights=weights[mask])
        row = found[(found["cohort"] == cohort) & (found["event_time"] == 0)].iloc[0]
        assert row["estimate"] == pytest.approx(expected, abs=1e-12)


def test_students_who_do_not_meet_the_rule_of_a_cohort_do_not_compare_with_it(frame: pd.DataFrame) -> None:
    """Half of the never treated, and of the cohort of 2003, would not have been chosen in 2004."""
    rule = Eligibility("mood", at_least=1.0)
    half = frame["student"].str[1:].astype(int) % 2 == 0
    frame["mood"] = np.where((frame["year"] >= 2003) & half & (frame["start"] != 2004), 0.0, 1.0)
    panel = make_panel(frame, covariates=["mood"])
    estimator = CallawaySantAnna(control="not_yet_treated")
    design = choose_design(panel, covariates=[], pool="not_yet_treated", eligibility=[rule])
    found = estimate_effect(design, "absent", estimator).frame.set_index("term")
    assert found.loc["att(2004,2004)", "n_comparison"] == 20
    assert found.loc["att(2004,2002)", "n_comparison"] == 20, "and nobody joins from the cohort of 2003"
    assert found.loc["att(2003,2003)", "n_comparison"] == 80
    free = estimate_effect(choose_design(panel, pool="not_yet_treated"), "absent", estimator).frame.set_index("term")
    assert free.loc["att(2004,2002)", "n_comparison"] == 80


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="anticipation"):
        CallawaySantAnna(anticipation=-1)
    with pytest.raises(OptionError, match="control"):
        CallawaySantAnna(control="never_mentored")  # type: ignore[arg-type]
