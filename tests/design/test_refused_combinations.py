"""Every design with every estimand: it answers, or it names designs that do and estimands that it can."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import Estimand
from mentoreval.design.design import DesignMethod, choose_design
from mentoreval.design.methods import METHODS, CoarsenedExact
from mentoreval.errors import DesignError
from mentoreval.panel.panel import Panel

ESTIMANDS: tuple[Estimand, ...] = ("ATT", "ATC", "ATE", "ATO")
SERVED: dict[str, str] = {
    "unadjusted": "ATT ATC ATE ATO",
    "nearest": "ATT ATC",
    "optimal_pairs": "ATT ATC",
    "cardinality": "ATT ATC",
    "exact": "ATT ATC ATE",
    "coarsened_exact": "ATT ATC ATE",
    "subclass": "ATT ATC ATE",
    "full": "ATT ATC ATE",
    "odds_weighting": "ATT ATC",
    "inverse_probability": "ATT ATC ATE",
    "entropy_balancing": "ATT ATC ATE",
    "covariate_balancing": "ATT ATC ATE",
    "overlap_weighting": "ATO",
}
"""What each design answers for, by the literature it cites."""


def test_no_design_is_forgotten() -> None:
    assert set(SERVED) == set(METHODS)


@pytest.mark.parametrize("estimand", ESTIMANDS)
@pytest.mark.parametrize("name", METHODS)
def test_a_design_answers_or_names_the_ones_that_do(
    name: str, estimand: Estimand, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    panel, method = panel_of(students), METHODS[name]()
    if estimand in SERVED[name].split():
        design = choose_design(panel, method, estimand=estimand)
        assert design.estimand == estimand
        assert np.isfinite(design.weighting.weights).all()
        return
    with pytest.raises(DesignError, match=rf"not for the {estimand}") as refused:
        choose_design(panel, method, estimand=estimand)
    text = str(refused.value)
    instead = re.search(rf"For the {estimand} use (.*?), or keep the method and ask for the (.*)\.$", text)
    assert instead is not None
    for other in re.split(r", | or ", instead[1]):
        assert estimand in SERVED[other].split(), f"{other} does not answer for the {estimand}"
    assert instead[2].replace("the ", "").split(" or ") == [one for one in type(method).estimands]  # type: ignore[attr-defined]
    assert set(type(method).estimands) == set(SERVED[name].split())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "estimand", "message"),
    [
        (CoarsenedExact(k2k=True), "ATE", "Leave k2k out"),
        (CoarsenedExact(k2k=True), "ATO", "overlap_weighting"),
    ],
)
def test_an_option_that_rules_an_estimand_out_is_named(
    method: DesignMethod, estimand: Estimand, message: str, students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    with pytest.raises(DesignError, match=message):
        choose_design(panel_of(students), method, estimand=estimand)
