"""Every number of a balance table from its formula, written out student by student: the conventions of cobalt (R).

Its ``col_w_smd`` with each ``s.d.denom``, ``col_w_vr`` and ``col_w_ks``; the mean distance of distribution functions is
that of MatchIt (R).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import Estimand
from mentoreval.design.balance import measure_balance
from mentoreval.design.design import Design, DesignMethod, choose_design
from mentoreval.design.methods import InverseProbability, Nearest, OddsWeighting, OverlapWeighting, Subclass, Unadjusted
from mentoreval.numerics.two_samples import DENOMINATORS
from mentoreval.panel.panel import Panel

DESIGNS: dict[str, tuple[DesignMethod, Estimand]] = {
    "overlap": (OverlapWeighting(), "ATO"),
    "inverse": (InverseProbability(), "ATE"),
    "odds": (OddsWeighting(), "ATC"),
    "subclass": (Subclass(n=4), "ATT"),
    "pairs": (Nearest(ratio=2, replace=True, caliper=0.3), "ATT"),
}
COLUMNS = ["gpa", "absent", "grade = 6", "grade = 7", "grade = 8", "lunch"]


def mean(x: np.ndarray, w: np.ndarray) -> float:
    return float((w * x).sum() / w.sum())


def variance(x: np.ndarray, w: np.ndarray, binary: bool) -> float:
    centre = mean(x, w)
    if binary:
        return centre * (1 - centre)
    return float((w * (x - centre) ** 2).sum() * w.sum() / (w.sum() ** 2 - (w**2).sum()))


def spread(name: str, x: np.ndarray, t: np.ndarray, before: np.ndarray, after: np.ndarray, binary: bool) -> float:
    arms = [variance(x[arm], before[arm], binary) for arm in (t, ~t)]
    n = [int((before[arm] > 0).sum()) for arm in (t, ~t)]
    free = sum(n) - 2
    return {
        "treated": arms[0],
        "comparison": arms[1],
        "pooled": sum(arms) / 2,
        "all": variance(x, before, binary),
        "weighted": variance(x, after, binary),
        "hedges": ((n[0] - 1) * arms[0] + (n[1] - 1) * arms[1]) / free / (1 - 3 / (4 * free - 1)) ** 2,
    }[name] ** 0.5


def distances(x: np.ndarray, t: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Mean over the distinct values, and largest, of the distance of both weighted distribution functions."""
    apart = [
        abs((w * t * (x <= at)).sum() / (w * t).sum() - (w * ~t * (x <= at)).sum() / (w * ~t).sum()) for at in set(x)
    ]
    return float(np.mean(apart)), max(apart)


def values_of(students: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: students[name].to_numpy(dtype=float) for name in ("gpa", "absent", "lunch")}
    return columns | {f"grade = {level}": (students["grade"] == level).to_numpy(float) for level in "678"}


def rows_of(design: Design, **asked: object) -> pd.DataFrame:
    frame = measure_balance(design, **asked).frame  # type: ignore[arg-type]
    label = frame["covariate"].where(frame["level"] == "", frame["covariate"] + " = " + frame["level"])
    return frame.set_index(label)


@pytest.fixture(params=DESIGNS)
def weighted(request: pytest.FixtureRequest, students: pd.DataFrame, panel_of: Callable[..., Panel]) -> Design:
    """A design on students with sampling weights."""
    method, estimand = DESIGNS[request.param]
    return choose_design(panel_of(students.assign(w=1 + students["gpa"]), weight="w"), method, estimand=estimand)


@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_standardized_differences_with_each_denominator(
    denominator: str, weighted: Design, students: pd.DataFrame
) -> None:
    frame, treated = rows_of(weighted, denominator=denominator), weighted.baseline.treated
    before, after = 1 + students["gpa"].to_numpy(), weighted.weighting.weights
    for name, x in values_of(students).items():
        unit = spread(denominator, x, treated, before, after, name not in ("gpa", "absent"))
        for when, w in (("before", before), ("after", after)):
            apart = mean(x[treated], w[treated]) - mean(x[~treated], w[~treated])
            assert frame.loc[name, f"smd_{when}"] == pytest.approx(apart / unit, rel=1e-10, abs=1e-13)


def test_variance_ratios_and_distances(weighted: Design, students: pd.DataFrame) -> None:
    frame, treated = rows_of(weighted), weighted.baseline.treated
    for when, w in (("before", 1 + students["gpa"].to_numpy()), ("after", weighted.weighting.weights)):
        for name, x in values_of(students).items():
            row = frame.loc[name]
            if name in ("gpa", "absent"):
                ratio = variance(x[treated], w[treated], False) / variance(x[~treated], w[~treated], False)
                expected = (ratio, *distances(x, treated, w))
            else:
                apart = abs(mean(x[treated], w[treated]) - mean(x[~treated], w[~treated]))
                expected = (np.nan, apart, apart)
            found = row[[f"variance_ratio_{when}", f"ecdf_mean_{when}", f"ks_{when}"]].to_numpy(dtype=float)
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_effective_sample_sizes(weighted: Design, students: pd.DataFrame) -> None:
    treated = weighted.baseline.treated
    sizes = weighted.balance().n
    for when, w in (("before", 1 + students["gpa"].to_numpy()), ("after", weighted.weighting.weights)):
        for arm, own in (("treated", w[treated]), ("comparison", w[~treated])):
            assert sizes.loc[when, f"ess_{arm}"] == pytest.approx(own.sum() ** 2 / (own**2).sum())
            assert sizes.loc[when, f"n_{arm}"] == (own > 0).sum()


@pytest.mark.parametrize(
    ("estimand", "denominator"), [("ATT", "treated"), ("ATC", "comparison"), ("ATE", "pooled"), ("ATO", "weighted")]
)
def test_the_denominator_of_each_estimand(
    estimand: Estimand, denominator: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    assert choose_design(panel_of(students), Unadjusted(), estimand=estimand).balance().denominator == denominator


def test_in_a_group_all_is_as_if_the_others_did_not_exist(weighted: Design, students: pd.DataFrame) -> None:
    frame = weighted.balance(["gpa"], by="school", denominator="weighted").frame
    own = frame[(frame["group"] == "north") & (frame["covariate"] == "gpa")].iloc[0]
    here = (students["school"] == "north").to_numpy()
    x, t = students["gpa"].to_numpy()[here], weighted.baseline.treated[here]
    before, after = (1 + students["gpa"].to_numpy())[here], weighted.weighting.weights[here]
    apart = mean(x[t], after[t]) - mean(x[~t], after[~t])
    assert own["smd_after"] == pytest.approx(apart / spread("weighted", x, t, before, after, False), rel=1e-10)
    assert own["ks_after"] == pytest.approx(distances(x, t, after)[1], rel=1e-10)
