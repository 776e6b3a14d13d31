"""Formats where people name them: in a study file and on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mentoreval.cli import app
from mentoreval.errors import StudyError
from mentoreval.records.formats import FORMATS, Mapped, OneRoster, Plain
from mentoreval.study.read import read_study


def write_study(folder: Path, root: Path, lines: str) -> Path:
    """The study of Riverside with these lines in its table [data]."""
    text = (root / "reports" / "riverside" / "study.toml").read_text(encoding="utf-8")
    file = folder / "study.toml"
    file.write_text(re.sub(r"(?m)^\[data\]$", f"[data]\n{lines}", text, count=1), encoding="utf-8")
    return file


def test_a_study_file_says_how_its_tables_are_laid_out(root: Path, tmp_path: Path) -> None:
    assert read_study(write_study(tmp_path, root, "")).data.format == Plain()
    options = 'format = { kind = "oneroster", student_id = "identifier" }'
    assert read_study(write_study(tmp_path, root, options)).data.format == OneRoster(student_id="identifier")
    mapping = 'format.tables.students = { source = "STU.csv", columns = { student_id = "STU_ID" } }'
    made = read_study(write_study(tmp_path, root, mapping)).data.format
    assert made == Mapped(tables={"students": {"source": "STU.csv", "columns": {"student_id": "STU_ID"}}})


def test_a_format_that_does_not_exist_is_an_error_of_the_study(root: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"There is no format named 'oneRoster'\. Did you mean 'oneroster'"):
        read_study(write_study(tmp_path, root, 'format = "oneRoster"'))


def test_formats_are_listed_and_validate_takes_one(tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["list", "format"])
    assert [line.split()[0] for line in listed.output.splitlines()[1:]] == list(FORMATS)
    (tmp_path / "STU.csv").write_text("ID\n1\n", encoding="utf-8")
    (tmp_path / "map.toml").write_text(
        "[tables.students]\nsource = 'STU.csv'\ncolumns = { student_id = 'ID' }\n", encoding="utf-8"
    )
    checked = CliRunner().invoke(app, ["validate", str(tmp_path), "--format", str(tmp_path / "map.toml")])
    assert checked.exit_code == 2
    assert "There is no enrolment table" in checked.output
    assert "STU.csv: 1 rows read, 1 kept" in checked.output
