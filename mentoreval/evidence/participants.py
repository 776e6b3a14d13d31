"""Participants: who the students of both arms were before anybody was chosen for the comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Design
from mentoreval.design.equivalence import wwc_effect_size
from mentoreval.evidence.wwc import arm_columns
from mentoreval.numerics.two_samples import balance_tables

PARTICIPANT_COLUMNS = (
    "covariate", "level", "kind", "n_treated", "mean_treated", "sd_treated", "n_comparison", "mean_comparison",
    "sd_comparison", "effect_size", "effect_size_kind",
)  # fmt: skip


def describe_participants(design: Design) -> pd.DataFrame:
    """Every covariate of the panel among those who met the rules of a design, without its weights; PARTICIPANT_COLUMNS.

    One row for each number and each level of a text. A comparison unit counts once, as it stood before the first start
    it could be compared at. Means are of those with a value, and so are the numbers of units.
    """
    base, panel = design.baseline, design.panel
    once = first_entries(design)
    names = dict.fromkeys((*panel.covariates, *(name for name in design.covariates if name != panel.school)))
    matrix = covariate_matrix(panel.covariates_at_baseline(base.unit[once], base.cohort[once], names))
    binary = np.array([column.binary for column in matrix.columns], dtype=bool)
    (arms,) = balance_tables(matrix.values, base.treated[once], [np.ones(len(once))], binary=binary)
    table = {
        "covariate": [column.covariate for column in matrix.columns],
        "level": [column.level or "" for column in matrix.columns],
        "kind": np.where(binary, "binary", "continuous").tolist(),
        **arm_columns(arms),
        "effect_size": wwc_effect_size(arms),
        "effect_size_kind": np.where(binary, "cox_index", "hedges_g").tolist(),
    }
    return pd.DataFrame(table)[list(PARTICIPANT_COLUMNS)]


def first_entries(design: Design) -> IntArray:
    """One entry for each unit of a baseline: a treated unit's own, a comparison unit's first."""
    base = design.baseline
    order = np.lexsort((base.cohort, ~base.treated))
    return np.sort(order[np.unique(base.unit[order], return_index=True)[1]])
