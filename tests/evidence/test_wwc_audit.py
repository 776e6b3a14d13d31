"""The fourteen items of a WWC review: each passing where it should, and failing where it should."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.evidence.wwc_audit import ITEMS
from mentoreval.numerics.one_arm import correct_one_arm

FACTS = {"days": me.MeasureFacts("days", True, "attendance", "days_present")}
ROLES = {"unit": "student", "treated": "mentored", "outcomes": ["days"], "pretests": {"days": "before"}}


def students(n: int = 800, gap: float = 0.0, effect: float = 4.0, seed: int = 3) -> pd.DataFrame:
    """Students of eight schools; every other one has a mentor, five share one; days before and after go together."""
    rng = np.random.default_rng(seed)
    mentored = np.tile([1, 0], n // 2)
    before = np.repeat(rng.normal(150, 12, n // 2), 2) + gap * 12 * mentored
    frame = pd.DataFrame({"student": range(n), "mentored": mentored, "before": before})
    frame["days"] = 150 + 0.7 * (before - 150) + rng.normal(0, 8, n) + effect * mentored
    frame["school"] = (np.arange(n) // 2) % 8
    frame["mentor"] = pd.array(np.where(mentored == 1, (np.arange(n) // 2) // 5, -1), dtype="Int64")
    frame.loc[frame["mentored"] == 0, "mentor"] = pd.NA
    return frame


def estimate(frame: pd.DataFrame, estimator=None, inference=None, **roles):
    given = {**ROLES, "covariates": ["before"], "measures": FACTS, **roles}
    design = me.choose_design(me.panel_from_frame(frame, **given))
    return me.estimate_effect(design, "days", estimator or me.RegressionAdjustment(), inference=inference)


def audited(effect, name: str = "days"):
    audit = me.wwc_audit({name: effect})
    rows = audit.frame.set_index("item")
    return audit, {
        item: (rows.loc[item, "verdict"], rows.loc[item, "key"], rows.loc[item, "numbers"]) for item in ITEMS
    }


def test_a_clean_comparison_has_fourteen_items_and_stays_below_the_highest_rating():
    audit, items = audited(
        estimate(students(), inference=me.ClusterRobust("school", "CR2"), school="school", mentor="mentor")
    )
    assert list(audit.frame["number"]) == list(range(1, 15))
    # One period of data do not show when the groups were chosen; eight schools are few.
    unsure = {item for item, found in items.items() if found[0] != "pass"}
    assert unsure == {"formation", "clustering", "deviations"}
    assert audit.audits[0].ceiling == "with_reservations"
    assert items["correlation"][2]["correlation"] == pytest.approx(0.7 * 12 / math.hypot(0.7 * 12, 8), abs=0.05)
    assert items["sample"][2]["mentors"] == 80
    said = repr(audit) + audit._repr_html_()
    assert "meets" not in said.lower()


@pytest.mark.parametrize(
    ("gap", "adjusts", "baseline", "adjustment"),
    [
        (0.0, False, ("pass", "alike"), ("pass", "none_needed")),
        (0.15, False, ("needs_adjustment", "close"), ("fail", "not_adjusted")),
        (0.15, True, ("needs_adjustment", "close"), ("pass", "adjusted")),
        (0.40, True, ("fail", "not_alike"), ("fail", "beyond_adjustment")),
    ],
)
def test_items_three_and_four_by_the_gap_before(gap, adjusts, baseline, adjustment):
    model = me.RegressionAdjustment() if adjusts else me.DifferenceInMeans()
    audit, items = audited(estimate(students(gap=gap), model))
    assert items["baseline"][:2] == baseline
    assert items["adjustment"][:2] == adjustment
    assert ("adjustment" in audit.audits[0].against) == (adjustment[0] == "fail")
    assert "baseline" not in audit.audits[0].against or gap > 0.25


def test_without_a_pretest_equivalence_and_correlation_can_not_be_judged():
    frame = students().assign(age=np.tile(np.arange(10.0), 80))
    _, items = audited(estimate(frame, covariates=["age"], pretests={}))
    assert items["baseline"][0] == "cannot_judge" or items["baseline"][2]["covariates"] == ["age"]
    assert items["correlation"][:2] == ("cannot_judge", "not_known")


def lottery(lost_of_program: int, lost_of_comparison: int):
    """400 offered, 400 not; some of each have no outcome."""
    frame = students(gap=0.4)
    for arm, lost in ((1, lost_of_program), (0, lost_of_comparison)):
        chosen = frame.index[frame["mentored"] == arm][:lost]
        frame.loc[chosen, "days"] = np.nan
    return estimate(frame, assignment="random", school="school")


def test_a_lottery_with_few_lost_needs_no_equivalence_and_is_not_capped():
    audit, items = audited(lottery(40, 40))
    assert items["missing_data"][:2] == ("pass", "low")
    assert items["missing_data"][2]["cautious"] == pytest.approx(0.063)
    assert items["baseline"][:2] == ("pass", "not_needed")
    assert audit.audits[0].ceiling == "without_reservations"


def test_a_lottery_with_uneven_losses_is_judged_by_the_cautious_boundary():
    audit, items = audited(lottery(72, 40))  # 18 and 10 percent: 14 overall, 8 apart; 6.0 and 10.8 allowed
    assert items["missing_data"][:2] == ("needs_adjustment", "low_optimistic")
    assert items["baseline"][:2] == ("fail", "not_alike")
    assert audit.audits[0].ceiling == "with_reservations"
    _, worse = audited(lottery(120, 40))  # 30 and 10 percent
    assert worse["missing_data"][:2] == ("needs_adjustment", "high")


def test_a_loss_beyond_what_could_be_verified_is_not_judged():
    _, items = audited(lottery(240, 240))
    assert items["missing_data"][:2] == ("cannot_judge", "beyond_table")
    assert math.isnan(items["missing_data"][2]["cautious"])


def test_mentees_of_one_mentor_are_counted_or_it_is_said_what_that_changes():
    frame = students(effect=3.0)
    rng = np.random.default_rng(9)
    shared = frame["mentor"].map(dict(enumerate(rng.normal(0, 9, 80)))).fillna(0).astype(float)
    frame["days"] += shared
    plain = me.HeteroskedasticityRobust("HC1")
    audit, items = audited(estimate(frame, inference=plain, school="school", mentor="mentor"))
    verdict, key, numbers = items["clustering"]
    assert (verdict, key) == ("needs_adjustment", "mentors_not_counted")
    assert "clustering" in audit.audits[0].against
    assert numbers["cluster_size"] == 5
    assert 0.2 < numbers["icc"] < 0.7
    expected = correct_one_arm(items["effect_size"][2]["effect_size"], 400, 400, 5, numbers["icc"])
    assert numbers["corrected"] == pytest.approx(expected.g)
    assert numbers["corrected_p"] > items["result"][2]["p_value"]
    _, counted = audited(estimate(frame, inference=me.ClusterRobust("mentor", "CR1"), school="school", mentor="mentor"))
    assert counted["clustering"][:2] == ("pass", "clustered")
    _, unknown = audited(estimate(frame, inference=plain, school="school"))
    assert unknown["clustering"][:2] == ("cannot_judge", "mentors_not_known")


def test_one_school_or_one_mentor_is_a_confound():
    frame = students()
    apart = frame.assign(school=np.where(frame["mentored"] == 1, "north", "south"))
    plain = me.HeteroskedasticityRobust("HC1")
    assert audited(estimate(apart, inference=plain, school="school"))[1]["confounds"][:2] == ("fail", "one_school")
    split = frame.assign(school=2 * (frame["student"] // 2 % 4) + frame["mentored"])
    found = audited(estimate(split, inference=plain, school="school"))[1]["confounds"]
    assert found[:2] == ("cannot_judge", "no_shared_school")
    alone = frame.assign(mentor=frame["mentor"].mask(frame["mentor"].notna(), 7))
    effect = estimate(alone, inference=plain, school="school", mentor="mentor")
    assert audited(effect)[1]["confounds"][:2] == ("fail", "one_mentor")
    assert audited(estimate(frame, inference=plain))[1]["confounds"][:2] == ("cannot_judge", "no_schools")
    shared = audited(estimate(frame, inference=plain, school="school"))[1]["confounds"]
    assert shared[:2] == ("pass", "shared_schools")
    assert shared[2]["share"] == 1.0


def test_rows_that_are_schools_may_have_changed_their_students():
    frame = students(80).rename(columns={"student": "school_id"})
    _, items = audited(estimate(frame, unit="school_id"))
    assert items["confounds"][:2] == ("cannot_judge", "composition")
    assert items["clustering"][:2] == ("pass", "units")


def two_years(correlation: float, gap: float = 0.0, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 1200
    mentored = np.tile([1, 0], n // 2)
    before = np.repeat(rng.normal(0, 1, n // 2), 2) + gap * mentored
    noise = math.sqrt(1 - correlation**2) * rng.normal(0, 1, n)
    after = correlation * before + noise + 0.3 * mentored
    wide = pd.DataFrame({"student": range(n), "start": np.where(mentored == 1, 2, np.nan), "1": before, "2": after})
    return wide.melt(["student", "start"], var_name="year", value_name="days").astype({"year": int})


@pytest.mark.parametrize(
    ("correlation", "gap", "expected"),
    [(0.8, 0.0, ("pass", "enough")), (0.3, 0.0, ("needs_adjustment", "low")), (0.8, 0.15, ("needs_adjustment", "gap"))],
)
def test_changes_stand_for_an_adjustment_where_before_and_after_go_together(correlation, gap, expected):
    panel = me.panel_from_frame(
        two_years(correlation, gap),
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["days"],
        measures=FACTS,
    )
    design = me.choose_design(panel)
    effect = me.estimate_effect(design, "days", me.Did2x2())
    _, items = audited(effect)
    verdict, key, numbers = items["correlation"]
    assert (verdict, key) == expected
    assert numbers["correlation"] == pytest.approx(correlation, abs=0.05)
    if verdict == "needs_adjustment":
        regression = me.estimate_effect(design, "days", me.RegressionAdjustment(covariates=["prior_days"]))
        assert numbers["regression_estimate"] == pytest.approx(regression.headline()["estimate"])
    if gap:
        assert items["adjustment"][:2] == ("fail", "only_changes")


def several() -> dict[str, me.Estimate]:
    """Five outcomes of one domain: for other0 the program's t is 2.3, the others differ by chance."""
    frame = students(effect=0.0)
    rng = np.random.default_rng(2)
    measures, outcomes = dict(FACTS), ["days"]
    for number in range(4):
        noise = pd.Series(rng.normal(size=800))
        noise -= noise.groupby(frame["mentored"]).transform("mean")
        t = 2.3 if number == 0 else 0.5
        frame[f"other{number}"] = noise / noise.std() + t * math.sqrt(4 / 800) * frame["mentored"]
        measures[f"other{number}"] = me.MeasureFacts("count", True, "attendance", "made_up")
        outcomes.append(f"other{number}")
    panel = me.panel_from_frame(
        frame, unit="student", treated="mentored", covariates=["before"], outcomes=outcomes, measures=measures
    )
    design = me.choose_design(panel)
    return {name: me.estimate_effect(design, name, me.DifferenceInMeans()) for name in outcomes}


