"""Looking up identifiers of many students: which are among others, and which rows of two tables belong together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, IntArray


def among(identifiers: pd.Series[str], others: pd.Series[str]) -> BoolArray:
    """(n,) whether each identifier is one of the others, of which there may be as many."""
    found: BoolArray = _places(identifiers, others) >= 0
    return found


def _places(identifiers: pd.Series[str], others: pd.Series[str]) -> IntArray:
    """(n,) where each identifier first stands among the others, -1 for nowhere; pandas would make objects of texts."""
    import pyarrow.compute as pc

    sought, known = _texts(identifiers), _texts(others)
    found: IntArray = pc.index_in(sought, value_set=known).fill_null(-1).to_numpy(zero_copy_only=False)
    return found


def _texts(identifiers: pd.Series[str]) -> Any:
    import pyarrow as pa

    return pa.array(identifiers, type=pa.large_string(), from_pandas=True)


def factorize_runs(column: pd.Series[Any]) -> tuple[IntArray, pd.Index]:
    """As ``pd.factorize``, sooner where equal values stand together: only the first of each run is looked up."""
    begins = np.append(True, differs(column)) if len(column) else np.zeros(0, dtype=bool)
    if 2 * np.count_nonzero(begins) > len(begins):
        codes, labels = pd.factorize(column)
        return codes.astype(np.int64), pd.Index(labels)
    first = np.flatnonzero(begins)
    codes, labels = pd.factorize(column.iloc[first])
    return np.repeat(codes.astype(np.int64), np.diff(first, append=len(begins))), pd.Index(labels)


def differs(column: pd.Series[Any]) -> BoolArray:
    """(rows − 1,) whether each value differs from the one before it; two missing values are the same."""
    unequal: Any = column.array[1:] != column.array[:-1]
    if not isinstance(unequal, np.ndarray):
        unequal = unequal.to_numpy(dtype=bool, na_value=False)
    gone = column.isna().to_numpy(dtype=bool)
    return np.asarray(np.where(gone[1:] | gone[:-1], gone[1:] != gone[:-1], unequal) if gone.any() else unequal)


def stand_in_order(frame: pd.DataFrame, keys: list[str]) -> bool:
    """Whether the rows are sorted by these keys and no two have the same, as tables of all students mostly are."""
    tied, sorted_so_far = np.ones(max(len(frame) - 1, 0), dtype=bool), True
    for name in keys:
        before, after = frame[name].array[:-1], frame[name].array[1:]
        falls: Any = after < before
        sorted_so_far = sorted_so_far and not np.any(np.asarray(falls, dtype=bool) & tied)
        tied &= ~differs(frame[name])
    return sorted_so_far and not tied.any()


def same_rows(frame: pd.DataFrame, other: pd.DataFrame, keys: list[str]) -> bool:
    """Whether two tables have the same keys in the same order, as tables of all students mostly have."""
    return frame[keys].equals(other[keys])


def left_join(frame: pd.DataFrame, other: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """As ``frame.merge(other, on=keys, how="left")``, sooner where the rows stand side by side or have one key."""
    if same_rows(frame, other, keys):
        return frame.assign(**{str(name): other[name] for name in other.columns if name not in keys})
    values = other.columns.difference(keys, sort=False)
    if len(keys) > 1 or len(values.intersection(frame.columns)) or not other[keys[0]].is_unique:
        return frame.merge(other, on=keys, how="left")
    found = other[values].reset_index(drop=True).reindex(_places(frame[keys[0]], other[keys[0]]))
    return pd.concat([frame.reset_index(drop=True), found.reset_index(drop=True)], axis=1)
