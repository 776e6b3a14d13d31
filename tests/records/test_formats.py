"""Where tables come from and how an export is laid out: mappings, workbooks, statistics files, databases."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentoreval.errors import DataError, OptionError
from mentoreval.records import Records, hash_sources, read_records, validate_records
from mentoreval.records.cell_texts import text_of_cell
from mentoreval.records.format import choose_format
from mentoreval.records.formats import FORMATS, Mapped, OneRoster
from mentoreval.records.written_dates import date_pattern

STUDENTS = [["STU_ID", "SEX", "STATUS"], ["00017", "1", "A"], ["00022", "2", "A"], ["00031", "2", "X"]]
SPELLS = [
    ["STU_ID", "SCH", "YR", "GR", "IN", "OUT"],
    ["00017", "012", "2022", "09", "9/1/2021", ""],
    ["00022", "012", "2022", "10", "09/01/2021", "12/17/2021"],
]
DAYS = [["school_id", "date", "school_year"], ["012", "2021-09-01", "2021-22"], ["012", "2021-09-02", "2021-22"]]
ABSENCES = [["STU_ID", "DT", "CD"], ["00017", "9/2/2021", "E"], ["00022", "9/2/2021", "U"], ["00022", "9/1/2021", "T"]]
FILES = {"STU": STUDENTS, "ENR": SPELLS, "days": DAYS, "ATT": ABSENCES}
STUDENTS_MAP = {
    "source": "STU", "columns": {"student_id": "STU_ID", "gender": "SEX"}, "codes": {"gender": {"1": "M", "2": "F"}},
    "drop": {"STATUS": ["X"]},
}  # fmt: skip
SPELLS_MAP = {
    "source": "ENR", "dates": "MM/DD/YYYY", "school_years": "spring",
    "columns": {"student_id": "STU_ID", "school_id": "SCH", "school_year": "YR", "grade_level": "GR",
                "entry_date": "IN", "exit_date": "OUT"},
}  # fmt: skip
ABSENCES_MAP = {
    "source": "ATT", "columns": {"student_id": "STU_ID", "date": "DT", "code": "CD"}, "dates": "MM/DD/YYYY",
    "codes": {"code": {"E": "absent_excused", "U": "absent_unexcused"}}, "drop": {"CD": ["T"]},
}  # fmt: skip
MAPPING = {
    "students": STUDENTS_MAP, "enrolment": SPELLS_MAP, "calendar": {"source": "days"}, "attendance": ABSENCES_MAP,
}  # fmt: skip
MODE: dict[str, Any] = {"attendance": "absences_only"}


def write(folder: Path, **changed: list[list[str]]) -> Path:
    """The district's own files, with some of them changed."""
    for name, lines in {**FILES, **changed}.items():
        (folder / f"{name}.csv").write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    return folder


def mapped(**changed: dict[str, Any]) -> Mapped:
    """The district's mapping, with some keys of some tables changed."""
    return Mapped(tables={name: {**spec, **changed.get(name, {})} for name, spec in MAPPING.items()})


