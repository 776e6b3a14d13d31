"""Power before the data: plans, their smallest effects, sizes for an effect, and power by drawing."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import mentoreval as me
from mentoreval.errors import DesignError, EffectError, OptionError
from mentoreval.evidence.power import PLAUSIBLE, POWER_COLUMNS, published_effects
from mentoreval.evidence.power_designs import POWER_DESIGNS
from mentoreval.evidence.power_plan import plan_from_texts
from mentoreval.registry import spec_of

PLANS = {
    "individual": {"students": 200, "r2": 0.3, "covariates": 2},
    "blocked": {"schools": 12, "students_per_school": 30, "icc": 0.1},
    "clustered": {"schools": 20, "students_per_school": 60, "icc": 0.1, "r2": 0.5},
    "one_arm_mentors": {"mentors": 25, "mentees_per_mentor": 4, "icc": 0.1, "comparison_per_mentee": 2.0},
    "difference_in_differences": {"units": 40, "before": 3, "after": 2},
}


@pytest.fixture(params=PLANS)
def plan(request):
    """Each kind of plan, with its options."""
    return me.power(request.param, **PLANS[request.param])


def test_every_kind_is_tried():
    assert set(PLANS) == set(POWER_DESIGNS)


# ------------------------------------------------------------------ published numbers
# Numbers of PowerUp! (Dong and Maynard 2013) for power .80 at .05, two-sided.
@pytest.mark.parametrize(
    ("design", "options", "mdes", "digits"),
    [
        ("individual", {"students": 400}, 0.28, 2),
        ("individual", {"students": 400, "r2": 0.5}, 0.20, 2),
        ("individual", {"students": 250}, 0.356, 3),
        ("blocked", {"schools": 14, "students_per_school": 80}, 0.17, 2),
        ("blocked", {"schools": 14, "students_per_school": 80, "r2": 0.2, "covariates": 1}, 0.15, 2),
        ("blocked", {"schools": 20, "students_per_school": 15}, 0.325, 3),
        ("blocked", {"schools": 480, "students_per_school": 80, "icc": 0.35, "effect_variance": 0.1}, 0.033, 3),
        ("blocked", {"schools": 500, "students_per_school": 10, "icc": 0.35, "effect_variance": 0.1}, 0.068, 3),
        ("clustered", {"schools": 20, "students_per_school": 15, "icc": 0.17}, 0.629, 3),
        (
            "clustered",
            {"schools": 40, "students_per_school": 100, "icc": 0.15, "r2": 0.4, "r2_schools": 0.53, "covariates": 1},
            0.250,
            3,
        ),
    ],
)
def test_smallest_effects_are_those_of_powerup(design, options, mdes, digits):
    assert round(me.power(design, **options).mdes, digits) == mdes


def test_sizes_are_those_of_powerup():
    assert me.power("individual", students=100).size_for(0.20) == 787
    assert me.power("individual", students=100, r2=0.8, covariates=1).size_for(0.20) == 159
    assert me.power("blocked", schools=10, students_per_school=5).size_for(0.50) == 26
    halved = me.power("blocked", schools=10, students_per_school=5, r2=0.5)
    assert round(halved.at(20).mdes, 2) == 0.40  # PowerUp! rounds 20.2 to the nearest
    assert halved.size_for(0.40) == 21


def test_degrees_of_freedom_are_those_of_powerup():
    assert me.power("individual", **PLANS["individual"]).df == 200 - 2 - 2
    assert me.power("blocked", **PLANS["blocked"]).df == 12 * 29 - 1
    assert me.power("clustered", **PLANS["clustered"]).df == 20 - 2


def test_two_hundred_students_by_hand():
    analysis = me.power("individual", students=200)
    t = stats.t(198)
    assert analysis.mdes == pytest.approx((t.ppf(0.975) + t.ppf(0.8)) * math.sqrt(1 / (0.25 * 200)), rel=1e-12)


# ------------------------------------------------------------------ what holds for every plan
def test_a_size_for_an_effect_is_the_smallest_that_finds_it(plan):
    for effect in (0.05, 0.2, 0.61):
        size = plan.size_for(effect)
        assert plan.at(size).mdes <= effect
        try:
            smaller = plan.at(size - 1).mdes
        except OptionError:
            smaller = math.inf
        assert smaller > effect


def test_the_chance_of_the_smallest_effect_is_the_power_that_was_asked_for(plan):
    """But for the skew of the noncentral t, which the published multiplier leaves out."""
    assert plan.power_for(plan.mdes) == pytest.approx(0.80, abs=0.005)
    assert plan.power_for(0.0) == pytest.approx(plan.alpha, abs=1e-9)


def test_larger_studies_find_smaller_effects(plan):
    frame = plan.frame
    assert list(frame.columns) == list(POWER_COLUMNS)
    assert frame["size"].is_monotonic_increasing
    assert frame["mdes"].is_monotonic_decreasing
    planned = frame[frame["size"] == plan.design.size_now]
    assert planned["mdes"].tolist() == [plan.mdes]
    assert frame["mdes"].iloc[-1] == pytest.approx(plan.mdes / 2, rel=0.06)


def test_covariates_that_explain_help_and_those_that_do_not_cost(plan):
    name, options = plan.design.name, {**PLANS[plan.design.name], "r2": 0.0, "covariates": 0}
    bare = me.power(name, **options)
    assert me.power(name, **options | {"r2": 0.6}).mdes < bare.mdes
    assert me.power(name, **options | {"covariates": 5}).mdes > bare.mdes


def test_a_plan_is_written_as_a_table_and_found_again(plan):
    assert me.power(spec_of(plan.design)).design == plan.design
    assert me.power(plan.design).mdes == plan.mdes
    texts = {name: str(value) for name, value in spec_of(plan.design).items() if name != "kind"}
    assert plan_from_texts(plan.design.name, texts) == plan.design


def test_a_result_shows_itself(plan):
    assert f"{plan.mdes:.3f} standard deviations" in repr(plan)
    assert "<table" in plan._repr_html_()


# ------------------------------------------------------------------ what is particular
def test_the_smallest_effect_in_the_unit_of_the_outcome():
    analysis = me.power("individual", students=400, sd=12, unit="days")
    assert analysis.mdes_in_unit == pytest.approx(12 * analysis.mdes)
    assert analysis.frame["mdes_in_unit"].tolist() == pytest.approx((12 * analysis.frame["mdes"]).tolist())
    assert me.power("individual", students=400, sd=12).unit == "days"
    assert math.isnan(me.power("individual", students=400).mdes_in_unit)


def test_more_students_in_the_same_schools_soon_do_not_help():
    few, many = (me.power("clustered", schools=20, students_per_school=n, icc=0.1).mdes for n in (60, 60_000))
    assert many > 0.9 * few
    floor = stats.t(18)
    limit = (floor.ppf(0.975) + floor.ppf(0.8)) * math.sqrt(0.1 / (0.25 * 20))
    assert many == pytest.approx(limit, rel=1e-3)


def test_mentors_who_make_no_difference_leave_a_study_of_individuals():
    mentors = me.power("one_arm_mentors", mentors=100, mentees_per_mentor=1, icc=0.0)
    assert mentors.std_error == pytest.approx(me.power("individual", students=200).std_error)
    assert mentors.df == pytest.approx(198)


def test_mentors_cost_precision():
    alone, shared = (
        me.power("one_arm_mentors", mentors=10, mentees_per_mentor=10, icc=icc, comparison_per_mentee=3)
        for icc in (0.0, 0.2)
    )
    assert shared.mdes > 1.3 * alone.mdes
    assert 10 - 1 < shared.df < alone.df


def test_more_periods_and_a_lasting_outcome_help_a_difference_in_differences():
    def mdes(**options):
        return me.power("difference_in_differences", units=40, **{"before": 2, "after": 2, **options}).mdes

    assert mdes(before=6, after=6, serial_correlation=0.0) < mdes(serial_correlation=0.0)
    assert mdes(lasting=0.8) < mdes(lasting=0.2)
    one_period = me.power("difference_in_differences", units=200, before=1, after=1, lasting=0.5, serial_correlation=0)
    assert one_period.std_error == pytest.approx(me.power("individual", students=200).std_error)


def test_schools_that_are_followed_gain_by_students_they_do_not_share():
    def error(**options):
        plan = {"units": 30, "before": 3, "after": 1, "students_per_unit": 50, "icc": 0.1, "lasting": 0.7}
        return me.power("difference_in_differences", **{**plan, **options}).std_error

    change = (1 - 0.7) * (1 + 1 / 3 + 2 / 3 * np.mean([0.3, 0.3, 0.09]) - 2 * np.mean([0.3, 0.09, 0.027]))
    others = 1 + 1 / 3
    share = 1 / (0.25 * 30)
    assert error() == pytest.approx(math.sqrt(share * (0.1 + 0.9 / 50) * change))
    assert error(same_students=False) == pytest.approx(math.sqrt(share * (0.1 * change + 0.9 / 50 * others)))
    assert error(r2_units=0.5) == pytest.approx(math.sqrt(share * (0.1 * 0.5 + 0.9 / 50) * change))


def test_published_effects_have_a_source_and_bound_what_is_likely():
    effects = {one.name: one for one in published_effects()}
    assert effects["bernstein_2009"].value == -0.46
    assert effects["raposa_2019"].g == 0.21
    for one in effects.values():
        assert one.source
        assert one.verified in {"table", "abstract", "wwc_page"}
    assert PLAUSIBLE == (0.05, 0.20)
    known = [abs(one.g) for one in effects.values() if math.isfinite(one.g)]
    assert (round(min(known), 2), math.floor(10 * max(known)) / 10) == PLAUSIBLE


# ------------------------------------------------------------------ what can not be
@pytest.mark.parametrize(
    ("design", "options", "message"),
    [
        ("clusterd", {}, "Did you mean 'clustered'"),
        ("clustered", {"schools": 20}, "needs students_per_school, icc"),
        ("clustered", {"schols": 20}, "no option 'schols'. Did you mean 'schools'"),
        ("clustered", {"schools": 20.5, "students_per_school": 9, "icc": 0.1}, "schools = 20.5 .* whole number"),
        ("clustered", {"schools": 20, "students_per_school": 9, "icc": 1.2}, "icc = 1.2 .* from 0 to below 1"),
        ("clustered", {"schools": 2, "students_per_school": 9, "icc": 0.1}, "schools = 2 leaves 0 degrees of freedom"),
        ("clustered", {"schools": 20, "students_per_school": 0, "icc": 0.1}, "students_per_school = 0 .* 1 or more"),
        ("individual", {"students": 10, "share": 0.05}, "less than one is in one of the arms"),
        ("individual", {"students": 10, "share": 1.0}, "share = 1.0 .* between 0 and 1"),
        ("individual", {"students": 10, "power": 1.0}, "power = 1.0"),
        ("individual", {"students": 10, "power": 0.04}, "not above alpha"),
        ("individual", {"students": 10, "sd": -1}, "sd = -1"),
        ("individual", {"students": 10, "sd": 1, "unit": "day"}, "Did you mean 'days'"),
        ("individual", {"students": 10, "unit": "days"}, "needs an sd"),
        ("individual", {"students": 10, "sizes": [0, 3]}, "whole numbers, 1 or more"),
        ("individual", {"students": 10, "r2": float("nan")}, "r2 = nan"),
        ("blocked", {"schools": 5, "students_per_school": 20, "effect_variance": 0.1}, "needs an icc above 0"),
        ("blocked", {"schools": 5, "students_per_school": 1}, "less than one"),
        ("one_arm_mentors", {"mentors": 1, "mentees_per_mentor": 4, "icc": 0.1}, "mentors = 1 leaves 0"),
        ("difference_in_differences", {"units": 9, "before": 0, "after": 1}, "before = 0"),
        (
            "difference_in_differences",
            {"units": 9, "before": 1, "after": 1, "serial_correlation": 1.0},
            "serial_correlation = 1.0",
        ),
    ],
)
def test_plans_that_can_not_be_are_refused(design, options, message):
    with pytest.raises(OptionError, match=message):
        me.power(design, **options)


def test_options_go_with_a_name_and_effects_are_above_zero():
    plan = me.IndividualAssignment(students=100)
    with pytest.raises(OptionError, match="already made"):
        me.power(plan, students=50)
    with pytest.raises(OptionError, match="above 0"):
        me.power(plan).size_for(0.0)
    with pytest.raises(OptionError, match="whatever its size"):
        me.power(plan).size_for(1e-6)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"students": "many"}, "whole number"),
        ({"students": "100", "share": "half"}, "a number"),
        ({"students": "1", "student": "2"}, "no option 'student'"),
    ],
)
def test_texts_that_can_not_be_read_are_refused(texts, message):
    with pytest.raises(OptionError, match=re.escape(message)):
        plan_from_texts("individual", texts)


# ------------------------------------------------------------------ by drawing
def draw_students(rng, effect=0.5, n=60):
    """A panel of one period: half of the students mentored."""
    frame = pd.DataFrame({"student": np.arange(n), "year": 2024, "mentored": np.arange(n) % 2})
    frame["gpa"] = rng.normal(0, 1, n) + effect * frame["mentored"]
    return me.panel_from_frame(frame, unit="student", period="year", treated="mentored", outcomes=["gpa"])


def compare(panel):
    return me.estimate_effect(me.choose_design(panel, covariates=[]), "gpa", me.DifferenceInMeans())


def test_power_by_drawing_is_that_of_the_formula():
    draws = 60
    done = me.simulate_power(draw_students, compare, draws, seed=3, truth=0.5)
    expected = me.power("individual", students=60).power_for(0.5)
    assert abs(done.power - expected) < 4 * math.sqrt(expected * (1 - expected) / draws)
    assert abs(done.bias) < 4 * done.bias_error
    assert done.bias_error == pytest.approx(math.sqrt(4 / 60 / draws), rel=0.4)
    assert done.coverage > 0.95 - 4 * math.sqrt(0.95 * 0.05 / draws)
    assert (done.n_failed, len(done.frame)) == (0, draws)
    assert "power" in repr(done)
    assert "<table" in done._repr_html_()


@pytest.mark.slow
def test_power_by_many_drawings_is_that_of_the_formula():
    draws = 2000
    done = me.simulate_power(draw_students, compare, draws, seed=4, truth=0.5)
    expected = me.power("individual", students=60).power_for(0.5)
    assert abs(done.power - expected) < 4 * math.sqrt(expected * (1 - expected) / draws)
    assert abs(done.coverage - 0.95) < 4 * math.sqrt(0.95 * 0.05 / draws)


def test_a_draw_hangs_on_the_seed_and_its_number_only():
    few, more = (me.simulate_power(draw_students, compare, draws, seed=8).frame for draws in (2, 4))
    pd.testing.assert_frame_equal(few, more.head(2))
    assert me.simulate_power(draw_students, compare, 2, seed=9).frame["estimate"][0] != few["estimate"][0]
    assert math.isnan(me.simulate_power(draw_students, compare, 2, seed=8).coverage)


def test_draws_that_give_no_answer_are_kept_with_their_reason():
    def sometimes(panel):
        if panel.frame["gpa"].iloc[0] > 0:
            raise DesignError("nobody to compare with")
        return compare(panel)

    done = me.simulate_power(draw_students, sometimes, 8, seed=1)
    failed = done.frame["estimate"].isna()
    assert 0 < done.n_failed == failed.sum() < 8
    assert set(done.frame.loc[failed, "reason"]) == {"nobody to compare with"}
    assert set(done.frame.loc[~failed, "reason"]) == {""}

    def never(panel):
        raise DesignError("nobody at all")

    with pytest.raises(EffectError, match=r"None of 3 draws .* nobody at all"):
        me.simulate_power(draw_students, never, 3, seed=1)
    with pytest.raises(OptionError, match="1 or more"):
        me.simulate_power(draw_students, compare, 0, seed=1)
    with pytest.raises(OptionError, match="alpha = 5"):
        me.simulate_power(draw_students, compare, 3, seed=1, alpha=5)
