"""OneRoster 1.1 and 1.2 as CSV files: who is on which roster, and nothing about who came.

The specification: every file has sourcedId, status and dateLastModified; a row whose status is ``tobedeleted`` is gone;
``beginDate`` is the first day and ``endDate`` the day after the last. Version 1.2 keeps the roles of users in a file of
their own. 1EdTech, OneRoster CSV Binding 1.1 and 1.2.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import narwhals as nw
import pyarrow as pa

from mentoreval.records.checked import Checked, ask, first_values, how_many
from mentoreval.records.conventions import Conventions
from mentoreval.records.engines import scan_arrow
from mentoreval.records.format import Format, Translation
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.source_rows import CannotTranslate, Wanted, drop, kept_as, source_problem, take
from mentoreval.records.sources import Sources
from mentoreval.records.tables import TABLES
from mentoreval.records.validation import Problem

RACES = (
    "americanIndianOrAlaskaNative",
    "asian",
    "blackOrAfricanAmerican",
    "nativeHawaiianOrOtherPacificIslander",
    "white",
)
TRUE = ("true", "yes")
HISPANIC, TWO_OR_MORE = "hispanicOrLatinoEthnicity", "demographicRaceTwoOrMoreRaces"
NO_END = "9999-12-31"
SPELL = ["student_id", "school_id", "school_year"]
GONE = nw.col("status").str.to_lowercase() == "tobedeleted"
NO_ATTENDANCE = (
    "OneRoster holds no daily attendance. For measures of attendance add a table attendance (student_id, date, code) "
    "to the export."
)
RESULTS = "results.csv holds scores of a gradebook and no marks of a report card; it is left alone."
WEEKDAYS = (
    "OneRoster has no calendar of school days, so every weekday of a school year counts as one, holidays too. Add a "
    "table calendar (school_id, date, school_year) for the days in session."
)


@dataclass(frozen=True)
class OneRoster(Format):
    """OneRoster 1.1 and 1.2 as CSV files.

    student_id, school_id : what identifies a student and a school, so that attendance and matches fit
    grade_levels : codes of users.csv that are none of PK, KG, 01 to 12, such as {TK = "KG"}
    calendar : every weekday of a school year is a school day where no table calendar is added, or there is none
    """

    name: ClassVar[str] = "oneroster"
    beside: ClassVar[tuple[str, ...]] = tuple(name for name in TABLES if name not in ("students", "enrolment"))
    homes: ClassVar[Mapping[str, str]] = {"students": "users.csv", "enrolment": "enrollments.csv"}
    student_id: Literal["sourcedId", "identifier", "username"] = "sourcedId"
    school_id: Literal["sourcedId", "identifier"] = "sourcedId"
    grade_levels: Mapping[str, str] = field(default_factory=dict)
    calendar: Literal["weekdays", "none"] = "weekdays"

    def translate(self, sources: Sources) -> Translation:
        """Students of users and demographics, spells of enrollments, and weekdays of academicSessions."""
        try:
            return self._translated(sources)
        except CannotTranslate as error:
            return Translation(problems=error.problems)

    def _translated(self, sources: Sources) -> Translation:
        users, roles = _users(sources, self.student_id)
        rosters, sessions = _enrollments(sources), _sessions(sources)
        if users is None or rosters is None or sessions is None:
            return Translation(titles={}, problems=tuple(_no_file(sources, users, rosters, sessions)))
        orgs, people = _orgs(sources, self.school_id), _demographics(sources, users)
        years = _years(sessions)
        rosters = _in_years(rosters, years)
        frames = {
            "students": _students(users, people),
            "enrolment": _spells(rosters, users, orgs, self.grade_levels),
        }
        titles = {"students": "users.csv", "enrolment": "enrollments.csv"}
        notes = [NO_ATTENDANCE] if "attendance" not in sources.tables else []
        notes += [RESULTS] if "results" in sources.tables else []
        if "calendar" not in sources.tables and self.calendar == "weekdays" and years:
            frames["calendar"] = _weekdays(frames["enrolment"], years, _semesters(sessions))
            titles["calendar"] = "academicSessions.csv"
            sessions = _mapped_weekdays(sessions)
            notes.append(WEEKDAYS)
        rows = tuple(table for table in (users, roles, people, orgs, rosters, sessions) if table is not None)
        problems = (*_delta(sources), *(problem for table in rows for problem in table.problems))
        return Translation(frames, titles, rows, Conventions(exit_date_is="day_after"), problems, tuple(notes))


def _columns(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in ("sourcedId", "status", *names)}


def _no_file(sources: Sources, *tables: Checked | None) -> Iterable[Problem]:
    files = (("students", "users"), ("enrolment", "enrollments"), ("enrolment", "academicSessions"))
    for (ours, name), table in zip(files, tables, strict=True):
        if table is None:
            finding = f"There is no {name}.csv in {sources.where}."
            yield Problem(ours, "", "missing_table", finding, "It is part of every OneRoster export; add it.")


def _delta(sources: Sources) -> Iterable[Problem]:
    """A file of changes only is no roster."""
    wanted = Wanted("manifest", "manifest", {"property": ("propertyName",), "value": ("value",)})
    manifest = take(sources, wanted)
    if manifest is None:
        return
    files = [row["property"] for row in _rows(manifest.frame) if (row["value"] or "").lower() == "delta"]
    if files:
        names = ", ".join(sorted(f"{str(name).removeprefix('file.')}.csv" for name in files))
        finding = f"manifest.csv says that {names} hold changes only (delta), and not every row."
        yield Problem("manifest", "", "delta_export", finding, "Export them in bulk.")


def _users(sources: Sources, identifier: str) -> tuple[Checked | None, Checked | None]:
    """The students among the users, and the file of roles where there is one (version 1.2)."""
    columns = _columns("role", "grades") | {"student_id": (identifier,)}
    users = take(sources, Wanted("users", "students", columns, ("role", "grades", "status")))
    roles = take(sources, Wanted("roles", "students", _columns("userSourcedId", "role"), ("status",)))
    if users is None:
        return None, None
    if roles is not None:
        roles = drop(roles, {"to_be_deleted": GONE, "not_a_student": nw.col("role") != "student"}, "userSourcedId")
        of_roles = roles.frame.select(sourcedId="userSourcedId").unique().with_columns(_student=nw.lit(1))
        frame = users.frame.join(of_roles, on="sourcedId", how="left")
        is_student = (nw.col("role") == "student").fill_null(False) | ~nw.col("_student").is_null()
        users = kept_as(users, frame.with_columns(_other=~is_student).drop("_student"))
    else:
        users = kept_as(users, users.frame.with_columns(_other=(nw.col("role") != "student").fill_null(True)))
    return drop(users, {"to_be_deleted": GONE, "not_a_student": nw.col("_other")}, "sourcedId"), roles


def _demographics(sources: Sources, users: Checked) -> Checked | None:
    columns = _columns("birthDate", "sex", *RACES, TWO_OR_MORE, HISPANIC)
    optional = tuple(name for name in columns if name != "sourcedId")
    people = take(sources, Wanted("demographics", "students", columns, optional))
    if people is None:
        return None
    known = users.frame.select("sourcedId").unique().with_columns(_known=nw.lit(1))
    people = kept_as(people, people.frame.join(known, on="sourcedId", how="left"))
    return drop(people, {"to_be_deleted": GONE, "not_a_student": nw.col("_known").is_null()}, "sourcedId")


def _orgs(sources: Sources, identifier: str) -> Checked | None:
    """The schools; only where they are to be identified by something that enrollments do not have."""
    if identifier == "sourcedId":
        return None
    columns = _columns("type", "identifier")
    orgs = take(sources, Wanted("orgs", "enrolment", columns, ("status",)))
    if orgs is None:
        finding = "There is no orgs.csv, which holds the identifiers of schools."
        raise CannotTranslate(Problem("enrolment", "", "missing_table", finding, "Add it."))
    return drop(orgs, {"to_be_deleted": GONE, "not_a_school": nw.col("type") != "school"}, "sourcedId")


def _enrollments(sources: Sources) -> Checked | None:
    columns = _columns("schoolSourcedId", "userSourcedId", "role", "beginDate", "endDate")
    rosters = take(sources, Wanted("enrollments", "enrolment", columns, ("status", "beginDate", "endDate")))
    if rosters is None:
        return None
    rules = {"to_be_deleted": GONE, "not_a_student": (nw.col("role") != "student").fill_null(True)}
    return drop(rosters, rules, "userSourcedId")


def _sessions(sources: Sources) -> Checked | None:
    columns = _columns("type", "startDate", "endDate", "schoolYear")
    sessions = take(sources, Wanted("academicSessions", "enrolment", columns, ("status", "schoolYear")))
    if sessions is None:
        return None
    used = nw.col("type").is_in(["schoolYear", "semester"])
    return drop(sessions, {"to_be_deleted": GONE, "not_used": ~used}, "sourcedId")


def _rows(frame: LazyTable) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.collect("pyarrow").to_native().to_pylist()
    return rows


def _years(sessions: Checked) -> dict[str, tuple[str, str]]:
    """The first day and the day after the last of each school year; CannotTranslate where its label says another."""
    years: dict[str, tuple[str, str]] = {}
    for row in sorted(_rows(sessions.frame.filter(nw.col("type") == "schoolYear")), key=str):
        first, after = row["startDate"] or "", row["endDate"] or ""
        try:
            autumn = dt.date.fromisoformat(first).year
            dt.date.fromisoformat(after)
        except ValueError as error:
            finding = f"The school year {row['sourcedId']} of academicSessions.csv has no dates as 2021-09-01."
            raise CannotTranslate(Problem("enrolment", "", "unreadable", finding, "Correct them.")) from error
        if row["schoolYear"] not in (None, str(autumn + 1)):
            finding = (
                f"academicSessions.csv calls the school year from {first} to {after} {row['schoolYear']}, and "
                "OneRoster names a school year by the year in which it ends."
            )
            raise CannotTranslate(Problem("enrolment", "school_year", "school_year", finding, "Correct one of them."))
        label = f"{autumn}-{(autumn + 1) % 100:02d}"
        known = years.get(label, (first, after))
        years[label] = (min(first, known[0]), max(after, known[1]))
    if not years:
        finding = "academicSessions.csv has no session of the type schoolYear."
        raise CannotTranslate(Problem("enrolment", "school_year", "missing_value", finding, "Export it too."))
    return years


def _in_years(rosters: Checked, years: Mapping[str, tuple[str, str]]) -> Checked:
    """Enrollments with their school year; one without beginDate begins with it where there is only one."""
    begin, only = nw.col("beginDate"), next(iter(years.values()))[0] if len(years) == 1 else None
    unsaid = ask(rosters.frame, rows=how_many(begin.is_null()))["rows"]
    if unsaid and only:
        examples = first_values(rosters.frame.filter(begin.is_null()), "userSourcedId")
        filled = rosters.frame.with_columns(beginDate=begin.fill_null(only))
        rosters = rosters.keeping(filled, LedgerEntry(rosters.name, "begin_of_school_year", "mapped", unsaid, examples))
    label: nw.Expr = nw.lit(None, dtype=nw.String)
    for name, (first, after) in years.items():
        label = nw.when((begin >= first) & (begin < after)).then(nw.lit(name)).otherwise(label)
    frame = rosters.frame.with_columns(school_year=label)
    outside = frame.filter(nw.col("school_year").is_null())
    if rows := ask(outside, rows=nw.len())["rows"]:
        advice = "Export the academicSessions of those years, or leave those enrollments out."
        found = first_values(outside, "beginDate")
        what = "can not be told, because beginDate lies in no school year of academicSessions.csv"
        target = ("enrolment", "school_year")
        rosters = rosters.blaming(source_problem(rosters, target, "no_school_year", rows, what, advice, found))
    return kept_as(rosters, frame)


def _students(users: Checked, people: Checked | None) -> LazyTable:
    students = users.frame.select("sourcedId", "student_id")
    if people is None:
        return students.select("student_id")
    flags = {
        name: nw.col(name).str.to_lowercase().is_in(TRUE).fill_null(False) for name in (*RACES, HISPANIC, TWO_OR_MORE)
    }
    marked = sum((flags[name].cast(nw.Int64) for name in RACES), nw.lit(0))
    race: nw.Expr = nw.lit(None, dtype=nw.String)
    for name in RACES:
        race = nw.when(flags[name]).then(nw.lit(name)).otherwise(race)
    race = nw.when((marked > 1) | flags[TWO_OR_MORE]).then(nw.lit("twoOrMoreRaces")).otherwise(race)
    race = nw.when(flags[HISPANIC]).then(nw.lit(HISPANIC)).otherwise(race)
    known = people.frame.select("sourcedId", gender=nw.col("sex"), race_ethnicity=race, birth_date=nw.col("birthDate"))
    return students.join(known, on="sourcedId", how="left").drop("sourcedId")


def _spells(rosters: Checked, users: Checked, orgs: Checked | None, grade_levels: Mapping[str, str]) -> LazyTable:
    """One spell for each stretch of days on which a student is on some roster of a school."""
    people = users.frame.select(userSourcedId="sourcedId", _student="student_id", grade_level="grades")
    for code, level in grade_levels.items():
        grade = nw.col("grade_level")
        people = people.with_columns(grade_level=nw.when(grade == code).then(nw.lit(level)).otherwise(grade))
    frame = rosters.frame.join(people, on="userSourcedId", how="left")
    frame = frame.with_columns(student_id=nw.coalesce("_student", "userSourcedId"), school_id=nw.col("schoolSourcedId"))
    if orgs is not None:
        schools = orgs.frame.select(schoolSourcedId="sourcedId", _school="identifier")
        frame = (
            frame.drop("school_id")
            .join(schools, on="schoolSourcedId", how="left")
            .with_columns(school_id=nw.coalesce("_school", "schoolSourcedId"))
        )
    return _stretches(frame.with_columns(_end=nw.col("endDate").fill_null(NO_END)))


def _stretches(frame: LazyTable) -> LazyTable:
    """Rosters that follow one another without a day between them, as one spell."""
    order = ["beginDate", "_end"]
    frame = frame.select(*SPELL, *order, "grade_level").unique()
    reach = nw.col("_end").cum_max().over(*SPELL, order_by=order)
    frame = frame.with_columns(_reach=reach)
    frame = frame.with_columns(_before=nw.col("_reach").shift(1).over(*SPELL, order_by=order))
    starts = nw.col("_before").is_null() | (nw.col("beginDate") > nw.col("_before"))
    frame = frame.with_columns(_starts=nw.when(starts).then(nw.lit(1)).otherwise(nw.lit(0)))
    frame = frame.with_columns(_stretch=nw.col("_starts").cum_sum().over(*SPELL, order_by=order))
    spells = frame.group_by(*SPELL, "_stretch").agg(
        grade_level=nw.col("grade_level").max(), entry_date=nw.col("beginDate").min(), exit_date=nw.col("_end").max()
    )
    left = nw.when(nw.col("exit_date") != NO_END).then(nw.col("exit_date"))
    return spells.drop("_stretch").with_columns(exit_date=left)


def _semesters(sessions: Checked) -> list[tuple[str, str]]:
    rows = _rows(sessions.frame.filter(nw.col("type") == "semester").select("startDate", "endDate").unique())
    return sorted((str(row["startDate"]), str(row["endDate"])) for row in rows)


def _weekdays(spells: LazyTable, years: Mapping[str, tuple[str, str]], semesters: list[tuple[str, str]]) -> LazyTable:
    """Every Monday to Friday of each school year, for every school that has students in it."""
    days = [
        (label, day) for label, (first, after) in years.items() for day in _between(first, after) if day.weekday() < 5
    ]
    texts = [day.isoformat() for _, day in days]
    columns = {"school_year": [label for label, _ in days], "date": texts}
    named = [[s for s in semesters if years[label][0] <= s[0] < years[label][1]] for label, _ in days]
    if semesters and all(len(two) == 2 for two in named):
        columns["term"] = ["S1" if text < two[1][0] else "S2" for text, two in zip(texts, named, strict=True)]
    schools = spells.select("school_id", "school_year").unique()
    return schools.join(scan_arrow(pa.table(columns)), on="school_year")


def _between(first: str, after: str) -> Iterable[dt.date]:
    start = dt.date.fromisoformat(first)
    return (start + dt.timedelta(days=n) for n in range((dt.date.fromisoformat(after) - start).days))


def _mapped_weekdays(sessions: Checked) -> Checked:
    years = nw.col("type") == "schoolYear"
    rows = ask(sessions.frame, rows=how_many(years))["rows"]
    examples = first_values(sessions.frame.filter(years), "sourcedId")
    return sessions.keeping(
        sessions.frame, LedgerEntry(sessions.name, "weekdays_as_school_days", "flagged", rows, examples)
    )
