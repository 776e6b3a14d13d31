"""Two weighted samples: the tables of MatchIt and cobalt, hand arithmetic, slow twins, and edge cases."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.errors import DataError, OptionError
from mentoreval.numerics import blocks
from mentoreval.numerics.two_samples import BalanceTable, balance_tables, effective_sample_size

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
DIGITS = 1e-10
CASES = (
    "nearest_default", "nearest_replace", "nearest_caliper02", "nearest_exact_race", "mahalanobis", "subclass6",
    "cem_default",
)  # fmt: skip

needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the stored R values are not beside the repository")


@pytest.fixture(scope="module")
def lalonde():
    """The columns of R's balance tables, the treatment, and R's results by case."""
    with (REFERENCE / "data" / "lalonde.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    score = json.loads((REFERENCE / "lalonde_propensity.json").read_text("utf-8"))["results"]["all"]
    race = [[float(row["race"] == level) for row in rows] for level in ("black", "hispan", "white")]
    numbers = {name: [float(row[name]) for row in rows] for name in rows[0] if name not in ("id", "race")}
    plain = [numbers[name] for name in ("married", "nodegree", "re74", "re75")]
    X = np.column_stack([score, numbers["age"], numbers["educ"], *race, *plain])
    results = json.loads((REFERENCE / "lalonde_matching.json").read_text("utf-8"))["results"]
    return X, np.array(numbers["treat"]) == 1, results


@needs_reference
@pytest.mark.parametrize("case", CASES)
def test_the_tables_of_matchit_and_cobalt(lalonde, case):
    X, treated, results = lalonde
    r = results[case]
    weights = np.array(r["weights"], dtype=float)
    X = X[:, X.shape[1] - len(r["summary_all"]["rows"]) :]  # the first column is the score, where the design has one
    for table, summary, suffix in zip(
        balance_tables(X, treated, [None, weights]), ("summary_all", "summary_matched"), ("Un", "Adj"), strict=True
    ):
        smd, ratio = table.standardized_difference, table.variance_ratio
        mine = np.column_stack([table.treated.mean, table.comparison.mean, smd, ratio, table.ecdf_mean, table.ks])
        np.testing.assert_allclose(mine, np.array(r[summary]["rows"], dtype=float)[:, :6], rtol=DIGITS, atol=DIGITS)
        for name, column in (("Diff", smd), ("V.Ratio", ratio), ("KS", table.ks)):
            stored = np.array(r["cobalt"]["table"][f"{name}.{suffix}"], dtype=float)
            np.testing.assert_allclose(column, stored, rtol=DIGITS, atol=DIGITS)
    effective = [effective_sample_size(weights[arm]) for arm in (~treated, treated)]
    np.testing.assert_allclose(effective, r["n"]["rows"][2], rtol=DIGITS)


TREATED = np.array([True, True, True, False, False])
VALUES = np.array([1.0, 2.0, 3.0, 2.0, 6.0])


def flat(table: BalanceTable) -> dict[str, np.ndarray]:
    """The fields of a table, those of an arm as ``mean_treated`` and so on."""
    fields = vars(table).copy()
    for arm in ("treated", "comparison"):
        fields |= {f"{part}_{arm}": values for part, values in fields.pop(arm)._asdict().items()}
    return fields


def one(values, weights=None, treated=TREATED, **options):
    """The table of a single column, as plain numbers."""
    (table,) = balance_tables(np.asarray(values, dtype=float)[:, None], treated, [weights], **options)
    return {name: value[0] for name, value in flat(table).items()}


def test_a_number_by_hand():
    table = one(VALUES)
    assert (table["mean_treated"], table["mean_comparison"]) == (2.0, 4.0)
    assert table["variance_treated"] == pytest.approx((1 + 0 + 1) / 2)
    assert table["variance_comparison"] == pytest.approx((4 + 4) / 1)
    assert table["standardized_difference"] == pytest.approx((2 - 4) / 1)
    assert table["variance_ratio"] == pytest.approx(1 / 8)
    # distribution functions at 1, 2, 3, 6: 1/3, 2/3, 1, 1 and 0, 1/2, 1/2, 1
    assert table["ks"] == pytest.approx(1 / 2)
    assert table["ecdf_mean"] == pytest.approx((1 / 3 + 1 / 6 + 1 / 2 + 0) / 4)
    assert not table["binary"]


def test_weights_by_hand():
    weights = np.array([2.0, 1.0, 0.0, 1.0, 3.0])
    table = one(VALUES, weights)
    assert table["mean_treated"] == pytest.approx((2 * 1 + 2) / 3)
    assert table["mean_comparison"] == pytest.approx((2 + 3 * 6) / 4)
    squares = 2 * (1 - 4 / 3) ** 2 + (2 - 4 / 3) ** 2
    assert table["variance_treated"] == pytest.approx(squares * 3 / (3**2 - (2**2 + 1**2)))
    # the spread is that of the treated before weighting: 1
    assert table["standardized_difference"] == pytest.approx(4 / 3 - 5)
    # distribution functions at 1, 2, 3, 6: 2/3, 1, 1, 1 and 0, 1/4, 1/4, 1
    assert table["ks"] == pytest.approx(3 / 4)
    assert table["ecdf_mean"] == pytest.approx((2 / 3 + 3 / 4 + 3 / 4 + 0) / 4)


def test_an_indicator_by_hand():
    table = one([1, 1, 0, 0, 1])
    assert table["binary"]
    assert table["variance_treated"] == pytest.approx(2 / 3 * 1 / 3)
    assert table["standardized_difference"] == pytest.approx((2 / 3 - 1 / 2) / np.sqrt(2 / 3 * 1 / 3))
    assert table["ks"] == table["ecdf_mean"] == pytest.approx(2 / 3 - 1 / 2)
    assert np.isnan(table["variance_ratio"])


@pytest.mark.parametrize(
    ("denominator", "variance"),
    [("treated", 1), ("comparison", 8), ("pooled", (1 + 8) / 2), ("all", np.var(VALUES, ddof=1))],
)
def test_denominators(denominator, variance):
    assert one(VALUES, denominator=denominator)["spread"] == pytest.approx(np.sqrt(variance))


@pytest.mark.parametrize(
    ("values", "spread"),
    [
        ([5, 5, 5, 5, 7], np.sqrt((0 + 2) / 2)),  # the treated do not vary: pooled
        ([5, 5, 5, 7, 7], np.std([5, 5, 5, 7, 7], ddof=1)),  # neither arm does: all
        ([1e6, 1e6, 1e6, 1e6 + 0.1, 1e6 + 0.1], np.std([0, 0, 0, 0.1, 0.1], ddof=1)),
        ([1, 1, 1, 1, 0], np.sqrt((0 + 1 / 4) / 2)),
        ([1, 1, 1, 0, 0], np.sqrt(3 / 5 * 2 / 5)),
    ],
)
def test_a_difference_is_never_divided_by_nothing(values, spread):
    table = one(values)
    assert table["spread"] == pytest.approx(spread, rel=1e-6)
    assert np.isfinite(table["standardized_difference"])


@pytest.mark.parametrize("constant", [0.1, 1.0, -3e7])
def test_a_constant_column_is_balanced(constant):
    table = one([constant] * 5)
    assert table["standardized_difference"] == table["ks"] == table["ecdf_mean"] == 0
    assert np.isnan(table["variance_ratio"])


def test_the_spread_is_that_before_the_design_with_its_sampling_weights():
    sampling, design = np.array([1.0, 1, 2, 1, 1]), np.array([1.0, 0, 0, 1, 1])
    table = one(VALUES, design, before=sampling)
    assert table["spread"] == pytest.approx(np.sqrt(one(VALUES, sampling)["variance_treated"]))
    assert np.isnan(table["variance_treated"])  # one row has no variance


columns = st.lists(st.integers(-4, 4), min_size=4, max_size=30)


@given(values=columns, seed=st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_tables_equal_plain_loops(values, seed):
    rng = np.random.default_rng(seed)
    values = np.array(values) / 3
    treated = rng.random(len(values)) < 0.5
    treated[:2], treated[2:4] = True, False
    weights = rng.integers(0, 4, len(values)) / 2.0
    weights[:4] += 0.5
    (table,) = balance_tables(values[:, None], treated, [weights])
    steps = []
    for cut in sorted(set(values.tolist())):
        shares = [weights[arm & (values <= cut)].sum() / weights[arm].sum() for arm in (treated, ~treated)]
        steps.append(abs(shares[0] - shares[1]))
    if not table.binary[0]:
        assert table.ks[0] == pytest.approx(max(steps), abs=1e-12)
        assert table.ecdf_mean[0] == pytest.approx(np.mean(steps), abs=1e-12)
        for arm, variance in ((treated, table.treated.variance), (~treated, table.comparison.variance)):
            x, w = values[arm], weights[arm]
            mean = (w * x).sum() / w.sum()
            formula = (w * (x - mean) ** 2).sum() * w.sum() / (w.sum() ** 2 - (w**2).sum())
            assert variance[0] == pytest.approx(formula, abs=1e-12)


def test_many_columns_and_weightings_at_once_are_one_by_one(monkeypatch):
    rng = np.random.default_rng(6)
    X = np.column_stack([rng.normal(size=(50, 2)) + 1e5, rng.integers(0, 2, 50)])
    treated = rng.random(50) < 0.3
    weightings = [None, rng.random(50), rng.integers(0, 2, 50) + treated]
    whole = balance_tables(X, treated, weightings)
    monkeypatch.setattr(blocks, "LONGEST", 32)
    for place, weights in enumerate(weightings):
        for column in range(3):
            (alone,) = balance_tables(X[:, [column]], treated, [weights])
            for name, value in flat(alone).items():
                np.testing.assert_allclose(flat(whole[place])[name][column], value[0], rtol=1e-9, err_msg=name)


def test_effective_sample_size_counts_equal_weights_as_rows():
    assert effective_sample_size(np.array([2.0, 2, 2, 0])) == pytest.approx(3)
    assert effective_sample_size(np.array([1.0, 3])) == pytest.approx(16 / 10)
    assert effective_sample_size(np.zeros(3)) == 0


def test_what_can_not_be_compared_is_refused():
    with pytest.raises(OptionError, match="Did you mean 'treated'"):
        one(VALUES, denominator="treatd")
    with pytest.raises(DataError, match="not negative; it is not so in 1 of 5"):
        one(VALUES, np.array([1.0, 1, 1, 3, -1]))
    with pytest.raises(DataError, match="finite"):
        one(VALUES, np.array([1.0, 1, 1, np.nan, 1]))
    with pytest.raises(DataError, match=r"shape \(2,\), but there are 5 rows"):
        one(VALUES, np.ones(2))
    with pytest.raises(DataError, match=r"Column\(s\) \[0\]"):
        one([1, 2, np.inf, 4, 5])
    with pytest.raises(DataError, match=r"got \(5, 1\) and \(2,\)"):
        balance_tables(VALUES[:, None], TREATED[:2], [None])


# ---------------------------------------------------------------------- one arm: its moments
def arm_of(values, weights, **options):
    """Moments of values with weights, as those of the treated arm."""
    both = np.concatenate([values, [0.0, 0.25, 1.0]])
    treated = np.arange(len(both)) < len(values)
    return one(both, np.concatenate([weights, np.ones(3)]), treated, **options)


def test_moments_with_equal_weights_are_the_usual_ones():
    found = arm_of([1.0, 4.0, 7.0, 100.0], [2.0, 2.0, 2.0, 0.0])
    assert found["n_treated"] == 3
    assert found["mean_treated"] == pytest.approx(4.0)
    assert found["variance_treated"] == pytest.approx(((1 - 4) ** 2 + 0 + (7 - 4) ** 2) / 2)


def test_weighted_variance_by_hand():
    mean = (1 * 1 + 3 * 5) / 4
    expected = (1 * (1 - mean) ** 2 + 3 * (5 - mean) ** 2) * 4 / (4**2 - (1**2 + 3**2))
    assert arm_of([1.0, 5.0], [1.0, 3.0])["variance_treated"] == pytest.approx(expected)


def test_variance_of_a_share_is_p_times_one_minus_p():
    (table,) = balance_tables(np.array([[1.0], [0], [0], [0], [1]]), np.arange(5) < 4, [None])
    assert table.treated.variance[0] == pytest.approx(0.25 * 0.75)
    assert table.treated.sd[0] == pytest.approx(np.sqrt(0.25 * 0.75))


def test_who_calls_a_column_a_share_has_the_last_word():
    """In one school a number of absences may only be 0 or 1, and is a number all the same."""
    found = one([1, 1, 0, 0, 1], binary=np.array([False]))
    assert not found["binary"]
    assert found["variance_treated"] == pytest.approx(np.var([1, 1, 0], ddof=1))
    assert found["variance_ratio"] == pytest.approx(np.var([1, 1, 0], ddof=1) / np.var([0, 1], ddof=1))


def test_nobody_and_one_row():
    nobody = arm_of([3.0], [0.0])
    assert nobody["n_treated"] == 0
    assert np.isnan(nobody["mean_treated"])
    alone = arm_of([3.0], [2.0])
    assert alone["mean_treated"] == 3.0
    assert np.isnan(alone["variance_treated"])


def test_an_arm_without_weight_has_no_distance():
    found = one(VALUES, np.array([1.0, 1, 1, 0, 0]))
    assert found["n_comparison"] == 0
    assert found["mean_treated"] == 2.0
    for name in ("mean_comparison", "difference", "standardized_difference", "variance_ratio", "ks", "ecdf_mean"):
        assert np.isnan(found[name]), name


def test_rounding_is_not_taken_for_spread():
    weights, treated = np.random.default_rng(3).random(300), np.arange(300) < 100
    found = one(np.full(300, 0.1), weights, treated)
    assert found["variance_treated"] == found["variance_comparison"] == 0.0
    assert found["difference"] == 0.0


def test_a_difference_without_any_spread_before_the_design_is_infinite():
    """Only where the rows that count after it are not those that the spread was taken from."""
    before = np.array([1.0, 1, 0, 1, 0])
    after = np.array([0.0, 0, 1, 0, 1])
    assert one([5, 5, 4, 5, 6], after, before=before)["standardized_difference"] == -np.inf
    assert one([5, 5, 5, 5, 5], after, before=before)["standardized_difference"] == 0.0


# ---------------------------------------------------------------------- distances and gaps
def slow_ks(values: np.ndarray, treated: np.ndarray, weights: np.ndarray) -> float:
    """The definition: at every value, the share of each arm's weight at or below it."""
    largest = 0.0
    for cut in values:
        shares = [weights[arm & (values <= cut)].sum() / weights[arm].sum() for arm in (treated, ~treated)]
        largest = max(largest, abs(shares[0] - shares[1]))
    return largest


