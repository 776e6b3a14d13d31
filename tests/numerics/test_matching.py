"""Greedy matching: the pairs of MatchIt 4.7.2, of a brute-force twin on random problems, and what no pair may do."""

from __future__ import annotations

import csv
import json
import math
import runpy
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.errors import DataError, OptionError
from mentoreval.numerics import covariate_cells, score_line_within
from mentoreval.numerics.covariate_spaces import euclidean_space
from mentoreval.numerics.matching import (
    match_covariates,
    match_mahalanobis,
    match_nearest,
    matched_sets,
    matching_weights,
)
from mentoreval.numerics.strata import UNMATCHED, Limits, stable_order, visiting_order

ROOT = Path(__file__).resolve().parents[2]
TWIN = runpy.run_path(str(ROOT / "tests" / "twins" / "brute_force_matching.py"))
REFERENCE = ROOT.parent / "shared" / "reference"

needs_reference = pytest.mark.skipif(
    not (REFERENCE / "lalonde_matching.json").is_file(), reason="the stored R values are not beside the repository"
)


@pytest.fixture(scope="module")
def lalonde():
    """Columns of MatchIt's LaLonde data, the propensity score R fitted to them, and R's matches."""
    with (REFERENCE / "data" / "lalonde.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    numbers = {name: columns[name].astype(float) for name in columns if name not in ("id", "race")}
    score = np.array(json.loads((REFERENCE / "lalonde_propensity.json").read_text("utf-8"))["results"]["all"])
    matches = json.loads((REFERENCE / "lalonde_matching.json").read_text("utf-8"))["results"]
    return {"id": columns["id"], "race": columns["race"], "score": score, "matches": matches, **numbers}


def assert_is_reference(lalonde, case, pairs):
    """Pairs, weights and subclasses of a match are those that R stored."""
    reference = lalonde["matches"][case]
    treated = lalonde["treat"] == 1
    assert lalonde["id"][treated].tolist() == reference["pairs"]["treated"]
    named = [None if row == UNMATCHED else lalonde["id"][row] for row in pairs[:, 0]]
    assert named == reference["pairs"]["controls"][0]
    np.testing.assert_allclose(matching_weights(pairs, treated), np.array(reference["weights"], float), atol=1e-12)
    if reference.get("subclass") is not None:
        subclass = [UNMATCHED if name is None else int(name) - 1 for name in reference["subclass"]]
        assert matched_sets(pairs, treated).tolist() == subclass


@needs_reference
@pytest.mark.parametrize(
    ("case", "options"),
    [
        ("nearest_default", {}),
        ("nearest_replace", {"replace": True}),
        ("nearest_caliper02", {"caliper": 0.2}),
        ("nearest_exact_race", {"exact": "race"}),
    ],
)
def test_nearest_gives_the_pairs_of_matchit(lalonde, case, options):
    score = lalonde["score"]
    strata = np.unique(lalonde["race"], return_inverse=True)[1] if "exact" in options else None
    caliper = options["caliper"] * score.std(ddof=1) if "caliper" in options else None
    limits = Limits(caliper=caliper, strata=strata)
    pairs = match_nearest(score, lalonde["treat"] == 1, replace=options.get("replace", False), limits=limits)
    assert_is_reference(lalonde, case, pairs)


def lalonde_covariates(lalonde, levels):
    race = [(lalonde["race"] == level) / math.sqrt(2) for level in levels]
    names = ("married", "nodegree", "re74", "re75")
    return np.column_stack([lalonde["age"], lalonde["educ"], *race, *(lalonde[name] for name in names)])


@needs_reference
def test_mahalanobis_gives_the_pairs_of_matchit(lalonde):
    X = lalonde_covariates(lalonde, ("black", "hispan", "white"))
    assert_is_reference(lalonde, "mahalanobis", match_mahalanobis(X, lalonde["treat"] == 1))


@needs_reference
def test_a_level_more_or_less_of_a_category_is_the_same_mahalanobis_distance(lalonde):
    treated = lalonde["treat"] == 1
    all_levels = match_mahalanobis(lalonde_covariates(lalonde, ("black", "hispan", "white")), treated)
    without_one = match_mahalanobis(lalonde_covariates(lalonde, ("black", "hispan")), treated)
    np.testing.assert_array_equal(all_levels, without_one)


def test_the_nearer_side_wins_and_the_left_one_if_both_are_equally_near():
    score = np.array([0.5, 0.25, 0.75, 0.5, 0.125, 0.625])
    treated = np.array([True, False, False, True, False, False])
    # both treated have 0.5 (rows 0 and 3): row 0 takes 0.625 (0.125 away), row 3 the left of 0.25 and 0.75
    np.testing.assert_array_equal(match_nearest(score, treated), [[5], [1]])


def test_of_equal_scores_the_last_row_wins_on_the_left_and_the_first_on_the_right():
    treated = np.array([False, False, True, False, False])
    assert match_nearest(np.array([1.0, 1, 1, 1, 1]), treated).tolist() == [[1]]
    assert match_nearest(np.array([2.0, 2, 1, 2, 2]), treated).tolist() == [[0]]
    assert match_nearest(np.array([0.0, 0, 1, 0, 0]), treated).tolist() == [[4]]


def test_rounds_give_everybody_a_first_control_before_anybody_gets_a_second():
    score = np.array([0.9, 0.8, 0.75, 0.1])
    treated = np.array([True, True, False, False])
    np.testing.assert_array_equal(match_nearest(score, treated, ratio=2), [[2, UNMATCHED], [3, UNMATCHED]])


def test_with_replacement_nobody_gets_the_same_control_twice():
    score = np.array([0.5, 0.5, 0.4, 0.7])
    treated = np.array([True, True, False, False])
    np.testing.assert_array_equal(match_nearest(score, treated, ratio=3, replace=True), [[2, 3, UNMATCHED]] * 2)


def test_the_caliper_is_inclusive():
    score = np.array([0.5, 0.25])
    treated = np.array([True, False])
    assert match_nearest(score, treated, limits=Limits(caliper=0.25)).tolist() == [[1]]
    assert match_nearest(score, treated, limits=Limits(caliper=math.nextafter(0.25, 0))).tolist() == [[UNMATCHED]]


# Small multiples of a quarter: every sum and difference is exact, and ties are everywhere.
quarters = st.integers(0, 6).map(lambda value: value / 4)


@st.composite
def problems(draw):
    """A few rows with scores, arms and every kind of limit."""
    n = draw(st.integers(1, 16))

    def column(of):
        return draw(st.lists(of, min_size=n, max_size=n))

    limits = {"caliper": draw(st.none() | quarters)}
    limits["strata"] = draw(st.none() | st.just(column(st.sampled_from([3, 8]))))
    limits["discarded"] = draw(st.none() | st.just(column(st.sampled_from([True, False, False, False]))))
    if draw(st.booleans()):
        limits["covariates"] = column(st.tuples(quarters, quarters))
        limits["widths"] = [draw(quarters), draw(quarters)]
    return {
        "treated": column(st.booleans()),
        "x": column(st.tuples(quarters, quarters)),
        "limits": limits,
        "ratio": draw(st.integers(1, 3)),
        "replace": draw(st.booleans()),
        "order": draw(st.sampled_from(["largest", "smallest", "closest", "data", "random"])),
    }


def as_limits(limits):
    arrays = {name: value if value is None or name == "caliper" else np.array(value) for name, value in limits.items()}
    return Limits(**arrays)


def twin_pairs(problem, distance, choose, sequence):
    limits, treated = problem["limits"], problem["treated"]
    discarded = limits["discarded"] or [False] * len(treated)
    pairs = TWIN["allowed_pairs"](treated, distance, **limits)
    rows = [row for row, flag in enumerate(treated) if flag]
    sequence = [rows[place] for place in sequence if not discarded[rows[place]]]
    matched = TWIN["match"](
        pairs, choose, sequence, problem["ratio"], problem["replace"], closest=problem["order"] == "closest"
    )
    return np.array(TWIN["as_rows"](matched, rows, problem["ratio"]), dtype=int).reshape(len(rows), problem["ratio"])


# Thresholds so small that the long searches happen in small problems too.
SHORT_STRETCHES = {"TOGETHER": 3, "AIM": 1, "STRETCH": 2, "SAMPLE": 2}
ALWAYS_CELLS = {"FEW": 0, "LINES": 0}
SHORT_LOOKS = {"FIRST_LOOK": 2, "LONG_LOOK": 4, "AHEAD": 2}


@given(problem=problems(), changed=st.sampled_from([{}, SHORT_STRETCHES, SHORT_STRETCHES | ALWAYS_CELLS]))
@settings(max_examples=400, deadline=None)
def test_nearest_equals_the_brute_force_twin(problem, changed):
    score, treated = np.array([x for x, _ in problem["x"]]), np.array(problem["treated"])
    options = {name: problem[name] for name in ("ratio", "replace", "order")}
    with mock.patch.multiple(score_line_within, **changed) if changed else nullcontext():
        pairs = match_nearest(
            score, treated, rng=np.random.default_rng(7), limits=as_limits(problem["limits"]), **options
        )
    sequence = sequence_of(problem["order"], score[treated].tolist())
    choose = TWIN["nearest_on_a_line"](score.tolist())
    expected = twin_pairs(problem, lambda a, b: abs(score[a] - score[b]), choose, sequence)
    np.testing.assert_array_equal(pairs, expected)
    assert_within_limits(pairs, treated, score, problem)


def sequence_of(order, score):
    """The order of the treated, by plain Python sorting."""
    places = range(len(score))
    if order == "random":
        return np.random.default_rng(7).permutation(len(score)).tolist()
    if order in ("largest", "smallest"):
        return sorted(places, key=lambda place: score[place] * (-1 if order == "largest" else 1))
    return list(places)


def assert_within_limits(pairs, treated, score, problem):
    """No pair outside the caliper, across strata, beyond a width or with a discarded row; controls used once."""
    limits = problem["limits"]
    rows = np.flatnonzero(treated)
    used = pairs[pairs != UNMATCHED]
    assert not treated[used].any()
    if not problem["replace"]:
        assert len(set(used.tolist())) == len(used)
    for row, controls in zip(rows, pairs, strict=True):
        found = [control for control in controls if control != UNMATCHED]
        assert len(set(found)) == len(found)
        for control in found:
            assert limits["caliper"] is None or abs(score[row] - score[control]) <= limits["caliper"]
            assert limits["strata"] is None or limits["strata"][row] == limits["strata"][control]
            assert limits["discarded"] is None or not (limits["discarded"][row] or limits["discarded"][control])
            for own, theirs, width in zip(
                *(limits.get("covariates", [()] * len(treated))[place] for place in (row, control)),
                limits.get("widths", ()),
                strict=True,
            ):
                assert abs(own - theirs) <= width


@given(problem=problems(), small=st.booleans())
@settings(max_examples=400, deadline=None)
def test_covariate_matching_equals_the_brute_force_twin(problem, small):
    X, treated = np.array(problem["x"]), np.array(problem["treated"])
    order = "data" if problem["order"] in ("largest", "smallest") else problem["order"]
    problem = {**problem, "order": order}
    space = euclidean_space(X)
    with mock.patch.multiple(covariate_cells, **SHORT_LOOKS) if small else nullcontext():
        pairs = match_covariates(
            space,
            treated,
            ratio=problem["ratio"],
            replace=problem["replace"],
            order=order,
            rng=np.random.default_rng(7),
            limits=as_limits(problem["limits"]),
        )
    limits = problem["limits"]
    traits = list(zip(problem["x"], limits.get("covariates", problem["x"]), strict=True))
    varying = [place for place in (0, 1) if np.ptp(X[:, place]) > 0] or [0]

    def distance(a, b):
        return math.dist([X[a, place] for place in varying], [X[b, place] for place in varying])

    choose = TWIN["nearest_in_a_space"](
        X[:, varying[0]].tolist(), limits["strata"], lambda a, b: traits[a] == traits[b]
    )
    expected = twin_pairs(problem, distance, choose, sequence_of(order, [0.0] * int(treated.sum())))
    np.testing.assert_array_equal(pairs, expected)


@pytest.mark.parametrize("changed", [{}, ALWAYS_CELLS])
def test_a_larger_problem_with_tight_widths_equals_the_twin(changed):
    rng = np.random.default_rng(11)
    n = 600
    treated = rng.random(n) < 0.3
    score = rng.integers(0, 400, n) / 256
    covariates = rng.integers(0, 64, (n, 2)) / 16
    limits = {
        "caliper": 0.5,
        "strata": rng.integers(0, 3, n).tolist(),
        "discarded": None,
        "covariates": covariates.tolist(),
        "widths": [0.5, 0.25],
    }
    problem = {"treated": treated.tolist(), "limits": limits, "ratio": 2, "replace": False, "order": "largest"}
    sequence = sequence_of("largest", score[treated].tolist())
    choose = TWIN["nearest_on_a_line"](score.tolist())
    expected = twin_pairs(problem, lambda a, b: abs(score[a] - score[b]), choose, sequence)
    with mock.patch.multiple(score_line_within, TOGETHER=16, AIM=2, **changed):
        pairs = match_nearest(score, treated, ratio=2, limits=as_limits(limits))
    np.testing.assert_array_equal(pairs, expected)
    assert 0 < np.mean(pairs == UNMATCHED) < 1


def test_crowded_cells_are_used_up_one_after_the_other_as_by_the_twin():
    rng = np.random.default_rng(5)
    n = 300
    treated = rng.random(n) < 0.5
    X = np.column_stack([rng.integers(0, 3, n) + treated, rng.integers(0, 2, n)]).astype(float)
    problem = {"treated": treated.tolist(), "limits": {"strata": None, "discarded": None}, "ratio": 1, "replace": False}
    problem["order"] = "closest"
    choose = TWIN["nearest_in_a_space"](X[:, 0].tolist(), None, lambda a, b: X[a].tolist() == X[b].tolist())
    expected = twin_pairs(problem, lambda a, b: math.dist(X[a], X[b]), choose, range(int(treated.sum())))
    pairs = match_covariates(euclidean_space(X), treated, order="closest")
    np.testing.assert_array_equal(pairs, expected)


def test_a_caliper_on_the_distance_of_the_space_is_kept():
    X = np.array([[0.0, 0], [3, 4], [0, 6]])
    treated = np.array([True, False, False])
    found = match_covariates(euclidean_space(X), treated, ratio=2, limits=Limits(caliper=5.0))
    np.testing.assert_array_equal(found, [[1, UNMATCHED]])


def test_weights_share_a_treated_unit_among_its_controls_and_sum_to_the_controls_used():
    treated = np.array([True, True, False, False, False, True])
    pairs = np.array([[2, 3], [3, UNMATCHED], [UNMATCHED, UNMATCHED]])
    # row 2 gets 1/2, row 3 gets 1/2 + 1: together 2, as many as there are controls, so the scale is 1
    np.testing.assert_allclose(matching_weights(pairs, treated), [1, 1, 1 / 2, 3 / 2, 0, 0])
    twice = np.array([[2, UNMATCHED], [2, UNMATCHED], [3, 4]])
    # 2, 1/2 and 1/2 for three controls
    np.testing.assert_allclose(matching_weights(twice, treated), [1, 1, 2, 1 / 2, 1 / 2, 1])


def test_sets_are_numbered_by_treated_row():
    treated = np.array([False, True, True, False, True])
    pairs = np.array([[UNMATCHED], [0], [3]])
    np.testing.assert_array_equal(matched_sets(pairs, treated), [0, UNMATCHED, 0, 1, 1])


def test_a_match_with_replacement_has_no_sets():
    with pytest.raises(OptionError, match="1 controls serve more than one"):
        matched_sets(np.array([[2], [2]]), np.array([True, True, False]))


def test_there_may_be_nobody_to_match_or_nobody_to_match_with():
    score = np.array([0.1, 0.2])
    assert match_nearest(score, np.array([False, False])).shape == (0, 1)
    np.testing.assert_array_equal(match_nearest(score, np.array([True, True])), [[UNMATCHED]] * 2)
    np.testing.assert_array_equal(match_mahalanobis(score[:, None], np.array([True, True])), [[UNMATCHED]] * 2)


def test_discarded_rows_need_no_score():
    score, discarded = np.array([0.5, np.nan, 0.2, np.nan]), np.array([False, True, False, True])
    limits = Limits(discarded=discarded, covariates=score, widths=np.ones(1))
    pairs = match_nearest(score, np.array([True, True, False, False]), limits=limits)
    np.testing.assert_array_equal(pairs, [[2], [UNMATCHED]])


def test_the_order_of_the_treated_can_be_given_as_an_array():
    score = np.array([0.9, 0.8, 0.75, 0.1])
    treated = np.array([True, True, False, False])
    by_hand = match_nearest(score, treated, order=visiting_order("smallest", 2, score[:2]))
    np.testing.assert_array_equal(by_hand, match_nearest(score, treated, order="smallest"))
    np.testing.assert_array_equal(by_hand, [[3], [2]])


WHOLE = st.integers(-3, 3).map(float)
ALIKE = st.integers(0, 9).map(lambda steps: 1.0 + steps * float(np.finfo(float).eps))  # apart in their last bits only
ODD = st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 1e308, -1e308, np.inf, -np.inf])


