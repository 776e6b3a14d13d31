"""Where tables come from: files through DuckDB, or frames of any library that narwhals takes. All of them stay lazy.

Every CSV column is read as text, so that an identifier keeps its leading zeros, and the dialect is fixed (comma,
double quotes, UTF-8, one header line) unless a person states another: nothing about a file is guessed.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

import narwhals as nw

from mentoreval.records.dialect import COMMA, TEXT_SUFFIXES, Dialect
from mentoreval.records.records import LazyTable

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
HELD, HELD_ZIPPED = 64 * 2**20, 8 * 2**20
"""Bytes of a text file, plain or zipped, up to which its rows are held in memory."""


class CannotRead(Exception):
    """A table that no frame can be made of; the text says why, for the message. It never leaves this layer."""


NOT_UTF8 = 'it is not UTF-8 text; save it as CSV UTF-8, or state encoding = "utf-16" or "latin-1" in a mapping (text)'
UNEVEN = "take a title or a line of totals out, or state header_line or short_lines in a mapping (text = { … })"


def engine_errors() -> tuple[type[Exception], ...]:
    """What opening or scanning a file raises when it meets bytes that it can not read."""
    import duckdb

    of_bytes = (duckdb.IOException, duckdb.InvalidInputException, duckdb.SerializationException)
    return (*of_bytes, duckdb.ConnectionException, OSError, EOFError, UnicodeDecodeError, zlib.error)


def reason(error: Exception) -> str:
    """The part of an engine's error that a reader can use, without the rows that it quotes."""
    said = str(error)
    if "utf-8" in said.lower():
        return NOT_UTF8
    if uneven := re.search(r"Line: (\d+)[\s\S]*Number of Columns: (\d+) Found: (\d+)", said):
        line, expected, found = (int(number) for number in uneven.groups())
        return f"line {line} has {found} column{'s' * (found != 1)} and the names have {expected}; {UNEVEN}"
    if "state machine" in said:
        return "its lines end in different ways, or a quotation mark is not closed; save it as CSV UTF-8"
    lines = [line.strip() for line in str(error).splitlines()[:4]]
    useful = [line for line in lines if line and not line.startswith(("Original Line", "Possible"))]
    return ", ".join(useful).removeprefix("Invalid Input Error: ").removesuffix(".")


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """The one private in-memory database. It outlives every relation that was made on it, and fetches no extension.

    What does not fit into memory is spilled to the system's folder for temporary files. Tables are joined in the order
    in which the rules write them, the largest first: left to itself DuckDB may write out every day of every student's
    spells, because the calendar has few rows, and take eight times as long.
    """
    import duckdb

    settings: dict[str, Any] = {"autoinstall_known_extensions": False, "disabled_optimizers": "join_order"}
    return duckdb.connect(config={**settings, "temp_directory": str(Path(gettempdir()) / "mentoreval")})


def limit_memory(most: str) -> None:
    """Let DuckDB hold at most so much ("1GB") and spill the rest; without a limit it takes four fifths of memory."""
    _connection().execute(f"SET memory_limit = {_quoted(most)}")


def scan_file(path: Path, dialect: Dialect = COMMA) -> LazyTable:
    """A lazy frame of a text or Parquet file on the one in-memory DuckDB connection; CannotRead says why not.

    A text file of a district's size is parsed once, here; a larger one each time that something is asked of it.
    """
    try:
        scan = f"read_parquet({_quoted(str(path))})" if path.suffix == ".parquet" else _csv_scan(path, dialect)
        rows = _connection().sql(f"SELECT * FROM {scan}")
        is_small = path.stat().st_size <= (HELD_ZIPPED if path.suffix == ".gz" else HELD)
        return scan_arrow(rows.to_arrow_table()) if is_small and path.suffix != ".parquet" else nw.from_native(rows)
    except engine_errors() as error:
        raise CannotRead(reason(error)) from error


def scan_arrow(table: pa.Table) -> LazyTable:
    """A lazy frame of an Arrow table on that connection."""
    return nw.from_native(_connection().from_arrow(table))


def tables_in_database(path: Path) -> dict[str, str]:
    """The tables and views of a DuckDB file, opened for reading only: from name to the SQL name for ``scan_table``.

    A table outside the schema ``main`` is called "schema.table". CannotRead where the file is no DuckDB database.
    """
    alias = f"file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    try:
        _connection().execute(f"ATTACH IF NOT EXISTS {_quoted(str(path.resolve()))} AS {alias} (READ_ONLY)")
        found = _connection().execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = ? ORDER BY 1, 2",
            [alias],
        )
    except engine_errors() as error:
        raise CannotRead(reason(error)) from error
    return {
        name if schema == "main" else f"{schema}.{name}": ".".join((alias, _identifier(schema), _identifier(name)))
        for schema, name in found.fetchall()
    }


