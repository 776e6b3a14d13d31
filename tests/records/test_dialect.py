"""Text files that are not as every CSV file is taken to be: other delimiters, titles, totals, letters, no names."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from mentoreval.errors import OptionError
from mentoreval.records import Records, read_records, validate_records
from mentoreval.records.dialect import Dialect, dialect_of
from mentoreval.records.formats import Calpads, Mapped

ENROLMENT = """student_id,school_id,school_year,grade_level,entry_date
001,north,2021-22,5,2021-09-01
002,north,2021-22,5,2021-09-01
"""


def layout(**students: Any) -> Mapped:
    """A mapping of students from the file STU, however it is written."""
    spec = {"source": "STU", "columns": {"student_id": "ID", "gender": "SEX"}, **students}
    return Mapped(tables={"students": spec, "enrolment": {"source": "enrolment"}})


def write(folder: Path, content: bytes, name: str = "STU.csv") -> Path:
    """The folder with this file of students."""
    (folder / "enrolment.csv").write_text(ENROLMENT, encoding="utf-8")
    (folder / name).write_bytes(content)
    return folder


def students(records: Records) -> list[tuple[str, str]]:
    """Identifier and gender of every student."""
    found = records.table("students").collect("pyarrow").to_native().to_pylist()
    return sorted((row["student_id"], row["gender"]) for row in found)


AS_MEANT = [("001", "Niña"), ("002", "M")]


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        ("ID^SEX\n001^Niña\n002^M\n".encode(), "STU.csv", {"delimiter": "^"}),
        ("ID;SEX\n001;Niña\n002;M\n".encode(), "STU.txt", {"delimiter": ";"}),
        ("ID\tSEX\n001\tNiña\n002\tM\n".encode(), "STU.tsv", {"delimiter": "\t"}),
        ("ID,SEX\n001,Niña\n002,M\n".encode("latin-1"), "STU.csv", {"encoding": "latin-1"}),
        ("ID\tSEX\r\n001\tNiña\r\n002\tM\r\n".encode("utf-16"), "STU.txt", {"encoding": "utf-16", "delimiter": "\t"}),
        ("Students of Riverside\n\nID,SEX\n001,Niña\n002,M\n".encode(), "STU.csv", {"header_line": 3}),
        ("001^Niña\n002^M\n".encode(), "STU.csv", {"delimiter": "^", "names": ["ID", "SEX"]}),
        (gzip.compress("001^Niña\n002^M\n".encode()), "STU.csv.gz", {"delimiter": "^", "names": ["ID", "SEX"]}),
        ('ID;SEX\n001;"Niña"\n"002";M\n'.encode(), "STU.csv", {"delimiter": ";"}),
    ],
    ids=["carets", "semicolons", "tabs", "latin-1", "utf-16", "title", "no names", "zipped", "quotes"],
)
def test_a_file_is_read_as_it_is_said_to_be_written(
    tmp_path: Path, content: bytes, name: str, text: dict[str, Any]
) -> None:
    assert students(read_records(write(tmp_path, content, name), format=layout(text=text))) == AS_MEANT


def test_columns_without_names_are_known_by_their_place(tmp_path: Path) -> None:
    columns = {"student_id": "field_1", "gender": "field_2"}
    source = write(tmp_path, "001^Niña\n002^M\n".encode())
    records = read_records(source, format=layout(text={"delimiter": "^", "header_line": 0}, columns=columns))
    assert students(records) == AS_MEANT


def test_a_line_of_totals_is_left_out_by_the_mapping_and_counted(tmp_path: Path) -> None:
    source = write(tmp_path, "ID,SEX\n001,Niña\n002,M\nTotal\n".encode())
    (problem,) = validate_records(source, format=layout()).found
    assert "STU can not be read: line 4 has 1 column and the names have 2; take a title or a line of totals out" in str(
        problem
    )
    shorter = layout(text={"short_lines": True}, drop={"ID": ["Total"]})
    report = validate_records(source, format=shorter)
    assert report.ok, report.message
    assert (report.ledger.rows_read["STU.csv"], report.ledger.rows_kept["STU.csv"]) == (3, 2)
    assert [(e.rule, e.rows, e.examples) for e in report.ledger.entries if e.table == "STU.csv"] == [
        ("left_out_by_mapping", 1, ("Total",))
    ]


def test_as_many_names_as_columns(tmp_path: Path) -> None:
    source = write(tmp_path, b"001^F^x\n")
    (problem,) = validate_records(source, format=layout(text={"delimiter": "^", "names": ["ID", "SEX"]})).found
    assert "its first row has 3 columns, and 2 names are given" in problem.finding


def test_what_is_no_text_has_no_dialect(tmp_path: Path) -> None:
    import pandas as pd

    frames = {"STU": pd.DataFrame({"ID": ["001"], "SEX": ["F"]}), "enrolment": pd.DataFrame({"student_id": ["001"]})}
    found = validate_records(frames, format=layout(text={"delimiter": "^"})).found
    assert "STU can not be read: it is no text file" in found[0].finding


def test_other_texts_of_a_folder_are_left_alone(tmp_path: Path) -> None:
    """A note that happens to be called students.txt is no second table of students."""
    source = write(tmp_path, b"ID,SEX\n001,F\n002,M\n")
    (source / "students.csv").write_text("student_id\n001\n002\n", encoding="utf-8")
    (source / "students.txt").write_text("Exported by Ana, please check.\n", encoding="utf-8")
    assert validate_records(source).ok


def test_a_workbook_with_a_password_is_named(tmp_path: Path) -> None:
    (tmp_path / "enrolment.csv").write_text(ENROLMENT, encoding="utf-8")
    (tmp_path / "students.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096))
    assert "it is protected by a password" in validate_records(tmp_path).found[0].finding


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"delimiter": "::"}, "Write one character"),
        ({"delimiter": '"'}, "Write one character"),
        ({"header_line": -1}, "Write the number of a line"),
        ({"encoding": "cp1252"}, "encoding = 'cp1252' is not allowed"),
        ({"delimeter": "^"}, r"no key 'delimeter'\. Did you mean 'delimiter'"),
        ({"names": ["a"], "header_line": 2}, "names are those of a file in which no line has any"),
        ("^", "it takes a table"),
    ],
)
def test_a_dialect_that_can_not_be_meant_is_refused(text: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        layout(text=text)


def test_the_usual_dialect_and_that_of_calpads() -> None:
    assert dialect_of({}, "here") == Dialect()
    with pytest.raises(OptionError, match="Write one character"):
        Calpads(delimiter="^^")