@given(st.one_of(st.lists(WHOLE, max_size=40), st.lists(ALIKE, max_size=40), st.lists(st.one_of(ALIKE, ODD, WHOLE))))
def test_stable_order_is_a_stable_sort(values):
    expected = sorted(range(len(values)), key=lambda row: values[row])
    assert stable_order(np.array(values, dtype=float)).tolist() == expected


def test_strata_are_numbered_without_gaps_whatever_their_codes():
    for strata in ([0, 2, 2, 5], [-7, 10**12, 10**12, 10**15], ["a", "b", "b", "z"], [0.5, 1.5, 1.5, 2.0]):
        assert Limits(strata=np.array(strata)).codes(4).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "largst"}, "Did you mean 'largest'"),
        ({"order": "random"}, "random number generator"),
        ({"order": np.array([0, 0])}, "each of the 2 treated units once"),
        ({"ratio": 0}, "at least 1; got 0"),
        ({"limits": Limits(caliper=-0.1)}, "must not be negative; got -0.1"),
        ({"limits": Limits(widths=np.array([1.0]))}, "both the covariates and a width"),
        ({"limits": Limits(covariates=np.zeros(4), widths=-1.0)}, "widths of covariate calipers"),
    ],
)
def test_options_that_do_not_exist_are_refused_by_name(options, message):
    with pytest.raises(OptionError, match=message):
        match_nearest(np.array([0.1, 0.2, 0.3, 0.4]), np.array([True, True, False, False]), **options)