def rows(records: Records, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table in sorted order."""
    found = records.table(table).collect("pyarrow").to_native().to_pylist()
    return sorted((tuple(row.values()) for row in found), key=str)


def write_workbook(path: Path, **sheets: list[list[Any]]) -> Path:
    """A workbook as Excel writes it, of numbers and of texts written in the cells."""
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    spaces = "http://schemas.openxmlformats.org"
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kinds}.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    links = "".join(
        f'<Relationship Id="r{n}" Type="{spaces}/officeDocument/2006/relationships/worksheet" '
        f'Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, start=1))
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{spaces}/package/2006/content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
            f'ContentType="{kinds}.sheet.main+xml"/>{types}</Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{spaces}/package/2006/relationships"><Relationship Id="r1" '
            f'Type="{spaces}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{spaces}/spreadsheetml/2006/main" '
            f'xmlns:r="{spaces}/officeDocument/2006/relationships"><sheets>{names}</sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{spaces}/package/2006/relationships">{links}</Relationships>',
        )
        for n, lines in enumerate(sheets.values(), start=1):
            body = "".join(_row(number, line) for number, line in enumerate(lines, start=1))
            sheet = f'<worksheet xmlns="{spaces}/spreadsheetml/2006/main"><sheetData>{body}</sheetData></worksheet>'
            book.writestr(f"xl/worksheets/sheet{n}.xml", sheet)
    return path


def _row(number: int, line: list[Any]) -> str:
    cells = ""
    for place, value in enumerate(line):
        where = f'r="{"ABCDEFGHIJ"[place]}{number}"'
        if isinstance(value, str) and value:
            cells += f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        elif value != "":
            cells += f"<c {where}><v>{value!r}</v></c>"
    return f'<row r="{number}">{cells}</row>'


# Mappings


def test_a_mapping_makes_our_tables_of_the_districts(tmp_path: Path) -> None:
    records = read_records(write(tmp_path), format=mapped(), **MODE)
    assert rows(records, "students") == [("00017", "M"), ("00022", "F")]
    assert rows(records, "enrolment") == [
        ("00017", "012", "2021-22", 9, date(2021, 9, 1), date(2021, 9, 2)),
        ("00022", "012", "2021-22", 10, date(2021, 9, 1), date(2021, 12, 17)),
    ]
    assert rows(records, "attendance") == [
        ("00017", date(2021, 9, 2), "absent_excused", 1.0),
        ("00022", date(2021, 9, 2), "absent_unexcused", 1.0),
    ]
    assert list(hash_sources(records)) == ["ATT.csv", "ENR.csv", "STU.csv", "days.csv"]


def test_a_mapping_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "district.toml"
    file.write_text(
        "[tables.students]\nsource = 'STU.csv'\ncolumns = { student_id = 'STU_ID' }\n"
        "[tables.enrolment]\nsource = 'ENR.csv'\ndates = 'M/D/YYYY'\nschool_years = 'spring'\n"
        "[tables.enrolment.columns]\n"
        "student_id = 'STU_ID'\nschool_id = 'SCH'\nschool_year = 'YR'\ngrade_level = 'GR'\nentry_date = 'IN'\n",
        encoding="utf-8",
    )
    assert len(rows(read_records(write(tmp_path), format=str(file)), "enrolment")) == 2
    with pytest.raises(OptionError, match=r"There is no file 'nowhere\.toml' that says how the export is laid out"):
        read_records(tmp_path, format="nowhere.toml")


def test_a_code_without_an_entry_is_refused_and_all_such_codes_are_counted(tmp_path: Path) -> None:
    absences = [*ABSENCES, ["00017", "9/1/2021", "V"], ["00031", "9/1/2021", "V"], ["00022", "9/3/2021", "Q"]]
    (problem,) = validate_records(write(tmp_path, ATT=absences), format=mapped(), orphans="drop", **MODE).found
    assert str(problem) == (
        "ATT.csv has 3 rows whose code is not mapped (found: V (2), Q (1)). 60.0 % of attendance is affected. "
        "Give each a meaning in [tables.attendance.codes], code = { … }, or leave those rows out with drop."
    )
    with pytest.raises(DataError, match="not mapped"):
        read_records(tmp_path, format=mapped(), **MODE)


def test_what_a_mapping_leaves_out_or_translates_is_in_the_ledger(tmp_path: Path) -> None:
    ledger = validate_records(write(tmp_path), format=mapped(), **MODE).ledger
    entries = [(e.table, e.rule, e.action, e.rows, e.examples) for e in ledger.entries if ".csv" in e.table]
    assert entries == [
        ("STU.csv", "left_out_by_mapping", "dropped", 1, ("X",)),
        ("STU.csv", "codes_of_gender", "mapped", 2, ("1 → M (1)", "2 → F (1)")),
        ("ATT.csv", "left_out_by_mapping", "dropped", 1, ("T",)),
        ("ATT.csv", "codes_of_code", "mapped", 2, ("E → absent_excused (1)", "U → absent_unexcused (1)")),
    ]
    assert (ledger.rows_read["STU.csv"], ledger.rows_kept["STU.csv"]) == (3, 2)
    assert (ledger.rows_read["ATT.csv"], ledger.rows_kept["ATT.csv"]) == (3, 2)


def test_dates_that_are_not_written_as_stated_are_refused(tmp_path: Path) -> None:
    absences = [*ABSENCES, ["00017", "13/9/2021", "E"]]
    (problem,) = validate_records(write(tmp_path, ATT=absences), format=mapped(), **MODE).found
    assert "whose date is not a date as YYYY-MM-DD (formats seen: 13/9/2021 (1), 2021-09-02 (2))" in str(problem)
    unsaid = {name: {k: v for k, v in spec.items() if k != "dates"} for name, spec in MAPPING.items()}
    problems = validate_records(write(tmp_path), format={"kind": "mapped", "tables": unsaid}, **MODE).found
    assert {(p.table, p.column) for p in problems} >= {("attendance", "date"), ("enrolment", "entry_date")}


@pytest.mark.parametrize(
    ("dates", "text", "iso"),
    [
        ("MM/DD/YYYY", "9/3/2021", "2021-09-03"),
        ("MM/DD/YYYY", "12/31/2021 0:00:00", "2021-12-31"),
        ("D.M.YYYY", "3.9.2021", "2021-09-03"),
        ("YYYYMMDD", "20210903", "2021-09-03"),
        ("MM-DD-YY", "09-03-21", "2021-09-03"),
        ("YYYY/MM/DD", "2021/9/3", "2021-09-03"),
    ],
)
def test_a_stated_way_of_writing_dates(tmp_path: Path, dates: str, text: str, iso: str) -> None:
    absences = [ABSENCES[0], ["00017", text, "E"]]
    days = [DAYS[0], ["012", iso, "2021-22"]]
    source = write(tmp_path, ATT=absences, days=days)
    records = read_records(source, format=mapped(attendance={"dates": dates}), **MODE)
    assert [row[1] for row in rows(records, "attendance")] == [date.fromisoformat(iso)]


@pytest.mark.parametrize("dates", ["MM/DD", "MM/YYYY/MM", "YYYYMD DD", "%m/%d/%Y"])
def test_a_way_of_writing_dates_that_says_too_little_is_refused(dates: str) -> None:
    with pytest.raises(OptionError, match=r"is not known\. Write it as MM/DD/YYYY"):
        date_pattern(dates)


def test_a_year_is_that_of_spring_or_of_autumn_and_never_guessed(tmp_path: Path) -> None:
    source = write(tmp_path, ENR=[SPELLS[0], ["00017", "012", "2021", "09", "9/1/2021", ""]])
    autumn = read_records(source, format=mapped(enrolment={"school_years": "autumn"}), **MODE)
    assert [row[2] for row in rows(autumn, "enrolment")] == ["2021-22"]
    spring = validate_records(source, format=mapped(), **MODE)
    assert "date_outside_school_year" in {problem.rule for problem in spring.found}
    unsaid = validate_records(source, format=mapped(enrolment={"school_years": None}), **MODE).found[0]
    assert 'Say which one is meant, with school_years = "spring" or "autumn".' in unsaid.advice


def test_several_files_make_one_table_and_constants_fill_what_a_file_does_not_say(tmp_path: Path) -> None:
    header = [name for name in SPELLS[0] if name != "YR"]
    later = [header, ["00017", "012", "10", "9/1/2021", ""]]
    columns = {ours: theirs for ours, theirs in SPELLS_MAP["columns"].items() if theirs != "YR"}  # type: ignore[attr-defined]
    spec = {"source": ["E1", "E2"], "columns": columns, "constants": {"school_year": "2021-22"}}
    source = write(tmp_path, E1=later, E2=[header, ["00022", "012", "9", "9/1/2021", ""]])
    records = read_records(source, format=mapped(enrolment=spec), **MODE)
    assert {(row[0], row[-1]) for row in rows(records, "enrolment")} == {
        ("00017", date(2021, 9, 2)),
        ("00022", date(2021, 9, 2)),
    }
    assert records.ledger.rows_read["E1.csv"] == records.ledger.rows_read["E2.csv"] == 1


def test_marks_in_a_column_for_each_subject_become_rows(tmp_path: Path) -> None:
    marks = [["STU_ID", "MATH", "ELA"], ["00017", "A-", "B"], ["00022", "", "C"]]
    spec = {
        "source": "MARKS",
        "columns": {"student_id": "STU_ID"},
        "constants": {"school_year": "2021-22", "term": "S1"},
        "unpivot": {"columns": ["MATH", "ELA"], "names_to": "course_id", "values_to": "mark"},
        "codes": {"mark": {"A-": "3.7", "B": "B", "C": "C"}},
    }
    tables = {"students": STUDENTS_MAP, "enrolment": SPELLS_MAP, "grades": spec}
    records = read_records(write(tmp_path, MARKS=marks), format=Mapped(tables=tables))
    assert [(row[0], row[3], row[4]) for row in rows(records, "grades")] == [
        ("00017", "ELA", "B"),
        ("00017", "MATH", "3.7"),
        ("00022", "ELA", "C"),
    ]


def test_a_missing_file_and_a_missing_column_are_named_together(tmp_path: Path) -> None:
    source = write(tmp_path)
    layout = mapped(
        attendance={"source": "ATTEND.csv"}, students={"columns": {"student_id": "STUID", "gender": "GENDER"}}
    )
    found = {problem.rule: str(problem) for problem in validate_records(source, format=layout, **MODE).found}
    assert "There is no 'ATTEND.csv' in the folder" in found["missing_source"]
    assert "of which the mapping makes attendance. Did you mean 'ATT.csv'?" in found["missing_source"]
    assert found["missing_column"].startswith("STU.csv has no column GENDER, which holds gender of students.")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "tables is empty"),
        ({"student": {"source": "x"}}, r"a table 'student'\. Did you mean 'students'"),
        ({"students": {"columns": {}}}, r"\[tables\.students\] has no source"),
        ({"students": {"source": "x", "colums": {}}}, r"no key 'colums'\. Did you mean 'columns'"),
        ({"students": {"source": "x", "columns": "STU_ID"}}, "it takes a table"),
        ({"students": {"source": "x", "school_years": "2022"}}, "school_years = '2022' is not allowed"),
        ({"students": {"source": "x", "columns": {"a": "b"}, "codes": {"c": {}}}}, r"codes\.c has no column"),
        ({"students": {"source": "x", "columns": {"a": "b"}, "constants": {"a": "b"}}}, "in more than one way"),
        ({"students": {"source": "x", "dates": "MM/DD/YY", "columns": {"birth_date": "b"}}}, "years of four digits"),
        ({"grades": {"source": "x", "unpivot": {"columns": ["a"]}}}, "unpivot has no names_to, values_to"),
    ],
)
def test_a_mapping_that_can_not_be_meant_is_refused(tables: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Mapped(tables=tables)


def test_a_format_is_a_name_a_table_or_a_kind() -> None:
    assert (
        choose_format("oneroster") == choose_format({"kind": "oneroster"}) == choose_format(OneRoster()) == OneRoster()
    )
    with pytest.raises(OptionError, match=r"There is no format named 'one_roster'\. Did you mean 'oneroster'"):
        choose_format("one_roster")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "mapped"])
def test_every_format_says_what_is_missing_from_an_empty_folder(tmp_path: Path, name: str) -> None:
    report = validate_records(tmp_path, format=name)
    assert report.found
    assert str(tmp_path) in report.message


LIMITED = settings(max_examples=10, deadline=None, derandomize=True)


@LIMITED
@given(
    codes=st.lists(st.sampled_from(["E", "U", "T", "V", "", " e "]), min_size=1, max_size=8),
    students=st.lists(st.sampled_from(["00017", "00022", "00031", "9.0", ""]), min_size=8, max_size=8),
)
def test_no_row_of_a_mapped_file_is_lost(codes: list[str], students: list[str]) -> None:
    absences = pd.DataFrame({"STU_ID": students[: len(codes)], "DT": "9/2/2021", "CD": codes}, dtype="str")
    frames = {name: pd.DataFrame(lines[1:], columns=lines[0], dtype="str") for name, lines in FILES.items()}
    ledger = validate_records({**frames, "ATT": absences}, format=mapped(), orphans="drop", **MODE).ledger
    for table, read in ledger.rows_read.items():
        dropped = sum(e.rows for e in ledger.entries if e.table == table and e.action == "dropped")
        assert read == ledger.rows_kept[table] + dropped
    assert ledger.rows_read["ATT"] == len(codes)
    assert ledger.rows_kept["ATT"] == ledger.rows_read.get("attendance", len(codes) - codes.count("T"))


def test_a_damaged_file_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "STU.csv").write_bytes(b"STU_ID,SEX,STATUS\n00017,1,A\n00022,\xff\xfe,A\n")
    report = validate_records(tmp_path, format=mapped(), **MODE)
    assert any("can not be read: it is not UTF-8 text" in problem.finding for problem in report.found), report.message


# Workbooks


def test_the_sheets_of_a_workbook_are_tables(tmp_path: Path) -> None:
    """Identifiers typed as numbers are 17.0 in the file; they come out as 17."""
    book = write_workbook(
        tmp_path / "district.xlsx",
        students=[["student_id", "lunch"], [17, 0.5], ["0022", ""], ["", ""]],
        enrolment=[
            ["student_id", "school_id", "school_year", "grade_level", "entry_date"],
            [17.0, 12, "2021-22", 9, "2021-09-01"],
            ["0022", 12, "2021-22", 10, "2021-09-01"],
        ],
    )
    records = read_records(book)
    assert rows(records, "students") == [("0022", None), ("17", 0.5)]
    assert [row[:4] for row in rows(records, "enrolment")] == [
        ("0022", "12", "2021-22", 10),
        ("17", "12", "2021-22", 9),
    ]
    assert list(hash_sources(records)) == ["district.xlsx"]


def test_a_workbook_lies_in_a_folder_under_its_name_or_that_of_a_sheet(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "STU.csv").unlink()
    write_workbook(tmp_path / "STU.xlsx", Sheet1=STUDENTS)
    assert len(rows(read_records(tmp_path, format=mapped(), **MODE), "students")) == 2
    write_workbook(tmp_path / "STU.xlsx", Current=STUDENTS, Notes=[["x"]])
    (problem,) = validate_records(tmp_path, format=mapped(), **MODE).found
    assert "STU can not be read: it has 2 sheets (Current, Notes); name one, as STU.xlsx:Current." in str(problem)
    layout = mapped(students={"source": "STU.xlsx:Current"})
    assert len(rows(read_records(tmp_path, format=layout, **MODE), "students")) == 2


def test_an_identifier_with_more_digits_than_a_spreadsheet_keeps_is_refused(tmp_path: Path) -> None:
    book = write_workbook(
        tmp_path / "district.xlsx", students=[["student_id"], [1234567890123456]], enrolment=[["a"], [1]]
    )
    problem = next(p for p in validate_records(book).found if p.table == "students")
    assert "was exported in scientific notation, so digits are lost" in str(problem)


def test_a_file_that_is_no_workbook_is_named(tmp_path: Path) -> None:
    (tmp_path / "district.xlsx").write_bytes(b"no workbook")
    (problem,) = validate_records(tmp_path / "district.xlsx").found
    assert problem.rule == "unreadable_source"
    assert "can not be opened: it is no workbook that can be opened" in problem.finding


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (40017.0, "40017"), (0.5, "0.5"), (None, None), ("", None), (float("nan"), None),
        (True, "true"), ("007", "007"),
        (date(2021, 9, 1), "2021-09-01"), (pd.Timestamp("2021-09-01").to_pydatetime(), "2021-09-01"),
        (pd.Timestamp("2021-09-01 08:30").to_pydatetime(), "2021-09-01T08:30:00"), (1e15, "1.0000000000000000e+15"),
    ],
)  # fmt: skip
def test_a_cell_as_the_text_that_a_csv_file_would_have(cell: Any, text: str | None) -> None:
    assert text_of_cell(cell) == text


# Statistics files and databases


@pytest.mark.parametrize("suffix", ["dta", "sav", "xpt"])
def test_statistics_files_are_read_with_their_values(tmp_path: Path, suffix: str) -> None:
    pyreadstat = pytest.importorskip("pyreadstat")
    frame = pd.DataFrame({"sid": [17.0, 22.0, 31.0], "sex": [1.0, 2.0, 2.0], "status": ["A", "A", "X"]})
    write_file = {"dta": pyreadstat.write_dta, "sav": pyreadstat.write_sav, "xpt": pyreadstat.write_xport}[suffix]
    write_file(frame, str(tmp_path / f"STU.{suffix}"))
    source = write(tmp_path, ENR=[[cell.removeprefix("000") for cell in line] for line in SPELLS])
    (tmp_path / "STU.csv").unlink()
    (tmp_path / "ATT.csv").unlink()
    students = {"columns": {"student_id": "sid", "gender": "sex"}, "drop": {"status": ["X"]}}
    tables = {name: spec for name, spec in mapped(students=students).tables.items() if name != "attendance"}
    records = read_records(source, format=Mapped(tables=tables))
    assert rows(records, "students") == [("17", "M"), ("22", "F")]


def test_an_identifier_that_stata_kept_in_too_few_bits_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyreadstat")
    ids = pd.DataFrame({"student_id": pd.Series([16777217, 5], dtype="float32")})  # the type keeps 16777216 instead
    ids.to_stata(tmp_path / "students.dta", write_index=False)
    problem = next(p for p in validate_records(tmp_path).found if p.rule == "unreadable")
    assert "digits are lost (found: 1.6777216000000000e+07 (1))" in str(problem)


def test_a_damaged_statistics_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "students.dta").write_bytes(b"no Stata file")
    problem = next(p for p in validate_records(tmp_path).found if p.rule == "unreadable_table")
    assert problem.finding.startswith("students.dta can not be read: it is no file of that program")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyreadstat", None)
    (tmp_path / "students.dta").write_bytes(b"")
    problem = next(p for p in validate_records(tmp_path).found if p.rule == "unreadable_table")
    assert "install mentoreval[files]" in problem.finding


def make_database(path: Path) -> Path:
    """The district's own tables in a DuckDB file, one of them in a schema of its own."""
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE SCHEMA sis")
        for name, lines in FILES.items():
            table = pa.table({column: [line[n] for line in lines[1:]] for n, column in enumerate(lines[0])})
            where = "sis.attend" if name == "ATT" else f'"{name}"'
            database.register("arrow", table)
            database.execute(f"CREATE TABLE {where} AS SELECT * FROM arrow")
    return path


def test_the_tables_of_a_duckdb_file(tmp_path: Path) -> None:
    source = make_database(tmp_path / "district.duckdb")
    layout = mapped(attendance={"source": "sis.attend"})
    records = read_records(source, format=layout, **MODE)
    assert len(rows(records, "attendance")) == 2
    assert list(hash_sources(records)) == ["district.duckdb"]
    inside = mapped(students={"source": "district.duckdb:STU"}, attendance={"source": "district.duckdb:sis.attend"})
    assert len(rows(read_records(write(tmp_path), format=inside, **MODE), "students")) == 2


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "sis.duckdb").write_bytes(b"no database" * 1000)
    (problem,) = validate_records(tmp_path / "sis.duckdb").found
    assert problem.rule == "unreadable_source"


def test_duckdb_fetches_nothing() -> None:
    from mentoreval.records.engines import _connection

    assert _connection().sql("SELECT current_setting('autoinstall_known_extensions')").fetchall() == [(False,)]


def test_frames_of_any_library_may_be_mapped() -> None:
    frames: dict[str, Any] = {name: pd.DataFrame(lines[1:], columns=lines[0]) for name, lines in FILES.items()}
    frames["STU"] = pa.Table.from_pandas(frames["STU"])
    assert len(rows(read_records(frames, format=mapped(), **MODE), "attendance")) == 2


def test_parquet_types_need_no_statement(tmp_path: Path) -> None:
    """A date that is a date in the file is one, whatever the mapping says of texts."""
    write(tmp_path)
    (tmp_path / "ATT.csv").unlink()
    pq.write_table(
        pa.table({"STU_ID": ["00017"], "DT": [date(2021, 9, 2)], "CD": ["E"]}),
        tmp_path / "ATT.parquet",
    )
    assert rows(read_records(tmp_path, format=mapped(), **MODE), "attendance")[0][1] == date(2021, 9, 2)
