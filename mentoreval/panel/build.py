"""build_panel: from records to a panel with one row for each student and period of enrolment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from mentoreval.aliases import PeriodLength
from mentoreval.errors import DataError, OptionError, suggest
from mentoreval.panel.baseline_window import WINDOW, WindowRows, window_rows
from mentoreval.panel.collect import collect_frame
from mentoreval.panel.enrolled_days import first_examples
from mentoreval.panel.facts import MeasureFacts
from mentoreval.panel.identifiers import among, left_join, same_rows, stand_in_order
from mentoreval.panel.measure import MEASURE_KEYS, Measure
from mentoreval.panel.measures import MEASURES
from mentoreval.panel.panel import PRIOR, Panel, panel_from_frame
from mentoreval.panel.periods import PeriodRule
from mentoreval.panel.program import Course, Program
from mentoreval.panel.program_rows import ACTS, PARTICIPATED, PROGRAM_COLUMNS, with_course
from mentoreval.panel.programs import PROGRAMS
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.panel.school_panel import ENROLMENT, STUDENTS, school_rows
from mentoreval.records.records import Ledger, LedgerEntry, Records
from mentoreval.registry import build

ATTRIBUTES = (
    "gender",
    "race_ethnicity",
    "economically_disadvantaged",
    "english_learner",
    "disability",
    "temporary_housing",
)
BUILT_COLUMNS = (
    "student_id", "period", "school_id", "grade_level", "first_treated", "mentor_id", "days_enrolled", WINDOW,
    *PROGRAM_COLUMNS,
)  # fmt: skip
FROM_MATCHES = ("match_id", "mentor_id", "first_treated", "start_date", "end_date", "model")


COVID_YEARS = ("2019-20", "2020-21")
"""School years in which schools were closed or remote for months: their attendance compares with that of no other."""


def build_panel(  # noqa: PLR0913 (one keyword for each choice)
    records: Records,
    *,
    program: str | Program,
    measures: Sequence[str | Measure],
    period: PeriodLength = "year",
    covariates: Sequence[str] | None = None,
    semester_ends: str = "01-31",
    unit: Literal["student", "school"] | None = None,
    baseline_window: int | None = None,
    no_baseline_years: Sequence[str] = COVID_YEARS,
    progress: Callable[[str], None] | None = None,
) -> Panel:
    """A panel of students, or of schools, by year, semester or month.

    One row per student and period in which the student was enrolled on at least one day in session, with columns
    student_id, period, school_id (the school with most days enrolled in the period, of equals the later one),
    grade_level, first_treated (missing = never mentored), mentor_id, days_enrolled, every column of the students table,
    one column per measure, and what the program knows of its course: model, program_acts, participated and the columns
    of dosage (``mentoreval.panel.program_rows``). Rows are sorted by student and period.

    Parameters
    ----------
    records : the tables, as ``read_records`` returns them
    program : who was mentored since when, by name or as ``OneToOne(min_sessions=4)``; students whom it excludes are
        not in the panel
    measures : names or measures, e.g. ``["attendance_rate", ChronicAbsence(min_enrolled_days=20)]``; the outcomes
    period : length of a period
    covariates : columns of the students table, grade_level and days_enrolled that designs may balance. None takes the
        attributes that the table has (gender, race_ethnicity, economically_disadvantaged, english_learner, disability,
        temporary_housing) and grade_level. Outcomes before the program are always there as ``prior_<outcome>``.
    semester_ends : last day of the first semester (MM-DD), for calendars without a term
    unit : "school" for a program of whole schools: one row per school and period, outcomes pooled over its students
        (``mentoreval.panel.school_panel``), weighted by enrolment; covariates are means of numeric attributes. None
        takes the unit of the program
    baseline_window : for students who were not enrolled in the year before, as in kindergarten: the first so many
        weeks of school, and no day from the match on, are their baseline (``mentoreval.panel.baseline_window``)
    no_baseline_years : school years that are never a baseline; the last period before them is. Their rows stay
    progress : called with one short text before each step

    Raises
    ------
    DataError : a table that a measure or the program needs is not there or can not be split into these periods; a
        covariate is an outcome, dosage, or not there; nobody is treated, or nobody is left to compare with.
    OptionError : a measure or a period that does not exist.
    """
    say = progress or (lambda step: None)
    view = RecordsByPeriod(records, PeriodRule(period, semester_ends))
    program = build(PROGRAMS, program, "program") if isinstance(program, str) else program
    outcomes = _named(measures)
    attributes = collect_frame(records.students)
    _refuse_taken_names(attributes, outcomes)
    say("Counting days enrolled")
    rows = view.student_periods
    say(f"Finding who was mentored ({program.name})")
    treated = program.treat(view)
    _refuse_nobody(treated, program)
    if _unit(unit, program, baseline_window) == "school":
        say("Measuring schools")
        starts = program.starts_of_schools(view)
        panel = _school_panel(view, (treated, starts), outcomes, attributes, covariates)
        return _without_baselines(panel, view, no_baseline_years)
    chosen = _covariates(covariates, attributes, outcomes, program, [WINDOW] if baseline_window else [])
    joined = _Rows(rows).treated_by(treated)
    for name, measure in outcomes.items():
        say(f"Measuring {name}")
        joined = joined.with_measure(measure, view)
    if baseline_window is not None:
        say("Measuring the first weeks")
        window = window_rows(view, joined.frame, treated, outcomes, baseline_window, no_baseline_years)
        joined = joined.with_window(window)
    say("Putting the panel together")
    course = program.course(view)
    joined = joined.followed(course)
    frame = left_join(joined.frame, attributes, ["student_id"])
    if not stand_in_order(frame, list(MEASURE_KEYS)):
        frame = frame.sort_values(list(MEASURE_KEYS), ignore_index=True)
    panel = panel_from_frame(
        frame,
        unit="student_id",
        period="period",
        first_treated="first_treated",
        school="school_id",
        mentor="mentor_id",
        covariates=chosen,
        outcomes=list(outcomes),
        measures={name: measure.facts_of(view) for name, measure in outcomes.items()},
        ledger=_ledger(records, view, joined, len(rows), attributes),
        participated=None if course.dosage is None else PARTICIPATED,
        dosage=course.dose,
    )
    rest = frame[[name for name in frame.columns if name not in panel.frame.columns]]
    status = None if course.acts is None else ACTS
    panel = replace(panel, frame=pd.concat([panel.frame, rest], axis=1), status=status)
    return _without_baselines(panel, view, no_baseline_years)


def _unit(unit: str | None, program: Program, baseline_window: int | None) -> str:
    """The unit of the panel: the one that is asked for, or that of the program."""
    chosen = program.unit if unit is None else unit
    if chosen == "student" and program.unit == "school":
        raise OptionError(
            f"The program {program.name} reaches every student of a school: nobody there is left to compare with. "
            'Take unit = "school".'
        )
    if chosen == "school" and baseline_window is not None:
        raise OptionError('baseline_window is for students; a panel of schools has unit = "school" and needs none.')
    return chosen


def _school_panel(
    view: RecordsByPeriod,
    started: tuple[pd.DataFrame, pd.Series[str] | None],
    outcomes: dict[str, Measure],
    attributes: pd.DataFrame,
    covariates: Sequence[str] | None,
) -> Panel:
    """One row per school and period, weighted by the students of its first period.

    started : students as the program treats them, and the starts of schools where the program states them
    """
    treated, starts = started
    schools = school_rows(view, treated, outcomes, attributes, starts)
    known = [*schools.attributes, STUDENTS]
    for name in covariates or ():
        if name not in known:
            raise DataError(f"There is no covariate {name!r} of schools: it is to be a number.{suggest(name, known)}")
    usual = [name for name in (*ATTRIBUTES, "grade_level") if name in schools.attributes]
    rows, told = len(schools.frame), view.records.ledger.add((*view.entries, *schools.entries))
    return panel_from_frame(
        schools.frame,
        unit="school_id",
        period="period",
        first_treated="first_treated",
        weight=ENROLMENT,
        covariates=[name for name in (usual if covariates is None else covariates) if name not in outcomes],
        outcomes=list(outcomes),
        measures={name: _of_schools(measure.facts_of(view)) for name, measure in outcomes.items()},
        ledger=Ledger(told.entries, {**told.rows_read, "panel": rows}, {**told.rows_kept, "panel": rows}),
    )


def _of_schools(facts: MeasureFacts) -> MeasureFacts:
    """A flag of students is a share of a school."""
    return replace(facts, unit="share", share_of="students") if facts.unit == "flag" else facts


def _without_baselines(panel: Panel, view: RecordsByPeriod, years: Sequence[str]) -> Panel:
    """The panel with periods of these school years flagged, and never a baseline."""
    if isinstance(years, str):
        raise OptionError(f"no_baseline_years takes a list: write no_baseline_years = [{years!r}].")
    strange = [year for year in years if not re.fullmatch(r"\d{4}-\d{2}", year)]
    if strange:
        raise OptionError(f"no_baseline_years are written as 2019-20; got {', '.join(map(str, strange))}.")
    periods = panel.timeline.periods
    held = tuple(label for label in periods if view.rule.year_of_label(label) in set(years))
    rows = int(panel.frame[panel.period].isin(held).sum())
    entry = LedgerEntry("panel", "no_baseline_year", "flagged", rows, held[:5])
    return replace(panel, no_baseline=held, ledger=panel.ledger.add((entry,)))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of the panel in the making, what happened to them, and how many were made here."""

    frame: pd.DataFrame
    entries: tuple[LedgerEntry, ...] = ()
    made: int = 0

    def treated_by(self, treated: pd.DataFrame) -> _Rows:
        """With the start and the mentor of each student, and without the students whom the program excludes."""
        # In the type of the rows: of texts and objects pandas makes objects, and every later step takes longer.
        treated = treated.astype({"student_id": self.frame["student_id"].dtype})
        frame = left_join(self.frame, treated.drop(columns="start_date"), ["student_id"])
        unseen = treated.loc[~among(treated["student_id"], self.frame["student_id"]), "student_id"]
        entries = [LedgerEntry("matches", "mentee_never_enrolled", "dropped", len(unseen), first_examples(unseen))]
        for reason, out in frame[frame["excluded"].notna()].groupby("excluded"):
            students = first_examples(out["student_id"])
            entries.append(LedgerEntry("panel", str(reason), "dropped", len(out), students))
        kept = frame[frame["excluded"].isna()].drop(columns="excluded").reset_index(drop=True)
        return _Rows(kept, (*self.entries, *entries))

    def with_measure(self, measure: Measure, view: RecordsByPeriod) -> _Rows:
        """With a column for the measure, and an entry for each reason for which it is missing.

        Values of periods in which the student was not enrolled have no row; ``not_enrolled`` counts them.
        """
        keys, name = list(MEASURE_KEYS), measure.name
        found = measure.compute(view)
        frame = left_join(self.frame, found, keys)
        reason = frame["reason"].where(frame["reason"].notna() | frame[name].notna(), "not_recorded")
        entries = [
            LedgerEntry("panel", f"{name}.{key}", "flagged", len(out), first_examples(out["student_id"]))
            for key, out in frame.groupby(reason)
        ]
        away = _not_enrolled(found[keys], view.student_periods[keys])
        entries.append(LedgerEntry("panel", f"{name}.not_enrolled", "flagged", len(away), first_examples(away)))
        return _Rows(frame.drop(columns="reason"), (*self.entries, *entries, *measure.remarks(view)))

    def followed(self, course: Course) -> _Rows:
        """With what is known of the program after its start."""
        frame, entries = with_course(self.frame, course)
        return _Rows(frame, (*self.entries, *entries), self.made)

    def with_window(self, window: WindowRows) -> _Rows:
        """With the rows that stand for the year before a student came."""
        frame = pd.concat([self.frame.assign(**{WINDOW: 0.0}), window.frame], ignore_index=True)
        return _Rows(frame[[*self.frame.columns, WINDOW]], (*self.entries, *window.entries), len(window.frame))