@pytest.mark.parametrize("seed", range(5))
def test_ks_equals_its_definition_also_with_ties(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 8, 60).astype(float)
    treated, weights = rng.random(60) < 0.4, rng.random(60)
    for each in (weights, weights**2):
        assert one(values, each, treated)["ks"] == pytest.approx(slow_ks(values, treated, each), abs=1e-14)


def test_ks_of_a_share_is_the_difference_in_shares():
    assert one([1.0, 1, 0, 1, 0, 0], None, np.arange(6) < 3)["ks"] == pytest.approx(2 / 3 - 1 / 3)


def test_denominators_of_arms_that_spread_differently():
    values, treated = [-2.0, 0.0, 2.0, -4.0, 0.0, 4.0], np.arange(6) < 3
    for denominator, spread in (("treated", 2.0), ("comparison", 4.0), ("pooled", np.sqrt(10))):
        assert one(values, None, treated, denominator=denominator)["spread"] == pytest.approx(spread)
    assert one(values, None, treated)["variance_ratio"] == pytest.approx(4 / 16)


def test_a_gap_counts_nowhere_in_its_column_and_only_there():
    rng = np.random.default_rng(8)
    X, treated = rng.normal(size=(40, 4)), rng.random(40) < 0.4
    X[:, 3] = rng.integers(0, 2, 40)
    weightings = [rng.random(40), None]
    whole = balance_tables(X, treated, weightings)
    X[::7, 1], X[3, 3] = np.nan, np.nan
    gappy = balance_tables(X, treated, weightings)
    for place in range(2):
        for column in range(4):
            known = ~np.isnan(X[:, column])
            each = [None if weights is None else weights[known] for weights in weightings]
            expected = flat(balance_tables(X[known][:, [column]], treated[known], each)[place])
            for name, value in flat(gappy[place]).items():
                np.testing.assert_allclose(value[column], expected[name][0], rtol=1e-12, err_msg=name)
        for name, value in flat(gappy[place]).items():
            np.testing.assert_allclose(value[[0, 2]], flat(whole[place])[name][[0, 2]], rtol=1e-12, err_msg=name)


