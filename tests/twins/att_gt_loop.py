"""Group-time effects by a double loop over cohorts and periods: slow, obvious, without covariates.

Written from Callaway & Sant'Anna (2021) on a long table with the columns unit, period, start (missing = never) and y,
whose periods are consecutive whole numbers. Every effect is a difference of four means.
"""

from __future__ import annotations

import pandas as pd


def att_gt(
    data: pd.DataFrame, control: str = "never_treated", base_period: str = "varying", anticipation: int = 0
) -> dict[tuple[int, int], float]:
    """ATT(g, t) for every cohort that starts after the first period and every period that has a base."""
    periods = sorted(data["period"].unique())
    effects = {}
    for cohort in sorted(data["start"].dropna().unique()):
        base_after = cohort - anticipation - 1
        if cohort > periods[-1] or base_after < periods[0]:
            continue
        for period in periods:
            varying = base_period == "varying" and period <= base_after
            base = period - 1 if varying else base_after
            if base < periods[0]:
                continue
            effect = difference_of_changes(data, cohort, period, base, control, anticipation)
            if effect is not None:
                effects[(int(cohort), int(period))] = effect
    return effects


def difference_of_changes(
    data: pd.DataFrame, cohort: float, period: int, base: float, control: str, anticipation: int
) -> float | None:
    """The mean change from base to period in the cohort less that among its comparison; None if one is empty."""
    before = data[data["period"] == base].set_index("unit")["y"]
    after = data[data["period"] == period].set_index("unit")["y"]
    change = (after - before).dropna()
    start = data.groupby("unit")["start"].first().loc[change.index]
    last = data["period"].max()
    if control == "never_treated":
        compares = start.isna() | (start > last)
    else:
        compares = start.isna() | (start > max(period, base) + anticipation)
    compares &= start != cohort
    if not (start == cohort).any() or not compares.any():
        return None
    return float(change[start == cohort].mean() - change[compares].mean())
