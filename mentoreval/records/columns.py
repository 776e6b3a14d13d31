"""Rules about the columns of one table: are they there, filled, readable, and within what is allowed.

All of them are counted together. Only a rule that is broken asks for examples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

from mentoreval.errors import suggest
from mentoreval.records.cells import DECIMAL_ID, Cells, is_padded, is_plain_number, plain, read_cells, stripped
from mentoreval.records.checked import Checked, Shown, ask, first_values, how_many, values_with_counts
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.schema import DTYPES, Column, ColumnKind, TableSchema
from mentoreval.records.validation import Problem, rows_problem

UNREADABLE: dict[ColumnKind, tuple[str, str]] = {
    "id": ("was exported in scientific notation, so digits are lost", "Export the column as text."),
    "number": ("is not a number", "Write numbers as 12.5, without units or thousands separators; leave unknown empty."),
    "integer": ("is not a whole number", "Write whole numbers as 12; leave unknown empty."),
    "flag": ("is not a flag", "Write 1 or 0, true or false, yes or no; leave unknown empty."),
    "date": (
        "is not a date as YYYY-MM-DD",
        "Write every date as 2021-09-01; 9/3/2021 could be read in two ways. "
        'Say which one is meant, with dates = "MM/DD/YYYY"; and dates = "excel" where dates are numbers such as 44440.',
    ),
    "school_year": (
        "is not a school year",
        "Write 2021-22; 2022 alone could mean 2021-22 or 2022-23. "
        'Say which one is meant, with school_years = "spring" or "autumn".',
    ),
    "grade_level": ("is not a grade level", "Write PK, KG or 1 to 12."),
}


@dataclass(frozen=True)
class _Test:
    """One rule about the rows of one table, before it is known whether a row breaks it."""

    rule: str
    columns: tuple[str, ...]
    broken: nw.Expr
    finding: str
    advice: str
    show: Literal["rows", "values", "dates"] = "values"
    only_listed: bool = False  # in the ledger, and no problem

    @property
    def name(self) -> str:
        """The rule and its columns, as one text that no other test of the table has."""
        return ":".join((self.rule, *self.columns))


@dataclass(frozen=True)
class _Raw:
    """A table before its columns are read: all as found, and how the cells of each column are to be read."""

    schema: TableSchema
    frame: LazyTable
    dtypes: nw.Schema
    cells: dict[str, Cells]
    tests: tuple[_Test, ...]

    @property
    def texts(self) -> list[str]:
        """The columns of texts."""
        return [name for name, dtype in self.dtypes.items() if isinstance(dtype, nw.String)]

    @property
    def extras(self) -> list[str]:
        """The columns that the schema does not know."""
        return [name for name in self.dtypes.names() if name not in self.cells]


def read_columns(schema: TableSchema, source: LazyTable) -> Checked:
    """The table with canonical columns, and every problem that its columns have on their own."""
    raw = _raw(schema, plain(source))
    answers = _ask(raw)
    if padded := [name for name in raw.texts if answers[f"padded:{name}"]]:
        # Stripping costs more than all else, so it is done only where it is needed; then everything is asked again.
        raw = _raw(schema, raw.frame.with_columns(stripped(name) for name in padded))
        answers = _ask(raw)
    rows = answers["rows"]
    present = tuple(c.name for c in schema.columns if c.name in raw.cells or c.always)
    checked = Checked(schema, raw.frame.select(_canonical(raw, answers)), present, rows)
    missing = tuple(_missing_column(raw, name) for name in schema.required_columns if name not in raw.cells)
    if rows == 0:
        return checked.blaming(*missing, _empty(schema.name))
    broken = [test for test in raw.tests if answers[test.name]]
    problems = tuple(_problem(raw, test, answers) for test in broken if not test.only_listed)
    listed = [_listed(raw, test, answers) for test in broken if test.only_listed]
    return checked.keeping(checked.frame, *_repaired(raw, answers), *listed).blaming(*missing, *problems)


def _raw(schema: TableSchema, frame: LazyTable) -> _Raw:
    dtypes = frame.collect_schema()
    cells = {c.name: read_cells(c.name, c.kind, dtypes[c.name]) for c in schema.columns if c.name in dtypes}
    return _Raw(schema, frame, dtypes, cells, tuple(_tests(schema, cells)))


def _ask(raw: _Raw) -> dict[str, int]:
    """Everything that is to be known of the columns, in one pass over a table whose texts are all different.

    Texts cost most to look at. Where a table has a row for each day of a student the same texts come again and again,
    so that the rows of each text are counted first, and the text is looked at once.
    """
    conditions = _conditions(raw)
    if not _texts_come_again(raw):
        return ask(raw.frame, rows=nw.len(), **{name: how_many(asked) for name, (asked, _) in conditions.items()})
    of_rows = {name: how_many(asked) for name, (asked, text) in conditions.items() if text is None}
    answers = ask(raw.frame, rows=nw.len(), **of_rows)
    for column in raw.texts:
        times = nw.col("_rows").cast(nw.Int64)
        of_text = {name: asked for name, (asked, text) in conditions.items() if text == column}
        tally = raw.frame.group_by(column).agg(_rows=nw.len())
        answers |= ask(tally, **{name: (asked.cast(nw.Int64) * times).sum() for name, asked in of_text.items()})
    return answers


def _conditions(raw: _Raw) -> dict[str, tuple[nw.Expr, str | None]]:
    """What is asked of each row, by name, and the column of texts where it is about one such column alone."""
    texts = raw.texts
    found = {test.name: (test.broken, test.columns) for test in raw.tests}
    found |= {f"padded:{name}": (is_padded(name), (name,)) for name in texts}
    found |= {f"filled:{name}": (~nw.col(name).is_null(), (name,)) for name in raw.extras}
    found |= {f"numbers:{name}": (is_plain_number(name), (name,)) for name in raw.extras if name in texts}
    found |= {f"decimal:{name}": (_is_decimal(raw, name), (name,)) for name in _ids(raw)}
    found |= {f"rewritten:{name}": (_is_rewritten(raw, name), (name,)) for name in _written_out(raw)}
    alone = {name: columns[0] for name, (_, columns) in found.items() if len(columns) == 1 and columns[0] in texts}
    return {name: (asked, alone.get(name)) for name, (asked, _) in found.items()}


def _texts_come_again(raw: _Raw) -> bool:
    """Whether dates, and not texts, tell the rows of the table apart."""
    types = [raw.dtypes[name] for name in raw.schema.key if name in raw.cells]
    return bool(raw.texts) and nw.Date() in types


def _ids(raw: _Raw) -> list[str]:
    return [column.name for column in raw.schema.columns if column.kind == "id" and column.name in raw.cells]


def _is_decimal(raw: _Raw, name: str) -> nw.Expr:
    return raw.cells[name].text.str.contains(DECIMAL_ID)


def _written_out(raw: _Raw) -> list[str]:
    """The columns whose texts may be the very values: 00417, 2021-22, 5."""
    kinds = ("id", "school_year", "grade_level")
    return [column.name for column in raw.schema.columns if column.kind in kinds and column.name in raw.cells]


def _is_rewritten(raw: _Raw, name: str) -> nw.Expr:
    """Whether a cell's text is not its value: 40017.0, 2021-2022, KG, or what can not be read."""
    cells = raw.cells[name]
    return ~cells.blank & ~(cells.value.cast(nw.String) == cells.text).fill_null(False)


