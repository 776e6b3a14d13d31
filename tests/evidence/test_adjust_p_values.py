"""Families of results: defaults, names, and joint draws from influence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.numerics.multiplicity import benjamini_hochberg, holm

DOMAINS = {"days": "attendance", "rate": "attendance", "gpa": "academic_achievement", "credits": "academic_achievement"}


@pytest.fixture(scope="module")
def estimates():
    """Four outcomes in two domains; rate is days over 180, so that both have one p-value."""
    rng = np.random.default_rng(12)
    n = 600
    frame = pd.DataFrame({"student": range(n), "mentored": [1, 0] * (n // 2), "school": np.arange(n) // 2 % 20})
    frame["days"] = rng.normal(150, 10, n) + 1.9 * frame["mentored"]
    frame["rate"] = frame["days"] / 180
    frame["gpa"] = rng.normal(3, 1, n) + 0.2 * frame["mentored"]
    frame["credits"] = rng.normal(6, 1, n)
    panel = me.panel_from_frame(
        frame, unit="student", treated="mentored", school="school", outcomes=list(DOMAINS),
        measures={name: me.MeasureFacts(domain=domain) for name, domain in DOMAINS.items()},
    )  # fmt: skip
    design = me.choose_design(panel)
    return {name: me.estimate_effect(design, name, me.DifferenceInMeans()) for name in DOMAINS}


def test_families_are_domains_unless_they_are_named(estimates):
    table = me.adjust_p_values(estimates).set_index("name")
    assert table["family"].to_dict() == DOMAINS
    for family in set(DOMAINS.values()):
        rows = table[table["family"] == family]
        np.testing.assert_allclose(rows["p_adjusted"], benjamini_hochberg(rows["p_value"].to_numpy()))
        assert sorted(rows["critical_value"]) == [0.025, 0.05]
    named = me.adjust_p_values(estimates, "holm", families=dict.fromkeys(DOMAINS, "all")).set_index("name")
    np.testing.assert_allclose(named["p_adjusted"], holm(named["p_value"].to_numpy()))
    assert (named["family_size"] == 4).all()
    assert named["critical_value"].isna().all()


def test_the_same_outcome_in_other_units_costs_nothing_when_drawn_jointly(estimates):
    joint = me.adjust_p_values(estimates, "romano_wolf", seed=3).set_index("name")
    assert joint.loc["days", "p_value"] == pytest.approx(joint.loc["rate", "p_value"])
    assert joint.loc["days", "p_adjusted"] == pytest.approx(joint.loc["days", "p_value"], abs=0.02)
    assert me.adjust_p_values(estimates, "holm").set_index("name").loc["days", "p_adjusted"] == pytest.approx(
        2 * joint.loc["days", "p_value"]
    )
    pd.testing.assert_frame_equal(joint, me.adjust_p_values(estimates, "romano_wolf", seed=3).set_index("name"))


def test_unrelated_outcomes_cost_what_independence_says(estimates):
    joint = me.adjust_p_values(estimates, "romano_wolf").set_index("name")
    pair = joint.loc[["gpa", "credits"]]
    # The two differ by chance in what they share, and 20 schools make the draws a little rough.
    assert pair["p_adjusted"].min() == pytest.approx(1 - (1 - pair["p_value"].min()) ** 2, abs=0.03)


def test_a_family_of_one_is_left_alone(estimates):
    alone = me.adjust_p_values({"gpa": estimates["gpa"]}, "romano_wolf").iloc[0]
    assert alone["p_adjusted"] == alone["p_value"]


def test_what_can_not_be_adjusted_is_refused(estimates):
    with pytest.raises(me.OptionError, match=r"no adjustment 'bonferoni'"):
        me.adjust_p_values(estimates, "bonferoni")
    with pytest.raises(me.OptionError, match=r"families names day.*Did you mean 'days'"):
        me.adjust_p_values(estimates, families={"day": "attendance"})
    with pytest.raises(me.OptionError, match="no estimate"):
        me.adjust_p_values({})
    design = estimates["days"].design
    robust = me.estimate_effect(design, "rate", me.DifferenceInMeans(), inference=me.HeteroskedasticityRobust())
    with pytest.raises(me.EffectError, match="Cluster them alike"):
        me.adjust_p_values({"days": estimates["days"], "rate": robust}, "romano_wolf")
