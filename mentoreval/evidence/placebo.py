"""Placebo: the design and the estimator of a study again, where the program can not have had an effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pandas as pd

from mentoreval.design.design import Design, choose_design
from mentoreval.effects.estimate import Estimate, PoolBy
from mentoreval.effects.pooling import pool_fit
from mentoreval.errors import MentorevalError
from mentoreval.evidence.check import Finding
from mentoreval.panel.panel import Panel

COLUMNS = ("kind", "estimate", "std_error", "conf_low", "conf_high", "p_value", "n_treated", "n_comparison")


def estimate_again(
    subject: Estimate, panel: Panel, covariates: Sequence[str], outcome: str | None = None
) -> Estimate | str:
    """The estimate on another panel by the same design method, estimator and inference; else why there is none."""
    design = subject.design
    if design.method.name == "arm_contrast":
        return "This design is one pair of several programs, whose scores can not be estimated from the pair alone."
    try:
        again = choose_design(
            panel, design.method, estimand=design.estimand, covariates=covariates, pool=design.pool,
            eligibility=design.eligibility,
        )  # fmt: skip
    except (MentorevalError, np.linalg.LinAlgError) as error:
        return str(error)
    return estimate_on(subject, again, outcome or subject.outcome)


def estimate_on(subject: Estimate, design: Design, outcome: str) -> Estimate | str:
    """The estimate of an outcome on a design, by the same estimator and inference; else why there is none."""
    try:
        fit = subject.fit.estimator.fit(design, outcome)
        if subject.fit.pooled_by is not None:
            fit = pool_fit(fit, cast("PoolBy", subject.fit.pooled_by), subject.fit.window)
        return subject.inference.apply(fit, subject.confidence)
    except (MentorevalError, np.linalg.LinAlgError) as error:
        return str(error)


def without_treatment_columns(panel: Panel, frame: pd.DataFrame) -> Panel:
    """The panel with another frame, in which nobody's taking part, dose or end is that of the made-up program."""
    return replace(panel, frame=frame.reset_index(drop=True), status=None, participated=None, dosage=None)


def judge_placebo(
    name: str, subject: Estimate, placebo: Estimate | str, small: float, units: tuple[float, float] = (1.0, 1.0)
) -> Finding:
    """The verdict on an effect where there can be none.

    small : share of the real effect that the interval of the placebo effect must stay below
    units : what the real and the placebo effect are divided by before they are compared

    fail where the interval leaves zero out, pass where it holds zero and nothing that is large beside the real effect,
    caution where it is too wide to tell.
    """
    if isinstance(placebo, str):
        return Finding(name, "cannot_judge", f"{name}.not_estimable", {"reason": placebo})
    try:
        real, found = subject.headline(), placebo.headline()
    except MentorevalError as error:
        return Finding(name, "cannot_judge", f"{name}.not_estimable", {"reason": str(error)})
    frame = _frame(real, found)
    low, high = float(found["conf_low"]), float(found["conf_high"])
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(float(real["estimate"]))):
        return Finding(name, "cannot_judge", f"{name}.no_interval", {}, frame)
    numbers = {
        "placebo": float(found["estimate"]), "low": low, "high": high, "p_value": float(found["p_value"]),
        "real": float(real["estimate"]),
    }  # fmt: skip
    if low > 0 or high < 0:
        return Finding(name, "fail", f"{name}.found", numbers, frame)
    largest = max(abs(low), abs(high)) / units[1]
    if largest < small * abs(float(real["estimate"])) / units[0]:
        return Finding(name, "pass", f"{name}.none_found", numbers, frame)
    return Finding(name, "caution", f"{name}.too_wide", numbers, frame)


def _frame(real: pd.Series, placebo: pd.Series) -> pd.DataFrame:
    """COLUMNS, the real effect and the placebo effect."""
    rows = pd.DataFrame([real, placebo]).reset_index(drop=True)
    rows.insert(0, "kind", ["real", "placebo"])
    return rows[list(COLUMNS)]
