"""Made-up panels and a design with given weights, for the tests of effects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import Estimand
from mentoreval.design.design import NO_SET, Baseline, DesignMethod, Weighting
from mentoreval.panel.panel import Panel, panel_from_frame

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"


@dataclass(frozen=True)
class Given(DesignMethod):
    """Weights, and matched sets, given for each entry in its order."""

    name: ClassVar[str] = "given"
    weights: tuple[float, ...] = ()
    sets: tuple[int, ...] = ()

    def weigh(self, baseline: Baseline, estimand: Estimand) -> Weighting:
        weights = np.array(self.weights, dtype=float)
        sets = np.array(self.sets) if self.sets else np.full(baseline.size, NO_SET)
        return Weighting(
            weights=weights,
            matched_set=sets.astype(np.int64),
            propensity=np.full(baseline.size, np.nan),
            pairs=np.empty((0, 2), dtype=np.int64),
            considered=np.ones(baseline.size, dtype=bool),
        )


def staggered_frame(n: int = 120, periods: int = 5, seed: int = 1) -> pd.DataFrame:
    """n students in 8 schools over the years from 2001; a third starts in 2003, a third in 2004, a third never."""
    rng = np.random.default_rng(seed)
    start = np.array([2003.0, 2004.0, np.nan])[np.arange(n) % 3]
    gpa, ability = rng.normal(2.7, 0.5, n), rng.normal(0, 2, n)
    years = np.arange(2001, 2001 + periods)
    frame = pd.DataFrame(
        {
            "student": np.repeat([f"s{i:04d}" for i in range(n)], periods),
            "year": np.tile(years, n),
            "start": np.repeat(start, periods),
            "school": np.repeat([f"school {i}" for i in rng.integers(0, 8, n)], periods),
            "gpa": np.repeat(gpa, periods),
            "grade": np.repeat(rng.choice(["6", "7", "8"], n), periods),
        }
    )
    frame["absent"] = np.repeat(ability, periods) + 0.5 * (frame["year"] - 2001) * frame["gpa"] + 10
    frame["absent"] += np.where(frame["year"] >= frame["start"], -2.0, 0.0) + rng.normal(0, 1, n * periods)
    return frame


def staggered_panel(frame: pd.DataFrame) -> Panel:
    return panel_from_frame(
        frame,
        unit="student",
        period="year",
        first_treated="start",
        covariates=["gpa", "grade"],
        outcomes=["absent"],
        school="school",
    )


@pytest.fixture
def frame() -> pd.DataFrame:
    return staggered_frame()


@pytest.fixture
def panel(frame: pd.DataFrame) -> Panel:
    return staggered_panel(frame)


@pytest.fixture
def given() -> type[Given]:
    return Given


@pytest.fixture
def reference() -> Path:
    if not REFERENCE.exists():
        pytest.skip("the reference values of R are not beside this repository")
    return REFERENCE
