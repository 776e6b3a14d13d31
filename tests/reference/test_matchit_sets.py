"""Strata, subclasses, the largest balanced sample, and balance tables of MatchIt 4.5.1 (R 4.2.2) on made-up students.

Every case is one call of ``matchit(F, data = d, …)``, with F = treat ~ gpa + absent + grade + lunch, and of
``summary(m, interactions = TRUE)``. After subclassification that version standardizes interactions by the treated for
every estimand; such rows are left out.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import mentoreval as me
from mentoreval.aliases import Estimand
from mentoreval.design.design import DesignMethod

SAMPLE = runpy.run_path(str(Path(__file__).parent / "design_sample.py"))

NUMBERS = ("gpa", "absent", "lunch")
GIVEN = {"gpa": [2, 2.7, 3.2], "absent": "q3", "lunch": "exact"}
THIRDS = {"gpa": "q3", "absent": 2, "lunch": "exact"}
HALVES = {"gpa": 2, "absent": "q3", "lunch": "exact"}

Case = tuple[DesignMethod, Estimand, tuple[float, float, float, float]]

WEIGHTS: dict[str, Case] = {
    'method = "subclass", subclass = 2': (
        me.Subclass(n=2),
        "ATT",
        (62.05555555555556, 36.0, 58.29323968393325, 54.23809523809521),
    ),
    'method = "subclass", subclass = 5': (
        me.Subclass(n=5),
        "ATT",
        (62.05555555555556, 36.0, 56.20102339181288, 31.116009687949713),
    ),
    'method = "subclass", subclass = 9': (
        me.Subclass(n=9),
        "ATT",
        (62.05555555555556, 36.0, 55.061812744421424, 37.4683323239863),
    ),
    'method = "cem", cutpoints = "sturges"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "sturges")),
        "ATT",
        (60.3125, 16.0, 47.1875, 17.554285714285715),
    ),
    'method = "cem", cutpoints = "scott"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "scott")),
        "ATT",
        (62.705882352941174, 17.0, 53.906862745098046, 15.012987012987017),
    ),
    'method = "cem", cutpoints = "fd"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "fd")),
        "ATT",
        (64.3076923076923, 13.0, 47.01282051282051, 13.98620689655172),
    ),
    'method = "cem", cutpoints = given, grouping = joined': (
        me.CoarsenedExact(cutpoints=GIVEN, groupings={"grade": [["g6", "g7"]]}),
        "ATT",
        (59.96875, 32.0, 59.91666666666667, 23.65806700038506),
    ),
    'method = "cem", cutpoints = list(gpa = "q3", absent = 2, lunch = 0)': (
        me.CoarsenedExact(cutpoints=THIRDS),
        "ATT",
        (63.48571428571429, 35.0, 52.6824716553288, 33.17927773000859),
    ),
    'method = "cem", cutpoints = list(gpa = 2, absent = "q3", lunch = 0), k2k = TRUE': (
        me.CoarsenedExact(cutpoints=HALVES, k2k=True),
        "ATT",
        (58.34375, 32.0, 48.90625, 32.0),
    ),
    'method = "subclass", subclass = 2, estimand = "ATC"': (
        me.Subclass(n=2),
        "ATC",
        (60.03703703703704, 27.0, 59.833333333333336, 84.0),
    ),
    'method = "subclass", subclass = 5, estimand = "ATC"': (
        me.Subclass(n=5),
        "ATC",
        (58.4560045948204, 21.29616931373819, 59.833333333333336, 84.0),
    ),
    'method = "subclass", subclass = 9, estimand = "ATC"': (
        me.Subclass(n=9),
        "ATC",
        (55.13392857142855, 17.769569779643234, 59.833333333333336, 84.0),
    ),
    'method = "cem", cutpoints = "sturges", estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "sturges")),
        "ATC",
        (59.93478260869568, 12.022727272727277, 50.30434782608695, 23.0),
    ),
    'method = "cem", cutpoints = "scott", estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "scott")),
        "ATC",
        (57.11333333333334, 11.609907120743035, 51.6, 25.0),
    ),
    'method = "cem", cutpoints = "fd", estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "fd")),
        "ATC",
        (62.89999999999999, 9.195402298850578, 50.4, 20.0),
    ),
    'method = "cem", cutpoints = given, grouping = joined, estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=GIVEN, groupings={"grade": [["g6", "g7"]]}),
        "ATC",
        (60.53749999999999, 19.732785200411108, 53.5, 40.0),
    ),
    'method = "cem", cutpoints = list(gpa = "q3", absent = 2, lunch = 0), estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=THIRDS),
        "ATC",
        (66.09227053140096, 17.809226932668334, 61.14492753623188, 69.0),
    ),
    'method = "cem", cutpoints = list(gpa = 2, absent = "q3", lunch = 0), k2k = TRUE, estimand = "ATC"': (
        me.CoarsenedExact(cutpoints=HALVES, k2k=True),
        "ATC",
        (60.96875, 32.0, 36.96875, 32.0),
    ),
    'method = "subclass", subclass = 2, estimand = "ATE"': (
        me.Subclass(n=2),
        "ATE",
        (58.68000000000001, 30.555555555555507, 58.67346938775509, 81.6666666666667),
    ),
    'method = "subclass", subclass = 5, estimand = "ATE"': (
        me.Subclass(n=5),
        "ATE",
        (60.82261072261071, 26.283543683372134, 59.368056855425294, 78.59588899572145),
    ),
    'method = "subclass", subclass = 9, estimand = "ATE"': (
        me.Subclass(n=9),
        "ATE",
        (57.39662698412698, 26.13740721933511, 58.76184343434344, 76.93926784644523),
    ),
    'method = "cem", cutpoints = "sturges", estimand = "ATE"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "sturges")),
        "ATE",
        (60.08974358974358, 14.349056603773587, 49.02564102564102, 21.85868263473054),
    ),
    'method = "cem", cutpoints = "scott", estimand = "ATE"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "scott")),
        "ATE",
        (59.37698412698413, 14.598620689655178, 52.53373015873016, 22.543130990415335),
    ),
    'method = "cem", cutpoints = "fd", estimand = "ATE"': (
        me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "fd")),
        "ATE",
        (63.45454545454547, 11.284974093264243, 49.06565656565657, 18.748923959827835),
    ),
    'method = "cem", cutpoints = given, grouping = joined, estimand = "ATE"': (
        me.CoarsenedExact(cutpoints=GIVEN, groupings={"grade": [["g6", "g7"]]}),
        "ATE",
        (60.28472222222223, 26.848511005610693, 56.351851851851855, 35.197465203123215),
    ),
    'method = "cem", cutpoints = list(gpa = "q3", absent = 2, lunch = 0), estimand = "ATE"': (
        me.CoarsenedExact(cutpoints=THIRDS),
        "ATE",
        (65.2150641025641, 24.563209689629048, 58.296985653235645, 61.482270143462976),
    ),
}
"""By the options of the call: of the treated, then of the others, the mean of the row number with the weights and the
effective sample size. given = list(gpa = c(2, 2.7, 3.2), absent = "q3", lunch = 0); joined = list(grade =
list(c("g6", "g7"), "g8"))."""


def panel_of(weight: str | None = None, students: int = 120) -> me.Panel:
    return me.panel_from_frame(
        SAMPLE["students"]()[:students],
        unit="id",
        treated="treat",
        covariates=SAMPLE["COVARIATES"],
        outcomes=["y"],
        weight=weight,
    )


@pytest.mark.parametrize("call", WEIGHTS)
def test_weights(call: str) -> None:
    method, estimand, expected = WEIGHTS[call]
    design = me.choose_design(panel_of(), method, estimand=estimand)
    found = SAMPLE["summed_up"](design.weighting.weights, design.baseline.treated)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_sampling_weights_change_no_stratum() -> None:
    """matchit(treat ~ grade + lunch, d, method = "exact", s.weights = ~weight): the weights are those without them."""
    weight = SAMPLE["students"]()["weight"].to_numpy()
    design = me.choose_design(panel_of("weight"), me.Exact(on=["grade", "lunch"]), estimand="ATE")
    expected = (61.99761904761905, 35.766101053428365, 59.792006033182524, 83.8861274288296)
    found = SAMPLE["summed_up"](design.weighting.weights / weight, design.baseline.treated)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("estimand", "expected"),
    [
        ("ATT", (62.055555555555557, 36, 54.584512567568837, 39.985264243614296)),
        ("ATE", (57.190839947089934, 25.397714149735094, 58.957622100122101, 78.933537868752310)),
    ],
)
def test_a_student_at_a_quantile_is_in_the_subclass_that_its_rounding_says(
    estimand: Estimand, expected: tuple[float, ...]
) -> None:
    """matchit(F, d, method = "subclass", subclass = 7): of 36 treated every fifth is at a quantile."""
    design = me.choose_design(panel_of(), me.Subclass(n=7), estimand=estimand)
    found = SAMPLE["summed_up"](design.weighting.weights, design.baseline.treated)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_quantiles_of_the_subclasses() -> None:
    """The q.cut of matchit(F, d, method = "subclass", subclass = 5): quantiles of the treated."""
    design = me.choose_design(panel_of(), me.Subclass(n=5))
    (found,) = design.weighting.facts["quantiles"].values()  # type: ignore[attr-defined]
    expected = [0.0692992480301993, 0.226383697483539, 0.359446500849939]
    expected += [0.425338114065157, 0.464507653216631, 0.614335833213901]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# ---------------------------------------------------------------------- balance
DESIGNS: dict[str, tuple[DesignMethod, Estimand, str | None]] = {
    "classes_ATT": (me.Subclass(n=5), "ATT", None),
    "classes_sw_ATT": (me.Subclass(n=5), "ATT", "weight"),
    "classes_sw_ATC": (me.Subclass(n=5), "ATC", "weight"),
    "classes_sw_ATE": (me.Subclass(n=5), "ATE", "weight"),
    "cem_scott_ATC": (me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "scott")), "ATC", None),
    "cem_scott_ATE": (me.CoarsenedExact(cutpoints=dict.fromkeys(NUMBERS, "scott")), "ATE", None),
    "replace2_sw": (me.Nearest(distance="mahalanobis", ratio=2, replace=True), "ATT", "weight"),
}
"""classes: method = "subclass", subclass = 5; cem_scott: method = "cem", cutpoints = "scott"; replace2: distance =
"mahalanobis", ratio = 2, replace = TRUE; sw: s.weights = ~weight."""

COLUMNS = ("mean_treated", "mean_comparison", "smd", "variance_ratio", "ecdf_mean", "ks")

BALANCE = """
classes_ATT|before|gpa|2.346962636 2.743343233 -0.6207188008 1.0098857 0.183994709 0.3571428571
classes_ATT|before|lunch|0.5277777778 0.4880952381 0.07948784058 nan 0.03968253968 0.03968253968
classes_ATT|before|gpa × absent|16.46324901 19.9797651 -0.2046469268 0.7693090985 0.05853174603 0.1825396825
classes_ATT|before|gpa × grade = g7|0.5730365772 0.6763968125 -0.08957990361 0.8268102235 0.035030104 0.09126984127
classes_ATT|before|absent²|113.997873 110.5454553 0.01613529909 0.9997340151 0.03273809524 0.126984127
classes_ATT|before|grade = g8 × lunch|0.25 0.2023809524 0.1099714798 nan 0.04761904762 0.04761904762
classes_ATT|after|gpa|2.346962636 2.331137412 0.02478177421 1.066826829 0.03121581925 0.1358024691
classes_ATT|after|lunch|0.5277777778 0.6093648473 -0.1634265354 nan 0.08158706953 0.08158706953
classes_ATT|after|gpa × absent|16.46324901 17.51229606 -0.06105026973 0.9058704402 0.05439476392 0.1363304094
classes_ATT|after|gpa × grade = g7|0.5730365772 0.5261295554 0.04065322098 1.166478673 0.02135427169 0.05299707602
classes_ATT|after|absent²|113.997873 114.3610151 -0.001697189481 0.8131413218 0.04580118313 0.1449805068
classes_ATT|after|grade = g8 × lunch|0.25 0.27944282 -0.06799528024 nan 0.02944282001 0.02944282001
classes_sw_ATT|after|gpa|2.397171681 2.328198151 0.1104572783 0.9509968148 0.03682067132 0.1477744628
classes_sw_ATT|after|lunch|0.5359790842 0.5333856541 0.00520034145 nan 0.002593430175 0.002593430175
classes_sw_ATT|after|gpa × absent|17.93988143 18.21362946 -0.01553495602 0.9427947718 0.04258822938 0.1738688257
classes_sw_ATT|after|gpa × grade = g7|0.5588975217 0.593395463 -0.03089407604 1.070208724 0.02291262731 0.05652849757
classes_sw_ATT|after|absent²|122.9998635 122.0602396 0.004275879643 0.9583132695 0.02989403798 0.1366744031
classes_sw_ATT|after|grade = g8 × lunch|0.2251349042 0.2197506122 0.01289122367 nan 0.005384292056 0.005384292056
replace2_sw|after|gpa|2.397171681 2.359974012 0.05957000149 1.057121176 0.05155053492 0.1313958182
replace2_sw|after|lunch|0.5359790842 0.5007755298 0.07059010297 nan 0.03520355439 0.03520355439
replace2_sw|after|gpa × absent|17.93988143 14.96082153 0.1690589845 1.062260498 0.06913464393 0.1966728811
replace2_sw|after|gpa × grade = g7|0.5588975217 0.6113482157 -0.04697137476 0.9090738519 0.02309360439 0.09111069543
replace2_sw|after|absent²|122.9998635 84.13477612 0.1768605904 1.357296671 0.06999335506 0.1520922097
replace2_sw|after|grade = g8 × lunch|0.2251349042 0.2500868176 -0.05974057369 nan 0.02495191337 0.02495191337
classes_sw_ATT|before|gpa|2.397171681 2.750387085 -0.5656548505 0.9599783189 0.1617179809 0.3276870034
classes_sw_ATT|before|lunch|0.5359790842 0.4872098964 0.09779188629 nan 0.04876918779 0.04876918779
classes_sw_ATT|before|gpa × absent|17.93988143 20.43307583 -0.1414865523 0.7549112198 0.04197543501 0.1314438356
classes_sw_ATT|before|gpa × grade = g7|0.5588975217 0.6238051629 -0.05812699327 0.8407446974 0.02721608149 0.08287002498
classes_sw_ATT|before|absent²|122.9998635 114.5597792 0.03840769152 1.040403857 0.03229537491 0.1280780845
classes_sw_ATT|before|grade = g8 × lunch|0.2251349042 0.2039361927 0.0507545522 nan 0.02119871155 0.02119871155
cem_scott_ATC|after|gpa|2.661928027 2.623403202 0.06062605346 1.124617637 0.04311111111 0.24
cem_scott_ATC|after|gpa × absent|6.802970296 7.155063279 -0.01797216609 1.048086092 0.03838888889 0.16
cem_scott_ATC|after|gpa × grade = g7|0.5927995514 0.5960910534 -0.00259390544 1.067470029 0.01793103448 0.12
cem_scott_ATC|after|absent²|10.72718967 11.43281668 -0.003297396045 1.186991155 0.04455555556 0.2
cem_scott_ATE|after|gpa|2.612166215 2.560780372 0.08066616788 1.105084741 0.04436177249 0.1845238095
cem_scott_ATE|after|gpa × absent|6.482936456 7.308337203 -0.04479412448 1.100946579 0.05107473545 0.1884920635
cem_scott_ATE|after|gpa × grade = g7|0.5161325139 0.5114219616 0.003884186985 1.077056679 0.01457307061 0.08928571429
cem_scott_ATE|after|absent²|11.0995957 12.48717998 -0.00648461467 1.202145947 0.0537202381 0.1964285714
classes_sw_ATC|before|propensity|0.3373976557 0.2655740691 0.6161024374 1.031222231 0.1704059862 0.3709315583
classes_sw_ATC|before|gpa|2.397171681 2.750387085 -0.5542200432 0.9599783189 0.1617179809 0.3276870034
classes_sw_ATC|before|grade = g7|0.2222010933 0.2245294476 -0.005579942949 nan 0.002328354307 0.002328354307
classes_sw_ATC|before|lunch|0.5359790842 0.4872098964 0.09757030321 nan 0.04876918779 0.04876918779
classes_sw_ATC|after|propensity|0.2547571741 0.2655740691 -0.09278728256 0.9320535737 0.04064232591 0.1305095372
classes_sw_ATC|after|gpa|2.839875847 2.750387085 0.1404142207 1.06767327 0.04109252419 0.1706010224
classes_sw_ATC|after|grade = g7|0.2138182494 0.2245294476 -0.02566957903 nan 0.01071119821 0.01071119821
classes_sw_ATC|after|lunch|0.5352897846 0.4872098964 0.09619125261 nan 0.04807988812 0.04807988812
classes_sw_ATE|before|propensity|0.3373976557 0.2655740691 0.6113489973 1.031222231 0.1704059862 0.3709315583
classes_sw_ATE|before|gpa|2.397171681 2.750387085 -0.5598498833 0.9599783189 0.1617179809 0.3276870034
classes_sw_ATE|before|grade = g7|0.2222010933 0.2245294476 -0.005590292557 nan 0.002328354307 0.002328354307
classes_sw_ATE|before|lunch|0.5359790842 0.4872098964 0.09768090626 nan 0.04876918779 0.04876918779
classes_sw_ATE|after|propensity|0.2778813193 0.2902805069 -0.1055395764 0.8839502436 0.04595391711 0.1652804917
classes_sw_ATE|after|gpa|2.67789013 2.629497768 0.07670236962 0.9218742999 0.03758810993 0.1757621494
classes_sw_ATE|after|grade = g7|0.2133458001 0.23003511 -0.04007041557 nan 0.01668930986 0.01668930986
classes_sw_ATE|after|lunch|0.4853219715 0.4973247514 -0.02404063875 nan 0.01200277998 0.01200277998
"""
"""Means Treated, Means Control, Std. Mean Diff., Var. Ratio, eCDF Mean, eCDF Max, to ten digits."""


@pytest.mark.parametrize("name", DESIGNS)
def test_balance(name: str) -> None:
    method, estimand, weight = DESIGNS[name]
    design = me.choose_design(panel_of(weight), method, estimand=estimand)
    frame = design.balance(squares=True, interactions=True).frame
    label = frame["covariate"].where(frame["level"] == "", frame["covariate"] + " = " + frame["level"])
    frame = frame.set_index(label)
    rows = [line.split("|") for line in BALANCE.strip().splitlines()]
    for when, row, numbers in (line[1:] for line in rows if line[0] == name):
        found = frame.loc[row, [f"{column}_{when}" for column in COLUMNS]].to_numpy(dtype=float)
        expected = np.array(numbers.split(), dtype=float)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12, err_msg=f"{row}, {when}")


# ---------------------------------------------------------------------- cardinality
LARGEST: dict[tuple[float, int, Estimand], tuple[int, int]] = {
    (0.02, 1, "ATT"): (17, 17),
    (0.02, 1, "ATC"): (17, 17),
    (0.02, 2, "ATT"): (16, 32),
    (0.02, 2, "ATC"): (16, 8),
    (0.05, 2, "ATT"): (17, 34),
    (0.1, 2, "ATT"): (17, 34),
}
"""By tols, ratio and estimand: the sizes of matchit(F, d[1:60, ], method = "cardinality", solver = "glpk")."""


@pytest.mark.parametrize(("bound", "ratio", "estimand"), LARGEST)
def test_the_largest_balanced_sample_is_as_large(bound: float, ratio: int, estimand: Estimand) -> None:
    method = me.Cardinality(bounds=bound, ratio=ratio)
    design = me.choose_design(panel_of(students=60), method, estimand=estimand)
    kept, treated = design.weighting.weights > 0, design.baseline.treated
    sizes = int((kept & treated).sum()), int((kept & ~treated).sum())
    assert sizes == LARGEST[bound, ratio, estimand]
    assert design.balance().frame["smd_after"].abs().max() <= bound + 1e-9
    assert design.weighting.facts["proven_largest"]
