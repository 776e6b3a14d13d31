"""World: a made-up district with known truth. ``draw_world`` draws one; ``write_world`` writes it to a folder."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.registry import Kind, make, spec_of

OUTCOMES = ("attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure")
SUBGROUPS = ("grade_band", "gender", "economically_disadvantaged")
EFFECT_COLUMNS = (
    "outcome",
    "term",
    "cohort",
    "period",
    "event_time",
    "subgroup",
    "level",
    "n_mentees",
    "n_students",
    "mean_unmentored",
    "mean_mentored",
    "effect",
)
JSON_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true in a drawn world.

    rule : how mentees were chosen, in words and numbers; the same for every seed
    effects : EFFECT_COLUMNS, one row for each outcome and term. The term "cohort_period" has one row for each school
        year of first match (cohort) and school year (period); "event_time" pools cohorts by the years since the start
        (0 is the first year); "all_years" pools every mentored year. "subgroup" has one row for each level of each of
        SUBGROUPS, with all mentored years pooled and by cohort and period; "site" one for each district, where there
        are several. An effect is the mean over the mentees enrolled in that year of the outcome with mentoring less
        the outcome without it, so it is the realized effect on the mentored. "school" is what a study of whole schools
        looks for: the mean over all ``n_students`` of the schools with the program, mentored or not, by the school
        year in which it started (cohort) and school year, and pooled. Rates are shares from 0 to 1, days are days, gpa
        is grade points, flags are shares of students.
    n_mentees : students ever matched
    potential : one row for each student and school year: student_id, period, cohort and event_time (missing for those
        never mentored), days_enrolled, and for each outcome ``<outcome>_unmentored`` and ``<outcome>_mentored`` (equal
        for students not mentored by then, unless the program works on whole schools; missing where there is nothing
        to measure, such as marks in grade 2); and where they are known the SUBGROUPS, site, school_id (where the
        student's year began) and program_start of that school (missing = never)
    """

    rule: Mapping[str, Any]
    effects: pd.DataFrame
    n_mentees: int
    potential: pd.DataFrame | None = None

    @classmethod
    def of(cls, rule: Mapping[str, Any], potential: pd.DataFrame, outcomes: Sequence[str] = OUTCOMES) -> Truth:
        """The truth that follows from the rule and both potential outcomes of every student and year."""
        mentored = potential[potential["event_time"] >= 0]
        parts = [_effects_on(outcome, mentored) for outcome in outcomes]
        if "program_start" in potential:
            in_program = potential[potential["program_start"].fillna("never") <= potential["period"]]
            parts += [_school_effects_on(outcome, in_program) for outcome in outcomes]
        effects = pd.concat(parts, ignore_index=True)
        return cls(rule, effects[list(EFFECT_COLUMNS)], int(mentored["student_id"].nunique()), potential)

    def effect(self, outcome: str, event_time: int | None = 0) -> float:
        """The effect pooled over cohorts, that many years after the start; over every mentored year with None.

        Errors: OptionError where the world has no such outcome or nobody was mentored that long.
        """
        row = self.effects[self.effects["outcome"] == outcome]
        if event_time is None:
            row = row[row["term"] == "all_years"]
        else:
            row = row[(row["term"] == "event_time") & (row["event_time"] == event_time)]
        if row.empty:
            raise OptionError(
                f"There is no true effect on {outcome!r} {event_time} years after the start. "
                f"Outcomes: {', '.join(self.effects['outcome'].unique())}; "
                f"years: {sorted(self.effects['event_time'].dropna().unique())}."
            )
        return float(row["effect"].iloc[0])

    def to_json(self) -> str:
        """The rule and the effects, keys sorted, numbers to six decimals; the potential outcomes as their means."""
        rows = [
            {key: value for key, value in row.items() if not pd.isna(value)} for row in self.effects.to_dict("records")
        ]
        content = {"rule": self.rule, "effects": rows, "n_mentees": self.n_mentees}
        return json.dumps(_rounded(content), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@dataclass(frozen=True, eq=False)
class Draw:
    """One drawing of a world.

    world, seed : what was drawn
    tables : students, enrolment, calendar, attendance, grades, matches, sessions in the plain format, as text and
        whole numbers, sorted by key
    truth : the rule, the effects and the potential outcomes
    conventions : what records.toml says of the tables
    """

    world: World
    tables: Mapping[str, pd.DataFrame]
    truth: Truth
    conventions: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """What draws the same again: kind, options that differ from their defaults, and seed."""
        return {**spec_of(self.world), "seed": self.seed}

    def __repr__(self) -> str:
        sizes = ", ".join(f"{len(table):,} {name}" for name, table in self.tables.items())
        return f"Draw of {self.world!r} with seed {self.seed}: {sizes}; {self.truth.n_mentees:,} mentees"


class World(Kind):
    """A made-up district: options are fields, and there is one method to write, ``draw``.

    default_seed : of the data under ``data/synthetic/<name>/``
    committed : options with which these data are drawn, where they are not the defaults
    compressed : tables that are written as .csv.gz
    """

    folder: ClassVar[str] = "mentoreval.worlds:WORLDS"
    default_seed: ClassVar[int] = 0
    committed: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    compressed: ClassVar[tuple[str, ...]] = ("enrolment", "attendance", "grades", "sessions", "potential_outcomes")

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Draw:
        """Draw the tables and the truth. All randomness comes from ``rng``."""


def draw_world(world: str | World, seed: int | None = None, **options: Any) -> Draw:
    """Draw a made-up district.

    world : the name of a world, with its options as further arguments, or a World
    seed : whole number, 0 or more; the same seed gives the same tables. None takes the seed of the committed data
    Errors: OptionError for an unknown world or option, and for a seed that is none.

    >>> draw_world("riverside", seed=1, n_students=700).tables["calendar"].columns.tolist()
    ['school_id', 'date', 'school_year', 'term']
    """
    if isinstance(world, str):
        world = make(World, {"kind": world, **options})  # type: ignore[type-abstract]
    elif options:
        raise OptionError(f"Options ({', '.join(options)}) go with the name of a world; this one is already made.")
    seed = world.default_seed if seed is None else seed
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or seed < 0:
        raise OptionError(f"seed = {seed!r} is not allowed. It takes a whole number, 0 or more.")
    # The bit generator is named, because default_rng may choose another one in a later numpy.
    return replace(world.draw(np.random.Generator(np.random.PCG64(int(seed)))), seed=int(seed))


def _effects_on(outcome: str, mentored: pd.DataFrame) -> pd.DataFrame:
    """Rows of EFFECT_COLUMNS of one outcome, from the years in which mentees were mentored."""
    pairs = _both_means(outcome, mentored).assign(n_mentees=1)
    by_cell = ["cohort", "period", "event_time"]
    cells = [
        _pooled(pairs, by_cell).assign(term="cohort_period"),
        _pooled(pairs, ["event_time"]).assign(term="event_time"),
        _pooled(pairs.assign(term="all_years"), ["term"]),
    ]
    for subgroup in (name for name in SUBGROUPS if name in pairs):
        of_level = pairs.assign(level=pairs[subgroup].astype(str), subgroup=subgroup, term="subgroup")
        cells += [_pooled(of_level, ["term", "subgroup", "level", *more]) for more in ([], by_cell)]
    if "site" in pairs:
        cells.append(_pooled(pairs.assign(level=pairs["site"], term="site"), ["term", "level"]))
    return _effect_rows(outcome, cells)


def _school_effects_on(outcome: str, in_program: pd.DataFrame) -> pd.DataFrame:
    """Rows of EFFECT_COLUMNS of one outcome, from all students of the schools in which the program runs."""
    first, now = (in_program[name].str[:4].astype(int) for name in ("program_start", "period"))
    pairs = _both_means(outcome, in_program)
    pairs = pairs.assign(cohort=pairs["program_start"], n_students=1, term="school")
    pairs["n_mentees"] = (pairs["event_time"] >= 0).fillna(False).astype(int)
    pairs["event_time"] = (now - first).astype("Int64")
    return _effect_rows(outcome, [_pooled(pairs, ["term", *more]) for more in ([], ["cohort", "period", "event_time"])])


def _both_means(outcome: str, students: pd.DataFrame) -> pd.DataFrame:
    """The rows in which the outcome can be measured, with its two values under the names of their means."""
    names = {f"{outcome}_unmentored": "mean_unmentored", f"{outcome}_mentored": "mean_mentored"}
    return students.rename(columns=names).dropna(subset=["mean_unmentored"])


def _pooled(pairs: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Means and counts by those columns."""
    how = {"n_mentees": "sum", "n_students": "sum", "mean_unmentored": "mean", "mean_mentored": "mean"}
    return pairs.groupby(keys, as_index=False).agg({name: by for name, by in how.items() if name in pairs})


def _effect_rows(outcome: str, cells: list[pd.DataFrame]) -> pd.DataFrame:
    """The cells one below the other, with all EFFECT_COLUMNS."""
    frame = pd.concat(cells, ignore_index=True).reindex(columns=list(EFFECT_COLUMNS))
    frame = frame.astype({"event_time": "Int64", "n_students": "Int64"})
    return frame.assign(outcome=outcome, effect=frame["mean_mentored"] - frame["mean_unmentored"])


def _rounded(value: Any) -> Any:
    """Plain Python values with numbers to JSON_DECIMALS, so that the text does not hang on the last bits of a sum."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), JSON_DECIMALS) + 0.0  # + 0.0 turns -0.0 into 0.0
    return int(value) if isinstance(value, np.integer) else value
