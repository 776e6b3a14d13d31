"""Uncertainty: how what a standard error rests on is written."""

from __future__ import annotations

import math

import pandas as pd

from mentoreval.report.words import Words


def degrees_of_freedom(words: Words, df: float) -> str:
    """Degrees of freedom: whole, with one decimal, or that the normal distribution was used; a dash where hidden."""
    if math.isinf(df):
        return words("label.normal")
    return words.number(df, 0 if df.is_integer() else 1)


def clusters(words: Words, row: pd.Series) -> str:
    """How many clusters the uncertainty rests on, and of what."""
    name = str(row["cluster"] or "student")
    return words("label.clusters", count=int(row["n_clusters"]), cluster=words.named("clusters", name))
