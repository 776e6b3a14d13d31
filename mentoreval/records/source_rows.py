"""One source table of a format on its way into ours: its columns as texts, and an account of every row.

The account has the law of every table: rows read are rows kept plus rows in the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import narwhals as nw

from mentoreval.errors import suggest
from mentoreval.records.cells import NUMBER, read_cells, stripped
from mentoreval.records.checked import Checked, ask, count, fate, first_values, how_many, settle
from mentoreval.records.dialect import Dialect
from mentoreval.records.engines import CannotRead, engine_errors, in_duckdb, reason
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.schema import TableSchema
from mentoreval.records.sources import RawTable, Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem, rows_problem

CODES_SHOWN = 20


@dataclass(frozen=True)
class Wanted:
    """What a format needs of one source table.

    name : of the file, sheet or table
    table : our table that is made of it, for messages
    columns : our name of each column → its names in such exports, the usual one first
    optional : our names of columns that may be missing; they are then empty
    dialect : how the text file is written, where that is stated
    """

    name: str
    table: str
    columns: Mapping[str, tuple[str, ...]]
    optional: tuple[str, ...] = ()
    dialect: Dialect | None = None


class CannotTranslate(Exception):
    """A source table that a format can not use, with the problem that says why. It never leaves this layer."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = problems


def take(sources: Sources, wanted: Wanted) -> Checked | None:
    """The rows of a source table with the wanted columns as texts; None where it is not there.

    CannotTranslate where it can not be read, or lacks a column that is not optional.
    """
    try:
        raw = sources.find(wanted.name)
        return None if raw is None else take_table(raw, wanted)
    except CannotRead as error:
        finding = f"{wanted.name} can not be read: {error}."
        problem = Problem(wanted.table, "", "unreadable_table", finding, "Export it again.")
        raise CannotTranslate(problem) from error


def take_table(raw: RawTable, wanted: Wanted) -> Checked:
    """The rows of a source table with the wanted columns as texts, missing where nothing is left without blanks."""
    frame = with_flat_names(in_duckdb(raw.open(wanted.dialect)))
    there = frame.collect_schema().names()
    found = {ours: _find(theirs, there, raw.title) for ours, theirs in wanted.columns.items()}
    lacking = [ours for ours, name in found.items() if name is None and ours not in wanted.optional]
    if lacking:
        raise CannotTranslate(*(_no_column(raw, wanted, ours, there) for ours in lacking))
    texts = as_texts(frame, {ours: name for ours, name in found.items() if name is not None})
    empty = [nw.lit(None, dtype=nw.String).alias(ours) for ours, name in found.items() if name is None]
    return on_account(raw, texts.with_columns(*empty) if empty else texts)


def on_account(raw: RawTable, frame: LazyTable) -> Checked:
    """Rows of a source table, counted, under a name that no table of ours has."""
    title = f"{raw.title} as given" if raw.title in TABLES else raw.title
    schema = TableSchema(title, "", ())
    try:
        return Checked(schema, frame, tuple(frame.collect_schema().names()), count(frame))
    except engine_errors() as error:
        raise CannotRead(reason(error)) from error


def as_texts(frame: LazyTable, columns: Mapping[str, str]) -> LazyTable:
    """These columns, under our names, as texts without blanks around them; missing where nothing is left."""
    dtypes = frame.collect_schema()
    texts = frame.select(
        **{ours: read_cells(name, "text", dtypes[name]).text for ours, name in columns.items()},
    )
    return texts.select(stripped(ours) for ours in columns)


def with_flat_names(frame: LazyTable) -> LazyTable:
    """Columns of nested records as one column for each part: ``studentReference.studentUniqueId``.

    A list of records has one for each place in the longest list: ``races.0.raceDescriptor``.
    """
    schema = frame.collect_schema()
    lists = {name: dtype.inner for name, dtype in schema.items() if isinstance(dtype, nw.List)}
    lists = {name: inner for name, inner in lists.items() if isinstance(inner, nw.Struct)}
    if not lists and not any(isinstance(dtype, nw.Struct) for dtype in schema.values()):
        return frame
    longest = ask(frame, **{name: nw.col(name).list.len().max() for name in lists}) if lists else {}
    flat: list[nw.Expr] = []
    for name, dtype in schema.items():
        if isinstance(dtype, nw.Struct):
            flat += [nw.col(name).struct.field(part.name).alias(f"{name}.{part.name}") for part in dtype.fields]
        elif name in lists:
            for place in range(longest[name]):
                entry = nw.col(name).list.get(place)
                parts = lists[name].fields  # type: ignore[union-attr]
                flat += [entry.struct.field(part.name).alias(f"{name}.{place}.{part.name}") for part in parts]
        else:
            flat.append(nw.col(name))
    return frame.select(flat)


def drop(table: Checked, rules: Mapping[str, nw.Expr], example: str) -> Checked:
    """The table without the rows for which a condition is true, each in the ledger under the first such rule."""
    fated = table.frame.with_columns(fate(*((condition, rule) for rule, condition in rules.items())))
    return settle(table, fated, dict.fromkeys(rules, "dropped"), example)


def flagged(table: Checked, rule: str, condition: nw.Expr, example: str) -> Checked:
    """The table with a ledger entry for the rows of which something has to be known."""
    rows = ask(table.frame, rows=how_many(condition))["rows"]
    if not rows:
        return table
    examples = first_values(table.frame.filter(condition), example)
    return table.keeping(table.frame, LedgerEntry(table.name, rule, "flagged", rows, examples))


