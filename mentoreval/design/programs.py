"""Programs: which program each student of a portfolio is in, and what is done with students who are in several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, IntArray
from mentoreval.errors import DataError, DesignError, OptionError, first_few, suggest
from mentoreval.panel.panel import Panel
from mentoreval.registry import Kind

SeveralRule = Literal["refuse", "first", "own_arm", "drop"]

REFERENCE = 0
"""Code of the arm without a program; the programs follow from 1."""

LEFT_OUT = -1
"""Code of a unit that is in several programs and takes no part."""

FEWEST = 10
"""Fewer students than this in an arm are too few to say how it was chosen."""

JOIN = " + "


@dataclass(frozen=True)
class SeveralPrograms(Kind):
    """What is done with students who are in more than one program.

    rule : "refuse" names each combination and how many students it has; "first" counts them for the program that
        started first (of two that start together, the one that is named first), and what followed as a part of what it
        leads to; "own_arm" makes an arm of each combination; "drop" leaves them out
    fewest : students of a combination that make it an arm; smaller ones are left out. At least FEWEST

    Who is left out is a step of the sample flow. A combination of programs that follow each other is known only
    afterwards: who got the second one may be who fared badly in the first. For those "first" is the fair rule.
    """

    rule: SeveralRule = "refuse"
    fewest: int = FEWEST

    def check(self) -> None:
        """fewest is no smaller than an arm may be."""
        if self.fewest < FEWEST:
            raise OptionError(f"fewest is {FEWEST} or more, the students that an arm needs; got {self.fewest}.")

    @classmethod
    def of(cls, given: SeveralPrograms | SeveralRule) -> SeveralPrograms:
        """The options, also where only the rule is given; OptionError for a rule that does not exist."""
        if isinstance(given, SeveralPrograms):
            return given
        if given not in get_args(SeveralRule):
            raise OptionError(f"several = {given!r} is no rule.{suggest(str(given), get_args(SeveralRule))}")
        return cls(given)


@dataclass(frozen=True, eq=False)
class Arms:
    """The arms of a portfolio and who is in them.

    labels : by code: the reference first, then the programs in sorted order
    unit : (n_units,) code of every unit of the panel; LEFT_OUT for those whom the rule on several programs leaves out
    concerned : (n_units, K) True where a unit that is left out is in the program
    """

    labels: tuple[str, ...]
    unit: IntArray
    concerned: BoolArray = field(repr=False)

    @property
    def n_left_out(self) -> IntArray:
        """(K,) units in each program that are left out for being in several."""
        return np.asarray(self.concerned.sum(axis=0), dtype=np.int64)


def read_arms(panel: Panel, column: str, reference: str, several: SeveralPrograms) -> Arms:
    """The arms of a panel from a column of program names; two in one row are joined by " + ".

    Arms in which nobody is left are not named. Raises DataError where the column does not fit the starts or students
    are in several programs and the rule refuses them, DesignError where there is nothing to compare.
    """
    if column not in panel.frame.columns:
        raise DataError(
            f"This panel has no column {column!r} with the arms: name it among the covariates of the panel."
            f"{suggest(str(column), (str(name) for name in panel.frame.columns))}"
        )
    names, member, first = _membership(panel, column, reference)
    some = member.any(axis=1)
    starts, never = panel.start <= panel.timeline.clock[-1], panel.start == panel.timeline.NEVER
    combined = starts & (member.sum(axis=1) > 1)
    if several.rule == "refuse" and combined.any():
        raise DataError(_combinations_refused(panel, column, names, member, combined))
    _refuse_units(panel, starts & ~some, f"are treated but have no {column}; write down their program")
    _refuse_units(panel, never & some, f"have a {column} but no {panel.first_treated}; give one, or remove it")
    label = np.full(panel.n_units, reference, dtype=object)
    label[starts] = np.array([*names, reference], dtype=object)[first[starts]]
    out = np.zeros(panel.n_units, dtype=bool)
    if several.rule == "drop":
        out = combined
    elif several.rule == "own_arm":
        label[combined] = _joined(names, member[combined])
        sizes = pd.Series(label[combined]).value_counts()
        out[combined] = pd.Series(label[combined]).map(sizes).to_numpy() < several.fewest
    return _coded(label, out, member, names, column, reference)


def _membership(panel: Panel, column: str, reference: str) -> tuple[list[str], BoolArray, IntArray]:
    """The programs in sorted order, (n_units, P) who is ever in which, (n_units,) the first of each; -1 for none."""
    codes, labels = pd.factorize(panel.frame[column].astype(object).map(str, na_action="ignore"))
    parts = [
        [part for part in map(str.strip, str(label).split(JOIN)) if part not in ("", reference)] for label in labels
    ]
    names = sorted({part for named in parts for part in named})
    member = np.zeros((panel.n_units, len(names)), dtype=bool)
    for place, name in enumerate(names):
        rows = np.isin(codes, [code for code, named in enumerate(parts) if name in named])
        member[panel.row_unit[rows], place] = True
    first_named = np.array([names.index(named[0]) if named else -1 for named in parts] + [-1], dtype=np.int64)[codes]
    naming = np.flatnonzero(first_named >= 0)
    unit, row = np.unique(panel.row_unit[naming], return_index=True)
    first = np.full(panel.n_units, -1, dtype=np.int64)
    first[unit] = first_named[naming[row]]
    return names, member, first


def _coded(
    label: np.ndarray[tuple[int], np.dtype[np.object_]],
    out: BoolArray,
    member: BoolArray,
    names: list[str],
    column: str,
    reference: str,
) -> Arms:
    """Arms of the labels (n_units,) of units, of which some are left out."""
    programs = sorted({str(one) for one in label[~out]} - {reference})
    arms = (reference, *programs)
    unit = np.where(out, LEFT_OUT, pd.Index(arms).get_indexer(pd.Index(label)))
    n_reference = int(np.count_nonzero(unit == REFERENCE))
    if not programs or not n_reference:
        raise DesignError(
            f"{column!r} has {len(programs):,} programs ({first_few(programs)}) and {n_reference:,} units without "
            "one: nothing to compare. It takes at least one program and units that were never in any."
        )
    concerned = np.zeros((len(unit), len(arms)), dtype=bool)
    for code, name in enumerate(arms):
        if name in names:
            concerned[:, code] = out & member[:, names.index(name)]
    return Arms(arms, unit.astype(np.int64), concerned)


def _joined(names: list[str], member: BoolArray) -> list[str]:
    """(n,) the programs of each unit in one text."""
    return [JOIN.join(name for name, is_in in zip(names, row, strict=True) if is_in) for row in member]


def _combinations_refused(panel: Panel, column: str, names: list[str], member: BoolArray, combined: BoolArray) -> str:
    sizes = pd.Series(_joined(names, member[combined])).value_counts()
    shown = first_few((f"{name}: {count:,}" for name, count in sizes.items()), 10)
    return (
        f"{int(combined.sum()):,} of {panel.n_units:,} units ({first_few(panel.units[combined])}) have more than one "
        f"{column} ({shown}). Say what is to be done with them: several='first' counts them for the program that "
        "started first, 'own_arm' makes an arm of each combination, 'drop' leaves them out."
    )


def _refuse_units(panel: Panel, wrong: BoolArray, what: str) -> None:
    if wrong.any():
        shown = first_few(panel.units[wrong])
        raise DataError(f"{int(wrong.sum()):,} of {panel.n_units:,} units ({shown}) {what}.")
