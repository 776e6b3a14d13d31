"""The template: what it writes is what mentoreval reads."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mentoreval.errors import OptionError
from mentoreval.records import validate_records
from mentoreval.records.tables import TABLES
from mentoreval.records.template import NO_EXAMPLE, dictionary, write_template


def test_the_template_validates_clean(tmp_path: Path) -> None:
    write_template(tmp_path / "district")
    report = validate_records(tmp_path / "district")
    assert report.ok, report.message
    assert report.ledger.rows_read == report.ledger.rows_kept == {name: 1 for name in TABLES if name not in NO_EXAMPLE}


def test_every_column_of_every_table_is_there_and_explained_twice(tmp_path: Path) -> None:
    write_template(tmp_path)
    for name, schema in ((name, schema) for name, schema in TABLES.items() if name not in NO_EXAMPLE):
        header = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]
        assert header.split(",") == [column.name for column in schema.columns]
    places = [(name, column.name) for name, schema in TABLES.items() for column in schema.columns]
    for language in ("en", "es"):
        with (tmp_path / f"dictionary.{language}.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))[1:]
        assert [(row[0], row[1]) for row in rows] == places
        assert [row for row in rows if not row[-1]] == []
    assert [row[-1] for row in dictionary("en")] != [row[-1] for row in dictionary("es")]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "grades.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(OptionError, match=r"grades\.csv already; nothing was written"):
        write_template(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8") == "mine"
