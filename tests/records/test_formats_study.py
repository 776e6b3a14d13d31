"""Formats where people name them: in a study file and on the command line."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mentoreval.cli import app
from mentoreval.errors import StudyError
from mentoreval.records.conventions import Conventions
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


def test_a_study_file_states_conventions(root: Path, tmp_path: Path) -> None:
    stated = 'conventions = { dates = "us", retakes = "best", conflicts = ["absent", "present"], as_of = 2021-06-30 }'
    made = read_study(write_study(tmp_path, root, stated)).data.conventions
    assert made == Conventions(dates="us", retakes="best", conflicts=("absent", "present"), as_of=dt.date(2021, 6, 30))
    with pytest.raises(StudyError, match=r"\[data.conventions\] has an unknown key 'date'\. Did you mean 'dates'"):
        read_study(write_study(tmp_path, root, 'conventions = { date = "us" }'))
    with pytest.raises(StudyError, match=r"retakes = 'latest' is not allowed\..* Available: all, best, error, last"):
        read_study(write_study(tmp_path, root, 'conventions = { retakes = "latest" }'))
    with pytest.raises(StudyError, match="conventions takes a table"):
        read_study(write_study(tmp_path, root, 'conventions = "us"'))


def test_validate_takes_conventions_from_the_command_line_and_from_a_file(tmp_path: Path) -> None:
    source = tmp_path / "district"
    source.mkdir()
    (source / "students.csv").write_text("student_id\n1\n", encoding="utf-8")
    rows = "student_id,school_id,school_year,grade_level,entry_date\n1,north,2022,9,9/15/2021\n"
    (source / "enrolment.csv").write_text(rows, encoding="utf-8")

    def validate(*options: str) -> tuple[int, str]:
        """Exit code, and what is said."""
        done = CliRunner().invoke(app, ["validate", str(source), *options])
        return done.exit_code, done.output if done.exception is None else f"{done.output}{done.exception}"

    code, said = validate()
    assert code == 2
    assert "have 2 problems" in said
    assert "--set name=value" in said
    code, said = validate("--set", "dates=us", "--set", "school_years=spring")
    assert code == 0, said
    assert "enrolment: 1 row read = 1 kept + 0 in the ledger" in said
    stated = tmp_path / "said.toml"
    stated.write_text('dates = "DD/MM/YYYY"\nschool_years = "spring"\n', encoding="utf-8")
    assert validate("--conventions", str(stated))[0] == 2, "there is no month 15"
    assert validate("--conventions", str(stated), "--set", "dates=MM/DD/YYYY")[0] == 0
    assert "--set has an unknown key 'date'. Did you mean 'dates'?" in validate("--set", "date=us")[1]
    assert "'us' is not a setting. Write it as name=value" in validate("--set", "us")[1]
    assert "There is no file" in validate("--conventions", str(tmp_path / "none.toml"))[1]
    stated.write_text("dates = ", encoding="utf-8")
    assert "said.toml can not be read" in validate("--conventions", str(stated))[1]


def test_a_study_file_passes_the_options_of_its_panel(root: Path, tmp_path: Path) -> None:
    def panel(lines: str) -> object:
        """The panel's plan with these lines in its table."""
        text = write_study(tmp_path, root, "").read_text(encoding="utf-8")
        file = tmp_path / "study.toml"
        file.write_text(re.sub(r"(?m)^\[panel\]$", f"[panel]\n{lines}", text, count=1), encoding="utf-8")
        return read_study(file).panel

    made = panel('baseline_window = 6\nno_baseline_years = ["2019-20"]\nunit = "school"')
    assert (made.baseline_window, made.no_baseline_years, made.unit) == (6, ("2019-20",), "school")  # type: ignore[attr-defined]
    assert panel("no_baseline_years = []").no_baseline_years == ()  # type: ignore[attr-defined]
    with pytest.raises(StudyError, match="baseline_window is a number of weeks, 1 or more, such as 6; got 'six'"):
        panel('baseline_window = "six"')
    with pytest.raises(StudyError, match="no_baseline_years takes a list"):
        panel('no_baseline_years = "2019-20"')
    with pytest.raises(StudyError, match=r"unit = 'class' is not allowed\."):
        panel('unit = "class"')


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
    assert "STU.csv: 1 row read = 1 kept + 0 in the ledger" in checked.output
