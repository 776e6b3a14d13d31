"""Left out: what the headline becomes when everything is done again without some units of the panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.refit import Refitter
from mentoreval.evidence.check import Finding

LEFT_OUT_COLUMNS = ("left_out", "n_units", "estimate")


def leave_out(
    subject: Estimate, groups: Sequence[tuple[str, int]], units_of: Callable[[int], BoolArray]
) -> tuple[pd.DataFrame, pd.Series]:
    """LEFT_OUT_COLUMNS, and the headline with everybody.

    Design method and estimator run again without each group. estimate is missing where that gives none.
    groups : names and numbers; units_of : from a group's number the (n_units,) mask of its units
    Raises EffectError where the estimator or the design can not be run again.
    """
    fit = subject.fit
    if fit.group_time is not None and fit.pooled_by is None:
        subject = subject.pool("simple")
        fit = subject.fit
    head = subject.headline()
    place = int(np.flatnonzero(fit.terms["term"].to_numpy() == head["term"])[0])
    panel, refitter = fit.design.panel, Refitter.of(fit, "student")
    rows = []
    for label, group in groups:
        gone = units_of(group)
        kept = panel.frame[~gone[panel.row_unit]].reset_index(drop=True)
        found = refitter.effects_on(replace(panel, frame=kept))
        rows.append((label, int(gone.sum()), np.nan if found is None else float(found[place])))
    return pd.DataFrame(rows, columns=list(LEFT_OUT_COLUMNS)), head


def judge_left_out(name: str, frame: pd.DataFrame, head: pd.Series) -> Finding:
    """pass where no group decides the answer.

    fail where the estimate changes its sign without one of them, caution where it leaves the interval that it has with
    everybody, or where it can not be had without one of them. An interval that holds zero has no sign to change.
    """
    known = frame.dropna(subset=["estimate"])
    if known.empty:
        return Finding(name, "cannot_judge", f"{name}.no_refit", {}, frame)
    shift = (known["estimate"] - float(head["estimate"])).abs()
    worst = known.iloc[int(shift.to_numpy().argmax())]
    numbers = {
        "n_groups": len(frame), "lowest": float(known["estimate"].min()), "highest": float(known["estimate"].max()),
        "left_out": str(worst["left_out"]), "without": float(worst["estimate"]),
        "n_failed": len(frame) - len(known),
    }  # fmt: skip
    clear = float(head["conf_low"]) > 0 or float(head["conf_high"]) < 0
    if clear and (np.sign(known["estimate"]) != np.sign(head["estimate"])).any():
        return Finding(name, "fail", f"{name}.sign_changes", numbers, frame)
    if not known["estimate"].between(head["conf_low"], head["conf_high"]).all():
        return Finding(name, "caution", f"{name}.one_decides", numbers, frame)
    if len(known) < len(frame):
        return Finding(name, "caution", f"{name}.some_failed", numbers, frame)
    return Finding(name, "pass", f"{name}.none_decides", numbers, frame)
