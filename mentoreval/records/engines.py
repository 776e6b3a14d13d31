"""Where tables come from: files through DuckDB, or frames of any library that narwhals takes. All of them stay lazy.

Every CSV column is read as text, so that an identifier keeps its leading zeros, and the dialect is fixed (comma,
double quotes, UTF-8, one header line): nothing about a file is guessed.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from mentoreval.records.records import LazyTable

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

SUFFIXES = (".csv", ".csv.gz", ".parquet")


class CannotRead(Exception):
    """A table that no frame can be made of; the text says why, for the message. It never leaves this layer."""


def files_of(folder: Path, table: str) -> list[Path]:
    """The files of that table in the folder."""
    return [folder / f"{table}{suffix}" for suffix in SUFFIXES if (folder / f"{table}{suffix}").is_file()]


def scan_files(paths: Mapping[str, Path]) -> dict[str, LazyTable | CannotRead]:
    """A lazy frame for each file, all on one in-memory DuckDB connection, or the reason why there is none."""
    return {table: _scan(path) for table, path in paths.items()}


def engine_errors() -> tuple[type[Exception], ...]:
    """What opening or scanning a file raises when it meets bytes that it can not read."""
    import duckdb

    of_bytes = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
    return (*of_bytes, OSError, EOFError, UnicodeDecodeError, zlib.error)


def reason(error: Exception) -> str:
    """The part of an engine's error that a reader can use, without the rows that it quotes."""
    if "utf-8" in str(error).lower():
        return "it is not UTF-8 text; save it as CSV UTF-8"
    lines = [line.strip() for line in str(error).splitlines()[:4]]
    useful = [line for line in lines if line and not line.startswith(("Original Line", "Possible"))]
    return ", ".join(useful).removeprefix("Invalid Input Error: ").removesuffix(".")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """The one private in-memory database. It holds no rows, and it outlives every relation that was made on it."""
    import duckdb

    return duckdb.connect()


def _scan(path: Path) -> LazyTable | CannotRead:
    try:
        scan = f"read_parquet({_quoted(str(path))})" if path.suffix == ".parquet" else _csv_scan(path)
        return nw.from_native(_connection().sql(f"SELECT * FROM {scan}"))
    except CannotRead as error:
        return error
    except engine_errors() as error:
        return CannotRead(reason(error))


def _csv_scan(path: Path) -> str:
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in _header(path))
    dialect = """header = true, auto_detect = false, delim = ',', quote = '"', escape = '"'"""
    return f"read_csv({_quoted(str(path))}, {dialect}, columns = {{{columns}}})"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _header(path: Path) -> list[str]:
    """The column names in the first line of a CSV file, without blanks around them."""
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as zipped:
            first = next(csv.reader(zipped), [])
    else:
        with path.open(encoding="utf-8-sig", newline="") as plain:
            first = next(csv.reader(plain), [])
    if not any(name.strip() for name in first):
        raise CannotRead("its first line is empty, so it has no column names")
    # A frame saved with its index has a column without a name.
    names = [name.strip() or f"column_{place}" for place, name in enumerate(first, start=1)]
    spelled = [name.lower() for name in names]
    if twice := [name for name in dict.fromkeys(names) if spelled.count(name.lower()) > 1]:
        raise CannotRead(f"its first line has the column {', '.join(map(repr, twice))} more than once")
    if len(names) == 1 and (mark := next((mark for mark in (";", "\t", "|") if mark in names[0]), None)):
        raise CannotRead(f"its columns are parted by {mark!r}; save it with commas")
    return names


def wrap_frames(frames: Mapping[str, Any]) -> dict[str, LazyTable | CannotRead]:
    """A lazy frame for each native frame, all of one library; of several libraries, all become DuckDB."""
    wrapped = {table: _wrap(frame) for table, frame in frames.items()}
    lazy = {table: frame for table, frame in wrapped.items() if isinstance(frame, nw.LazyFrame)}
    if not _can_be_joined(lazy.values()):
        wrapped.update(_in_duckdb(lazy))
    return wrapped


def _wrap(frame: Any) -> LazyTable | CannotRead:
    try:
        native = nw.to_native(frame, pass_through=True)
        wrapped = nw.from_native(_with_missing_values(native) if _is_pandas(native) else native)
    except TypeError:
        return CannotRead(f"it is a {type(frame).__name__}; give a pandas, Polars, Arrow, DuckDB or Spark table")
    lazy: LazyTable = wrapped.lazy()
    return lazy.rename({name: name.strip() for name in lazy.collect_schema().names() if name != name.strip()})


def _is_pandas(native: Any) -> bool:
    return bool(nw.dependencies.is_pandas_dataframe(native))


def _with_missing_values(frame: pd.DataFrame) -> pd.DataFrame:
    """A pandas frame in Arrow types: then a missing value is missing and a date is a date, as in every other engine."""
    import pandas as pd

    return pd.DataFrame({str(name): _in_arrow(frame[name]) for name in frame.columns})


def _in_arrow(values: pd.Series) -> pd.Series:
    import pandas as pd
    import pyarrow as pa

    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # A column that mixes numbers and texts, as an identifier typed by hand does.
        array = pa.array(values.map(str, na_action="ignore"), from_pandas=True)
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())  # a column without any value could be of every type; a file has texts
    return pd.Series(pd.arrays.ArrowExtensionArray(array))


def _can_be_joined(frames: Iterable[LazyTable]) -> bool:
    tables = list(frames)
    if len({table.implementation for table in tables}) > 1:
        return False
    if not all(nw.dependencies.is_duckdb_relation(table.to_native()) for table in tables):
        return True
    try:
        for table in tables[1:]:
            tables[0].to_native().project("1 AS one").join(table.to_native().project("1 AS other"), "one = other")
    except engine_errors():  # relations of two connections
        return False
    return True


def _in_duckdb(frames: Mapping[str, LazyTable]) -> dict[str, LazyTable]:
    return {
        table: nw.from_native(_connection().from_arrow(frame.collect("pyarrow").to_native()))
        for table, frame in frames.items()
    }
