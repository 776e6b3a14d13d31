"""Several program models at once: known effects of a made-up portfolio, two arms as a special case, and mistakes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.arms import ArmComparison, compare_arms
from mentoreval.design.design import choose_design
from mentoreval.design.eligibility import Eligibility
from mentoreval.design.methods import InverseProbability, OverlapWeighting
from mentoreval.design.programs import SeveralPrograms
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, DifferenceInMeans, RegressionAdjustment
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust, MultiplierBootstrap
from mentoreval.errors import DataError, DesignError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame

EFFECTS = {"none": 0.0, "e_mentoring": 0.2, "group": -0.3, "peer": 0.5}
"""True effect of each program against none, the same for everybody, so that every estimand has the same truth."""

MODELS = list(EFFECTS)


def portfolio_frame(n: int = 3000, seed: int = 11) -> pd.DataFrame:
    """One row per student; the needier are chosen more often, and differently by program; noise of unit size."""
    rng = np.random.default_rng(seed)
    need, age = rng.normal(size=n), rng.normal(size=n)
    lunch = rng.random(n) < 0.5
    utility = np.column_stack([0.6 + 0 * need, 0.4 * age, 0.7 * need - 0.2 * age, 0.8 * need + 0.5 * lunch - 0.2])
    arm = np.array(MODELS)[(utility + rng.gumbel(size=(n, 4))).argmax(axis=1)]
    effect = np.array([EFFECTS[label] for label in arm])
    return pd.DataFrame(
        {
            "id": [f"s{number:05d}" for number in rng.permutation(n)],
            "model": pd.Series(arm).mask(arm == "none"),
            "mentored": arm != "none",
            "need": need,
            "age": age,
            "lunch": lunch,
            "school": rng.choice(["east", "north", "south", "west"], n),
            "weight": rng.uniform(0.5, 2.0, n),
            "outcome": effect - 1.0 * need + 0.4 * age - 0.5 * lunch + rng.normal(0, 1, n),
        }
    )


def portfolio(frame: pd.DataFrame, **roles: object) -> Panel:
    given: dict[str, object] = {
        "unit": "id",
        "treated": "mentored",
        "covariates": ["need", "age", "lunch", "model"],
        "outcomes": ["outcome"],
        "school": "school",
    }
    return panel_from_frame(frame, **(given | roles))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return portfolio(portfolio_frame())


@pytest.fixture(scope="module")
def weighted(panel: Panel) -> ArmComparison:
    return compare_arms(panel, "model")


def effect_of(comparison: ArmComparison, a: str, b: str) -> tuple[float, float]:
    """Difference of weighted means and its robust error."""
    frame = estimate_effect(
        comparison.design(a, b), "outcome", DifferenceInMeans(), inference=HeteroskedasticityRobust()
    ).frame
    return float(frame["estimate"].iloc[0]), float(frame["std_error"].iloc[0])


def plain_difference(panel: Panel, a: str, b: str) -> float:
    means = panel.frame.groupby(panel.frame["model"].fillna("none"))["outcome"].mean()
    return float(means[a] - means[b])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"common_support": False},
        {"estimand": "ATO"},
        {"estimand": "ATT", "target": "peer"},
        {"method": "matching", "target": "peer"},
        {"method": "matching", "target": "none"},
    ],
    ids=["ATE", "ATE everybody", "ATO", "ATT", "matched", "matched to none"],
)
def test_known_effects_are_found_in_every_pair(panel: Panel, asked: dict[str, object]) -> None:
    comparison = compare_arms(panel, "model", **asked)  # type: ignore[arg-type]
    for a, b in comparison.pairs:
        estimate, error = effect_of(comparison, a, b)
        assert abs(estimate - (EFFECTS[a] - EFFECTS[b])) < 3.5 * error, (a, b)
        assert error < 0.2


def test_without_weights_selection_hides_the_effects(panel: Panel) -> None:
    for program in ("peer", "group"):
        assert abs(plain_difference(panel, program, "none") - EFFECTS[program]) > 0.4


def test_effects_add_up_around_the_portfolio(weighted: ArmComparison) -> None:
    def effect(a: str, b: str) -> float:
        return effect_of(weighted, a, b)[0]

    assert effect("e_mentoring", "peer") + effect("peer", "none") == pytest.approx(
        effect("e_mentoring", "none"), abs=1e-10
    )


def test_all_pairs_are_offered_with_the_reference_second(weighted: ArmComparison, panel: Panel) -> None:
    assert set(map(frozenset, weighted.pairs)) == set(map(frozenset, combinations(MODELS, 2)))
    assert all(a != "none" for a, _ in weighted.pairs)
    of_peer = compare_arms(panel, "model", estimand="ATT", target="peer")
    assert sorted(of_peer.pairs) == [("peer", "e_mentoring"), ("peer", "group"), ("peer", "none")]
    of_none = compare_arms(panel, "model", estimand="ATT", target="none")
    assert sorted(of_none.pairs) == [("e_mentoring", "none"), ("group", "none"), ("peer", "none")]
    assert of_none.design("peer", "none").estimand == "ATC"
    assert of_peer.design("group", "peer").estimand == "ATC"


@pytest.mark.parametrize("weight", [None, "weight"])
def test_two_arms_are_inverse_probability_and_overlap_weighting(weight: str | None) -> None:
    frame = portfolio_frame(800)
    frame["model"] = frame["model"].mask(frame["mentored"], "any program")
    panel = portfolio(frame, weight=weight)
    names = ["need", "age", "lunch"]
    for asked, method in (("ATE", InverseProbability()), ("ATO", OverlapWeighting())):
        ours = compare_arms(panel, "model", estimand=asked, common_support=False)  # type: ignore[arg-type]
        design = ours.design("any program", "none")
        binary = choose_design(panel, method, estimand=asked, covariates=names)  # type: ignore[arg-type]
        for mask in (binary.baseline.treated, ~binary.baseline.treated):
            ratio = design.weighting.weights[mask] / binary.weighting.weights[mask]
            np.testing.assert_allclose(ratio, ratio[0], rtol=1e-8)
        np.testing.assert_allclose(design.weighting.propensity, binary.weighting.propensity, rtol=1e-8)


def test_the_att_keeps_the_target_as_it_is_and_makes_the_others_alike(panel: Panel) -> None:
    comparison = compare_arms(panel, "model", estimand="ATT", target="group")
    design = comparison.design("group", "none")
    used = design.weighting.weights[design.baseline.treated & (design.weighting.weights > 0)]
    np.testing.assert_allclose(used, 1.0)
    assert design.estimand == "ATT"


def test_balance_names_the_worst_pair_and_weighting_mends_it(weighted: ArmComparison) -> None:
    table = weighted.balance().set_index("covariate")
    assert set(table.index) == {"need", "age", "lunch"}
    assert table.loc["need", "smd_before"] > 0.5
    assert (table["smd_after"] < 0.1).all()
    a, b = table.loc["need", "pair_before"].split(" – ")
    direct = weighted.design(a, b).balance().frame.set_index("covariate").loc["need", "smd_before"]
    assert table.loc["need", "smd_before"] == pytest.approx(abs(direct))
    assert all(
        abs(weighted.design(*pair).balance().frame.set_index("covariate").loc["need", "smd_before"]) <= abs(direct)
        for pair in weighted.pairs
    )


def test_overlap_weights_bring_all_arms_near(panel: Panel) -> None:
    # For two arms the likelihood equations make means equal; for more the harmonic mean only comes near.
    table = compare_arms(panel, "model", estimand="ATO", common_support=False).balance()
    assert table["smd_after"].max() < 0.1
    assert table["smd_before"].min() > 0.3


def test_nobody_is_lost_in_silence(weighted: ArmComparison, panel: Panel) -> None:
    frame = weighted.frame.set_index("arm")
    counts = panel.frame["model"].fillna("none").value_counts()
    assert frame["n_in_panel"].to_dict() == counts.to_dict()
    assert (frame["n_outside_support"] + frame["n_supported"] == frame["n_considered"]).all()
    assert frame["n_outside_support"].sum() > 0
    assert (frame["ess_after"] <= frame["n_supported"]).all()
    flow = {step.key: step for step in weighted.design("peer", "none").flow}
    assert flow["in_panel"].n_treated == counts["peer"]
    assert flow["compared"].n_comparison == frame.loc["none", "n_supported"]
    assert "ATE" in repr(weighted)
    assert "<table" in weighted._repr_html_()


def test_the_common_support_lies_within_every_arm_of_the_first_model(panel: Panel) -> None:
    everybody = compare_arms(panel, "model", common_support=False)
    some = compare_arms(panel, "model")
    scores, arm = everybody.scores, everybody.entry_arm
    bounds = [[np.quantile(scores[arm == code, k], [0, 1]) for code in range(4)] for k in range(4)]
    inside = np.ones(len(arm), dtype=bool)
    for k in range(4):
        low, high = max(pair[0] for pair in bounds[k]), min(pair[1] for pair in bounds[k])
        inside &= (scores[:, k] >= low) & (scores[:, k] <= high)
    np.testing.assert_array_equal(some.supported, inside)


def test_matched_sets_hold_one_of_every_arm(panel: Panel) -> None:
    comparison = compare_arms(panel, "model", method="matching", target="peer")
    assert comparison.matches.shape[1] == 4
    for code in range(4):
        assert (comparison.entry_arm[comparison.matches[:, code]] == code).all()
    design = comparison.design("peer", "group")
    assert len(design.matched_sets) == len(comparison.matches)
    model = panel.frame.set_index("id")["model"]
    assert (model.loc[design.matched_sets["comparison"]] == "group").all()
    assert (model.loc[design.matched_sets["treated"]] == "peer").all()
    # Caliper: a quarter of a standard deviation of the log odds of each arm against the target.
    linear = np.log(comparison.scores / comparison.scores[:, [comparison.arms.index("peer")]])
    width = 0.25 * np.std(linear[comparison.supported], axis=0, ddof=1)
    for code in range(4):
        apart = linear[comparison.matches[:, code]] - linear[comparison.matches[:, comparison.arms.index("peer")]]
        assert (np.abs(apart) <= width + 1e-12).all()
    assert comparison.balance()["smd_after"].max() < 0.05
    assert design.weighting.conditional
    total = design.weighting.weights[~design.baseline.treated].sum()
    assert total == pytest.approx(len(comparison.matches))


@pytest.mark.parametrize(
    "inference", [ClusterRobust(cluster="student"), MultiplierBootstrap(cluster="student", seed=1)]
)
def test_estimators_and_inference_work_unchanged(weighted: ArmComparison, inference: object) -> None:
    effect = estimate_effect(
        weighted.design("peer", "group"),
        "outcome",
        RegressionAdjustment(),
        inference=inference,  # type: ignore[arg-type]
    )
    row = effect.frame.iloc[0]
    assert abs(row["estimate"] - 0.8) < 4 * row["std_error"]


def yearly_frame(label: Callable[[int], object] = lambda year: year) -> pd.DataFrame:
    """Four years, two programs that start in the second or third one; effects −2 (peer) and −1 (group) on absences."""
    rng = np.random.default_rng(3)
    n = 600
    need = rng.normal(size=n)
    utility = np.column_stack([0.5 + 0 * need, 0.5 * need, 0.8 * need]) + rng.gumbel(size=(n, 3))
    arm = utility.argmax(axis=1)
    start = rng.choice([2020, 2021], n)
    parts = []
    for year in range(2019, 2023):
        on = (arm > 0) & (year >= start)
        absent = 10 + 2 * need + 0.3 * (year - 2019) - on * np.array([0, 1, 2])[arm] + rng.normal(0, 1, n)
        parts.append(
            pd.DataFrame(
                {
                    "id": np.arange(n),
                    "year": label(year),
                    "start": [label(int(one)) if of else None for one, of in zip(start, arm > 0, strict=True)],
                    "model": pd.Series(np.array(["none", "group", "peer"])[arm]).where(on, "none"),
                    "need": need,
                    "absent": absent,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("label", [lambda year: year, lambda year: f"{year}-{year + 1 - 2000}"], ids=["number", "text"])
def test_programs_that_start_in_several_years(label: Callable[[int], object]) -> None:
    panel = panel_from_frame(
        yearly_frame(label),
        unit="id",
        period="year",
        first_treated="start",
        covariates=["need", "model"],
        outcomes=["absent"],
    )
    comparison = compare_arms(panel, "model")
    for (a, b), truth in {("peer", "none"): -2, ("group", "none"): -1, ("peer", "group"): -1}.items():
        design = comparison.design(a, b) if (a, b) in comparison.pairs else comparison.design(b, a)
        row = estimate_effect(
            design, "absent", DifferenceInMeans(), inference=ClusterRobust(cluster="student")
        ).frame.iloc[0]
        sign = 1 if (a, b) in comparison.pairs else -1
        assert abs(sign * row["estimate"] - truth) < 4 * row["std_error"]
        base = design.baseline
        used = design.weighting.weights > 0
        own = comparison.panel.start[comparison.panel.units.get_indexer(design.panel.units)][base.unit]
        starts_here = (own == base.cohort) | (own == comparison.panel.timeline.NEVER)
        assert starts_here[used].all(), "a unit counts in the year of its own start only"
        for cohort in np.unique(base.cohort):
            in_cohort = base.cohort == cohort
            by_arm = [design.weighting.weights[in_cohort & (base.treated == arm)].sum() for arm in (True, False)]
            assert min(by_arm) > 0


def test_a_design_of_two_arms_says_why_it_can_not_be_refitted(weighted: ArmComparison) -> None:
    design = weighted.design("peer", "none")
    with pytest.raises(DesignError, match="scores of all arms"):
        choose_design(design.panel, design.method)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"arm": "modle"}, DataError, "Did you mean 'model'"),
        ({"estimand": "ATC"}, OptionError, "target="),
        ({"estimand": "LATE"}, OptionError, "Available: ATE, ATO, ATT"),
        ({"method": "magic"}, OptionError, "matching, weighting"),
        ({"estimand": "ATT"}, OptionError, "target='peer'"),
        ({"estimand": "ATT", "target": "pear"}, OptionError, "Did you mean 'peer'"),
        ({"target": "peer"}, OptionError, "does not go with the ATE"),
        ({"method": "matching", "estimand": "ATE"}, DesignError, "estimand='ATT'"),
        ({"covariates": "need"}, OptionError, "write \\['need'\\]"),
        ({"covariates": []}, DesignError, "needs covariates"),
        ({"eligibility": [Eligibility("model", equals="peer")]}, OptionError, "can not be an eligibility rule"),
        ({"reference": "peer"}, DataError, "are treated but have no model"),
    ],
)
def test_requests_that_make_no_sense(panel: Panel, asked: dict[str, object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        compare_arms(panel, **({"arm": "model"} | asked))  # type: ignore[arg-type]


def test_pairs_that_make_no_sense(weighted: ArmComparison, panel: Panel) -> None:
    with pytest.raises(OptionError, match=r"no arm 'pear' in 'model'\. Did you mean 'peer'"):
        weighted.design("pear", "none")
    with pytest.raises(DesignError, match="the first must be a program"):
        weighted.design("none", "peer")
    with pytest.raises(DesignError, match="neither in 'group' nor in 'none'"):
        compare_arms(panel, "model", estimand="ATT", target="peer").design("group", "none")


def test_one_arm_is_nothing_to_compare() -> None:
    frame = yearly_frame()
    frame = frame[frame["start"].notna()].assign(model="peer")
    panel = panel_from_frame(
        frame, unit="id", period="year", first_treated="start", covariates=["need", "model"], outcomes=["absent"]
    )
    with pytest.raises(DesignError, match="1 programs \\(peer\\) and 0 units without"):
        compare_arms(panel, "model")


def test_an_arm_with_too_few_students_is_named() -> None:
    frame = portfolio_frame(400)
    few = frame["model"].eq("group") & (frame["model"].eq("group").cumsum() > 4)
    with pytest.raises(DesignError, match="Arm 'group' has 4 students"):
        compare_arms(portfolio(frame[~few]), "model")


def test_an_arm_that_changes_within_a_unit_is_named() -> None:
    frame = yearly_frame()
    unit = frame.loc[frame["model"] == "peer", "id"].iloc[0]
    frame.loc[(frame["id"] == unit) & (frame["year"] == 2022), "model"] = "group"
    panel = panel_from_frame(
        frame, unit="id", period="year", first_treated="start", covariates=["need", "model"], outcomes=["absent"]
    )
    with pytest.raises(DataError, match=rf"1 of 600 units \({unit}\) have more than one model"):
        compare_arms(panel, "model")


def test_labels_and_starts_must_agree() -> None:
    frame = portfolio_frame(400)
    frame.loc[frame["model"].isna().idxmax(), "model"] = "peer"
    with pytest.raises(DataError, match=r"1 of 400 units .* have a model but no"):
        compare_arms(portfolio(frame), "model")


def test_a_covariate_that_tells_an_arm_apart_is_named() -> None:
    frame = portfolio_frame(400)
    frame["code"] = frame["age"] + 100 * frame["model"].eq("group")
    panel = portfolio(frame, covariates=["need", "code", "model"])
    with pytest.raises(DesignError, match=r"Arm 'group' .*'code' predicts treatment perfectly"):
        compare_arms(panel, "model")


def several_frame(n_both: int = 40, n_rare: int = 3) -> pd.DataFrame:
    """The portfolio, in which some students of the peer program are in the group program too, and a few in a third."""
    frame = portfolio_frame(2000)
    peers = frame.index[frame["model"].eq("peer")]
    frame.loc[peers[:n_both], "model"] = "peer + group"
    frame.loc[peers[n_both : n_both + n_rare], "model"] = "peer + e_mentoring"
    return frame


def test_students_in_several_programs_are_counted_by_combination() -> None:
    with pytest.raises(
        DataError, match=r"43 of 2,000 units .*\(group \+ peer: 40, e_mentoring \+ peer: 3\).*'own_arm'"
    ):
        compare_arms(portfolio(several_frame()), "model")


def test_students_in_several_programs_can_be_dropped_and_the_flow_says_so() -> None:
    frame = several_frame()
    comparison = compare_arms(portfolio(frame), "model", several="drop")
    assert comparison.frame.set_index("arm")["n_in_several"].to_dict() == {
        "none": 0, "e_mentoring": 3, "group": 40, "peer": 43,
    }  # fmt: skip
    steps = comparison.design("peer", "group").flow
    assert [step.key for step in steps[:2]] == ["in_panel", "one_program"]
    assert steps[0].n_treated - steps[1].n_treated == 43
    assert steps[0].n_comparison - steps[1].n_comparison == 40
    alone = frame["model"].fillna("none").isin(EFFECTS)
    without = compare_arms(portfolio(frame[alone]), "model")
    for pair in without.pairs:
        assert effect_of(comparison, *pair) == pytest.approx(effect_of(without, *pair), rel=1e-10)


def test_a_combination_can_be_an_arm_of_its_own() -> None:
    frame = several_frame()
    comparison = compare_arms(portfolio(frame), "model", several="own_arm")
    assert comparison.arms == ("none", "e_mentoring", "group", "group + peer", "peer")
    assert comparison.frame.set_index("arm")["n_in_several"].to_dict()["peer"] == 3
    renamed = frame.assign(model=frame["model"].replace({"peer + group": "group + peer"}))
    renamed = renamed[renamed["model"].ne("peer + e_mentoring")].assign(
        model=lambda few: few["model"].replace({"group + peer": "h"})
    )
    plain = compare_arms(portfolio(renamed), "model")
    assert effect_of(comparison, "group + peer", "none") == pytest.approx(effect_of(plain, "h", "none"), rel=1e-8)
    few = compare_arms(portfolio(frame), "model", several=SeveralPrograms("own_arm", fewest=41))
    assert "group + peer" not in few.arms


def test_the_first_program_counts_even_where_another_follows() -> None:
    frame = yearly_frame()
    before = panel_from_frame(
        frame, unit="id", period="year", first_treated="start", covariates=["need", "model"], outcomes=["absent"]
    )
    late = frame["model"].eq("peer") & (frame["year"] == 2022)
    after = panel_from_frame(
        frame.assign(model=frame["model"].mask(late, "group")),
        unit="id", period="year", first_treated="start", covariates=["need", "model"], outcomes=["absent"],
    )  # fmt: skip
    together = panel_from_frame(
        frame.assign(model=frame["model"].mask(frame["model"].eq("peer"), "peer + group")),
        unit="id", period="year", first_treated="start", covariates=["need", "model"], outcomes=["absent"],
    )  # fmt: skip
    expected = compare_arms(before, "model").weights
    for panel in (after, together):
        np.testing.assert_array_equal(compare_arms(panel, "model", several="first").weights, expected)


def test_a_rule_that_does_not_exist_is_named(panel: Panel) -> None:
    with pytest.raises(OptionError, match=r"several = 'dropp' is no rule\. Did you mean 'drop'"):
        compare_arms(panel, "model", several="dropp")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="fewest is 10 or more"):
        SeveralPrograms("own_arm", fewest=2)


def test_every_arm_meets_the_same_rules(panel: Panel) -> None:
    rule = Eligibility("need", at_least=-0.5)
    comparison = compare_arms(panel, "model", eligibility=[rule])
    used = comparison.baseline.unit[comparison.weights > 0]
    need = panel.frame.set_index("id")["need"].loc[panel.units[used]]
    assert need.min() >= -0.5
    chosen = portfolio(panel.frame[panel.frame["need"] >= -0.5].assign(mentored=lambda f: f["model"].notna()))
    assert effect_of(comparison, "peer", "none") == pytest.approx(
        effect_of(compare_arms(chosen, "model"), "peer", "none"), rel=1e-10
    )
    flow = {step.key: step for step in comparison.design("peer", "group").flow}
    members = panel.frame.query("need >= -0.5")["model"].value_counts()
    assert (flow["eligible"].n_treated, flow["eligible"].n_comparison) == (members["peer"], members["group"])


def test_those_who_start_later_can_wait_in_the_reference() -> None:
    panel = panel_from_frame(
        yearly_frame(), unit="id", period="year", first_treated="start", covariates=["need", "model"],
        outcomes=["absent"],
    )  # fmt: skip
    comparison = compare_arms(panel, "model", pool="not_yet_treated")
    early = comparison.baseline.cohort == 2020
    waiting = early & (comparison.entry_arm == 0)
    start = panel.start[comparison.baseline.unit[waiting]]
    assert set(np.unique(start)) == {2021, panel.timeline.NEVER}
    design = comparison.design("peer", "none")
    base, used = design.baseline, design.weighting.considered
    ever_peer = panel.frame[panel.frame["model"].eq("peer")]["id"].unique()
    assert set(design.panel.units[base.unit[base.treated]]) == set(ever_peer)
    others = set(design.panel.units[base.unit[used & ~base.treated]])
    late_group = set(panel.frame[panel.frame["model"].eq("group") & (panel.frame["start"] == 2021)]["id"])
    assert late_group <= others
    assert not late_group & set(design.panel.units[base.unit[used & ~base.treated & (base.cohort == 2021)]])
    flow = {step.key: step for step in design.flow}
    assert flow["in_panel"].n_treated == flow["start_in_panel"].n_treated == len(ever_peer)
    found = estimate_effect(
        design, "absent", CallawaySantAnna(control="not_yet_treated"), inference=ClusterRobust(cluster="student")
    ).frame
    row = found[found["term"] == "att(2020,2020)"].iloc[0]
    assert abs(row["estimate"] + 2) < 4 * row["std_error"]
    between = comparison.design("group", "peer")
    here = between.baseline.unit[~between.baseline.treated]
    assert (between.panel.start[here] == between.panel.timeline.NEVER).all()
    row = estimate_effect(
        between, "absent", CallawaySantAnna(control="not_yet_treated"), inference=ClusterRobust(cluster="student")
    ).headline()
    assert abs(row["estimate"] - 1) < 4 * row["std_error"]
