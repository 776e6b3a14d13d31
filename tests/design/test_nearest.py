"""Nearest-neighbour matching on made-up students: its options, cohorts, weights, and the message for every mistake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentoreval.design.design import NO_SET, choose_design
from mentoreval.design.methods import METHODS, Nearest
from mentoreval.design.propensity_models import Logit
from mentoreval.errors import DataError, DesignError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame
from mentoreval.registry import build, spec_of


# ---------------------------------------------------------------------- pairs, sets and weights
def test_one_to_one_pairs_are_sets_of_two_with_weights_of_one(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Nearest())
    pairs, weighting = design.weighting.pairs, design.weighting
    assert len(pairs) == students["mentored"].sum()
    assert len(np.unique(pairs)) == pairs.size
    assert set(weighting.weights) == {0.0, 1.0}
    np.testing.assert_array_equal(weighting.matched_set[pairs[:, 0]], weighting.matched_set[pairs[:, 1]])
    assert (weighting.matched_set >= 0).sum() == pairs.size
    assert weighting.conditional


def test_two_for_each_split_their_weight(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """The second round runs out of comparison students, so that some sets have one of them and some two."""
    frame = students.assign(mentored=students["mentored"] | (students["absent"] > 11))
    design = choose_design(panel_of(frame), Nearest(ratio=2))
    table = design.weights[~design.weights["treated"]]
    in_set = table.groupby("matched_set")["unit"].transform("size")
    assert set(in_set) == {1, 2}
    scale = len(table) / design.matched_sets["treated"].nunique()
    np.testing.assert_allclose(table["weight"], scale / in_set)


def test_with_replacement_a_student_counts_for_each_use(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest(replace=True))
    uses = design.matched_sets["comparison"].value_counts()
    weight = design.weights.set_index("unit")["weight"]
    np.testing.assert_allclose(weight[uses.index], uses * len(uses) / uses.sum())
    assert uses.max() == design.weighting.facts["most_uses_of_a_neighbour"] > 1
    assert (design.weighting.matched_set == NO_SET).all()


def test_sampling_weights_multiply_the_weights_of_the_match(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students["w"] = np.where(students["lunch"], 3.0, 1.0)
    design = choose_design(panel_of(students, weight="w"), Nearest())
    table = design.weights.set_index("unit")
    np.testing.assert_array_equal(table["weight"], students.set_index("id").loc[table.index, "w"])


def test_a_sampling_weight_of_zero_is_not_considered(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["w"] = np.where(students["school"] == "east", 0.0, 1.0)
    design = choose_design(panel_of(students, weight="w"), Nearest())
    np.testing.assert_array_equal(design.weighting.considered, students["w"] > 0)


def test_everyone_is_matched_to_the_nearest_score_when_nobody_is_used_up(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Nearest(replace=True))
    score, treated = design.weighting.propensity, design.baseline.treated
    best = np.abs(score[treated][:, None] - score[~treated]).min(axis=1)
    np.testing.assert_allclose(np.sort(design.matched_sets["distance"]), np.sort(best), atol=1e-15)


# ---------------------------------------------------------------------- calipers and exact matching
def test_a_caliper_is_in_deviations_of_the_score_or_in_its_units(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel = panel_of(students)
    in_sd = choose_design(panel, Nearest(caliper=0.05))
    width = 0.05 * np.std(in_sd.weighting.propensity, ddof=1)
    assert in_sd.weighting.facts["caliper_width"] == pytest.approx(width)
    assert in_sd.matched_sets["distance"].max() <= width
    raw = choose_design(panel, Nearest(caliper=float(width), caliper_unit="raw"))
    pd.testing.assert_frame_equal(in_sd.matched_sets, raw.matched_sets)
    facts = in_sd.weighting.facts
    assert facts["n_unmatched"] == students["mentored"].sum() - len(in_sd.matched_sets) > 0
    assert facts["share_matched"] == pytest.approx(len(in_sd.matched_sets) / students["mentored"].sum())


def test_the_linear_predictor_has_its_own_deviation(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest(distance="linear_propensity", caliper=0.1))
    probability = design.weighting.propensity
    line = np.log(probability / (1 - probability))
    assert design.weighting.facts["caliper_width"] == pytest.approx(0.1 * np.std(line, ddof=1))
    pairs = design.weighting.pairs
    np.testing.assert_allclose(design.matched_sets["distance"], np.abs(line[pairs[:, 0]] - line[pairs[:, 1]]))


def test_exact_on_a_covariate_and_on_the_school_at_the_start(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    design = choose_design(panel_of(students), Nearest(exact=["grade", "school"]))
    frame = students.set_index("id")
    for name in ("grade", "school"):
        left, right = (frame.loc[design.matched_sets[arm], name].tolist() for arm in ("treated", "comparison"))
        assert left == right


def test_a_student_without_the_exact_column_is_not_considered(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students.loc[[0, 7], "school"] = None
    design = choose_design(panel_of(students), Nearest(exact=["school"]))
    assert np.flatnonzero(~design.weighting.considered).tolist() == [0, 7]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    caliper=st.floats(0.01, 1.0),
    ratio=st.integers(1, 3),
    again=st.booleans(),
    order=st.sampled_from(["largest", "smallest", "closest", "data"]),
    distance=st.sampled_from(["propensity", "linear_propensity"]),
)
def test_no_pair_is_beyond_the_caliper_or_across_strata(
    seed: int, caliper: float, ratio: int, again: bool, order: str, distance: str
) -> None:
    rng = np.random.default_rng(seed)
    n = 80
    frame = pd.DataFrame({"id": range(n), "x": rng.normal(size=n).round(1), "g": rng.choice(list("ab"), n), "y": 0.0})
    frame["t"] = rng.random(n) < 1 / (1 + np.exp(0.7 - frame["x"]))
    panel = panel_from_frame(frame, unit="id", treated="t", covariates=["x", "g"], outcomes=["y"])
    method = Nearest(ratio=ratio, replace=again, caliper=caliper, exact=["g"], order=order, distance=distance)  # type: ignore[arg-type]
    try:
        design = choose_design(panel, method)
    except DesignError as error:
        assert "no pair is that near" in str(error) or "predicts treatment perfectly" in str(error)  # noqa: PT017
        return
    pairs = design.weighting.pairs
    assert (design.matched_sets["distance"] <= design.weighting.facts["caliper_width"]).all()
    assert (frame["g"].to_numpy()[pairs[:, 0]] == frame["g"].to_numpy()[pairs[:, 1]]).all()
    assert frame["t"].to_numpy()[pairs[:, 0]].all()
    assert not frame["t"].to_numpy()[pairs[:, 1]].any()
    assert np.bincount(pairs[:, 0]).max() <= ratio
    assert again or np.bincount(pairs[:, 1]).max() == 1


# ---------------------------------------------------------------------- orders, distances, estimands
def test_the_hardest_to_match_choose_first(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)

    def pairs(estimand: str, **options: object) -> pd.DataFrame:
        return choose_design(panel, Nearest(**options), estimand=estimand).matched_sets  # type: ignore[arg-type]

    pd.testing.assert_frame_equal(pairs("ATT"), pairs("ATT", order="largest"))
    pd.testing.assert_frame_equal(pairs("ATC"), pairs("ATC", order="smallest"))
    assert not pairs("ATC").equals(pairs("ATC", order="largest"))


def test_atc_is_att_with_the_arms_swapped(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    swapped = students.assign(mentored=~students["mentored"])
    atc = choose_design(panel_of(students), Nearest(replace=True), estimand="ATC")
    att = choose_design(panel_of(swapped), Nearest(replace=True))
    np.testing.assert_allclose(atc.weighting.weights, att.weighting.weights)
    np.testing.assert_array_equal(atc.weighting.pairs[:, ::-1], att.weighting.pairs)
    assert atc.baseline.treated[atc.weighting.pairs[:, 0]].all()
    assert atc.weighting.facts["n_to_match"] == (~students["mentored"]).sum()


def test_random_order_is_repeated_by_its_seed(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students.assign(mentored=students["mentored"] | (students["absent"] > 11)))
    first, again, other = (choose_design(panel, Nearest(order="random", seed=seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.weighting.pairs, again.weighting.pairs)
    assert not np.array_equal(first.weighting.pairs, other.weighting.pairs)


def test_mahalanobis_distance_by_its_definition(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students, covariates=["gpa", "absent"])
    design = choose_design(panel, Nearest(distance="mahalanobis", replace=True))
    values, treated = students[["gpa", "absent"]].to_numpy(), students["mentored"].to_numpy()
    within = np.vstack([values[arm] - values[arm].mean(axis=0) for arm in (treated, ~treated)])
    inverse = np.linalg.inv(within.T @ within / (len(values) - 2))
    gaps = values[treated][:, None, :] - values[~treated][None, :, :]
    distance = np.sqrt(np.einsum("ijk,kl,ijl->ij", gaps, inverse, gaps))
    np.testing.assert_array_equal(design.weighting.pairs[:, 1], np.flatnonzero(~treated)[distance.argmin(axis=1)])
    np.testing.assert_allclose(design.matched_sets["distance"], distance.min(axis=1))
    assert np.isnan(design.weighting.propensity).all()


# ---------------------------------------------------------------------- several cohorts
def test_cohorts_are_matched_apart_and_a_student_may_serve_in_both(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Nearest(caliper=0.5))
    base, pairs = design.baseline, design.weighting.pairs
    np.testing.assert_array_equal(base.cohort[pairs[:, 0]], base.cohort[pairs[:, 1]])
    for cohort in (2020, 2021):
        served = base.unit[pairs[base.cohort[pairs[:, 0]] == cohort, 1]]
        assert len(served) == len(np.unique(served))
    every = base.unit[pairs[:, 1]]
    assert len(np.unique(every)) < len(every)


def test_those_not_yet_treated_may_be_compared_with(cohorts: pd.DataFrame, cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Nearest(), pool="not_yet_treated")
    later = set(cohorts.loc[cohorts["start"] == 2021, "id"])
    used = design.matched_sets.query("cohort == 2020")["comparison"]
    assert later & set(used)
    assert not set(design.matched_sets.query("cohort == 2021")["comparison"]) & later


def test_a_cohort_without_comparison_is_left_out_and_counted(cohorts: pd.DataFrame) -> None:
    """Among those who are mentored sooner or later, the last cohort has nobody left to compare with."""
    ever = cohorts[cohorts["start"].notna()]
    panel = panel_from_frame(
        ever, unit="id", period="year", first_treated="start", covariates=["gpa"], outcomes=["absent"]
    )
    design = choose_design(panel, Nearest(), pool="not_yet_treated")
    assert set(design.matched_sets["cohort"]) == {2020}
    steps = {step.key: step for step in design.flow}
    assert steps["considered"].n_treated == ever.loc[ever["start"] == 2020, "id"].nunique()


# ---------------------------------------------------------------------- covariate calipers, support, varying ratios
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10_000),
    caliper=st.none() | st.floats(0.05, 1.0),
    width=st.tuples(st.floats(0.1, 2.0), st.sampled_from(["sd", "raw"])),
    again=st.booleans(),
    discard=st.sampled_from(["none", "treated", "comparison", "both"]),
    distance=st.sampled_from(
        ["propensity", "linear_propensity", "mahalanobis", "robust_mahalanobis", "scaled_euclidean"]
    ),
    estimand=st.sampled_from(["ATT", "ATC"]),
)
def test_no_pair_is_beyond_any_caliper_whatever_the_distance(
    seed: int,
    caliper: float | None,
    width: tuple[float, str],
    again: bool,
    discard: str,
    distance: str,
    estimand: str,
) -> None:
    rng = np.random.default_rng(seed)
    n = 70
    frame = pd.DataFrame({"id": range(n), "x": rng.normal(size=n).round(1), "z": rng.gamma(2, 3, n), "y": 0.0})
    frame["t"] = rng.random(n) < 1 / (1 + np.exp(0.7 - frame["x"]))
    panel = panel_from_frame(frame, unit="id", treated="t", covariates=["x", "z"], outcomes=["y"])
    method = Nearest(
        replace=again,
        caliper=caliper,
        covariate_calipers={"z": width},
        discard=discard,  # type: ignore[arg-type]
        distance=distance,  # type: ignore[arg-type]
    )
    try:
        design = choose_design(panel, method, estimand=estimand)  # type: ignore[arg-type]
    except DesignError as error:
        assert "within all calipers" in str(error) or "predicts treatment perfectly" in str(error)  # noqa: PT017
        return
    pairs, facts, score = design.weighting.pairs, design.weighting.facts, design.weighting.propensity
    treated = frame["t"].to_numpy()
    kept = np.ones(n, dtype=bool)
    for arm, name in ((True, "treated"), (False, "comparison")):
        if discard in (name, "both"):
            other = score[treated != arm]
            kept &= (treated != arm) | ((score >= other.min()) & (score <= other.max()))
    assert facts["n_discarded"] == (~kept).sum()
    assert (design.weighting.weights[~kept] == 0).all()
    z = frame["z"].to_numpy()
    allowed = width[0] * (1.0 if width[1] == "raw" else np.std(z[kept], ddof=1))
    assert facts["covariate_caliper_widths"] == pytest.approx({"z": allowed})
    assert (np.abs(z[pairs[:, 0]] - z[pairs[:, 1]]) <= allowed).all()
    if caliper is not None:
        line = np.log(score / (1 - score)) if distance == "linear_propensity" else score
        assert facts["caliper_width"] == pytest.approx(caliper * np.std(line[kept], ddof=1))
        assert (np.abs(line[pairs[:, 0]] - line[pairs[:, 1]]) <= facts["caliper_width"] + 1e-12).all()


def test_mahalanobis_within_a_caliper_takes_the_nearest_of_those_allowed(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """With replacement each treated student has the nearest in the covariates among those near in the score."""
    panel = panel_of(students, covariates=["gpa", "absent"])
    design = choose_design(panel, Nearest(distance="mahalanobis", caliper=0.1, replace=True))
    X, treated = students[["gpa", "absent"]].to_numpy(), students["mentored"].to_numpy()
    within = np.vstack([X[arm] - X[arm].mean(axis=0) for arm in (treated, ~treated)])
    inverse = np.linalg.inv(within.T @ within / (len(X) - 2))
    score = design.weighting.propensity
    width = 0.1 * np.std(score, ddof=1)
    for first, second in design.weighting.pairs:
        near = np.flatnonzero(~treated & (np.abs(score - score[first]) <= width))
        apart = X[near] - X[first]
        assert second == near[np.argmin(np.einsum("ij,jk,ik->i", apart, inverse, apart))]


def test_raw_and_standardized_covariate_calipers_agree(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    deviation = float(np.std(students["gpa"], ddof=1))
    in_sd = choose_design(panel, Nearest(covariate_calipers={"gpa": 0.2}))
    raw = choose_design(panel, Nearest(covariate_calipers={"gpa": [0.2 * deviation, "raw"]}))
    pd.testing.assert_frame_equal(in_sd.matched_sets, raw.matched_sets)


@pytest.mark.parametrize("estimand", ["ATT", "ATC"])
def test_a_varying_ratio_gives_fewer_to_those_who_are_hard_to_match(
    estimand: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    """Seekers are few beside their neighbours here, so that everybody gets all that they ask for."""
    rng = np.random.default_rng(8)
    few = rng.permutation(240) < 30
    frame = students.assign(mentored=few if estimand == "ATT" else ~few)
    design = choose_design(panel_of(frame), Nearest(ratio=2, min_ratio=1, max_ratio=5), estimand=estimand)  # type: ignore[arg-type]
    seeker = design.weighting.pairs[:, 0 if estimand == "ATT" else 1]
    got = np.bincount(seeker, minlength=240)[few]
    assert sorted(got) == [1] * 22 + [3] + [5] * 7  # 60 in all: 30 with one, seven with four more, one with two more
    score = design.weighting.propensity[few]
    hard = score if estimand == "ATT" else -score
    assert (np.diff(got[np.argsort(hard)]) <= 0).all()
    sizes = design.weights.groupby("matched_set").size() - 1
    assert sorted(sizes) == sorted(got)


def test_a_table_of_calipers_is_written_in_a_study_file() -> None:
    spec = {"kind": "nearest", "covariate_calipers": {"gpa": 0.2, "absent": [3, "raw"]}, "discard": "both"}
    made = build(METHODS, spec, "design")
    assert made == Nearest(covariate_calipers={"absent": (3, "raw"), "gpa": 0.2}, discard="both")
    assert build(METHODS, spec_of(made), "design") == made
    assert len({made, build(METHODS, spec_of(made), "design")}) == 1


def test_a_caliper_on_a_text_is_refused(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(
        OptionError, match=r"'grade' is a text and has no caliper. Match exactly on it: exact=\['grade'\]"
    ):
        choose_design(panel_of(students), Nearest(covariate_calipers={"grade": 1}))


def test_calipers_that_nobody_meets_are_named(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(DesignError, match=r"No pair is within all calipers \(gpa 1e-09, propensity 0.0"):
        choose_design(panel_of(students), Nearest(covariate_calipers={"gpa": [1e-9, "raw"]}, caliper=0.2))


# ---------------------------------------------------------------------- study files
def test_it_is_written_in_a_study_file_as_a_table() -> None:
    spec = {"kind": "nearest", "ratio": 2, "exact": ["grade"], "propensity": {"kind": "logit"}}
    made = build(METHODS, spec, "design")
    assert made == Nearest(ratio=2, exact=("grade",), propensity=Logit())
    assert spec_of(made) == {"kind": "nearest", "ratio": 2, "exact": ("grade",)}
    assert build(METHODS, spec_of(made), "design") == made


# ---------------------------------------------------------------------- mistakes
OPTIONS = {
    "ratio": ({"ratio": 0}, "ratio is the number of comparison students per treated; got 0"),
    "caliper": ({"caliper": 0.0}, "caliper is a width above 0; got 0.0"),
    "no_seed": ({"order": "random"}, "needs a seed"),
    "order": ({"order": "biggest"}, "order = 'biggest' is not allowed.*'largest', 'smallest'"),
    "exact": ({"exact": "grade"}, "exact = 'grade' is not allowed. It takes a list"),
    "covariate_caliper": ({"covariate_calipers": {"gpa": 0}}, r"the caliper of 'gpa' = 0 is not allowed. It takes a w"),
    "covariate_unit": (
        {"covariate_calipers": {"gpa": [1, "cm"]}},
        r"the caliper of 'gpa' = \[1, 'cm'\] is not allowed",
    ),
    "max_ratio_alone": ({"max_ratio": 1}, "do not make a varying ratio"),
    "min_ratio_alone": ({"min_ratio": 2}, "do not make a varying ratio"),
    "mean_outside": ({"ratio": 4, "max_ratio": 3}, "with ratio the mean"),
    "varying_again": ({"ratio": 2, "max_ratio": 3, "replace": True}, "no replacement"),
    "discard": ({"discard": "control"}, "discard = 'control' is not allowed.*'comparison'"),
    "propensity": ({"propensity": 3}, "It takes a propensity model, as a table"),
    "unknown_propensity": (
        {"propensity": {"kind": "logitt"}},
        "no propensity model named 'logitt'. Did you mean 'logit'",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_can_not_be_is_named(case: str) -> None:
    options, message = OPTIONS[case]
    with pytest.raises(OptionError, match=message):
        Nearest(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("estimand", "instead"), [("ATE", "inverse_probability.* or full"), ("ATO", "overlap_weighting")]
)
def test_an_estimand_it_does_not_serve_names_the_method_that_does(
    estimand: str, instead: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    with pytest.raises(DesignError, match=rf"ATT .*ATC .*, not for the {estimand}.*{instead}"):
        choose_design(panel_of(students), Nearest(), estimand=estimand)  # type: ignore[arg-type]


def test_a_caliper_that_nobody_meets_says_how_near_the_nearest_are(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel = panel_of(students)
    closest = choose_design(panel, Nearest(replace=True)).matched_sets["distance"].min()
    with pytest.raises(DesignError, match=rf"caliper of 1e-09 sd is .* is {closest:.3g} apart. Widen the caliper"):
        choose_design(panel, Nearest(caliper=1e-9))


def test_exact_on_what_no_pair_shares(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students["arm"] = np.where(students["mentored"], "with", "without")
    panel = panel_of(students, covariates=["gpa", "arm"])
    with pytest.raises(DesignError, match=r"matched exactly on arm: no value is found in both arms"):
        choose_design(panel, Nearest(exact=["arm"]), covariates=["gpa"])


def test_an_unknown_exact_column_gets_a_suggestion(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(DataError, match=r"no covariate 'grades' in this panel. Did you mean 'grade'"):
        choose_design(panel_of(students), Nearest(exact=["grades"]))
    with pytest.raises(DataError, match=r"no covariate 'schol' in this panel. Did you mean 'school'"):
        choose_design(panel_of(students), Nearest(exact=["schol"]))


def test_the_outcome_can_not_be_matched_on(
    students: pd.DataFrame, panel_of: Callable[..., Panel], cohort_panel: Panel
) -> None:
    with pytest.raises(DataError, match=r"'attendance' is an outcome and can not be a covariate"):
        choose_design(panel_of(students), Nearest(), covariates=["gpa", "attendance"])
    with pytest.raises(DataError, match=r"'absent' is an outcome.*name 'prior_absent'"):
        choose_design(cohort_panel, Nearest(exact=["absent"]))


def test_nobody_with_complete_covariates_names_the_gap(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students.loc[students["mentored"], "gpa"] = np.nan
    missing = int(students["mentored"].sum())
    with pytest.raises(
        DesignError, match=rf"No cohort has students in both arms.*'gpa' is missing in {missing} of them"
    ):
        choose_design(panel_of(students), Nearest())
