"""Effect table: published or computed effects with whatever was said of their uncertainty, as SITE_COLUMNS."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from mentoreval.aliases import FloatArray
from mentoreval.effects.estimate import critical_value
from mentoreval.errors import DataError, first_few

SITE_COLUMNS = (
    "label", "estimate", "std_error", "std_error_from", "conf_low", "conf_high", "pooled", "reason",
)  # fmt: skip
LABELS, VALUES = ("label", "site", "study"), ("estimate", "effect_size_g")


def read_effects(
    source: pd.DataFrame | str | Path, several: Literal["refuse", "average"], confidence: float
) -> pd.DataFrame:
    """SITE_COLUMNS of a table or a CSV of effects; rows without an effect are left out and counted in ``attrs``.

    std_error_from is "given", "interval" (half its length over the normal quantile of ``confidence``) or "p_value"
    (|estimate| / z). pooled is False, with the key of the reason, for a row that has no usable standard error.
    attrs : "standardized" (the effects are standardized), "without_effect" (rows left out)
    """
    table = source if isinstance(source, pd.DataFrame) else _read(Path(source))
    label, value = _column(table, LABELS, "names the site or study"), _column(table, VALUES, "holds the effect")
    effects = _numbers(table, value)
    known = np.isfinite(effects)
    error, came_from = _standard_errors(table[known], effects[known], confidence)
    usable = np.isfinite(error) & (error > 0)
    rows = pd.DataFrame(
        {
            "label": table.loc[known, label].astype(str).to_numpy(),
            "estimate": effects[known],
            "std_error": np.where(usable, error, np.nan),
            "std_error_from": np.where(usable, came_from, ""),
            "pooled": usable,
            "reason": np.where(usable, "", "no_standard_error"),
        }
    )
    rows = _one_for_each_label(rows, several)
    (half,) = critical_value(confidence, np.array([np.inf]))
    rows["conf_low"] = rows["estimate"] - half * rows["std_error"]
    rows["conf_high"] = rows["estimate"] + half * rows["std_error"]
    rows = rows[list(SITE_COLUMNS)]
    rows.attrs = {"standardized": value == "effect_size_g", "without_effect": int((~known).sum())}
    return rows


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} is not a file. Give the path of a CSV with one row for each effect, or a table.")
    try:
        return pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can not be read as a CSV: {error}") from error


def _column(table: pd.DataFrame, names: tuple[str, ...], what: str) -> str:
    """The first of the names that the table has."""
    found = [name for name in names if name in table.columns]
    if not found:
        raise DataError(
            f"The table of effects has no column that {what}. It may be called {', '.join(names)}; "
            f"there are {first_few(list(table.columns))}."
        )
    return found[0]


def _numbers(table: pd.DataFrame, column: str) -> FloatArray:
    """A column as numbers; NaN where there is none, as for a p-value given in words."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    return np.asarray(pd.to_numeric(table[column], errors="coerce"), dtype=float)


def _standard_errors(table: pd.DataFrame, effects: FloatArray, confidence: float) -> tuple[FloatArray, np.ndarray]:
    """(k,) standard errors by the best that a row has, and where each came from."""
    (half,) = critical_value(confidence, np.array([np.inf]))
    p_value = _numbers(table, "p_value")
    # A p-value of 0 or 1 is one that was rounded away; no standard error follows from it.
    inside = np.where((p_value > 0) & (p_value < 1), p_value, np.nan)
    ways = {
        "given": _numbers(table, "std_error"),
        "interval": (_numbers(table, "conf_high") - _numbers(table, "conf_low")) / (2 * half),
        "p_value": np.abs(effects) / ndtri(1 - inside / 2),
    }
    error, came_from = np.full(len(effects), np.nan), np.full(len(effects), "", dtype=object)
    for name, values in ways.items():
        fills = ~np.isfinite(error) & np.isfinite(values) & (values > 0)
        error[fills], came_from[fills] = values[fills], name
    return error, came_from


def _one_for_each_label(rows: pd.DataFrame, several: str) -> pd.DataFrame:
    """Rows of one label averaged or refused; those that can not be pooled stay as they are."""
    repeated = rows["pooled"] & rows.groupby(["label", "pooled"])["label"].transform("size").gt(1)
    if not repeated.any():
        return rows
    if several == "refuse":
        counts = rows.loc[repeated, "label"].value_counts(sort=False)
        raise DataError(
            f"{len(counts)} labels have several effects (first: {counts.index[0]} with {counts.iloc[0]}). They share "
            'students, so that pooling them counts these twice. Keep one row for each, or set several = "average".'
        )
    averaged = rows[repeated].groupby("label", sort=False, as_index=False)[["estimate", "std_error"]].mean()
    origins = (
        rows[repeated].groupby("label", sort=False)["std_error_from"].agg(lambda each: "+".join(sorted(set(each))))
    )
    averaged["std_error_from"] = origins.to_numpy()
    averaged = averaged.assign(pooled=True, reason="")
    return pd.concat([averaged, rows[~repeated]], ignore_index=True)