def _not_enrolled(found: pd.DataFrame, enrolled: pd.DataFrame) -> pd.Series[str]:
    """Students, once for each of their periods that is not one of enrolment."""
    keys = list(MEASURE_KEYS)
    if same_rows(found, enrolled, keys):
        return found["student_id"].iloc[:0]
    looked_up = found.merge(enrolled, on=keys, how="left", indicator=True)
    return looked_up.loc[looked_up["_merge"] == "left_only", "student_id"]


def _refuse_nobody(treated: pd.DataFrame, program: Program) -> None:
    if len(treated) and treated["excluded"].notna().all():
        reasons = ", ".join(f"{key} in {rows:,} students" for key, rows in treated["excluded"].value_counts().items())
        raise DataError(
            f"The program {program.name} leaves nobody mentored: every student who was matched is excluded "
            f"({reasons}). Ask less of a match, or check the tables of matches and sessions."
        )


def _named(measures: Sequence[str | Measure]) -> dict[str, Measure]:
    if isinstance(measures, (str, Measure)):
        raise OptionError(f"measures takes a list: write measures = [{measures!r}].")
    made = [build(MEASURES, measure, "measure") if isinstance(measure, str) else measure for measure in measures]
    named = {measure.name: measure for measure in made}
    if len(named) < len(made) or not made:
        raise OptionError("Name at least one measure, and each only once: two of a kind would share a column.")
    return named


