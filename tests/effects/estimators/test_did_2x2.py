"""Two-period difference-in-differences: four means, first differences, and the trap of two-way fixed effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import Did2x2, EventStudy
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame


@pytest.fixture
def two_waves() -> pd.DataFrame:
    """200 students of 20 schools in two years; schools share shocks, half of the students start in the second."""
    rng = np.random.default_rng(8)
    school = np.arange(200) % 20
    frame = pd.DataFrame({"student": np.repeat(np.arange(200), 2), "year": np.tile([2023, 2024], 200)})
    frame["school"] = school[frame["student"]]
    frame["start"] = np.where(frame["student"] % 2 == 0, 2024.0, np.nan)
    shock = rng.normal(size=20)[frame["school"]] * (frame["year"] == 2024)
    treated = frame["start"].eq(frame["year"])
    frame["absent"] = rng.normal(10, 3, 200)[frame["student"]] + shock - 1.5 * treated + rng.normal(size=400)
    return frame


def make_panel(frame: pd.DataFrame) -> Panel:
    return panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )


def test_it_is_the_difference_of_four_means(two_waves: pd.DataFrame) -> None:
    means = two_waves.assign(arm=two_waves["start"].notna()).groupby(["arm", "year"])["absent"].mean()
    expected = (means[True, 2024] - means[True, 2023]) - (means[False, 2024] - means[False, 2023])
    effect = estimate_effect(choose_design(make_panel(two_waves)), "absent", Did2x2())
    assert effect.frame["estimate"].iloc[0] == pytest.approx(expected, abs=1e-12)


def test_it_is_first_differences_of_linearmodels(two_waves: pd.DataFrame) -> None:
    panel_models = pytest.importorskip("linearmodels.panel")
    data = two_waves.assign(
        post=(two_waves["year"] == 2024).astype(float), effect=two_waves["start"].eq(two_waves["year"]).astype(float)
    ).set_index(["student", "year"])
    peer = panel_models.FirstDifferenceOLS(data["absent"], data[["post", "effect"]]).fit(
        cov_type="clustered", clusters=data["school"], debiased=True
    )
    design = choose_design(make_panel(two_waves))
    row = estimate_effect(design, "absent", Did2x2(), inference=ClusterRobust("school", "CR0")).frame.iloc[0]
    assert row["estimate"] == pytest.approx(peer.params["effect"], rel=1e-10)
    corrected = estimate_effect(design, "absent", Did2x2(), inference=ClusterRobust("school")).frame.iloc[0]
    assert corrected["std_error"] == pytest.approx(row["std_error"] * np.sqrt(20 / 19 * 199 / 198))


def test_the_trap_of_two_way_effects_with_clustered_errors(two_waves: pd.DataFrame) -> None:
    """linearmodels counts the student effects by default and is √2 too large; told not to, it agrees with ours."""
    panel_models = pytest.importorskip("linearmodels.panel")
    data = two_waves.assign(effect=two_waves["start"].eq(two_waves["year"]).astype(float)).set_index(
        ["student", "year"]
    )
    model = panel_models.PanelOLS(data["absent"], data[["effect"]], entity_effects=True, time_effects=True)
    trapped = model.fit(cov_type="clustered", clusters=data["school"])
    cured = model.fit(
        cov_type="clustered", clusters=data["school"], auto_df=False, count_effects=False, group_debias=True
    )
    ours = estimate_effect(
        choose_design(make_panel(two_waves)), "absent", Did2x2(), inference=ClusterRobust()
    ).frame.iloc[0]
    assert ours["estimate"] == pytest.approx(cured.params["effect"], rel=1e-9)
    assert ours["std_error"] == pytest.approx(cured.std_errors["effect"], rel=0.01)
    without_groups = np.sqrt(19 / 20)  # by default it has no G/(G − 1) either
    assert trapped.std_errors["effect"] / ours["std_error"] == pytest.approx(np.sqrt(2) * without_groups, rel=0.01)


def test_two_way_effects_on_two_periods_are_the_same_number(two_waves: pd.DataFrame) -> None:
    design = choose_design(make_panel(two_waves))
    for small_sample in ("CR0", "CR2", "CR3"):
        inference = ClusterRobust("school", small_sample)
        two = estimate_effect(design, "absent", Did2x2(), inference=inference).frame.iloc[0]
        study = estimate_effect(design, "absent", EventStudy(), inference=inference).frame
        same = study[study["term"] == "event_time=0"].iloc[0]
        assert same["estimate"] == pytest.approx(two["estimate"], rel=1e-10)
        assert same["std_error"] == pytest.approx(two["std_error"], rel=1e-9)
        if small_sample == "CR2":
            assert same["df"] == pytest.approx(two["df"], rel=1e-9)


def test_covariates_take_their_trend(panel: Panel, frame: pd.DataFrame) -> None:
    """The trend is 0.5 · gpa a year: with gpa in the regression its coefficient is what the table was made with."""
    effect = estimate_effect(choose_design(panel), "absent", Did2x2(event_time=1, covariates=("gpa",)))
    linear = effect.fit.linear
    assert linear is not None
    assert linear.regressors.shape[1] == 2 + 1 + 1
    row = effect.frame.iloc[0]
    assert abs(row["estimate"] - -2.0) < 3.5 * row["std_error"]


def test_units_unseen_in_either_period_are_left_out_and_counted(two_waves: pd.DataFrame) -> None:
    lost = two_waves[~((two_waves["student"] < 4) & (two_waves["year"] == 2023))]
    effect = estimate_effect(choose_design(make_panel(lost)), "absent", Did2x2())
    assert effect.fit.facts["treated_without_outcome"] == 2
    assert effect.fit.facts["comparison_without_outcome"] == 2
    complete = estimate_effect(choose_design(make_panel(two_waves[two_waves["student"] >= 4])), "absent", Did2x2())
    assert effect.frame["estimate"].iloc[0] == pytest.approx(complete.frame["estimate"].iloc[0], abs=1e-12)


def test_one_period_has_no_change(two_waves: pd.DataFrame) -> None:
    one = two_waves[two_waves["year"] == 2024].assign(mentored=lambda d: d["start"].notna())
    panel = panel_from_frame(one, unit="student", treated="mentored", outcomes=["absent"])
    with pytest.raises(EffectError, match="nothing is known from before"):
        estimate_effect(choose_design(panel), "absent", Did2x2())
