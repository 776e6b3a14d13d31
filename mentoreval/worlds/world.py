"""World: a made-up district with known truth. ``draw_world`` draws one; ``write_world`` writes it to a folder."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mentoreval.errors import OptionError
from mentoreval.registry import Kind, make, spec_of

OUTCOMES = ("attendance_rate", "days_absent", "chronic_absence", "gpa", "course_failure")
EFFECT_COLUMNS = (
    "outcome",
    "term",
    "cohort",
    "period",
    "event_time",
    "n_mentees",
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
        (0 is the first year); "all_years" pools every mentored year. An effect is the mean over the mentees enrolled
        in that year of the outcome with mentoring less the outcome without it, so it is the realized effect on the
        mentored. Rates are shares from 0 to 1, days are days, gpa is grade points, flags are shares of students.
    n_mentees : students ever matched
    potential : one row for each student and school year: student_id, period, cohort and event_time (missing for those
        never mentored), days_enrolled, and for each outcome ``<outcome>_unmentored`` and ``<outcome>_mentored`` (equal
        for students not mentored by then; missing where there is nothing to measure, such as marks in grade 2)
    """

    rule: Mapping[str, Any]
    effects: pd.DataFrame
    n_mentees: int
    potential: pd.DataFrame | None = None

    @classmethod
    def of(cls, rule: Mapping[str, Any], potential: pd.DataFrame) -> Truth:
        """The truth that follows from the rule and both potential outcomes of every student and year."""
        mentored = potential[potential["event_time"] >= 0]
        effects = pd.concat([_effects_on(outcome, mentored) for outcome in OUTCOMES], ignore_index=True)
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
                f"Outcomes: {', '.join(OUTCOMES)}; years: {sorted(self.effects['event_time'].dropna().unique())}."
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
    """A made-up district: options are fields, and there is one method to write, ``draw``."""

    folder: ClassVar[str] = "mentoreval.worlds:WORLDS"
    default_seed: ClassVar[int] = 0

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
    pairs = mentored[["cohort", "period", "event_time"]].assign(
        mean_unmentored=mentored[f"{outcome}_unmentored"], mean_mentored=mentored[f"{outcome}_mentored"], n_mentees=1
    )
    pairs = pairs.dropna(subset=["mean_unmentored"]).assign(term="all_years")
    how = {"n_mentees": "sum", "mean_unmentored": "mean", "mean_mentored": "mean"}
    by_term = {
        "cohort_period": ["cohort", "period", "event_time"],
        "event_time": ["event_time"],
        "all_years": ["term"],
    }
    cells = [pairs.groupby(keys, as_index=False).agg(how).assign(term=term) for term, keys in by_term.items()]
    frame = pd.concat(cells, ignore_index=True).reindex(columns=list(EFFECT_COLUMNS))
    frame["event_time"] = frame["event_time"].astype("Int64")
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