def test_a_result_that_does_not_survive_its_family_needs_an_adjustment():
    estimates = several()
    assert 0.01 < estimates["other0"].headline()["p_value"] < 0.05
    rows = me.wwc_audit(estimates).frame.query("item == 'domain'").set_index("name")
    assert tuple(rows.loc["other0", ["verdict", "key"]]) == ("needs_adjustment", "lost")
    assert rows.loc["other0", "numbers"]["family_size"] == 5
    alone = me.wwc_audit({"other0": estimates["other0"]}).frame.query("item == 'domain'").iloc[0]
    assert (alone["verdict"], alone["key"]) == ("fail", "left_out")
    assert set(alone["numbers"]["left_out"]) == {"days", "other1", "other2", "other3"}


def test_conditions_of_the_tiers_one_by_one():
    robust = me.ClusterRobust("school", "CR2")
    audit = me.wwc_audit({"days": estimate(students(), inference=robust, school="school", mentor="mentor")})
    met = audit.conditions.set_index("condition")["met"].to_dict()
    assert met["significant_positive"] == met["students"] == met["sites"] == met["controls"] == met["no_harm"] == "yes"
    assert met["random_low_attrition"] == "no"
    tiers = audit.tiers.set_index("tier")["met"].to_dict()
    assert tiers == {"strong": "no", "moderate": "cannot_judge", "promising": "yes"}
    few = me.wwc_audit({"days": estimate(students(340), inference=robust, school="school", mentor="mentor")})
    assert few.conditions.set_index("condition").loc["students"].tolist()[-2:] == ["no", 340]
    harm = me.wwc_audit({"days": estimate(students(effect=-6.0), inference=robust, school="school")})
    met = harm.conditions.set_index("condition")["met"]
    assert (met["significant_positive"], met["no_harm"]) == ("no", "no")
    unknown = me.wwc_audit({"days": estimate(students(), inference=me.HeteroskedasticityRobust(), measures={})})
    met = unknown.conditions.set_index("condition")["met"]
    assert (met["significant_positive"], met["sites"]) == ("cannot_judge", "cannot_judge")


class Registered:
    """An evaluation as the audit needs it: one estimate, and what became of it in the plan."""

    families: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, effect, status):
        self.estimates = self.main_estimates = {"days": effect}
        self.registered = {"days": status} if status else {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (("planned", ()), ("pass", "planned")),
        (("changed", ("estimator",)), ("needs_adjustment", "changed")),
        (("exploratory", ()), ("fail", "exploratory")),
        (None, ("cannot_judge", "no_registered_plan")),
    ],
)
def test_the_plan_that_was_registered_is_told_and_prevents_nothing(status, expected):
    audit = me.wwc_audit(Registered(estimate(students()), status))
    row = audit.frame.set_index("item").loc["deviations"]
    assert (row["verdict"], row["key"]) == expected
    assert "deviations" not in audit.audits[0].against
