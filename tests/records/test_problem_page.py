"""The page of problems: whatever the input, it is one page, no traceback, and nothing that was not asked for."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from mentoreval.errors import OptionError
from mentoreval.records import ValidationReport, read_records, validate_records
from mentoreval.records.problem_page import problem_page, write_problems

HEAD = b"student_id,gender\n"
BROKEN = {
    "empty": b"",
    "only a header": HEAD,
    "utf-16": "student_id,gender\n001,F\n".encode("utf-16"),
    "latin-1": "student_id,gender\n001,señal\n".encode("latin-1"),
    "semicolons": b"student_id;gender\n001;F\n",
    "a quoted newline": HEAD + b'001,"F\nx"\n002,M\n003,F\n',
    "a huge number": HEAD + b"9" * 400 + b",F\n",
    "a column twice": b"student_id,student_id\n001,001\n",
    "no identifier": b"gender\nF\n",
    "ragged": HEAD + b"001\n002,M,x,y\n",
    "an open quote": HEAD + b'"001,F\n',
    "zeros": b"\x00" * 64,
    "only a mark of UTF-8": b"\xef\xbb\xbf",
    "no newline": b"student_id",
    "markup": b"student_id,<script>alert(1)</script>\n<b>,2\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("table", ["students", "attendance"])
def test_any_file_gives_a_page(folder: Callable[..., Path], content: bytes, table: str) -> None:
    report = validate_records(folder(**{table: content}), attendance="absences_only")
    for language in ("en", "es"):
        page = problem_page(report, language)
        assert page.count("<tr>") >= len(report.found)
        assert "<script>" not in page
    assert report.ok is (content in (BROKEN["a quoted newline"],) and table == "students")


def test_a_byte_order_mark_is_no_problem(folder: Callable[..., Path]) -> None:
    source = folder(students=b"\xef\xbb\xbfstudent_id,gender\r\n001,F\r\n002,M\r\n003,F\r\n")
    assert validate_records(source, attendance="absences_only").ok


def test_a_folder_in_place_of_a_file(folder: Callable[..., Path]) -> None:
    source = folder(students=None)
    (source / "students.csv").mkdir()
    report = validate_records(source, attendance="absences_only")
    assert [problem.rule for problem in report.found] == ["unreadable_table"]
    assert "it is a folder of files and not a file" in report.found[0].finding


def words(language: str) -> dict[str, dict[str, str]]:
    import mentoreval.records.languages as home

    return tomllib.loads((Path(home.__path__[0]) / f"{language}.toml").read_text(encoding="utf-8"))


def test_both_languages_have_the_same_words_and_spanish_every_rule() -> None:
    english, spanish = words("en"), words("es")
    assert set(spanish) == set(english) | {"problems", "advice"}
    assert set(spanish["problems"]) == set(spanish["advice"])
    code = "\n".join(p.read_text(encoding="utf-8") for p in Path(read_records.__code__.co_filename).parent.glob("*.py"))
    named = set(re.findall(r'Problem\(\s*[^,()]+, [^,()]+, "(\w+)"', code))
    assert {"attendance_mode", "no_table"} <= named <= set(spanish["problems"])


def dirty_folder(folder: Path) -> Path:
    """A district with dirt of many kinds in every table."""
    texts = {
        "students": """
            student_id | gender | english_learner
            001 | F | 1
            002 | M | perhaps
            003 | F | 0
            003 | F | 0
        """,
        "calendar": """
            school_id | date | school_year
            north | 9/1/2021 | 2022
            north | 9/2/2021 | 2022
            north | 6/10/2022 | 2022
            south | 9/2/2021 | 2022
            south | 6/13/2022 | 2022
        """,
        "enrolment": """
            student_id | school_id | school_year | grade_level | entry_date | exit_date
            001 | north | 2022 | KG | 9/1/2021 |
            002 | north | 2022 | 5 | 9/1/2021 | 12/17/2021
            003.0 | south | 2022 | 12 | 9/2/2021 |
            999 | south | 2022 | 12 | 9/2/2021 |
        """,
        "attendance": """
            student_id | date | code | minutes_absent | minutes_in_day
            001 | 9/1/2021 | E | 360 | 360
            001 | 9/1/2021 | U | 360 | 360
            001 | 9/2/2021 | U | 360 | 360
            001 | 9/2/2021 | U | 360 | 360
            002 | 9/2/2021 | E | 100 | 360
            002 | 12/25/2021 | U | 360 | 360
            003 | 9/1/2021 | U | 360 | 360
            003 | 6/13/2022 | U | 200 | 360
            999 | 9/2/2021 | U | 360 | 360
        """,
        "grades": """
            student_id | school_year | term | course_id | mark
            001 | 2022 | S1 | math | A-
            001 | 2022 | S1 | math | B
            001 | 2022 | S2 | math | A/B
            002 | 2022 | Y | math | 3.7
            002 | 2022 | Y | art | W
            002 | 2022 | Y | music | B+
        """,
        "matches": """
            match_id | student_id | mentor_id | start_date | end_date
            m1 | 001 | t1 | 10/1/2021 |
            m2 | 999 | t1 | 10/1/2021 | 11/30/2021
        """,
        "sessions": """
            match_id | date | minutes
            m1 | 10/5/2021 | 30
            m2 | 10/5/2021 | 30
        """,
    }
    folder.mkdir()
    for name, text in texts.items():
        lines = [",".join(cell.strip() for cell in line.split("|")) for line in text.strip().splitlines()]
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_a_folder_dirty_in_many_ways_is_one_page_and_nothing_else(tmp_path: Path) -> None:
    source = dirty_folder(tmp_path / "district")
    before = {file.name: file.read_bytes() for file in source.iterdir()}
    command = [sys.executable, "-m", "mentoreval", "validate", str(source)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, env=os.environ)
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["district"], "nothing is written unasked"
    assert {file.name: file.read_bytes() for file in source.iterdir()} == before
    report = validate_records(source)
    shares = [problem.share for problem in report.found]
    assert shares == sorted(shares, reverse=True)
    assert len(report.found) + len(report.ledger.entries) >= 20, "each kind of dirt is on the page"
    assert all(str(problem) in done.stdout for problem in report.found)
    html_file, table = write_problems(report, tmp_path / "page", "es")
    assert sorted(path.name for path in (tmp_path / "page").iterdir()) == ["problems.csv", "problems.es.html"]
    page = html.unescape(html_file.read_text(encoding="utf-8"))
    assert f"tienen {len(report.found)} problemas, los peores primero" in page
    assert len(pd.read_csv(table)) == len(report.found)


def test_the_same_folder_is_repaired_by_options_alone(tmp_path: Path) -> None:
    from mentoreval.panel.build import build_panel
    from mentoreval.records.conventions import Conventions

    source = dirty_folder(tmp_path / "district")
    said = {"dates": "MM/DD/YYYY", "school_years": "spring"}
    tables = {file.stem: {"source": file.name, **said} for file in source.iterdir()}
    tables["students"] = {"source": "students.csv", "codes": {"english_learner": {"1": "1", "0": "0", "perhaps": ""}}}
    tables["attendance"]["codes"] = {"code": {"E": "absent_excused", "U": "absent_unexcused"}}
    records = read_records(
        source,
        format={"tables": tables},
        attendance="absences_only",
        orphans="drop",
        conventions=Conventions(retakes="all"),
    )
    kept, read = records.ledger.rows_kept, records.ledger.rows_read
    for name, rows in read.items():
        out = sum(e.rows for e in records.ledger.entries if e.table == name and e.action == "dropped")
        assert rows == kept[name] + out, name
    dropped = {(e.table, e.rule): e.rows for e in records.ledger.entries if e.action == "dropped"}
    assert dropped == {
        ("students", "exact_duplicate"): 1,
        ("enrolment", "orphan_student"): 1,
        ("attendance", "exact_duplicate"): 1,
        ("attendance", "conflicting_code"): 1,
        ("attendance", "orphan_student"): 1,
        ("attendance", "not_in_session"): 1,
        ("attendance", "not_enrolled"): 1,
        ("matches", "orphan_student"): 1,
        ("sessions", "orphan_match"): 1,
    }
    panel = build_panel(records, program="one_to_one", measures=["attendance_rate", "gpa"], covariates=["gender"])
    rules = {(e.rule, e.action, e.rows) for e in panel.ledger.entries if e.table == "grades"}
    assert ("unparsed_mark", "dropped", 1) in rules
    assert set(panel.frame["student_id"]) == {"001", "002", "003"}


def test_what_the_page_refuses(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no language 'fr'"):
        problem_page(ValidationReport(), "fr")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OptionError, match="can not be made"):
        write_problems(ValidationReport(), tmp_path / "file")
