"""Errors of regressions with clusters of uneven sizes: clubSandwich, estimatr and sandwich on made-up students.

R 4.2.2, clubSandwich 0.5.8, estimatr 1.0.0, sandwich 3.0.2; ``d`` is read from ``one_year().to_csv(...)``. For each
formula and weights,

    m <- lm(formula, data = d, weights = wt)
    coef_test(m, vcov = vcovCR(m, cluster = d$school, type = TYPE), test = "Satterthwaite")   # CR0, CR1S, CR2, CR3
    sqrt(diag(vcovHC(m, type = TYPE)))                                                        # HC0 to HC3
    lm_robust(formula, d, weights = wt, clusters = school, se_type = TYPE)                    # the same CR0, stata, CR2
    Wald_test(m, constraints = constrain_zero(2:4), vcov = "CR2", cluster = d$school, test = "HTZ")
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.numerics.sandwich import Regression, bias_reduced_joint_df, bias_reduced_vcov
from tests.reference.made_up import one_year

AGREE = 1e-9
"""Relative; both sides work with 16 digits, and R prints 15."""

NONE = float("nan")
"""Where R has no number: clubSandwich stops at CR3 where a cluster alone determines a coefficient, and HC2 and HC3 of a
student whose leverage is 1 are NaN."""

COLUMNS = ["estimate", "CR0", "CR1S", "CR2", "df", "CR3", "HC0", "HC1", "HC2", "HC3"]
FORMULAS: dict[str, tuple[str, list[str], tuple[str, ...]]] = {
    "student": ("mentored", ["gpa", "prior", "grade"], ()),  # absent ~ mentored + gpa + prior + factor(grade)
    "school_fe": ("mentored", ["gpa", "prior"], ("school",)),  # absent ~ mentored + gpa + prior + factor(school)
    "two_fe": ("mentored", ["prior"], ("grade", "block")),  # absent ~ mentored + prior + factor(grade) + factor(block)
    "whole_schools": ("offered", ["gpa", "prior"], ()),  # absent ~ offered + gpa + prior; schools are wholly in one arm
}
# fmt: off
STORED = {
    "student one": [
        -1.37764153496355, 0.745720157565316, 0.786332862446173, 0.8159125597672, 9.33159694354089, 0.89379151207331,
        0.443435761643722, 0.451991581009455, 0.453023169124463, 0.462861857970071,
    ],
    "student w": [
        -1.4741611087908, 0.77549599099254, 0.817730319110067, 0.865327213643628, 8.79342800429249, 0.947747592631708,
        0.490742877374909, 0.500211458344283, 0.504346748221788, 0.518448700724183,
    ],
    "student w_school": [
        -1.6264158261693, 0.716531979538049, 0.755555065514005, 0.773165680115828, 7.91454898003289, 0.849891984691859,
        0.500422508629083, 0.510077852109966, 0.513370548807675, 0.526728484621273,
    ],
    "school_fe one": [
        -1.38313326235595, 0.618709988418369, 0.677033272493276, 0.658888423800152, 9.30129590556072, NONE,
        0.401644884173278, 0.424848620322914, NONE, NONE,
    ],
    "school_fe w": [
        -1.57726448006336, 0.579917697298811, 0.634584189246172, 0.618983004996147, 8.98713240357504, NONE,
        0.431947933756884, 0.45690233073845, NONE, NONE,
    ],
    "school_fe w_school": [
        -1.51955994536419, 0.587853034313152, 0.64326755833302, 0.6216453305837, 7.73749261295873, NONE,
        0.434174810030937, 0.459257857597976, NONE, NONE,
    ],
    "two_fe one": [
        -1.05586377215221, 0.68658569241227, 0.731134334703034, 0.78002911834609, 8.94162705394532, 0.890039614923748,
        0.465964084073891, 0.479649461016672, 0.480650900924095, 0.495821258285756,
    ],
    "two_fe w": [
        -1.15909585046927, 0.796147029220544, 0.847804483792586, 0.902831734733311, 8.65317130312784, 1.02293681977817,
        0.548848104332162, 0.56496778704772, 0.572300233979812, 0.596900298364016,
    ],
    "two_fe w_school": [
        -1.21339821513053, 0.678187913556879, 0.722191671719703, 0.752160558196892, 8.13852136668607, 0.858696366445941,
        0.512763477012476, 0.527823353310354, 0.531715884454879, 0.551444906206188,
    ],
    "whole_schools one": [
        -1.80861987014161, 0.77931183142387, 0.816469327939627, 0.878618146897613, 7.66177694323108, 0.995685515233119,
        0.432415438413996, 0.437924137416597, 0.438834363700583, 0.445403146502318,
    ],
    "whole_schools w": [
        -1.53268602829694, 0.863982296777102, 0.905176871128059, 0.977129659601941, 7.68186538567451, 1.10151447739878,
        0.477342777510249, 0.483423822377689, 0.486026686899639, 0.494941162261856,
    ],
    "whole_schools w_school": [
        -1.86415997171088, 0.841613297337412, 0.881741320424516, 0.945567976089242, 7.07561745351846, 1.06065059100026,
        0.465528971242497, 0.471459515695237, 0.473092807715182, 0.48084169169349,
    ],
}
# fmt: on
HTZ = {  # weights: F, denominator, p of constrain_zero(2:4): mentored, gpa and prior
    "one": (14.2098573118185, 6.92977918009844, 0.00239783775413157),
    "w": (12.9723888280667, 6.95270279676063, 0.0030912771141117),
    "w_school": (14.743944870777, 5.76325625806345, 0.00407229625517893),
}
WITHOUT_THE_SINGLE = {  # lm(absent ~ mentored + gpa + prior + factor(school), d[d$school != 4, ]): HC2, HC3
    "one": (0.421984968578676, 0.444408599876441),
    "w": (0.45702956050265, 0.484401979384542),
}


@pytest.fixture(scope="module")
def students() -> pd.DataFrame:
    return one_year().assign(one=1.0).astype({"grade": str, "block": str})


def design_of(data: pd.DataFrame, case: str, weights: str) -> tuple[me.Design, me.RegressionAdjustment]:
    treated, covariates, fixed = FORMULAS[case]
    panel = me.panel_from_frame(
        data,
        unit="student",
        treated=treated,
        covariates=["gpa", "prior", "grade", "block"],
        outcomes=["absent"],
        school="school",
        weight=weights,
    )
    return me.choose_design(panel, covariates=covariates), me.RegressionAdjustment(fixed_effects=fixed)


@pytest.mark.parametrize("name", STORED)
def test_errors_are_those_of_r(students: pd.DataFrame, name: str) -> None:
    case, weights = name.split()
    stored = dict(zip(COLUMNS, STORED[name], strict=True))
    design, estimator = design_of(students, case, weights)
    fit = estimator.fit(design, "absent")
    assert fit.theta[0] == pytest.approx(stored["estimate"], rel=AGREE)
    kinds: dict[str, Any] = {"CR0": "CR0", "CR1S": "CR1", "CR2": "CR2", "CR3": "CR3"}
    for theirs, ours in kinds.items():
        if theirs == "CR1S" and case == "school_fe":
            continue  # clubSandwich counts the effects of schools as coefficients, fixest and this package do not
        effect = me.ClusterRobust("school", ours).apply(fit)
        assert np.isnan(stored[theirs]) or effect.std_error[0] == pytest.approx(stored[theirs], rel=AGREE)
        assert theirs != "CR2" or effect.df[0] == pytest.approx(stored["df"], rel=AGREE)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        error = me.HeteroskedasticityRobust(kind).apply(fit).std_error[0]  # type: ignore[arg-type]
        assert np.isfinite(error)
        assert np.isnan(stored[kind]) or error == pytest.approx(stored[kind], rel=AGREE)


@pytest.mark.parametrize("weights", WITHOUT_THE_SINGLE)
def test_without_the_school_of_one_student_leverages_are_those_of_r(students: pd.DataFrame, weights: str) -> None:
    design, estimator = design_of(students[students["school"] != 4], "school_fe", weights)
    fit = estimator.fit(design, "absent")
    found = [me.HeteroskedasticityRobust(kind).apply(fit).std_error[0] for kind in ("HC2", "HC3")]  # type: ignore[arg-type]
    assert found == pytest.approx(WITHOUT_THE_SINGLE[weights], rel=AGREE)


@pytest.mark.parametrize("weights", HTZ)
def test_a_joint_test_of_coefficients_is_hotellings(students: pd.DataFrame, weights: str) -> None:
    columns = [np.ones(len(students)), *(students[name] for name in ("mentored", "gpa", "prior"))]
    X = np.column_stack([*columns, students["grade"] == "7", students["grade"] == "8"]).astype(float)
    w, y = students[weights].to_numpy(), students["absent"].to_numpy()
    bread = np.linalg.inv(X.T @ (w[:, None] * X))
    beta = bread @ X.T @ (w * y)
    model = Regression(X, w, y - X @ beta, bread, np.eye(6)[1:4])
    school = students["school"].to_numpy()
    vcov, _ = bias_reduced_vcov(model, school)
    joint = bias_reduced_joint_df(model, school)
    statistic = beta[1:4] @ np.linalg.solve(vcov, beta[1:4])
    assert (statistic * (joint - 2) / (3 * joint), joint - 2) == pytest.approx(HTZ[weights][:2], rel=AGREE)


def test_two_way_clusters_are_those_of_fixest(students: pd.DataFrame) -> None:
    """pyfixest 0.60.0: feols("absent ~ mentored + gpa + prior", d, vcov={"CRV1": "school + mentor"}, weights=...).

    A student without a mentor is a mentor of one student.
    """
    for weights, error, p_value in (
        ("one", 0.792096148259526, 0.117897193865257),
        ("w", 0.799580403851686, 0.0863303599116281),
    ):
        panel = me.panel_from_frame(
            students.assign(mentor=students["mentor"].where(students["mentor"] >= 0).map("m{:.0f}".format, "ignore")),
            unit="student",
            treated="mentored",
            covariates=["gpa", "prior"],
            outcomes=["absent"],
            school="school",
            mentor="mentor",
            weight=weights,
        )
        inference = me.TwoWayClusterRobust("school", "mentor")
        row = me.estimate_effect(me.choose_design(panel), "absent", inference=inference).frame.iloc[0]
        assert row["std_error"] == pytest.approx(error, rel=AGREE)
        assert (row["p_value"], row["df"]) == pytest.approx((p_value, 13), rel=AGREE)


def few_schools(data: pd.DataFrame) -> pd.DataFrame:
    """The nine schools of nine students and more, of which every vector of signs is taken."""
    return data[data["school"].isin([0, 2, 3, 5, 6, 8, 11, 12, 13])]


@pytest.mark.parametrize(("restricted", "p_value"), [(True, 102 / 512), (False, 152 / 512)])
def test_the_wild_bootstrap_of_nine_schools_is_that_of_wildboottest(
    students: pd.DataFrame, restricted: bool, p_value: float
) -> None:
    """wildboottest 0.3.2 and pyfixest 0.60.0: wildboottest(m, "mentored", school, B=99999, impose_null=...)."""
    panel = me.panel_from_frame(
        few_schools(students),
        unit="student",
        treated="mentored",
        covariates=["gpa", "prior"],
        outcomes=["absent"],
        school="school",
    )
    inference = me.WildClusterBootstrap("school", restricted=restricted)
    row = me.estimate_effect(me.choose_design(panel), "absent", inference=inference).frame.iloc[0]
    assert row["statistic"] == pytest.approx(-1.4074239946286968, rel=AGREE)
    assert row["p_value"] == p_value
