"""Days as columns: attendance with one column for each day, as a row for each student and day.

Either the name of each column is a date, with one row for each student; or the columns are the days 1 to 31, with one
row for each student and month. A cell holds the code of that student-day. What an empty cell means is stated and never
guessed: the student was there, or nothing is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import narwhals as nw

from mentoreval.errors import OptionError, suggest
from mentoreval.records.cells import ISO_DATE
from mentoreval.records.checked import Checked, ask, first_values, how_many
from mentoreval.records.engines import hold_if_embedded, long_rows
from mentoreval.records.records import AttendanceMode, LedgerEntry
from mentoreval.records.schema import TableSchema
from mentoreval.records.source_rows import CODES_SHOWN, CannotTranslate, code_counts, drop, kept_as, source_problem
from mentoreval.records.tables.attendance import PRESENT_CODES
from mentoreval.records.validation import Problem
from mentoreval.records.written_dates import iso_date

Layout = Literal["dates", "day_of_month"]
Blank = Literal["present", "no_record"]
DAY_OF_MONTH = r"(?i)^(?:d|day|dia|día)?[ _.-]?0?([1-9]|[12]\d|3[01])$"
LOOKS_LIKE_DATE = r"^\d{1,4}[-/. ]\d{1,2}(?:[-/. ]\d{1,4})?$|^\d{5}$|^\d{8}$"
MONTHS = (
    ("jan", "ene"), ("feb",), ("mar",), ("apr", "abr"), ("may",), ("jun",), ("jul",), ("aug", "ago"), ("sep", "set"),
    ("oct",), ("nov",), ("dec", "dic"),
)  # fmt: skip
"""The first three letters of each month in English and Spanish."""
YEAR, MONTH, DAY = "_year", "_month", "_day"
DATE, CODE = ("attendance", "date"), ("attendance", "code")


@dataclass(frozen=True)
class DayColumns:
    """How the columns of a wide table of attendance say their day, and what an empty cell means.

    columns : "dates" where the name of each column is a date, written as ``dates`` of the mapping says; "day_of_month"
        where the names are 1 to 31, also as D1 or "Day 01", and each row is of one month
    blank : an empty cell is a day "present", or there is "no_record" of that day
    year, month : the district's columns with the calendar year and the month (1 to 12, or its English or Spanish name)
        of a row, where columns are days of a month
    """

    columns: Layout
    blank: Blank
    year: str | None = None
    month: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("columns", get_args(Layout)), ("blank", get_args(Blank))):
            if (value := getattr(self, name)) not in allowed:
                raise OptionError(f"days {name} = {value!r} is not allowed.{suggest(str(value), allowed)}")
        said = [name for name in (self.year, self.month) if name is not None]
        if len(said) != (2 if self.columns == "day_of_month" else 0):
            raise OptionError('days takes year and month, columns of the file, with columns = "day_of_month" only.')

    @property
    def of_rows(self) -> dict[str, str]:
        """The columns that all days of a row share: our name → the district's."""
        return {YEAR: self.year, MONTH: self.month} if self.year and self.month else {}


def day_columns(spec: Any, table: str, where: str) -> DayColumns:
    """The block ``days`` of a mapping; OptionError names the key that is wrong."""
    if table != "attendance":
        raise OptionError(f"{where} days is for attendance, not for {table}.")
    if not isinstance(spec, Mapping):
        raise OptionError(f'{where} days takes a table such as {{ columns = "dates", blank = "present" }}.')
    known = [option.name for option in fields(DayColumns)]
    for key in spec:
        if key not in known:
            raise OptionError(f"{where} days has no key {key!r}.{suggest(key, known)}")
    if missing := [name for name in ("columns", "blank") if name not in spec]:
        raise OptionError(f"{where} days has no {' and no '.join(missing)}. What an empty cell means is never guessed.")
    try:
        return DayColumns(**spec)
    except OptionError as error:
        raise OptionError(f"{where} {error}") from error