def scan_table(name: str) -> LazyTable:
    """A lazy frame of one table that ``tables_in_database`` found."""
    return nw.from_native(_connection().sql(f"SELECT * FROM {name}"))


def _identifier(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _csv_scan(path: Path, dialect: Dialect) -> str:
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in _header(path, dialect))
    stated = f"""header = {dialect.has_header}, skip = {dialect.lines_before}, null_padding = {dialect.short_lines},
        delim = {_quoted(dialect.delimiter)}, encoding = '{dialect.encoding}', quote = '"', escape = '"'"""
    return f"read_csv({_quoted(str(path))}, auto_detect = false, {stated}, columns = {{{columns}}})"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _header(path: Path, dialect: Dialect) -> list[str]:
    """The column names that the dialect or a line of the file gives, without blanks around them."""
    first = _line(path, dialect)
    said = {0: "first row", 1: "first line"}.get(dialect.header_line, f"line {dialect.header_line}")
    if any("\0" in name for name in first):
        raise CannotRead(NOT_UTF8)
    if not any(name.strip() for name in first):
        raise CannotRead(f"its {said} is empty, so it has no column names")
    if len(first) == 1 and (mark := next((mark for mark in ";\t|^," if mark in first[0]), None)):
        shown = {"\t": r"\t"}.get(mark, mark)
        advice = f'state delimiter = "{shown}" in a mapping (text = {{ … }}) or among the options of the format'
        raise CannotRead(f"its columns are parted by {mark!r}; save it with commas, or {advice}")
    if dialect.names and len(first) != len(dialect.names):
        raise CannotRead(f"its first row has {len(first)} columns, and {len(dialect.names)} names are given")
    if not dialect.has_header:
        first = list(dialect.names) or [f"field_{place}" for place in range(1, len(first) + 1)]
    return column_names(first)


def _line(path: Path, dialect: Dialect) -> list[str]:
    """The cells of the line that has the names, or of the first one where none has."""
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    opening = gzip.open if path.suffix == ".gz" else open
    with opening(path, "rt", encoding=encoding, newline="") as stream:
        lines = islice(stream, dialect.lines_before, None)
        return next(csv.reader(lines, delimiter=dialect.delimiter), [])


def column_names(first: Sequence[str]) -> list[str]:
    """The names in a first line, without blanks around them; CannotRead if one is there twice."""
    # A frame saved with its index has a column without a name.
    names = [name.strip() or f"column_{place}" for place, name in enumerate(first, start=1)]
    spelled = [name.lower() for name in names]
    if twice := [name for name in dict.fromkeys(names) if spelled.count(name.lower()) > 1]:
        raise CannotRead(f"its first line has the column {', '.join(map(repr, twice))} more than once")
    return names


def on_one_engine(frames: Mapping[str, LazyTable]) -> dict[str, LazyTable]:
    """The frames as they are if they can be joined; those of several libraries all become DuckDB."""
    return dict(frames) if _can_be_joined(frames.values()) else {t: in_duckdb(frame) for t, frame in frames.items()}


def wrap_frame(frame: Any) -> LazyTable:
    """A lazy frame of a native frame of any library that narwhals takes; CannotRead for anything else."""
    try:
        native = nw.to_native(frame, pass_through=True)
        wrapped = nw.from_native(_with_missing_values(native) if _is_pandas(native) else native)
    except TypeError as error:
        made = f"it is a {type(frame).__name__}; give a pandas, Polars, Arrow, DuckDB or Spark table"
        raise CannotRead(made) from error
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


def in_duckdb(frame: LazyTable) -> LazyTable:
    """The frame on the one in-memory DuckDB connection; a DuckDB relation of that connection stays lazy."""
    return frame if _is_embedded(frame) else _held(frame)


def long_rows(frame: LazyTable, columns: Sequence[str], names_to: str, values_to: str) -> LazyTable:
    """Every cell of these columns as a row, with the column's name and the cell's text; one pass, lazy, in DuckDB."""
    named, name, value = ", ".join(map(_identifier, columns)), _identifier(names_to), _identifier(values_to)
    rows = in_duckdb(frame).to_native()
    long: LazyTable = nw.from_native(
        rows.query("wide", f"FROM wide UNPIVOT INCLUDE NULLS ({value} FOR {name} IN ({named}))")
    )
    return long


def hold_if_embedded(frame: LazyTable) -> LazyTable:
    """A frame of the one in-memory DuckDB connection with its rows made now, and not again each time it is used.

    For a small table that is made of a large one. A frame of any other engine is left to that engine.
    """
    return _held(frame) if _is_embedded(frame) else frame


def _is_embedded(frame: LazyTable) -> bool:
    is_relation = nw.dependencies.is_duckdb_relation(frame.to_native())
    return bool(is_relation) and _can_be_joined([scan_table("range(0)"), frame])


def _held(frame: LazyTable) -> LazyTable:
    return scan_arrow(frame.collect("pyarrow").to_native().select(frame.collect_schema().names()))
