"""Mentees nested in mentors: errors that ignore mentors are too small, and those of the partially nested model hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mentoreval.design.design import choose_design
from mentoreval.effects.estimator import Fit
from mentoreval.effects.estimators import DifferenceInMeans, EventStudy
from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods.cluster_robust import ClusterRobust
from mentoreval.effects.inference_methods.one_arm_clustering import OneArmClustering
from mentoreval.errors import EffectError
from mentoreval.panel.panel import panel_from_frame


def mentored(rng: np.random.Generator, mentors: int = 15, each: int = 5, shared: float = 1.0) -> pd.DataFrame:
    """Mentors with some mentees each, who share a mentor's effect, and as many comparison students."""
    n = mentors * each
    frame = pd.DataFrame({"student": range(2 * n), "treated": np.repeat([1, 0], n)})
    frame["mentor"] = [f"m{i // each}" if i < n else None for i in range(2 * n)]
    effects = np.append(np.repeat(rng.normal(0, shared, mentors), each), np.zeros(n))
    return frame.assign(absent=10 + effects + rng.normal(size=2 * n))


def fitted(frame: pd.DataFrame) -> Fit:
    panel = panel_from_frame(frame, unit="student", treated="treated", outcomes=["absent"], mentor="mentor")
    return DifferenceInMeans().fit(choose_design(panel), "absent")


def test_it_is_the_test_of_mentors_means_in_a_balanced_comparison() -> None:
    frame = mentored(np.random.default_rng(1))
    effect = OneArmClustering().apply(fitted(frame))
    means = frame[frame["treated"] == 1].groupby("mentor")["absent"].mean()
    comparison = frame.loc[frame["treated"] == 0, "absent"]
    test = stats.ttest_ind(means, comparison, equal_var=False)
    row = effect.frame.iloc[0]
    assert row["statistic"] == pytest.approx(test.statistic, rel=1e-9)
    assert row["df"] == pytest.approx(test.df, rel=1e-9)
    assert row["p_value"] == pytest.approx(test.pvalue, rel=1e-9)
    assert effect.fit.facts["mentors"] == 15
    assert 0 < float(str(effect.fit.facts["icc"])) < 1


def share_covered(inference: Inference, draws: int = 200) -> float:
    """Of intervals around an effect of zero."""
    rng = np.random.default_rng(3)
    rows = [inference.apply(fitted(mentored(rng))).frame.iloc[0] for _ in range(draws)]
    return float(np.mean([row["conf_low"] < 0 < row["conf_high"] for row in rows]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inference", "holds"),
    [
        (ClusterRobust("student"), False),
        (ClusterRobust("mentor", "CR2"), True),
        (OneArmClustering(), True),
    ],
    ids=["mentors ignored", "CR2 by mentor", "partially nested"],
)
def test_coverage_with_fifteen_mentors(inference: Inference, holds: bool) -> None:
    """200 draws with an ICC of 0.5: 95 % are covered within three Monte Carlo errors (4.6 points), or clearly not."""
    covered = share_covered(inference)
    assert (covered > 0.95 - 0.046) if holds else (covered < 0.88)


def test_what_it_does_not_serve_it_refuses_by_name(panel: Any) -> None:
    with pytest.raises(EffectError, match="no clusters named 'mentor'"):
        OneArmClustering().apply(DifferenceInMeans().fit(choose_design(panel), "absent"))
    long = panel.frame.assign(mentor=np.where(panel.frame["start"].notna(), panel.frame["school"], None))
    with_mentors = panel_from_frame(
        long, unit="student", period="year", first_treated="start", outcomes=["absent"], mentor="mentor"
    )
    with pytest.raises(EffectError, match="one row for each student"):
        OneArmClustering().apply(EventStudy().fit(choose_design(with_mentors), "absent"))
    for each, why in ((1, "as many as there are treated"), (15, "only one mentor")):
        frame = mentored(np.random.default_rng(1), mentors=15 // each, each=each)
        with pytest.raises(EffectError, match=why):
            OneArmClustering().apply(fitted(frame))
