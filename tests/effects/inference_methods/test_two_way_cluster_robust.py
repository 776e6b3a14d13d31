"""Two ways of clustering: equal to statsmodels, and to one way where one kind nests the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from mentoreval.design.design import choose_design
from mentoreval.effects.estimators import CallawaySantAnna, RegressionAdjustment
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.two_way_cluster_robust import TwoWayClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, panel_from_frame


def crossed() -> pd.DataFrame:
    """200 students of 20 teachers, each with students from all of 12 schools."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"student": range(200), "mentored": rng.permutation(200) % 2, "before": rng.normal(size=200)})
    frame["school"], frame["teacher"] = rng.integers(0, 12, 200), rng.integers(0, 20, 200)
    shared = rng.normal(size=12)[frame["school"]] + rng.normal(size=20)[frame["teacher"]]
    return frame.assign(absent=frame["before"] + shared * frame["mentored"] + rng.normal(size=200))


def test_it_is_the_two_way_error_of_statsmodels_with_the_smaller_number_of_clusters() -> None:
    frame = crossed()
    panel = panel_from_frame(
        frame,
        unit="student",
        treated="mentored",
        covariates=["before"],
        outcomes=["absent"],
        school="school",
        mentor="teacher",
    )
    fit = RegressionAdjustment().fit(choose_design(panel), "absent")
    effect = TwoWayClusterRobust("school", "mentor").apply(fit)
    groups = frame[["school", "teacher"]].to_numpy()
    plain = smf.ols("absent ~ before + mentored", frame).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    assert effect.std_error[0] == pytest.approx(plain.bse["mentored"] * np.sqrt(12 / 11 * 199 / 197), rel=1e-10)
    assert (effect.n_clusters, effect.cluster, effect.df[0]) == (12, "school", 11.0)
    swapped = TwoWayClusterRobust("mentor", "school").apply(fit)
    assert swapped.std_error[0] == pytest.approx(effect.std_error[0], rel=1e-12)


def test_students_in_schools_are_schools(panel: Panel) -> None:
    fit = CallawaySantAnna().fit(choose_design(panel), "absent")
    both, school = TwoWayClusterRobust("school", "student").apply(fit), ClusterRobust("school").apply(fit)
    np.testing.assert_allclose(both.vcov, school.vcov, rtol=1e-9, atol=1e-15)


def test_what_is_not_two_kinds_is_refused(panel: Panel) -> None:
    with pytest.raises(OptionError, match="two kinds"):
        TwoWayClusterRobust("school", "school")
    with pytest.raises(EffectError, match="no clusters named 'matched_set'"):
        TwoWayClusterRobust().apply(CallawaySantAnna().fit(choose_design(panel), "absent"))