def translate_codes(
    table: Checked, target: tuple[str, str], codes: Mapping[str, str], advice: str, others_stay: bool = False
) -> Checked:
    """A column with its codes replaced. A code that is not in the mapping is a problem that lists all such codes.

    target : our table and its column, as the problem names them; the column has that name here too
    others_stay : codes without an entry stay as they are, for the rules of our own table to judge
    """
    name = target[1]
    value = nw.col(name)
    replaced: nw.Expr = value
    for code, ours in codes.items():
        replaced = nw.when(value == code).then(nw.lit(ours)).otherwise(replaced)
    changed = ~value.is_null() & (replaced != value)
    unknown = ~value.is_null() & ~value.is_in(list(codes)) if codes else ~value.is_null()
    answers = ask(table.frame, changed=how_many(changed), unknown=how_many(unknown))
    shown = code_counts(table.frame.filter(changed), name) if answers["changed"] else ()
    examples = tuple(f"{code} → {codes[code]} ({n:,})" for code, n in shown)
    entry = LedgerEntry(table.name, f"codes_of_{name}", "mapped", answers["changed"], examples)
    problems: tuple[Problem, ...] = ()
    if answers["unknown"] and not others_stay:
        problems = (_unmapped(table, target, code_counts(table.frame.filter(unknown), name), advice),)
    return table.keeping(table.frame.with_columns(replaced.alias(name)), entry).blaming(*problems)


def refuse_words(table: Checked, ours: str, columns: Mapping[str, str]) -> None:
    """CannotTranslate where a column of counts, our name → theirs, holds what is no number."""
    wrong = {name: ~nw.col(name).is_null() & ~nw.col(name).str.contains(NUMBER) for name in columns}
    found = ask(table.frame, **{name: how_many(condition) for name, condition in wrong.items()})
    problems = []
    for name in (name for name, rows in found.items() if rows):
        counts = code_counts(table.frame.filter(wrong[name]), name)
        shown = tuple(f"{text} ({n:,})" for text, n in counts[:CODES_SHOWN])
        target, advice = (ours, columns[name]), "Write numbers as 12.5, and leave unknown empty."
        problems.append(source_problem(table, target, "unreadable", found[name], "is not a number", advice, shown))
    if problems:
        raise CannotTranslate(*problems)


def code_counts(frame: LazyTable, name: str) -> tuple[tuple[str, int], ...]:
    """The codes of a column with how many rows have each, the most frequent first."""
    counts = frame.group_by(name).agg(n=nw.len()).sort("n", name, descending=[True, False])
    rows = counts.collect("pyarrow").to_native().to_pylist()
    return tuple((str(row[name]), int(row["n"])) for row in rows)


def kept_as(table: Checked, frame: LazyTable) -> Checked:
    """The same account with the rows in another shape."""
    return replace(table, frame=frame, columns=tuple(frame.collect_schema().names()))


def spring_year(text: nw.Expr) -> nw.Expr:
    """2021-22 of 2022, the year in which the school year ends; a text of another shape stays as it is."""
    year = nw.when(text.str.contains(r"^(?:19|20)\d\d(?:\.0+)?$")).then(text.str.slice(0, 4)).cast(nw.Int64)
    return nw.coalesce(nw.concat_str([(year - 1).cast(nw.String), nw.lit("-"), text.str.slice(2, 2)]), text)


def _unmapped(table: Checked, target: tuple[str, str], codes: Iterable[tuple[str, int]], advice: str) -> Problem:
    counts = list(codes)
    rows = sum(n for _, n in counts)
    shown = tuple(f"{code} ({n:,})" for code, n in counts[:CODES_SHOWN])
    if len(counts) > CODES_SHOWN:
        shown = (*shown, f"and {len(counts) - CODES_SHOWN} more")
    return source_problem(table, target, "unmapped_code", rows, "is not mapped", advice, shown)


def source_problem(
    table: Checked, target: tuple[str, str], rule: str, rows: int, what: str, advice: str, shown: tuple[str, ...]
) -> Problem:
    """A problem of some rows of a source table, in its name, that is filed under our table and column."""
    finding = f"whose {target[1]} {what}"
    problem = rows_problem((table.name, target[1], rule), rows, table.rows_kept, finding, advice, ("found", shown))
    return replace(problem, table=target[0])


def _find(theirs: Iterable[str], there: list[str], title: str) -> str | None:
    """The column of one of these names, without regard to case, dots and underscores if need be."""
    if exactly := next((name for name in theirs if name in there), None):
        return exactly
    plain = {name: _letters(name) for name in there}
    for wanted in map(_letters, theirs):
        exact = [name for name, letters in plain.items() if letters == wanted]
        if len(exact) > 1:
            raise CannotRead(f"{title} has the column {exact[0]} more than once, as {' and '.join(exact)}")
        if exact:
            return exact[0]
    return None


def _letters(name: str) -> str:
    """A name without case, dots and underscores."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def _no_column(raw: RawTable, wanted: Wanted, ours: str, there: list[str]) -> Problem:
    usual = wanted.columns[ours][0]
    finding = f"{raw.title} has no column {usual}, which holds {ours} of {wanted.table}.{suggest(usual, there)}"
    return Problem(wanted.table, ours, "missing_column", finding, f"Export {usual} too.")
