"""A district of three students, small enough to be read, in every engine that tables can come from."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

District = dict[str, pd.DataFrame]

CLEAN = {
    "students": """
        student_id | gender | english_learner | distance_km
        001        | F      | 1               | 0.5
        002        | M      | 0               | 12
        003        | F      |                 |
    """,
    "calendar": """
        school_id | date       | school_year | term
        north     | 2021-09-01 | 2021-22     | S1
        north     | 2021-09-02 | 2021-22     | S1
        north     | 2022-06-10 | 2021-22     | S2
        south     | 2021-09-02 | 2021-22     | S1
        south     | 2022-06-13 | 2021-22     | S2
    """,
    "enrolment": """
        student_id | school_id | school_year | grade_level | entry_date | exit_date
        001        | north     | 2021-22     | KG          | 2021-09-01 |
        002        | north     | 2021-22     | 5           | 2021-09-01 | 2021-12-17
        003        | south     | 2021-22     | 12          | 2021-09-02 |
    """,
    "attendance": """
        student_id | date       | code
        001        | 2021-09-02 | absent_excused
        002        | 2021-09-01 | suspended
        003        | 2022-06-13 | absent
    """,
    "grades": """
        student_id | school_year | term | course_id | mark
        001        | 2021-22     | S1   | math      | A-
        002        | 2021-22     | Y    | math      | 3.7
    """,
    "matches": """
        match_id | student_id | mentor_id | start_date | end_date
        m1       | 001        | t1        | 2021-10-01 |
        m2       | 002        | t1        | 2021-10-01 | 2021-11-30
    """,
    "sessions": """
        match_id | date       | minutes
        m1       | 2021-10-05 | 30
        m1       | 2021-10-05 | 45
    """,
}


def parse(text: str) -> pd.DataFrame:
    """A literal table as a frame of texts; an empty cell is missing."""
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    frame = pd.DataFrame([dict(zip(header, line, strict=True)) for line in lines], columns=header, dtype="str")
    return frame.mask(frame == "")


def write_folder(district: District, folder: Path, suffix: str = ".csv") -> Path:
    """The district as files."""
    for name, frame in district.items():
        if suffix == ".parquet":
            frame.to_parquet(folder / f"{name}{suffix}", index=False)
        else:
            frame.to_csv(folder / f"{name}{suffix}", index=False)
    return folder


@pytest.fixture
def district() -> Callable[..., District]:
    """The clean district, with some of its tables replaced by literal ones, or left out with None."""

    def make(**replaced: str | None) -> District:
        literal = {**CLEAN, **replaced}
        return {name: parse(text) for name, text in literal.items() if text is not None}

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """The clean district as a folder of CSV files, with some files replaced by these bytes, or left out with None."""

    def make(**replaced: bytes | None) -> Path:
        tables = {name: parse(text) for name, text in CLEAN.items() if name not in replaced}
        write_folder(tables, tmp_path)
        for name, content in replaced.items():
            if content is not None:
                (tmp_path / f"{name}.csv").write_bytes(content)
        return tmp_path

    return make


def _duckdb(district: District) -> dict[str, Any]:
    import duckdb

    return {
        name: duckdb.from_arrow(pa.Table.from_pandas(frame, preserve_index=False)) for name, frame in district.items()
    }


def _polars(district: District) -> dict[str, Any]:
    import polars

    return {
        name: polars.from_arrow(pa.Table.from_pandas(frame, preserve_index=False)) for name, frame in district.items()
    }


ENGINES: dict[str, Callable[[District], dict[str, Any]]] = {
    "pandas": dict,
    "objects": lambda district: {name: frame.astype(object) for name, frame in district.items()},
    "arrow": lambda district: {
        name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in district.items()
    },
    "duckdb": _duckdb,
    "polars": _polars,
}
without_polars = pytest.mark.skipif(importlib.util.find_spec("polars") is None, reason="polars is not installed")
FILES = (".csv", ".csv.gz", ".parquet")


@pytest.fixture(
    params=[*(pytest.param(e, marks=without_polars if e == "polars" else ()) for e in ENGINES), *FILES],
)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[District], Any]:
    """Turns a district of pandas frames into a source of one kind: frames of a library, or a folder of files."""
    kind: str = request.param
    if kind in FILES:
        return lambda district: write_folder(district, tmp_path, kind)
    return ENGINES[kind]