def _tests(schema: TableSchema, cells: dict[str, Cells]) -> Iterator[_Test]:
    for column in schema.columns:
        if column.name in cells:
            yield from _column_tests(column, cells[column.name])
    for rule in schema.rules:
        if all(name in cells for name in rule.columns):
            broken = rule.broken(*(cells[name].value for name in rule.columns))
            yield _Test(rule.rule, rule.columns, broken, rule.finding, rule.advice, "rows")


def _column_tests(column: Column, cells: Cells) -> Iterator[_Test]:
    name, here = column.name, (column.name,)
    if column.required:
        yield _Test("missing_value", here, cells.blank, f"without {name}", f"Fill in {name}.", "rows")
    if column.kind in UNREADABLE:
        what, advice = UNREADABLE[column.kind]
        show: Literal["dates", "values"] = "dates" if column.kind == "date" else "values"
        yield _Test("unreadable", here, cells.unreadable, f"whose {name} {what}", advice, show)
    if column.allowed:
        allowed = ", ".join(column.allowed)
        finding, advice = f"whose {name} is none of {allowed}", f"Map every other {name} to one of these."
        yield _Test("not_allowed", here, ~cells.blank & ~cells.value.is_in(column.allowed), finding, advice)
    if column.pattern:
        yield _Test(f"unparsed_{name}", here, ~cells.value.str.contains(column.pattern), "", "", only_listed=True)
    if (broken_bounds := _out_of_bounds(column, cells.value)) is not None:
        bounds = f"between {column.minimum:g} and {column.maximum:g}" if column.maximum is not None else "0 or more"
        finding, advice = f"whose {name} is not {bounds}", f"Correct {name}, or leave it out of the export."
        yield _Test("out_of_range", here, broken_bounds, finding, advice)


