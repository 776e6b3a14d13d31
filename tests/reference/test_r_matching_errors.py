"""Matching with replacement and the errors of Abadie and Imbens: Matching::Match on made-up students.

R 4.2.2, Matching 4.10.8, with ``d`` read from ``one_year().to_csv(...)`` and g7 = (grade == 7):

    Match(d$absent, d$mentored, X, estimand = , M = , Weight = 1 (2: mahalanobis), BiasAdjust = , weights = ,
          Var.calc = (var), sample = TRUE (sample), exact = c(FALSE, FALSE, TRUE) (exact))$est and $se

"propensity" is X = the fitted values of glm(mentored ~ gpa + prior + g7, binomial, control = glm.control(1e-14)), with
Z = gpa, prior, g7 for the bias adjustment. A caliper that leaves nobody out is here; where one does, Match divides
the variance by all who sought a match, and this package by those who found one.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import mentoreval as me
from tests.reference.made_up import one_year

POINT, ERROR = 1e-9, 1e-9
STORED = """
ATT | one | gpa prior g7 | matches=1 | -1.577 | 0.611527153026657
ATT | one | gpa prior g7 | matches=1 bias | -1.60515893706018 | 0.605531206278104
ATT | one | gpa prior g7 | matches=1 mahalanobis | -1.3725 | 0.607119237956781
ATT | one | gpa prior g7 | matches=1 mahalanobis bias | -1.42588717064918 | 0.591314826439053
ATT | one | gpa prior g7 | matches=2 | -1.33483333333333 | 0.536099268002104
ATT | one | gpa prior g7 | matches=2 bias | -1.40506130603541 | 0.531145434419351
ATT | one | gpa prior g7 | matches=2 mahalanobis | -1.3685 | 0.525525536973775
ATT | one | gpa prior g7 | matches=2 mahalanobis bias | -1.49005653017078 | 0.525301678663772
ATT | one | gpa prior g7 | matches=3 | -1.44202777777778 | 0.519379174341066
ATT | one | gpa prior g7 | matches=3 bias | -1.5051548733465 | 0.519619239430145
ATT | one | gpa prior g7 | matches=3 mahalanobis | -1.44844444444444 | 0.510202048334009
ATT | one | gpa prior g7 | matches=3 mahalanobis bias | -1.55554401123919 | 0.50207200983548
ATT | one | gpa prior g7 | matches=4 | -1.51916666666667 | 0.497871682862613
ATT | one | gpa prior g7 | matches=4 bias | -1.58274421957783 | 0.492834258945707
ATT | one | gpa prior g7 | matches=4 mahalanobis | -1.44820833333333 | 0.505023585817492
ATT | one | gpa prior g7 | matches=4 mahalanobis bias | -1.5437826434344 | 0.496598868906581
ATE | one | gpa prior g7 | matches=1 | -1.3740625 | 0.55422597050487
ATE | one | gpa prior g7 | matches=1 bias | -1.40003903343095 | 0.555816068131304
ATE | one | gpa prior g7 | matches=1 mahalanobis | -1.2690625 | 0.56010985448682
ATE | one | gpa prior g7 | matches=1 mahalanobis bias | -1.30899124779453 | 0.557943574368081
ATE | one | gpa prior g7 | matches=2 | -1.31448958333333 | 0.510454885745212
ATE | one | gpa prior g7 | matches=2 bias | -1.39816394986009 | 0.502247660321442
ATE | one | gpa prior g7 | matches=2 mahalanobis | -1.26502083333333 | 0.505070479176535
ATE | one | gpa prior g7 | matches=2 mahalanobis bias | -1.37304298040913 | 0.50197823185585
ATE | one | gpa prior g7 | matches=3 | -1.23086458333333 | 0.496380404250329
ATE | one | gpa prior g7 | matches=3 bias | -1.35041106348852 | 0.49162281032452
ATE | one | gpa prior g7 | matches=3 mahalanobis | -1.28025520833333 | 0.499874662248403
ATE | one | gpa prior g7 | matches=3 mahalanobis bias | -1.43650044458104 | 0.491879504099089
ATE | one | gpa prior g7 | matches=4 | -1.2343875 | 0.492101926641781
ATE | one | gpa prior g7 | matches=4 bias | -1.38413883784266 | 0.48480158566147
ATE | one | gpa prior g7 | matches=4 mahalanobis | -1.1921875 | 0.494357911221202
ATE | one | gpa prior g7 | matches=4 mahalanobis bias | -1.36201224944911 | 0.479424051509521
ATC | one | gpa prior g7 | matches=1 | -1.2523 | 0.622067243789206
ATC | one | gpa prior g7 | matches=1 bias | -1.27696709125342 | 0.627572053594841
ATC | one | gpa prior g7 | matches=1 mahalanobis | -1.207 | 0.638463077123493
ATC | one | gpa prior g7 | matches=1 mahalanobis bias | -1.23885369408174 | 0.641932551115138
ATC | one | gpa prior g7 | matches=2 | -1.30228333333333 | 0.555780894794474
ATC | one | gpa prior g7 | matches=2 bias | -1.3940255361549 | 0.545488942988483
ATC | one | gpa prior g7 | matches=2 mahalanobis | -1.20293333333333 | 0.548616885664101
ATC | one | gpa prior g7 | matches=2 mahalanobis bias | -1.30283485055215 | 0.544831188943947
ATC | one | gpa prior g7 | matches=3 | -1.10416666666667 | 0.530127851334753
ATC | one | gpa prior g7 | matches=3 bias | -1.25756477757374 | 0.523848400617883
ATC | one | gpa prior g7 | matches=3 mahalanobis | -1.17934166666667 | 0.538694071347726
ATC | one | gpa prior g7 | matches=3 mahalanobis bias | -1.36507430458615 | 0.531700902642298
ATC | one | gpa prior g7 | matches=4 | -1.06352 | 0.526436942368739
ATC | one | gpa prior g7 | matches=4 bias | -1.26497560880156 | 0.518997980807645
ATC | one | gpa prior g7 | matches=4 mahalanobis | -1.038575 | 0.527117828590939
ATC | one | gpa prior g7 | matches=4 mahalanobis bias | -1.25295001305793 | 0.508940285529577
ATT | one | gpa prior g7 | var=1 | -1.577 | 0.553975270206171
ATT | one | gpa prior g7 | var=2 | -1.577 | 0.543311364586541
ATT | one | gpa prior g7 | var=3 | -1.577 | 0.558409561960475
ATE | one | gpa prior g7 | var=1 | -1.3740625 | 0.49689351876031
ATE | one | gpa prior g7 | var=2 | -1.3740625 | 0.498858686049928
ATE | one | gpa prior g7 | var=3 | -1.3740625 | 0.525058071107836
ATC | one | gpa prior g7 | var=1 | -1.2523 | 0.560886902236092
ATC | one | gpa prior g7 | var=2 | -1.2523 | 0.562345044227
ATC | one | gpa prior g7 | var=3 | -1.2523 | 0.600562189619027
ATT | one | gpa prior g7 | var=0 sample | -1.577 | 0.611527153026657
ATT | one | gpa prior g7 | var=2 sample | -1.577 | 0.532047921470182
ATE | one | gpa prior g7 | var=0 sample | -1.3740625 | 0.553939031520974
ATE | one | gpa prior g7 | var=2 sample | -1.3740625 | 0.48335296071858
ATT | whole_weight | gpa prior g7 | matches=1 | -1.37786324786325 | 0.567484642466798
ATT | whole_weight | gpa prior g7 | matches=1 bias | -1.40372897649629 | 0.558610258597108
ATT | w | gpa prior g7 | matches=1 | -1.39803739332909 | 0.616759513059229
ATT | whole_weight | gpa prior g7 | matches=1 mahalanobis | -1.31059829059829 | 0.564834795540703
ATT | whole_weight | gpa prior g7 | matches=1 var=1 | -1.37786324786325 | 0.468955149163277
ATT | whole_weight | gpa prior g7 | matches=2 | -1.1119943019943 | 0.535363311221317
ATT | whole_weight | gpa prior g7 | matches=2 bias | -1.16484275285468 | 0.535549468150044
ATT | w | gpa prior g7 | matches=2 | -1.44934846155898 | 0.558910492219162
ATT | whole_weight | gpa prior g7 | matches=2 mahalanobis | -1.18579772079772 | 0.538345740361436
ATT | whole_weight | gpa prior g7 | matches=2 var=1 | -1.1119943019943 | 0.41732923478979
ATE | whole_weight | gpa prior g7 | matches=1 | -1.23845394736842 | 0.493295524950185
ATE | whole_weight | gpa prior g7 | matches=1 bias | -1.25377290768786 | 0.487840631000028
ATE | w | gpa prior g7 | matches=1 | -1.35938999123337 | 0.536410178085891
ATE | whole_weight | gpa prior g7 | matches=1 mahalanobis | -1.17240131578947 | 0.507135513514417
ATE | whole_weight | gpa prior g7 | matches=1 var=1 | -1.23845394736842 | 0.381496265760784
ATE | whole_weight | gpa prior g7 | matches=2 | -1.08027138157895 | 0.432026813500635
ATE | whole_weight | gpa prior g7 | matches=2 bias | -1.10667834301414 | 0.428124923295455
ATE | w | gpa prior g7 | matches=2 | -1.306071702552 | 0.51571337012345
ATE | whole_weight | gpa prior g7 | matches=2 mahalanobis | -1.09243146929824 | 0.440148623325846
ATE | whole_weight | gpa prior g7 | matches=2 var=1 | -1.08027138157895 | 0.322152696859533
ATC | whole_weight | gpa prior g7 | matches=1 | -1.15122994652406 | 0.615270282279976
ATC | whole_weight | gpa prior g7 | matches=1 bias | -1.15995012666868 | 0.609594442924887
ATC | w | gpa prior g7 | matches=1 | -1.33586370095434 | 0.612531346924505
ATC | whole_weight | gpa prior g7 | matches=1 mahalanobis | -1.08593582887701 | 0.646480949347753
ATC | whole_weight | gpa prior g7 | matches=1 var=1 | -1.15122994652406 | 0.470497787160781
ATC | whole_weight | gpa prior g7 | matches=2 | -1.06042335115865 | 0.516849174003429
ATC | whole_weight | gpa prior g7 | matches=2 bias | -1.07028670691069 | 0.509533282456012
ATC | w | gpa prior g7 | matches=2 | -1.21885314606825 | 0.582551784562289
ATC | whole_weight | gpa prior g7 | matches=2 mahalanobis | -1.03401515151515 | 0.533709558261772
ATC | whole_weight | gpa prior g7 | matches=2 var=1 | -1.06042335115865 | 0.379146194153951
ATT | one | gpa prior g7 | exact | -1.577 | 0.611527153026657
ATT | one | gpa prior g7 | matches=2 caliper=1.5 | -1.33483333333333 | 0.536099268002104
ATE | one | gpa prior g7 | exact | -1.3740625 | 0.55422597050487
ATT | one | gpa prior g7 | propensity | -1.81966666666667 | 0.608406950441626
ATT | one | gpa prior g7 | propensity bias | -1.97194641266632 | 0.609911503092336
ATE | one | gpa prior g7 | propensity | -1.291125 | 0.533094369472236
ATE | one | gpa prior g7 | propensity bias | -1.35382230567795 | 0.535794421400974
ATT | one | grade block | matches=1 | -0.85706583994709 | 0.553225264205997
ATT | one | grade block | matches=1 bias | -0.85706583994709 | 0.553225264205997
ATT | whole_weight | grade block | matches=1 | -0.716604137469145 | 0.4730368419371
ATT | w | grade block | matches=1 | -0.859302643798442 | 0.569465178874907
ATT | one | grade block | matches=1 var=2 | -0.85706583994709 | 0.523871829518565
ATT | one | grade block | matches=3 | -0.85706583994709 | 0.553225264205997
ATT | one | grade block | matches=3 bias | -0.85706583994709 | 0.553225264205997
ATT | whole_weight | grade block | matches=3 | -0.716604137469145 | 0.4730368419371
ATT | w | grade block | matches=3 | -0.971434793880521 | 0.558540009869286
ATT | one | grade block | matches=3 var=2 | -0.85706583994709 | 0.523871829518565
ATE | one | grade block | matches=1 | -0.697926922123016 | 0.534311518255968
ATE | one | grade block | matches=1 bias | -0.697926922123016 | 0.534311518255968
ATE | whole_weight | grade block | matches=1 | -0.600374171665967 | 0.456492743044737
ATE | w | grade block | matches=1 | -0.842083304837086 | 0.528288473854996
ATE | one | grade block | matches=1 var=2 | -0.697926922123016 | 0.500162687259045
ATE | one | grade block | matches=3 | -0.694833172123017 | 0.533719293138363
ATE | one | grade block | matches=3 bias | -0.694969140437782 | 0.533727391836037
ATE | whole_weight | grade block | matches=3 | -0.600374171665967 | 0.456492743044737
ATE | w | grade block | matches=3 | -0.850589529134278 | 0.530822202103321
ATE | one | grade block | matches=3 var=2 | -0.694833172123017 | 0.490640938526498
ATC | one | grade block | matches=1 | -0.602443571428572 | 0.567955708690729
ATC | one | grade block | matches=1 bias | -0.602443571428572 | 0.567955708690729
ATC | whole_weight | grade block | matches=1 | -0.527652749211573 | 0.551956474115109
ATC | w | grade block | matches=1 | -0.831601172925234 | 0.576000193952167
ATC | one | grade block | matches=1 var=2 | -0.602443571428572 | 0.506446941445536
ATC | one | grade block | matches=3 | -0.597493571428572 | 0.564864679280949
ATC | one | grade block | matches=3 bias | -0.597711120732198 | 0.564864799698027
ATC | whole_weight | grade block | matches=3 | -0.527652749211573 | 0.551956474115109
ATC | w | grade block | matches=3 | -0.777025961517918 | 0.585679186106539
ATC | one | grade block | matches=3 var=2 | -0.597493571428572 | 0.479255505856429
"""
"""estimand | weights | columns of X | options | est | se"""

ROWS = [tuple(part.strip() for part in line.split("|")) for line in STORED.strip().splitlines()]


@pytest.fixture(scope="module")
def students() -> pd.DataFrame:
    data = one_year()
    return data.assign(one=1.0, g7=(data["grade"] == 7).astype(float))


def estimator_of(columns: str, options: str) -> me.AbadieImbens:
    chosen: dict[str, Any] = {"covariates": tuple(columns.split())}
    for word in options.split():
        name, _, value = word.partition("=")
        match name:
            case "matches":
                chosen["matches"] = int(value)
            case "var":
                chosen["variance_matches"] = int(value)
            case "caliper":
                chosen["caliper"] = float(value)
            case "bias":
                chosen["bias_adjust"] = True
            case "sample":
                chosen["conditional"] = True
            case "exact":
                chosen["exact"] = ("g7",)
            case _:
                chosen["metric"] = name
    return me.AbadieImbens(**chosen)


@pytest.mark.parametrize(
    ("estimand", "weights", "columns", "options", "estimate", "error"), ROWS, ids=[", ".join(row[:4]) for row in ROWS]
)
def test_estimate_and_error_are_those_of_match(
    students: pd.DataFrame, estimand: Any, weights: str, columns: str, options: str, estimate: str, error: str
) -> None:
    panel = me.panel_from_frame(
        students,
        unit="student",
        treated="mentored",
        covariates=["gpa", "prior", "g7", "grade", "block"],
        outcomes=["absent"],
        weight=weights,
    )
    design = me.choose_design(panel, estimand=estimand, covariates=[])
    row = me.estimate_effect(design, "absent", estimator_of(columns, options)).frame.iloc[0]
    assert row["estimate"] == pytest.approx(float(estimate), abs=POINT)
    assert row["std_error"] == pytest.approx(float(error), abs=ERROR)