def test_a_column_of_which_nothing_is_known_compares_nobody():
    found = one([np.nan] * 5)
    assert (found["n_treated"], found["n_comparison"], found["binary"]) == (0, 0, False)
    assert np.isnan([found["mean_treated"], found["standardized_difference"], found["ks"], found["ecdf_mean"]]).all()


def test_the_same_weights_twice_give_the_same_table_twice():
    weights = np.array([1.0, 2, 1, 1, 3])
    once, again = balance_tables(VALUES[:, None], TREATED, [weights, weights], before=weights)
    for name, value in flat(once).items():
        np.testing.assert_array_equal(value, flat(again)[name], err_msg=name)


def test_whole_weights_give_exact_distances_of_distributions():
    # a treated third is at 1 or below where 1 of 7 others are; two thirds at 2 or below where 3 of 7 are; then 7 of 7
    values = np.array([[1.0], [2], [3], [1], [2], [2], [3], [3], [3], [3]])
    (table,) = balance_tables(values, np.arange(10) < 3, [None])
    assert table.ks[0] == 2 / 3 - 3 / 7
    assert table.ecdf_mean[0] == pytest.approx((1 / 3 - 1 / 7 + 2 / 3 - 3 / 7) / 3, rel=1e-15)


def test_tiny_and_huge_weights_keep_the_digits_of_the_distances():
    rng = np.random.default_rng(3)
    values, treated = rng.normal(size=(50, 1)), np.arange(50) < 20
    weights = rng.gamma(1.0, size=50)
    plain, tiny, huge = balance_tables(values, treated, [weights, weights * 1e-150, weights * 1e150])
    for other in (tiny, huge):
        assert other.ks[0] == pytest.approx(plain.ks[0], rel=1e-14)
        assert other.ecdf_mean[0] == pytest.approx(plain.ecdf_mean[0], rel=1e-13)
