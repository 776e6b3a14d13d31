"""Calipers on covariates, and the support that both arms share: who may be compared with whom at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Baseline
from mentoreval.errors import OptionError

Discard = Literal["none", "treated", "comparison", "both"]

CovariateCalipers = Mapping[str, Any] | tuple[Any, ...]
"""By covariate: a width in standard deviations, or [width, "raw"] or [width, "sd"]."""


def written_out(calipers: CovariateCalipers) -> CovariateCalipers:
    """Calipers as sorted (covariate, width, unit), so that equal ones are equal; other forms are left to be refused."""
    items = calipers.items() if isinstance(calipers, Mapping) else [(item[0], item[1:]) for item in calipers]
    parts = [(name, *(width if isinstance(width, (list, tuple)) else (width,))) for name, width in items]
    return tuple(sorted((*part, "sd") if len(part) == 2 else part for part in parts))


def check_calipers(calipers: CovariateCalipers, method: str) -> None:
    """OptionError for a caliper that is not a width above 0 with the unit "sd" or "raw"."""
    for name, *width in _parts(calipers):
        if len(width) != 2 or not _is_width(width[0]) or width[1] not in ("sd", "raw"):
            given = width[0] if len(width) == 2 and width[1] == "sd" else width
            raise OptionError(
                f"{method}: the caliper of {name!r} = {given!r} is not allowed. It takes a width above 0 in standard "
                f'deviations, as {{{name} = 0.2}}, or in units of the covariate, as {{{name} = [2, "raw"]}}.'
            )


def caliper_columns(
    baseline: Baseline, rows: IntArray, calipers: CovariateCalipers, counted: BoolArray
) -> tuple[list[FloatArray], list[float]]:
    """Values (rows,) of each covariate with a caliper, and the width of each in units of the covariate.

    counted : (rows,) True for those from whom a standard deviation (n − 1) is computed

    OptionError for a text.
    """
    columns, widths = list[FloatArray](), list[float]()
    for name, width, unit in _parts(calipers):
        column = baseline.column(str(name)).iloc[rows]
        if not pd.api.types.is_numeric_dtype(column):
            raise OptionError(f"{name!r} is a text and has no caliper. Match exactly on it: exact=[{name!r}].")
        values = column.to_numpy(dtype=float)
        columns.append(values)
        widths.append(float(width) * (float(np.std(values[counted], ddof=1)) if unit == "sd" else 1.0))
    return columns, widths


def outside_support(score: FloatArray, treated: BoolArray, cohort: IntArray, discard: Discard) -> BoolArray:
    """(n,) True for the rows to discard: beyond the range of the other arm's scores in their cohort.

    score : (n,); treated : (n,); cohort : (n,), each with both arms; discard : which arm may lose rows
    """
    outside = np.zeros(score.size, dtype=bool)
    if discard == "none":
        return outside
    code = np.unique(cohort, return_inverse=True)[1]
    for arm, named in ((treated, "treated"), (~treated, "comparison")):
        if discard not in (named, "both"):
            continue
        low, high = np.full(int(code.max()) + 1, np.inf), np.full(int(code.max()) + 1, -np.inf)
        np.minimum.at(low, code[~arm], score[~arm])
        np.maximum.at(high, code[~arm], score[~arm])
        outside |= arm & ((score < low[code]) | (score > high[code]))
    return outside


def _is_width(width: object) -> bool:
    return isinstance(width, (int, float)) and not isinstance(width, bool) and 0 < width < np.inf


def _parts(calipers: CovariateCalipers) -> list[Any]:
    return list(calipers)
