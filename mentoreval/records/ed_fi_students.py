"""What the resources of Ed-Fi say of students: sex, race, English learner, disadvantage, housing, disability.

Ethnicity and races are read as the federal reporting has them: who is Hispanic or Latino is that, of any race; who has
several races is "Two or more races". A student to whom no characteristic is given does not have it, where some student
of the dump has it; so it is with programs. Names and values: Ed-Fi data standard 3 to 6, its resources
studentEducationOrganizationAssociations, studentSpecialEducationProgramAssociations and
studentHomelessProgramAssociations, and its descriptors Race, LimitedEnglishProficiency and StudentCharacteristic
(github.com/Ed-Fi-Alliance-OSS/Ed-Fi-Data-Standard).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import narwhals as nw

from mentoreval.records.checked import Checked, ask, first_values, how_many
from mentoreval.records.engines import CannotRead, in_duckdb
from mentoreval.records.records import LazyTable, LedgerEntry
from mentoreval.records.source_rows import (
    CannotTranslate,
    Wanted,
    drop,
    kept_as,
    source_problem,
    take,
    translate_codes,
    with_flat_names,
)
from mentoreval.records.sources import Sources

STUDENT = ("studentReference.studentUniqueId", "studentUniqueId")
ASSOCIATIONS = "studentEducationOrganizationAssociations"
HISPANIC, SEVERAL, UNSAID = "Hispanic or Latino", "Two or more races", "Choose Not to Respond"
ENGLISH_LEARNER = {"Limited": "1", "NotLimited": "0", "Limited Monitored 1": "0", "Limited Monitored 2": "0"}
"""Who is monitored has left the status of an English learner."""
CHARACTERISTICS = {"Economic Disadvantaged": "economically_disadvantaged", "Homeless": "temporary_housing"}
PROGRAMS = {
    "studentSpecialEducationProgramAssociations": "disability",
    "studentHomelessProgramAssociations": "temporary_housing",
}
FLAGS = tuple(dict.fromkeys((*CHARACTERISTICS.values(), *PROGRAMS.values())))
SAID = ("_sex", "hispanic_latino", "english_learner", "race_ethnicity")
EMPTY_LIST, A_LIST = r"^\[\s*\]$", r"^\[\s*[^\]\s]|\{"
NAMESPACE = r"^uri://[^#]*#"


def word(name: str) -> nw.Expr:
    """A descriptor without its namespace."""
    return nw.col(name).str.replace_all(NAMESPACE, "").alias(name)


def demographics(sources: Sources, organization: str | None, learner_codes: Mapping[str, str]) -> Checked | None:
    """One row for each student: student_id, _sex, hispanic_latino, english_learner, race_ethnicity and the flags.

    organization : whose word counts, where several organizations say something of a student
    learner_codes : a district's own descriptors of English proficiency → "1" or "0"
    None where there is no such resource; CannotTranslate where two organizations say different things of one student.
    """
    names = _columns_of(sources)
    races, traits = _repeated(names, "race"), _repeated(names, "studentCharacteristic")
    columns = {
        "student_id": STUDENT, "_sex": ("sexDescriptor",), "hispanic_latino": ("hispanicLatinoEthnicity",),
        "english_learner": ("limitedEnglishProficiencyDescriptor",),
        "_organization": ("educationOrganizationReference.educationOrganizationId", "educationOrganizationId"),
        **{f"_race_{place}": (name,) for place, name in enumerate(races)},
        **{f"_trait_{place}": (name,) for place, name in enumerate(traits)},
    }  # fmt: skip
    people = take(sources, Wanted(ASSOCIATIONS, "students", columns, tuple(columns)[1:]))
    if people is None:
        return None
    if organization:
        other = (nw.col("_organization") != organization).fill_null(True)
        people = drop(people, {"other_organization": other}, "student_id")
    people = _in_our_words(people, len(races), len(traits), learner_codes)
    return _one_row_each(people)


def programs(sources: Sources) -> list[tuple[Checked, str]]:
    """The rosters of programs that are there, each with the flag that it gives to its students."""
    rosters = [
        (take(sources, Wanted(name, "students", {"student_id": STUDENT})), flag) for name, flag in PROGRAMS.items()
    ]
    return [(roster, flag) for roster, flag in rosters if roster is not None]


def of_students(table: Checked, students: Checked) -> Checked:
    """The rows about these students; the others are in the ledger."""
    known = students.frame.select("student_id").unique().with_columns(_known=nw.lit(1))
    joined = kept_as(table, table.frame.join(known, on="student_id", how="left"))
    left = drop(joined, {"orphan_student": nw.col("_known").is_null()}, "student_id")
    return kept_as(left, left.frame.drop("_known"))


def with_flags(students: Checked, people: Checked | None, rosters: Sequence[tuple[Checked, str]]) -> Checked:
    """Students with what is said of them. A column that says nothing of anybody is left out."""
    frame = students.frame
    if people is not None:
        frame = frame.join(people.frame, on="student_id", how="left").with_columns(
            gender=nw.coalesce(word("_sex"), word("gender"))
        )
        frame = frame.drop("_sex")
    else:
        frame = frame.with_columns(word("gender"))
    for place, (roster, flag) in enumerate(rosters):
        mark = f"_in_{place}"
        ids = roster.frame.select("student_id").unique().with_columns(nw.lit(1).alias(mark))
        frame = frame.join(ids, on="student_id", how="left")
        known = nw.col(flag) if flag in frame.collect_schema().names() else nw.lit(0)
        listed = nw.when(~nw.col(mark).is_null()).then(nw.lit(1)).otherwise(known.fill_null(0))
        frame = frame.with_columns(listed.alias(flag)).drop(mark)
    return _telling(kept_as(students, frame))


def _columns_of(sources: Sources) -> list[str]:
    try:
        raw = sources.find(ASSOCIATIONS)
        return [] if raw is None else with_flat_names(in_duckdb(raw.open())).collect_schema().names()
    except CannotRead:
        return []  # said by ``take``, which opens it again


def _repeated(names: Iterable[str], what: str) -> list[str]:
    """The columns of a repeated field: ``races.0.raceDescriptor``, ``races_raceDescriptor`` or ``raceDescriptor``."""
    pattern = rf"(?i)^(?:{what}s[._]*\d*[._]*)?{what}Descriptor$|^{what}s$"
    return [name for name in names if re.match(pattern, name)]


def _in_our_words(people: Checked, races: int, traits: int, learner_codes: Mapping[str, str]) -> Checked:
    described = [f"_race_{place}" for place in range(races)] + [f"_trait_{place}" for place in range(traits)]
    _refuse_nested(people, described)
    filled = {name: nw.when(~nw.col(name).str.contains(EMPTY_LIST)).then(word(name)) for name in described}
    frame = people.frame.with_columns(word("english_learner"), **filled)
    advice = "Say of each whether it is an English learner, in english_learner_codes = { … }, as 1 or 0."
    target = ("students", "english_learner")
    people = translate_codes(kept_as(people, frame), target, {**ENGLISH_LEARNER, **learner_codes}, advice)
    race, unsaid = _race(races), _any([nw.col(f"_race_{place}") == UNSAID for place in range(races)])
    rows = ask(people.frame, rows=how_many(unsaid))["rows"] if races else 0
    entry = LedgerEntry(people.name, "race_not_stated", "mapped", rows)
    flags = {
        flag: _any([nw.col(f"_trait_{place}") == trait for place in range(traits)])
        for trait, flag in CHARACTERISTICS.items()
    }
    found = ask(people.frame, **{flag: how_many(listed) for flag, listed in flags.items()}) if traits else {}
    listed = {flag: flags[flag].cast(nw.Int64) for flag, rows in found.items() if rows}
    frame = people.frame.with_columns(race_ethnicity=race, **listed).select("student_id", *SAID, *listed)
    others = [
        LedgerEntry(people.name, f"{flag}_not_listed_as_no", "mapped", people.rows_kept - found[flag])
        for flag in listed
    ]
    return people.keeping(frame, entry, *others)


def _race(races: int) -> nw.Expr:
    """Ethnicity and race in one; missing where nothing is said."""
    missing = nw.lit(None, dtype=nw.String)
    said = [nw.when(nw.col(f"_race_{n}") != UNSAID).then(nw.col(f"_race_{n}")) for n in range(races)]
    first = nw.coalesce(*said) if len(said) > 1 else said[0] if said else missing
    several = _any([(race != first) for race in said])
    hispanic = nw.col("hispanic_latino").str.to_lowercase().is_in(["true", "1", "yes", "y", "t"]).fill_null(False)
    return nw.when(hispanic).then(nw.lit(HISPANIC)).otherwise(nw.when(several).then(nw.lit(SEVERAL)).otherwise(first))


def _any(conditions: Sequence[nw.Expr]) -> nw.Expr:
    """Whether one of them is true; False where none can be said."""
    none: nw.Expr = nw.lit(False)
    return reduce(lambda before, condition: before | condition.fill_null(False), conditions, none)


def _refuse_nested(people: Checked, columns: Sequence[str]) -> None:
    """CannotTranslate where a cell holds a whole list as JSON or as Python writes it."""
    nested = _any([nw.col(name).str.contains(A_LIST) for name in columns])
    if columns and (rows := ask(people.frame, rows=how_many(nested))["rows"]):
        what = "is a list within a cell"
        advice = "Write the dump as Parquet, or each entry in a column of its own such as races.0.raceDescriptor."
        target = ("students", "races or studentCharacteristics")
        raise CannotTranslate(source_problem(people, target, "nested_text", rows, what, advice, ()))


def _one_row_each(people: Checked) -> Checked:
    distinct = people.frame.unique()
    twice = distinct.group_by("student_id").agg(n=nw.len()).filter(nw.col("n") > 1)
    if rows := ask(twice, rows=nw.len())["rows"]:
        advice = "Say whose demographics count, with demographics_of = the identifier of the district."
        what, target = "differs between education organizations", ("students", "gender")
        examples = first_values(twice, "student_id")
        raise CannotTranslate(source_problem(people, target, "demographics_differ", rows, what, advice, examples))
    return kept_as(people, distinct)


def _telling(students: Checked) -> Checked:
    """Without the columns that are empty in every row, but for those that students always have."""
    frame: LazyTable = students.frame
    names = [name for name in frame.collect_schema().names() if name in (*SAID, *FLAGS)]
    filled = ask(frame, **{name: nw.col(name).count() for name in names}) if names else {}
    empty = [name for name, rows in filled.items() if not rows and name != "hispanic_latino"]
    return kept_as(students, frame.drop(empty) if empty else frame)
