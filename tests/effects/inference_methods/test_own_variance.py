"""The variance that an estimator states itself: it is taken as it is, and only where there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimator import Fit, StatedVariance
from mentoreval.effects.estimators import Did2x2
from mentoreval.effects.inference import Inference, default_inference
from mentoreval.effects.inference_methods import (
    ClusterRobust,
    HeteroskedasticityRobust,
    Jackknife,
    MultiplierBootstrap,
    OwnVariance,
    RefitBootstrap,
)
from mentoreval.errors import EffectError
from mentoreval.panel.panel import panel_from_frame


@dataclass(frozen=True)
class Stating(Did2x2):
    """A difference-in-differences that says its error is 0.5, on seven degrees of freedom."""

    exempt = MappingProxyType(
        {"influence": "its error is one that it was told", "refits": "nothing about it would change"}
    )
    asked: ClassVar[list[int]] = []

    def fit(self, design: Design, outcome: str) -> Fit:
        def stated() -> StatedVariance:
            self.asked.append(1)
            return StatedVariance(np.array([[0.25]]), np.array([7.0]), 8, "school")

        return replace(super().fit(design, outcome), influence=None, linear=None, own_variance=stated)


@pytest.fixture
def design() -> Design:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"student": np.repeat(np.arange(40), 2), "year": np.tile([1, 2], 40)})
    frame["start"] = np.where(np.arange(40) % 2, 2.0, np.nan)[frame["student"]]
    frame["school"] = frame["student"] // 2 % 10
    frame["absent"] = rng.normal(size=80)
    panel = panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["absent"], school="school"
    )
    return choose_design(panel)


def test_it_is_what_the_estimator_states(design: Design) -> None:
    row = estimate_effect(design, "absent", Stating(), inference=OwnVariance()).frame.iloc[0]
    assert row["std_error"] == 0.5
    assert row["df"] == 7
    assert row["n_clusters"] == 8
    np.testing.assert_allclose(row["conf_high"] - row["estimate"], 0.5 * 2.3646242515927844)  # qt(0.975, 7)


def test_it_is_taken_where_none_is_named_and_made_only_when_asked_for(design: Design) -> None:
    Stating.asked.clear()
    fit = Stating().fit(design, "absent")
    assert default_inference(fit) == (OwnVariance(), "own_variance")
    assert not Stating.asked, "a fit alone does not pay for its variance"
    effect = estimate_effect(design, "absent", Stating())
    assert (effect.reason, effect.cluster, effect.few_clusters) == ("own_variance", "school", True)


def test_an_estimator_with_influence_states_none(design: Design) -> None:
    with pytest.raises(EffectError, match="did_2x2 states none"):
        estimate_effect(design, "absent", Did2x2(), inference=OwnVariance())


@pytest.mark.parametrize("method", [ClusterRobust(), HeteroskedasticityRobust(), MultiplierBootstrap()])
def test_methods_that_need_influence_say_why_there_is_none(design: Design, method: Inference) -> None:
    with pytest.raises(EffectError, match=r"its error is one that it was told\. Use OwnVariance"):
        estimate_effect(design, "absent", Stating(), inference=method)


@pytest.mark.parametrize("method", [RefitBootstrap(draws=10), Jackknife()])
def test_methods_that_refit_say_why_they_do_not(design: Design, method: Inference) -> None:
    with pytest.raises(EffectError, match=r"nothing about it would change\. Use OwnVariance"):
        estimate_effect(design, "absent", Stating(), inference=method)
