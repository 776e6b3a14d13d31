"""Errors for independent students, refused where a student stands twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, EventStudy
from mentoreval.effects.inference_methods import ClusterRobust, HeteroskedasticityRobust
from mentoreval.errors import EffectError
from mentoreval.panel.panel import Panel, panel_from_frame


@pytest.fixture
def one_cohort(frame: pd.DataFrame) -> Panel:
    part = frame[(frame["start"] != 2004)]
    return panel_from_frame(part, unit="student", period="year", first_treated="start", outcomes=["absent"])


def test_without_repeats_it_is_the_error_by_student(one_cohort: Panel) -> None:
    design = choose_design(one_cohort)
    for estimator in (Did2x2(), CallawaySantAnna()):
        rows = estimate_effect(design, "absent", estimator, inference=HeteroskedasticityRobust("HC0"))
        students = estimate_effect(design, "absent", estimator, inference=ClusterRobust("student", "CR0"))
        np.testing.assert_allclose(rows.std_error, students.std_error, rtol=1e-12)


def test_corrections_grow(one_cohort: Panel) -> None:
    design = choose_design(one_cohort)
    errors = [
        estimate_effect(design, "absent", Did2x2(), inference=HeteroskedasticityRobust(kind)).std_error[0]
        for kind in ("HC0", "HC1", "HC2", "HC3")
    ]
    assert errors[1] == pytest.approx(errors[0] * np.sqrt(80 / 78))
    assert errors[0] < errors[2] < errors[3]
    effect = estimate_effect(design, "absent", Did2x2(), inference=HeteroskedasticityRobust())
    assert (effect.cluster, effect.n_clusters, effect.frame["df"].iloc[0]) == ("", 80, 78)
    assert not effect.few_clusters


def test_a_student_in_several_rows_is_refused(panel: Panel, one_cohort: Panel) -> None:
    with pytest.raises(EffectError, match=r"120 students stand in 160 rows.*ClusterRobust\(cluster='student'\)"):
        estimate_effect(choose_design(panel), "absent", Did2x2(), inference=HeteroskedasticityRobust())
    with pytest.raises(EffectError, match="80 students stand in 400 rows"):
        estimate_effect(choose_design(one_cohort), "absent", EventStudy(), inference=HeteroskedasticityRobust())


def test_leverages_need_the_regression(one_cohort: Panel) -> None:
    with pytest.raises(EffectError, match="HC3 needs the regression itself"):
        estimate_effect(
            choose_design(one_cohort), "absent", CallawaySantAnna(), inference=HeteroskedasticityRobust("HC3")
        )
