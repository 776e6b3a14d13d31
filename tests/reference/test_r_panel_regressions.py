"""Panel regressions, with and without missing rows and weights: R's lm with every dummy written out.

R 4.2.2, sandwich 3.0.2, clubSandwich 0.5.8. ``d`` is ``six_years().to_csv(...)``: all rows, or those with seen = 1;
``wt`` is 1 or ``w``. ``post`` is 1 from the start on, ``rel`` the years since it; CR0 is
``vcovCL(m, cluster = d$student, type = "HC0", cadjust = FALSE)``, CR2 ``coef_test(m, vcov = "CR2", cluster = ...)``.

    twfe: lm(absent ~ post + health + factor(student) + factor(year)): effect, CR0 by student and by school; and CR2
        with its degrees of freedom by school and by student
    event study: one indicator for each rel of the treated but -1; HTZ is Wald_test(m, constrain_zero(<rel below -1>),
        vcov = "CR2", cluster = d$school, test = "HTZ"): F, its degrees of freedom, p
    sunab: one indicator for each start and rel but -1, averaged by sum(wt) of their rows; last the average of rel >= 0
    etwfe: only rel >= 0; "x" adds factor(year):gpa and indicator × (gpa less its weighted mean in the indicator's rows)
    stacked: starts 2003 and 2004, years -1 to 1 around them, students of that start or none, effects of student × stack
        and year × stack: rel 0, rel 1, their errors, and that of their mean
    imputation: predict(lm(absent ~ factor(student) + factor(year), d[d$post == 0, ])) taken from the treated rows; "x"
        with health
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from tests.reference.made_up import six_years

AGREE = 1e-9
EVENT_TIMES = [-5, -4, -3, -2, 0, 1, 2, 3]
# fmt: off
STORED: dict[str, dict[str, list[float]]] = {
    "all one": {
        "twfe": [-1.56362973787391, 0.235152661853166, 0.191621675316717],
        "twfe CR2": [0.204425475300381, 8.10320768552058, 0.238140126182614, 79.8296972402602],
        "event study": [0.17698947235419, 0.169859944213498, -0.0798281707046129, 0.422200501830257, -0.99430482796261,
            -1.51329620382655, -2.17182199430633, -2.32295691742144],
        "event study CR0": [0.4509046457542, 0.410593445872287, 0.408660019256764, 0.297722459118377, 0.34598337494065,
            0.349229880813593, 0.447720413711867, 0.463008176425054],
        "event study CR2": [0.583848033615246, 0.530802959797979, 0.408476494398338, 0.270748918046661,
            0.300938441642852, 0.248493114471825, 0.24325721153475, 0.339710712939346],
        "event study df": [8.25476866821284, 8.10913950414125, 8.08809997643475, 7.84130734297785, 7.83770924587083,
            7.41003122209078, 7.69695602074767, 7.5987069577188],
        "event study HTZ": [0.98765312335375, 4.0, 5.21030440989129, 0.488185324693621],
        "sunab": [-0.101777777777754, 0.129500000000023, -0.13451388888887, 0.348251028806601, -1.05919753086418,
            -1.4887745098039, -2.19235294117653, -2.50343434343437, -1.64882330246914],
        "sunab CR0": [0.546881649111063, 0.562414816458102, 0.416138104207232, 0.321273595648757, 0.380016811625086,
            0.366471368881666, 0.473032656346748, 0.483279102336709, 0.31185976749968],
        "etwfe": [-1.12467038420307, -1.65152001977261, -2.30256903938043, -2.5188765384943, -1.7401841153128],
        "etwfe CR0": [0.305427684547377, 0.341940997860606, 0.410527307089743, 0.486980460881564, 0.273621666720918],
        "etwfe x": [-1.12156945156968, -1.61769761928607, -2.30693028719646, -2.40988185779095, -1.71541319497618],
        "etwfe x CR0": [0.296015527583107, 0.318754934716723, 0.407103948013292, 0.455163881975056, 0.264264261982194],
        "stacked": [-0.858344748858448, -1.48522450532726, 0.421354952592003, 0.362681710012578, 0.32811135596337],
        "imputation": [-1.12467038420306, -1.65152001977261, -2.30256903938046, -2.51887653849418, -1.74018411531279],
        "imputation x": [-1.22746610185805, -1.6118036392535, -2.38403977660255, -2.55147301119704, -1.79357119365122],
    },
    "all w": {
        "twfe": [-1.57255553885778, 0.240004713549653, 0.171748449051485],
        "twfe CR2": [0.182453728945392, 7.32399431577086, 0.243780601347897, 54.650345055048],
        "event study": [0.239764938344152, 0.237646539491418, -0.325354908234199, 0.421224316574941, -1.118352691632,
            -1.5075593764664, -2.21703070698358, -2.32498452506596],
        "event study CR0": [0.477569638069546, 0.380870816826684, 0.416902620731436, 0.278565988861977,
            0.359702125081379, 0.339952678908848, 0.443578224336051, 0.49074434789421],
        "event study CR2": [0.597361080443094, 0.51285604719568, 0.40453897291941, 0.257151946497106, 0.298897713151963,
            0.288060250739436, 0.273754312785175, 0.390650943998274],
        "event study df": [8.15227475641668, 7.99898271487723, 7.25003854455272, 6.86359226294396, 6.8601658500133,
            5.91820677732092, 6.3749153379034, 6.09834116516917],
        "event study HTZ": [1.23611696904425, 4.0, 4.87036976767409, 0.40420333689527],
        "sunab": [-0.0282918566207143, 0.122508689469867, -0.383325357609805, 0.3284859174332, -1.17121944198615,
            -1.49265501416869, -2.20830865208019, -2.42468330998446, -1.67801788877631],
        "sunab CR0": [0.544993262382208, 0.505707277106664, 0.420206881713235, 0.30841970713966, 0.385104629598056,
            0.373544614415286, 0.469480555704324, 0.513067273524594, 0.319053793848964],
        "etwfe": [-1.20854065350667, -1.6182967078214, -2.29760352525439, -2.52473266449862, -1.75769074795527],
        "etwfe CR0": [0.323552463190381, 0.35041693478261, 0.414907637361001, 0.511777156855986, 0.288633778094751],
        "etwfe x": [-1.25826183374227, -1.58961968293632, -2.31620274183985, -2.48893426469488, -1.76887980977114],
        "etwfe x CR0": [0.316851433353767, 0.335441308742021, 0.412914490851357, 0.483798437315401, 0.283055788261352],
        "stacked": [-0.934141097971385, -1.48611448950544, 0.455552527416283, 0.370104280755119, 0.350946963646938],
        "imputation": [-1.20854065350667, -1.61829670782139, -2.29760352525438, -2.5247326644986, -1.75769074795526],
        "imputation x": [-1.26982691264001, -1.54141894632924, -2.39355615678182, -2.53845797589044, -1.78754104247327],
    },
    "seen one": {
        "twfe": [-1.58814646149173, 0.247670422342477, 0.201281268216508],
        "twfe CR2": [0.217017426442725, 8.09897473106899, 0.251196856928706, 76.3892046641633],
        "event study": [-0.114463977144423, 0.222015392240695, -0.125875506791517, 0.297789698074367, -1.15523150169475,
            -1.55918457191193, -2.21020138352779, -1.93664986534132],
        "event study CR0": [0.484287409173891, 0.457847189641845, 0.453295982868686, 0.326415601285102,
            0.35699041601852, 0.374935690670841, 0.47704672126855, 0.469494723701994],
        "event study CR2": [0.549727636001353, 0.556148206833187, 0.383242417654731, 0.281239442382523,
            0.278177768303563, 0.272137084064054, 0.255132952378604, 0.426374582612593],
        "event study df": [7.89230120612798, 7.83792366677269, 7.94462690641315, 7.72812592115551, 7.66732165747852,
            7.5327101653099, 7.81701380493889, 7.84191279364313],
        "event study HTZ": [0.706168904427496, 4.0, 4.9448596656888, 0.621302710558469],
        "sunab": [-0.375475861540804, 0.210757231340778, -0.162992456394572, 0.224679736010958, -1.20921841118311,
            -1.52949294626638, -2.25969854899028, -2.17213009571955, -1.67749752902208],
        "sunab CR0": [0.567005715619413, 0.627983170993133, 0.464165510400097, 0.346271906987919, 0.392973938438271,
            0.399703465505581, 0.501693143976083, 0.499492098535544, 0.326356450667406],
        "etwfe": [-1.24139576423083, -1.6348742958952, -2.30379186804981, -2.12869029741185, -1.71959431346976],
        "etwfe CR0": [0.315750856662892, 0.375970060035927, 0.44109800582694, 0.467764293504866, 0.278960469996835],
        "etwfe x": [-1.24013753432106, -1.59313356827278, -2.32025637142528, -2.12749211930431, -1.71305339870211],
        "etwfe x CR0": [0.302084464970451, 0.353025843139177, 0.441895193623304, 0.443748254226572, 0.273751423981304],
        "stacked": [-0.949620847744366, -1.56521162928463, 0.458863619551385, 0.414549994260127, 0.366849098265559],
        "imputation": [-1.27409350782183, -1.59451892363122, -2.33251488222687, -2.0583005008812, -1.71961964433045],
        "imputation x": [-1.32925328898453, -1.53333394918277, -2.38793546119587, -2.20162132491694, -1.75930678608985],
    },
    "seen w": {
        "twfe": [-1.64090929390784, 0.252677938129216, 0.186178618998803],
        "twfe CR2": [0.204047073721832, 7.45068504312533, 0.256955863895467, 51.6999655496515],
        "event study": [0.00943719897976013, 0.271932226751378, -0.221743307001143, 0.32861229080719, -1.27408012272552,
            -1.55269367069859, -2.28042797267813, -1.96732658913554],
        "event study CR0": [0.510601461033628, 0.410693069419763, 0.457358651015954, 0.300352636839085,
            0.364016801814508, 0.377320087931185, 0.47947314899615, 0.51577124278336],
        "event study CR2": [0.540675295730075, 0.49939733726476, 0.357526583605304, 0.253661126152699,
            0.257167957784206, 0.340367651834495, 0.262988593905024, 0.451139257163827],
        "event study df": [7.8521144841875, 7.70718141445796, 6.97934572669867, 6.9627751009836, 6.97655619496535,
            6.23505960494382, 6.9387440953025, 5.85070780538975],
        "event study HTZ": [0.713162848842864, 4.0, 4.64917509049089, 0.619499115052744],
        "sunab": [-0.235426185335796, 0.186009267517391, -0.275689079762064, 0.248407336551055, -1.32715692492514,
            -1.52275457377031, -2.28857542879602, -2.11479414885914, -1.71168365548492],
        "sunab CR0": [0.56505138082413, 0.550117876823723, 0.461537602387735, 0.321338888565982, 0.394396661405145,
            0.407450914198592, 0.507513792412214, 0.522904907023645, 0.328046765523724],
        "etwfe": [-1.36795484208215, -1.63905527936657, -2.35020533090906, -2.17159236732889, -1.77775680569243],
        "etwfe CR0": [0.324174954130818, 0.390107248166133, 0.44638120212203, 0.504096356572754, 0.288378967340509],
        "etwfe x": [-1.41330898036336, -1.6127281417201, -2.37420078405202, -2.2149554982253, -1.80049244514982],
        "etwfe x CR0": [0.312472114070128, 0.374973872185946, 0.449487475157877, 0.494711183518683, 0.286061730184325],
        "stacked": [-1.02578207233916, -1.52550060380305, 0.471974522817907, 0.429785614359309, 0.383681290916741],
        "imputation": [-1.41309749276676, -1.5880957776321, -2.38125799184093, -2.05625931011486, -1.77505272938089],
        "imputation x": [-1.42027516791265, -1.50290344827661, -2.46352503874314, -2.19837053908549, -1.79624424526249],
    },
}
# fmt: on
CR0 = me.ClusterRobust("student", "CR0")


def panel_of(rows: str, weights: str) -> me.Panel:
    data = six_years()
    data = data.assign(start=data["start"].where(data["start"] > 0), one=1.0)
    return me.panel_from_frame(
        data if rows == "all" else data[data["seen"] == 1],
        unit="student",
        period="year",
        first_treated="start",
        covariates=["gpa", "health"],
        outcomes=["absent"],
        school="school",
        weight=weights,
    )


@pytest.fixture(scope="module", params=STORED)
def case(request: pytest.FixtureRequest) -> tuple[me.Design, dict[str, list[float]]]:
    rows, weights = request.param.split()
    return me.choose_design(panel_of(rows, weights), covariates=[]), STORED[request.param]


def found(design: me.Design, estimator: Any, inference: Any = CR0) -> pd.DataFrame:
    """Effects by event time, and their average last."""
    frame = me.estimate_effect(design, "absent", estimator, inference=inference).frame
    return frame[~frame["term"].str.startswith("reference")]


def test_two_way_fixed_effects(case: Any) -> None:
    design, stored = case
    fit = me.Twfe(covariates=("health",)).fit(design, "absent")
    by_school = me.ClusterRobust("school", "CR0").apply(fit)
    plain = [fit.theta[0], CR0.apply(fit).std_error[0], by_school.std_error[0]]
    np.testing.assert_allclose(plain, stored["twfe"], rtol=AGREE)
    reduced = [me.ClusterRobust(cluster, "CR2").apply(fit) for cluster in ("school", "student")]
    np.testing.assert_allclose(
        [value for one in reduced for value in (one.std_error[0], one.df[0])], stored["twfe CR2"], rtol=AGREE
    )


def test_event_study_with_its_bias_reduced_errors_and_joint_test(case: Any) -> None:
    design, stored = case
    frame = found(design, me.EventStudy())
    assert frame["event_time"].tolist()[:-1] == EVENT_TIMES
    np.testing.assert_allclose(frame["estimate"][:-1], stored["event study"], rtol=AGREE)
    np.testing.assert_allclose(frame["std_error"][:-1], stored["event study CR0"], rtol=AGREE)
    reduced = me.estimate_effect(design, "absent", me.EventStudy(), inference=me.ClusterRobust("school", "CR2"))
    kept = reduced.frame["event_time"].isin(EVENT_TIMES).to_numpy()
    np.testing.assert_allclose(reduced.std_error[kept], stored["event study CR2"], rtol=AGREE)
    np.testing.assert_allclose(reduced.df[kept], stored["event study df"], rtol=AGREE)
    test = reduced.joint_test()
    hotelling = [test.statistic * test.scale / test.df, test.df, test.df_denominator, test.p_value]
    np.testing.assert_allclose(hotelling, stored["event study HTZ"], rtol=AGREE)


@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("sunab", me.SunAbraham(shares="fixed")),
        ("etwfe", me.ExtendedTwfe(shares="fixed")),
        ("etwfe x", me.ExtendedTwfe(covariates=("gpa",), shares="fixed")),
    ],
)
def test_saturated_regressions(case: Any, name: str, estimator: Any) -> None:
    design, stored = case
    frame = found(design, estimator)
    np.testing.assert_allclose(frame["estimate"], stored[name], rtol=AGREE)
    np.testing.assert_allclose(frame["std_error"], stored[f"{name} CR0"], rtol=AGREE)


def test_stacked_regression(case: Any) -> None:
    design, stored = case
    frame = found(design, me.Stacked(window=(1, 1)))
    np.testing.assert_allclose([*frame["estimate"][:-1], *frame["std_error"]], stored["stacked"], rtol=AGREE)


@pytest.mark.parametrize("kind", [me.Imputation, me.GardnerTwoStage])
@pytest.mark.parametrize(("name", "covariates"), [("imputation", ()), ("imputation x", ("health",))])
def test_imputed_effects(case: Any, kind: Any, name: str, covariates: tuple[str, ...]) -> None:
    design, stored = case
    options = {"shares": "fixed"} if kind is me.Imputation else {}
    np.testing.assert_allclose(
        found(design, kind(covariates=covariates, **options))["estimate"], stored[name], rtol=AGREE
    )


DIFF_DIFF: dict[str, dict[str, list[float]]] = {
    "all": {
        "imputation": [
            0.3054276845473647,
            0.3419409978606011,
            0.4105273070897423,
            0.4869804608815531,
            0.2736216667209095,
        ],
        "gardner_two_stage": [
            0.30733412746517713,
            0.3420066773912607,
            0.4105215745078216,
            0.48698046088156005,
            0.2739341026249558,
        ],
    },
    "seen": {
        "imputation": [
            0.32059331209672437,
            0.37507404711930475,
            0.4524702843641913,
            0.46580546759242436,
            0.28018861726070815,
        ],
        "gardner_two_stage": [
            0.32175568862218007,
            0.3752335376479209,
            0.4525839264856811,
            0.4658054675923326,
            0.2794635765017028,
        ],
    },
}
"""Standard errors of diff-diff 3.13.0 without weights: ImputationDiD() and TwoStageDiD(), aggregate="event_study";
those of TwoStageDiD on all rows are also those of did2s in pyfixest 0.60.0, to the 1e-8 to which it iterates."""


@pytest.mark.parametrize("rows", DIFF_DIFF)
@pytest.mark.parametrize("estimator", [me.Imputation(shares="fixed"), me.GardnerTwoStage()])
def test_errors_of_imputed_effects(rows: str, estimator: Any) -> None:
    design = me.choose_design(panel_of(rows, "one"), covariates=[])
    np.testing.assert_allclose(found(design, estimator)["std_error"], DIFF_DIFF[rows][estimator.name], rtol=1e-8)


FIXEST = {  # Std. Error and p
    ("all", "one", "student"): (0.238020693939938, 3.30543525883797e-09),
    ("all", "one", "school"): (0.203311500004869, 3.02849697879637e-05),
    ("all", "w", "student"): (0.242931923533211, 5.09793007807957e-09),
    ("all", "w", "school"): (0.182225913339148, 1.20239716348003e-05),
    ("seen", "one", "student"): (0.250894097616639, 9.69158930885783e-09),
    ("seen", "w", "school"): (0.197696322415075, 1.6472684391422e-05),
}
"""pyfixest 0.60.0: feols("absent ~ post + health | student + year", d, vcov={"CRV1": cluster}, weights=...)."""


@pytest.mark.parametrize(("rows", "weights", "cluster"), FIXEST)
def test_the_count_of_degrees_of_freedom_is_that_of_fixest(rows: str, weights: str, cluster: str) -> None:
    design = me.choose_design(panel_of(rows, weights), covariates=[])
    row = found(design, me.Twfe(covariates=("health",)), me.ClusterRobust(cluster)).iloc[0]
    assert (row["std_error"], row["p_value"]) == pytest.approx(FIXEST[rows, weights, cluster], rel=1e-6)
