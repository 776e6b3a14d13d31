"""Cells: every number of students that a report prints, and the sums that tie them together across its tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mentoreval.numerics.suppression import BoolArray, CountSystem, feasible_range, suppress

Key = tuple[str, ...]
Place = tuple[Any, ...]
ARMS = ("n_treated", "n_comparison")
SAMPLE = "sample"
ROUNDING = 1e-6


@dataclass(frozen=True)
class Cell:
    """A number of students at one place of a report.

    key : what it counts; the same key at two places is the same number
    count : the number
    place : where it stands in its exhibit; () for a number that is printed nowhere
    cost : what is lost when it is hidden
    coded : largest number that it can be for a reader while it is hidden; inf where that is not said
    is_difference : nobody at all is then no secret: that two samples are the same points at no one
    is_step : a step of a sample flow, in which the samples of the design lie
    """

    key: Key
    count: float
    place: Place = ()
    cost: float = 1.0
    coded: float = math.inf
    is_difference: bool = False
    is_step: bool = False


@dataclass(frozen=True)
class Sum:
    """A total and its parts, by key. rest : True where the parts need not make up the total."""

    total: Key
    parts: tuple[Key, ...]
    rest: bool = True


def sample_key(design: object, arm: str, count: float) -> Key:
    """The students of one arm at one step of a design: steps of the same size are the same students."""
    return SAMPLE, str(design), arm, f"{count:g}"


@dataclass(frozen=True, eq=False)
class PrintedCounts:
    """Everything that a report prints about how many students there are.

    keys : (n,) what each count of the system counts
    system : the counts and their sums
    hidden : (n,) those that are not printed
    """

    keys: tuple[Key, ...]
    system: CountSystem
    hidden: BoolArray

    @classmethod
    def solve(cls, cells: Iterable[Cell], sums: Iterable[Sum], limit: int) -> PrintedCounts:
        """Choose what is hidden, for the cells of all exhibits of a report at once."""
        merged = _merged(cells)
        known = [one for one in sums if one.total in merged and all(part in merged for part in one.parts)]
        tied, derived = _with_rests({key: cell.count for key, cell in merged.items()}, [*known, *_nested(merged)])
        everything = {**merged, **derived}
        position = {key: number for number, key in enumerate(everything)}
        places = tuple((position[total], tuple(position[part] for part in parts)) for total, parts in tied)
        system = _system(list(everything.values()), places, limit)
        return cls(tuple(everything), system, suppress(system))

    def withheld(self) -> dict[Key, bool]:
        """Keys of the counts that are not printed: True for small ones, False for those that protect another."""
        small = self.system.sensitive
        return {key: bool(small[n]) for n, key in enumerate(self.keys) if self.hidden[n] and self.system.printable[n]}

    def ranges(self) -> dict[Key, tuple[float, float]]:
        """For each small count the smallest and the largest number that fits everything in print."""
        return {
            self.keys[cell]: feasible_range(self.system, self.hidden, int(cell))
            for cell in np.flatnonzero(self.system.sensitive)
        }


def _merged(cells: Iterable[Cell]) -> dict[Key, Cell]:
    """One cell for each key, printed if it is printed anywhere, as costly as where it is dearest."""
    merged: dict[Key, Cell] = {}
    for cell in cells:
        seen = merged.get(cell.key)
        if seen is None:
            merged[cell.key] = cell
        else:
            dearer = cell if cell.place and (not seen.place or cell.cost > seen.cost) else seen
            merged[cell.key] = replace(dearer, is_step=seen.is_step or cell.is_step)
    return merged


def _nested(cells: Mapping[Key, Cell]) -> list[Sum]:
    """Each sample lies in a step of its arm's flow, the smallest that can hold it; each step in the one before."""
    found = []
    for key, cell in cells.items():
        if key[0] != SAMPLE:
            continue
        holders = [
            step for step, other in cells.items()
            if other.is_step and step[1] in (key[1], "") and step[2] == key[2] and step != key
            and (other.count > cell.count or (other.count == cell.count and not step[1]))
        ]  # fmt: skip
        if holders:
            found.append(Sum(min(holders, key=lambda step: (cells[step].count, step)), (key,)))
    return found


def _with_rests(
    counts: Mapping[Key, float], sums: Iterable[Sum]
) -> tuple[list[tuple[Key, tuple[Key, ...]]], dict[Key, Cell]]:
    """The sums that hold, each once, with a difference of its own wherever the parts need not make up the total."""
    tied: dict[tuple[Key, tuple[Key, ...]], None] = {}
    derived: dict[Key, Cell] = {}
    for one in sums:
        left = counts[one.total] - sum(counts[part] for part in one.parts)
        if one.total in one.parts or left < -ROUNDING or (not one.rest and abs(left) > ROUNDING):
            continue
        parts = one.parts
        if one.rest:
            rest = ("rest", *one.total, *(word for part in one.parts for word in part))
            derived[rest] = Cell(rest, max(left, 0.0), is_difference=True)
            parts = (*parts, rest)
        tied[one.total, parts] = None
    return list(tied), derived


def _system(cells: list[Cell], sums: tuple[tuple[int, tuple[int, ...]], ...], limit: int) -> CountSystem:
    """The counts as arrays. A small count that is printed reads “<limit”, and so is at most the number below it."""
    values = np.array([cell.count for cell in cells], dtype=float)
    difference = np.array([cell.is_difference for cell in cells], dtype=bool)
    printable = np.array([bool(cell.place) for cell in cells], dtype=bool)
    small = (values > -1.0) & (values < limit) & ~(difference & (values <= 0))
    coded = np.array([cell.coded for cell in cells], dtype=float)
    high = np.where(small & printable & np.isinf(coded), limit - 1.0, coded)
    costs = np.array([cell.cost for cell in cells], dtype=float)
    return CountSystem(values, values, values, high, small, printable, costs, sums, limit)
