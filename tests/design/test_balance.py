"""Balance: before and after, by the arithmetic of its columns, its bands and its opinion."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.balance import BALANCE_COLUMNS, FEW, compare_balance, measure_balance
from mentoreval.design.design import choose_design
from mentoreval.design.equivalence import wwc_band, wwc_effect_size
from mentoreval.design.methods import Nearest, Unadjusted
from mentoreval.errors import DataError, OptionError
from mentoreval.numerics.two_samples import BalanceTable, Moments
from mentoreval.panel.panel import Panel


def test_an_unadjusted_design_is_the_same_before_and_after(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    balance = choose_design(panel_of(students), Unadjusted()).balance()
    frame = balance.frame.set_index(["covariate", "level"])
    assert list(balance.frame.columns) == list(BALANCE_COLUMNS)
    assert list(frame.index) == [
        ("gpa", ""), ("absent", ""), ("grade", "6"), ("grade", "7"), ("grade", "8"), ("lunch", ""),
    ]  # fmt: skip
    for name in ("smd", "variance_ratio", "ks", "wwc", "mean_treated", "sd_comparison"):
        pd.testing.assert_series_equal(frame[f"{name}_before"], frame[f"{name}_after"], check_names=False)
    treated = students["mentored"]
    gpa, row = students["gpa"], frame.loc[("gpa", "")]
    assert row["smd_before"] == pytest.approx((gpa[treated].mean() - gpa[~treated].mean()) / gpa[treated].std())
    assert row["variance_ratio_before"] == pytest.approx(gpa[treated].var() / gpa[~treated].var())
    share = students["lunch"][treated].mean()
    row = frame.loc[("lunch", "")]
    assert row["smd_before"] == pytest.approx(
        (share - students["lunch"][~treated].mean()) / math.sqrt(share * (1 - share))
    )
    assert np.isnan(row["variance_ratio_before"])
    assert frame["kind"].tolist() == ["continuous", "continuous", "binary", "binary", "binary", "binary"]


def test_one_standard_deviation_before_and_after(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    """A caliper makes the treated themselves more alike; the smd is still in their deviations before it."""
    design = choose_design(panel_of(students), Nearest(caliper=0.05))
    frame = design.balance().frame.set_index("covariate")
    row = frame.loc["absent"]
    before = students.loc[students["mentored"], "absent"].std()
    assert row["smd_after"] == pytest.approx((row["mean_treated_after"] - row["mean_comparison_after"]) / before)
    assert row["sd_treated_after"] != pytest.approx(before)
    assert frame.index[0] == "propensity"
    assert frame.loc["propensity", "kind"] == "distance"
    assert frame.loc["propensity", "band"] == ""


def test_the_denominator_follows_the_estimand(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    design = choose_design(panel, Nearest(replace=True), estimand="ATC")
    absent, treated = students["absent"], students["mentored"]
    gap = absent[treated].mean() - absent[~treated].mean()

    def smd(**options: object) -> float:
        balance = measure_balance(design, ["absent"], **options)  # type: ignore[arg-type]
        return float(balance.frame.set_index("covariate").loc["absent", "smd_before"])

    assert smd() == pytest.approx(gap / absent[~treated].std())
    assert smd(denominator="treated") == pytest.approx(gap / absent[treated].std())
    pooled = math.sqrt((absent[treated].var() + absent[~treated].var()) / 2)
    assert smd(denominator="pooled") == pytest.approx(gap / pooled)
    assert choose_design(panel, Unadjusted(), estimand="ATE").balance().denominator == "pooled"


def test_sizes_count_entries_and_effective_samples(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest(replace=True))
    sizes = design.balance().n
    weights = design.weights.query("not treated")["weight"]
    n_treated = int(students["mentored"].sum())
    assert sizes.loc["before"].tolist() == [n_treated, 240 - n_treated, n_treated, 240 - n_treated]
    assert sizes.loc["after", "n_comparison"] == len(weights)
    assert sizes.loc["after", "ess_comparison"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert sizes.loc["after", "ess_treated"] == n_treated


def test_missing_values_are_left_out_and_counted(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    students.loc[:9, "gpa"] = np.nan
    frame = choose_design(panel_of(students), Unadjusted()).balance().frame.set_index("covariate")
    assert frame.loc["gpa", "n_missing"] == 10
    known = students[students["mentored"] & students["gpa"].notna()]
    assert frame.loc["gpa", "mean_treated_after"] == pytest.approx(known["gpa"].mean())


def test_other_covariates_than_those_of_the_design(cohort_panel: Panel) -> None:
    design = choose_design(cohort_panel, Nearest(), covariates=["gpa"])
    names = design.balance(["prior_absent", "school"]).frame["covariate"]
    assert list(names) == ["propensity", "prior_absent", "school", "school"]
    with pytest.raises(DataError, match=r"no covariate 'gpaa'"):
        design.balance(["gpaa"])


# ---------------------------------------------------------------------- WWC bands and the opinion
@pytest.mark.parametrize(
    ("effect", "band"),
    [
        (0.0, "satisfied"),
        (-0.05, "satisfied"),
        (0.0501, "needs_adjustment"),
        (-0.25, "needs_adjustment"),
        (0.2501, "not_satisfied"),
        (-np.inf, "not_satisfied"),
        (np.nan, "cannot_judge"),
    ],
)
def test_bands_are_those_of_the_standards(effect: float, band: str) -> None:
    assert wwc_band(effect) == band


Arm = tuple[int, float, float]


def effect_size(treated: Arm, comparison: Arm, *, binary: bool) -> float:
    """Of two arms, each with its n, mean and variance."""
    arms = [
        Moments(np.array([n]), np.array([mean]), np.array([variance])) for n, mean, variance in (treated, comparison)
    ]
    unknown = np.full(1, np.nan)
    difference = arms[0].mean - arms[1].mean
    table = BalanceTable(*arms, difference, *[unknown] * 5, np.array([binary]))
    return float(wwc_effect_size(table)[0])


def test_the_effect_size_is_hedges_g_on_the_sample_itself() -> None:
    found = effect_size((20, 3.0, 4.0), (30, 2.5, 1.0), binary=False)
    pooled = math.sqrt((19 * 4 + 29 * 1) / 48)
    assert found == pytest.approx((1 - 3 / (4 * 50 - 9)) * 0.5 / pooled)


def test_the_effect_size_of_a_share_is_the_cox_index() -> None:
    found = effect_size((20, 0.6, 0.24), (30, 0.5, 0.25), binary=True)
    assert found == pytest.approx((1 - 3 / (4 * 50 - 9)) * math.log(0.6 / 0.4) / 1.65)


def test_a_share_of_zero_gets_half_a_student_on_either_side() -> None:
    found = effect_size((20, 0.0, 0.0), (30, 0.1, 0.09), binary=True)
    odds = [0.5 / 20.5, 3.5 / 27.5]
    assert found == pytest.approx((1 - 3 / (4 * 50 - 9)) * math.log(odds[0] / odds[1]) / 1.65)


def test_where_nobody_varies() -> None:
    assert effect_size((20, 1.0, 0.0), (30, 1.0, 0.0), binary=True) == 0.0
    assert effect_size((20, 3.0, 0.0), (30, 3.0, 0.0), binary=False) == 0.0
    assert effect_size((20, 3.0, 0.0), (30, 2.0, 0.0), binary=False) == np.inf
    assert np.isnan(effect_size((1, 3.0, np.nan), (30, 2.0, 1.0), binary=False))


def test_the_opinion_is_that_of_the_worst_covariate(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    unadjusted = choose_design(panel, Unadjusted()).balance()
    assert unadjusted.opinion.verdict == "fail"
    assert unadjusted.worst is not None
    judged = unadjusted.frame["wwc_after"].abs()
    assert abs(unadjusted.opinion.value) == judged.max()
    assert unadjusted.opinion.covariate == unadjusted.frame.loc[judged.idxmax(), "covariate"]
    same = panel_of(pd.concat([students.assign(mentored=arm, id=students["id"] + str(arm)) for arm in (True, False)]))
    twins = choose_design(same, Unadjusted()).balance()
    assert twins.opinion.verdict == "pass"
    assert twins.opinion.value == 0.0


def test_caution_where_the_model_must_adjust(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    shift = 0.15 * students["gpa"].std()
    arms = [
        students.assign(mentored=arm, id=students["id"] + str(arm), gpa=students["gpa"] + shift * arm) for arm in (0, 1)
    ]
    panel = panel_of(pd.concat(arms), covariates=["gpa"])
    opinion = choose_design(panel, Unadjusted()).balance().opinion
    assert (opinion.verdict, opinion.covariate) == ("caution", "gpa")
    assert opinion.value == pytest.approx(0.15, abs=0.001)


def test_without_covariates_nothing_can_be_judged(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    balance = choose_design(panel_of(students, covariates=[])).balance()
    assert balance.opinion.verdict == "cannot_judge"
    assert balance.worst is None
    assert balance.frame.empty


def test_it_shows_itself(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    balance = choose_design(panel_of(students), Nearest()).balance()
    assert repr(balance).startswith(f"Balance: {balance.opinion.verdict}; farthest apart: {balance.opinion.covariate}")
    assert "ess_comparison" in repr(balance)
    assert "<table" in balance._repr_html_()


# ---------------------------------------------------------------------- denominators, products, groups
def test_everybody_together_as_denominator(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest())
    absent, treated = students["absent"], students["mentored"]
    row = design.balance(["absent"], denominator="all").frame.set_index("covariate").loc["absent"]
    assert row["smd_before"] == pytest.approx((absent[treated].mean() - absent[~treated].mean()) / absent.std())
    with pytest.raises(OptionError, match="Did you mean 'pooled'"):
        design.balance(denominator="poold")  # type: ignore[arg-type]


def test_distances_of_the_distribution_functions(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    frame = choose_design(panel_of(students), Unadjusted()).balance().frame.set_index("covariate")
    gpa, treated = students["gpa"], students["mentored"]
    apart = [abs((gpa[treated] <= cut).mean() - (gpa[~treated] <= cut).mean()) for cut in sorted(gpa.unique())]
    assert frame.loc["gpa", "ecdf_mean_before"] == pytest.approx(np.mean(apart))
    assert frame.loc["gpa", "ks_after"] == pytest.approx(max(apart))
    assert frame.loc["lunch", "ecdf_mean_after"] == frame.loc["lunch", "ks_after"]


def test_squares_and_interactions(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students, covariates=["gpa", "absent", "lunch", "grade"]), Unadjusted())
    plain = design.balance().frame
    frame = design.balance(squares=True, interactions=True).frame
    pd.testing.assert_frame_equal(frame.iloc[: len(plain)], plain)
    added = frame["covariate"].iloc[len(plain) :].tolist()
    pairs = [f"{one} × grade = {level}" for one in ("gpa", "absent", "lunch") for level in "678"]
    numbers = ["gpa × absent", "gpa × lunch", "absent × lunch"]
    assert sorted(added) == sorted(["gpa²", "absent²", *numbers, *pairs])  # no square of 0/1, no grade = 6 × grade = 7
    row = frame.set_index("covariate").loc["gpa × lunch"]
    product, treated = students["gpa"] * students["lunch"], students["mentored"]
    gap = product[treated].mean() - product[~treated].mean()
    assert row["smd_before"] == pytest.approx(gap / product[treated].std())
    kinds = frame.set_index("covariate")["kind"]
    assert (kinds["lunch × grade = 7"], kinds["gpa × lunch"], kinds["gpa²"]) == ("binary", "continuous", "continuous")


def test_by_school_each_group_is_measured_as_if_it_were_alone(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    students.loc[5:6, "school"] = None
    students.loc[students["school"] == "west", "mentored"] = False
    students.loc[students.index[students["school"] == "west"][:4], "mentored"] = True
    balance = choose_design(panel_of(students), Unadjusted()).balance(by="school")
    frame, n = balance.frame, balance.n
    assert list(frame.columns) == ["group", *BALANCE_COLUMNS, "few"]
    names = frame["group"].drop_duplicates()
    assert [name for name in names if isinstance(name, str)] == ["east", "north", "west"]
    assert names.isna().sum() == 1  # two students of whom the school is not known: shown, not dropped
    east = students[students["school"] == "east"]
    alone = choose_design(panel_of(east), Unadjusted()).balance().frame
    found = frame[frame["group"] == "east"][list(BALANCE_COLUMNS)].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, alone)
    few = frame[frame["few"]]
    assert set(few["group"].dropna()) == {"west"}
    assert few["band"].isin(["", "cannot_judge"]).all()
    assert few["smd_after"].notna().any()
    sizes = n[n["when"] == "after"].set_index("group")
    assert sizes.loc["west", ["n_treated", "few"]].tolist() == [4, True]
    assert sizes.loc["east", "n_treated"] == east["mentored"].sum() >= FEW
    assert sizes["n_comparison"].sum() + sizes["n_treated"].sum() == len(students)


def test_by_a_covariate_says_in_which_group_it_is_worst(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    balance = choose_design(panel_of(students), Unadjusted()).balance(by="grade")
    assert "grade" not in set(balance.frame["covariate"])
    assert balance.opinion.group in {"6", "7", "8"}
    assert f"in {balance.opinion.group}, effect size" in repr(balance)
    with pytest.raises(DataError, match=r"'gpa' has 240 different values among 240 entries"):
        choose_design(panel_of(students), Unadjusted()).balance(by="gpa")


def test_a_number_stays_a_number_in_a_group_in_which_it_is_only_0_or_1(panel_of: Callable[..., Panel]) -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"id": range(120), "school": np.repeat(["a", "b"], 60), "mentored": rng.random(120) < 0.4})
    frame["days"] = np.where(frame["school"] == "a", rng.integers(0, 2, 120), rng.integers(0, 9, 120))
    panel = panel_of(frame.assign(attendance=0.9), covariates=["days"])
    found = choose_design(panel, Unadjusted()).balance(by="school").frame
    assert found["kind"].tolist() == ["continuous", "continuous"]
    assert found["variance_ratio_after"].notna().all()


def test_why_the_opinion_is_what_it_is(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    assert choose_design(panel, Unadjusted()).balance().opinion.reason == "too_far_apart"
    twins = [students.assign(mentored=arm, id=students["id"] + str(arm)) for arm in (True, False)]
    alike = choose_design(panel_of(pd.concat(twins)), Unadjusted())
    assert alike.balance().opinion.reason == "alike"
    twins[0]["gpa"] = np.nan
    opinion = choose_design(panel_of(pd.concat(twins)), Unadjusted()).balance().opinion
    assert (opinion.verdict, opinion.reason) == ("caution", "some_not_judged")


def test_several_designs_in_one_frame(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    designs = {"all": choose_design(panel, Unadjusted()), "pairs": choose_design(panel, Nearest(caliper=0.1))}
    frame = compare_balance(designs)
    assert frame["design"].drop_duplicates().tolist() == ["all", "pairs"]
    pairs = frame[frame["design"] == "pairs"].reset_index(drop=True)
    balance = designs["pairs"].balance()
    pd.testing.assert_frame_equal(pairs[list(BALANCE_COLUMNS)], balance.frame)
    assert (pairs["n_treated"] == balance.n.loc["after", "n_treated"]).all()
    with pytest.raises(OptionError, match="no design to compare"):
        compare_balance({})