def _refuse_taken_names(attributes: pd.DataFrame, outcomes: dict[str, Measure]) -> None:
    taken = [name for name in attributes.columns if name in outcomes or name in BUILT_COLUMNS[1:]]
    if taken:
        raise DataError(
            f"The students table has columns with names that the panel makes itself: {', '.join(taken)}. "
            "Rename them there; the panel takes grades, attendance and schools from their own tables."
        )


def _covariates(
    wanted: Sequence[str] | None,
    attributes: pd.DataFrame,
    outcomes: dict[str, Measure],
    program: Program,
    made: list[str],
) -> list[str]:
    if wanted is None:
        present = [name for name in ATTRIBUTES if name in attributes and attributes[name].notna().any()]
        return [*present, "grade_level"]
    if isinstance(wanted, str):
        raise OptionError(f"covariates takes a list: write covariates = [{wanted!r}].")
    known = [*attributes.columns.drop("student_id"), "grade_level", "days_enrolled", *made]
    for name in wanted:
        _refuse_covariate(name, known, outcomes, program)
    return list(wanted)


def _refuse_covariate(name: str, known: list[str], outcomes: dict[str, Measure], program: Program) -> None:
    if name in outcomes:
        raise DataError(
            f"{name!r} is an outcome and can not be a covariate: the program may have changed it. "
            f"Designs can use its value before the program as {PRIOR + name!r}, which needs no mention here."
        )
    if name.removeprefix(PRIOR) in outcomes:
        raise DataError(
            f"{name!r} need not be named here: the value of each outcome before the program is always there. "
            "Name it in the design."
        )
    if name in program.dosage or name in FROM_MATCHES:
        raise DataError(
            f"{name!r} can not be a covariate: it is known only of mentored students and only after the program "
            "started, so that nobody in the comparison could have it. Covariates are what was true before."
        )
    if name not in known:
        raise DataError(f"There is no covariate {name!r} in the students table.{suggest(name, known)}")


def _ledger(records: Records, view: RecordsByPeriod, joined: _Rows, read: int, attributes: pd.DataFrame) -> Ledger:
    """The ledger of the records, then what was counted, then the rows of the panel."""
    never = attributes.loc[~among(attributes["student_id"], view.student_periods["student_id"]), "student_id"]
    unenrolled = LedgerEntry("students", "never_enrolled", "dropped", len(never), first_examples(never))
    told = records.ledger.add((*view.entries, unenrolled, *joined.entries))
    return Ledger(
        told.entries, {**told.rows_read, "panel": read + joined.made}, {**told.rows_kept, "panel": len(joined.frame)}
    )