def _out_of_bounds(column: Column, value: nw.Expr) -> nw.Expr | None:
    if column.minimum is None:
        return None
    below = value < column.minimum
    return below if column.maximum is None else below | (value > column.maximum)


def _repaired(raw: _Raw, answers: dict[str, int]) -> Iterator[LedgerEntry]:
    for name in _ids(raw):
        if rows := answers[f"decimal:{name}"]:
            examples = first_values(raw.frame.filter(_is_decimal(raw, name)), name)
            yield LedgerEntry(raw.schema.name, "id_read_as_decimal", "repaired", rows, examples)


def _canonical(raw: _Raw, answers: dict[str, int]) -> Iterator[nw.Expr]:
    """The schema's columns in its order, then what else the file has.

    An extra column of texts that are all plain numbers is read as numbers, since it may serve as a covariate; not if
    its name says that it is an identifier.
    """
    for column in raw.schema.columns:
        if column.name in raw.cells:
            value = _value(raw, column, answers)
            yield (value if column.default is None else value.fill_null(column.default)).alias(column.name)
        elif column.always:
            yield nw.lit(column.default, dtype=DTYPES[column.kind]).alias(column.name)
    for name in raw.extras:
        numbers = answers.get(f"numbers:{name}", 0) == answers[f"filled:{name}"] > 0
        yield nw.col(name).cast(nw.Float64) if numbers and not name.endswith("_id") else nw.col(name)


def _value(raw: _Raw, column: Column, answers: dict[str, int]) -> nw.Expr:
    """The values of a column; texts that say them as they are need no reading, which saves every later pass time."""
    cells = raw.cells[column.name]
    if column.name in _written_out(raw) and not answers[f"rewritten:{column.name}"]:
        dtype = DTYPES[column.kind]
        return cells.text if dtype == nw.String else cells.text.cast(dtype)
    return cells.value


def _missing_column(raw: _Raw, name: str) -> Problem:
    table = raw.schema.name
    finding = f"{table} has no column {name}.{suggest(name, raw.dtypes.names())}"
    return Problem(table, name, "missing_column", finding, f"Add the column, or rename the one that holds {name}.")


def _empty(table: str) -> Problem:
    return Problem(table, "", "empty_table", f"{table} has no rows.", "Export it again, or take it out of the source.")


def _problem(raw: _Raw, test: _Test, answers: dict[str, int]) -> Problem:
    where = (raw.schema.name, ", ".join(test.columns), test.rule)
    return rows_problem(where, answers[test.name], answers["rows"], test.finding, test.advice, _shown(raw, test))


def _listed(raw: _Raw, test: _Test, answers: dict[str, int]) -> LedgerEntry:
    return LedgerEntry(raw.schema.name, test.rule, "flagged", answers[test.name], _shown(raw, test)[1])


def _shown(raw: _Raw, test: _Test) -> Shown:
    """Examples: identifiers where a row is at fault, values with how often they occur where a value is."""
    name, bad = test.columns[0], raw.frame.filter(test.broken)
    if test.show == "rows":
        keys = [column for column in raw.schema.key if column in raw.cells and column not in test.columns]
        return f"first {keys[0]}" if keys else "first", first_values(bad, keys[0]) if keys else ()
    text = raw.cells[name].text
    if test.show == "values":
        return "found", values_with_counts(bad, text, text)
    shape = text.str.replace_all(r"\d+", "9").str.replace_all(r"[A-Za-z]+", "a")
    seen = values_with_counts(bad, text, shape)
    one_shape = text.str.replace_all(".+", "")
    good = values_with_counts(raw.frame.filter(~raw.cells[name].value.is_null()), text, one_shape)
    return "formats seen", seen + good