def days_among(days: DayColumns, dates: str | None, others: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """The columns that are days, as pairs of our name (a date, or 01 to 31) and theirs; and those that look like one.

    dates : how the mapping says that dates are written
    others : the columns of the file that are not something else
    """
    if days.columns == "day_of_month":
        found = {name: re.match(DAY_OF_MONTH, name) for name in others}
        return [(f"{int(match[1]):02d}", name) for name, match in found.items() if match], []
    read = {name: iso_date(name, dates)[:10] for name in others}
    of_days = {name: iso for name, iso in read.items() if re.match(ISO_DATE, iso)}
    strange = [name for name in others if name not in of_days and re.match(LOOKS_LIKE_DATE, name)]
    return [(iso, name) for name, iso in of_days.items()], strange


def by_day(rows: Checked, days: DayColumns, columns: Sequence[str]) -> Checked:
    """Every cell of the day columns as a row with ``date`` and ``code``; its account is one of cells and not of rows.

    columns : our names of the day columns, see ``days_among``
    """
    title = f"{rows.name} by day"
    frame = rows.frame
    if days.of_rows:
        frame = frame.with_columns(_year(nw.col(YEAR)).alias(YEAR), _month(nw.col(MONTH)).alias(MONTH))
    frame = long_rows(frame, columns, DAY, "code")
    date = nw.concat_str([nw.col(YEAR), nw.col(MONTH), nw.col(DAY)], separator="-") if days.of_rows else nw.col(DAY)
    frame = frame.with_columns(date=date).drop(DAY, *days.of_rows)
    names = tuple(frame.collect_schema().names())
    cells = Checked(TableSchema(title, "", ()), frame, names, rows.rows_kept * len(columns))
    return _without_other_months(cells) if days.of_rows else cells


def refuse_bad_months(rows: Checked, days: DayColumns) -> None:
    """CannotTranslate where the year or month of a row can not be read."""
    problems = []
    for name, theirs, read in ((YEAR, days.year, _year), (MONTH, days.month, _month)):
        wrong = read(nw.col(name)).is_null()
        if count := ask(rows.frame, rows=how_many(wrong))["rows"]:
            shown = tuple(f"{text} ({n:,})" for text, n in code_counts(rows.frame.filter(wrong), name)[:CODES_SHOWN])
            what, advice = "can not be read", "Write the year as 2021 and the month as 9, Sep or September."
            target = ("attendance", str(theirs))
            problems.append(source_problem(rows, target, "unreadable", count, what, advice, shown))
    if problems:
        raise CannotTranslate(*problems)


def settle_blanks(cells: Checked, days: DayColumns, mode: AttendanceMode | None) -> Checked:
    """What an empty cell means, after codes have got ours; and days present are left out where absences are listed.

    mode : how attendance is kept, if that is stated
    """
    blank = nw.col("code").is_null()
    if mode == "absences_only":
        came = nw.col("code").is_in(PRESENT_CODES)
        if days.blank == "no_record":
            finding = f"{cells.name} lists absences only, where a day without a row is a day present."
            advice = 'Say blank = "present" if that is what an empty cell means, or attendance = "positive".'
            cells = cells.blaming(Problem(*CODE, "blank_is_no_record", finding, advice))
        left = drop(cells, {"blank_as_present": blank, "no_absence": came.fill_null(False)}, "student_id")
        # Few cells are absences: they are held, so that the many others are not parted anew at each later question.
        return kept_as(left, hold_if_embedded(left.frame))
    if days.blank == "no_record":
        return drop(cells, {"blank_as_no_record": blank}, "student_id")
    rows = ask(cells.frame, rows=how_many(blank))["rows"]
    examples = first_values(cells.frame.filter(blank), "student_id") if rows else ()
    entry = LedgerEntry(cells.name, "blank_as_present", "mapped", rows, examples)
    return cells.keeping(cells.frame.with_columns(code=nw.col("code").fill_null("present")), entry)


def _without_other_months(cells: Checked) -> Checked:
    """Without the empty cells of days that the month does not have; a code there is a problem."""
    no_day = ~nw.col("date").str.contains(ISO_DATE)
    blank = nw.col("code").is_null()
    wrong = (no_day & ~blank).fill_null(False)
    if rows := ask(cells.frame, rows=how_many(wrong))["rows"]:
        examples = first_values(cells.frame.filter(wrong), "date")
        what, advice = "is no day of that month", "Correct the month of those rows, or empty the cells."
        cells = cells.blaming(source_problem(cells, DATE, "no_such_day", rows, what, advice, examples))
    return drop(cells, {"no_such_day": (no_day & blank).fill_null(False)}, "date")


def _year(text: nw.Expr) -> nw.Expr:
    """Four digits; missing where the text is no year."""
    return nw.when(text.str.contains(r"^(?:19|20)\d\d(?:\.0+)?$")).then(text.str.slice(0, 4))


def _month(text: nw.Expr) -> nw.Expr:
    """Two digits, of a number or of an English or Spanish name; missing where the text is no month."""
    word = text.str.to_lowercase().str.slice(0, 3)
    number = text.str.replace_all(r"\.0+$", "").str.replace_all(r"^0", "")
    month: nw.Expr = nw.lit(None, dtype=nw.String)
    for place, names in enumerate(MONTHS, start=1):
        is_it = (number == str(place)) | word.is_in(names)
        month = nw.when(is_it).then(nw.lit(f"{place:02d}")).otherwise(month)
    return month