@pytest.mark.parametrize(
    ("score", "treated", "limits", "message"),
    [
        ([0.1, np.nan, np.inf], [True, False, False], Limits(), "2 of the 3 scores"),
        ([0.1, 0.2, 0.3], [True, False], Limits(), r"shape \(2,\), but there are 3 rows"),
        ([0.1, 0.2, 0.3], [0, 1, 2], Limits(), "true or false"),
        ([0.1, 0.2, 0.3], [True, False, False], Limits(strata=np.zeros(2)), r"strata has the shape \(2,\)"),
        ([0.1, 0.2], [True, False], Limits(covariates=np.zeros((2, 2)), widths=np.ones(1)), r"ask for \(2, 1\)"),
        ([0.1, 0.2], [True, False], Limits(covariates=np.array([0, np.nan]), widths=1), "missing or infinite"),
    ],
)
def test_data_that_can_not_be_matched_are_refused(score, treated, limits, message):
    with pytest.raises(DataError, match=message):
        match_nearest(np.array(score), np.array(treated), limits=limits)


def test_mahalanobis_refuses_an_order_that_needs_a_score():
    with pytest.raises(OptionError, match="needs a score"):
        match_mahalanobis(np.zeros((2, 1)), np.array([True, False]), order="largest")


@pytest.mark.slow
def test_memory_and_time_stay_linear_at_a_million_rows():
    rng = np.random.default_rng(3)
    n = 1_000_000
    treated = rng.random(n) < 0.1
    pairs = match_nearest(rng.random(n), treated, limits=Limits(strata=rng.integers(0, 50, n)))
    assert (pairs != UNMATCHED).all()
    assert np.unique(pairs).size == pairs.size
