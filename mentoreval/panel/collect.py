"""From a lazy table to a plain pandas frame: the one place where the panel layer leaves the engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from mentoreval.records.records import LazyTable


def collect_frame(table: LazyTable) -> pd.DataFrame:
    """The rows of a lazy table of any engine, with numpy dtypes, dates as datetime64[us] and texts as text.

    Engines disagree on the types that leave them (Arrow dtypes, 128-bit sums, ``datetime.date`` objects); everything
    after this function sees one kind of frame.
    """
    schema = table.collect_schema()
    dates = [nw.col(name).cast(nw.Datetime("us")) for name, dtype in schema.items() if dtype == nw.Date]
    wide = [nw.col(name).cast(nw.Int64) for name, dtype in schema.items() if dtype in (nw.Int128, nw.UInt64)]
    native = (table.with_columns(*dates, *wide) if dates or wide else table).collect().to_pandas()
    return pd.DataFrame({name: _plain(native[name]) for name in native.columns}).reset_index(drop=True)


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    if isinstance(column.dtype, pd.ArrowDtype):
        arrow: Any = column.array
        plain: pd.Series[Any] = arrow.__arrow_array__().to_pandas()
        return _plain(plain.set_axis(column.index))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return column.astype("datetime64[us]")
    is_number = pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype)
    if is_number and pd.api.types.is_extension_array_dtype(column.dtype):
        return pd.Series(column.to_numpy(dtype=float, na_value=np.nan), index=column.index)
    return column
