"""Placebo errors: the spread of the effect among those who never had the program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, SyntheticDid
from mentoreval.effects.inference_methods import Placebo
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame


def school_design(treated: int = 1, n: int = 9, labels: str = "school {}") -> tuple[Design, np.ndarray]:
    """Schools in two years, and the change of each; the first ones start in the second year."""
    rng = np.random.default_rng(0)
    y = rng.normal(10, 3, (n, 2))
    frame = pd.DataFrame({"school": np.repeat(np.arange(n), 2), "year": np.tile([1, 2], n), "y": y.ravel()})
    frame["start"] = np.where(frame["school"] < treated, 2.0, np.nan)
    frame["school"] = frame["school"].map(labels.format)
    panel = panel_from_frame(frame, unit="school", period="year", first_treated="start", outcomes=["y"])
    return choose_design(panel), y[:, 1] - y[:, 0]


def test_one_treated_school_has_the_spread_of_the_others() -> None:
    """Each never-treated school in turn against the rest: all effects that a draw can give are known."""
    design, change = school_design()
    effect = estimate_effect(design, "y", Did2x2(), inference=Placebo(draws=120, seed=1))
    possible = [change[u] - np.delete(change[1:], u - 1).mean() for u in range(1, 9)]
    assert effect.std_error[0] == pytest.approx(np.std(possible), rel=0.2)  # 120 draws know it to 6 %
    assert effect.n_clusters == 8
    assert np.isinf(effect.df[0])


def test_the_same_seed_has_the_same_answer_whatever_schools_are_called() -> None:
    errors = [
        estimate_effect(school_design(labels=labels)[0], "y", Did2x2(), inference=Placebo(draws=20, seed=3)).std_error[
            0
        ]
        for labels in ("school {}", "{} street")
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-12)
    other = estimate_effect(school_design()[0], "y", Did2x2(), inference=Placebo(draws=20, seed=4))
    assert other.std_error[0] != pytest.approx(errors[0], rel=1e-3)


def test_several_starts_are_given_out_anew() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"school": np.repeat(np.arange(30), 6), "year": np.tile(np.arange(6), 30)})
    frame["start"] = frame["school"].map({0: 3.0, 1: 4.0, 2: 4.0})
    frame["y"] = rng.normal(size=180) + rng.normal(size=30)[frame["school"]]
    design = choose_design(panel_from_frame(frame, unit="school", period="year", first_treated="start", outcomes=["y"]))
    for estimator in (SyntheticDid(), CallawaySantAnna()):
        effect = estimate_effect(design, "y", estimator, inference=Placebo(draws=20))
        assert effect.fit.facts["refits_failed"] == 0
        assert (effect.std_error > 0).all()
        assert np.linalg.eigvalsh(effect.vcov).min() > -1e-12
    assert estimate_effect(design, "y", SyntheticDid(method="did"), inference=Placebo(draws=20)).n_clusters == 27


def test_it_takes_more_never_treated_than_treated() -> None:
    design, _ = school_design(treated=5)
    with pytest.raises(EffectError, match="gives the program to 5 of the never-treated units, and there are 4"):
        estimate_effect(design, "y", Did2x2(), inference=Placebo())
    with pytest.raises(OptionError, match="too few"):
        Placebo(draws=5)


def test_a_program_that_ends_is_refused() -> None:
    frame = pd.DataFrame(
        {"school": np.repeat(np.arange(6), 3), "year": np.tile([1, 2, 3], 6), "y": np.arange(18.0) ** 2}
    )
    frame["on"] = ((frame["school"] == 0) & (frame["year"] == 2)).astype(int)
    design = choose_design(panel_from_frame(frame, unit="school", period="year", treated="on", outcomes=["y"]))
    with pytest.raises(EffectError, match="can not make up how a program ends"):
        estimate_effect(design, "y", Did2x2(), inference=Placebo())
