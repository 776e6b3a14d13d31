"""Disclosure: no number of students that could point at a child, at the one place where exhibits become readable."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mentoreval.report.disclosure_cells import ARMS, Cell, PrintedCounts
from mentoreval.report.words import Words

if TYPE_CHECKING:
    from mentoreval.evidence.check import Finding
    from mentoreval.report.exhibit import Exhibit

SMALLEST_SHOWN = 10
RATE_STEPS = (0.05, 0.10, 0.20, 0.25, 0.30, 0.40)
FEW_FOR_RATES, RATE_OF_FEW = 40, 0.20
MANY_FOR_WHOLE_PERCENTS = 100
WITHHELD = -1
HALF = 0.5
FINDING_COUNTS = ("outside",)
FINDING_SHARES = ("share", "lost_treated", "lost_comparison", "overall", "differential")
FINDINGS_ON_STUDENTS = ("attrition", "overlap")
ALONE = (
    "estimate", "conf_low", "conf_high", "band_low", "band_high", "std_error", "statistic", "p_value", "p_adjusted",
    "df", "effect_size", "effect_size_std_error", "improvement_index", "sd_pooled",
)  # fmt: skip
"""Columns of results that say too much where an arm is too small to be shown."""

SIZES_OF_SHARES = ("effect_size", "effect_size_std_error", "improvement_index")
"""Columns from which, beside the difference, both shares can be had."""


@dataclass(frozen=True)
class Suppression:
    """What was done to one kind of exhibit: how many numbers were hidden as too small, how many to protect those."""

    exhibit: str
    small: int
    withheld: int


@dataclass(frozen=True, eq=False)
class Protected:
    """The exhibits of a report without what gives a small number of students away.

    counts : what was printed and what was not, for an audit; never for readers
    log : one row for each kind of exhibit from which something was taken, without a number of students
    """

    exhibits: dict[str, tuple[Exhibit, ...]]
    counts: PrintedCounts
    log: tuple[Suppression, ...]


def protect(exhibits: Mapping[str, tuple[Exhibit, ...]], limit: int = SMALLEST_SHOWN) -> dict[str, tuple[Exhibit, ...]]:
    """All exhibits of a report with their small counts taken out; what is drawn, tabled or said comes after this."""
    return protect_all(exhibits, limit).exhibits


def protect_all(exhibits: Mapping[str, tuple[Exhibit, ...]], limit: int = SMALLEST_SHOWN) -> Protected:
    """``protect`` with its log and what an audit needs.

    Counts below ``limit`` are hidden, and more of them until no sum or difference over all exhibits narrows down a
    small one: each number from 0 to ``limit`` − 1 still fits everything that is printed.
    """
    everyone = [exhibit for group in exhibits.values() for exhibit in group]
    cells = {exhibit.id: exhibit.cells(limit) for exhibit in everyone}
    sums = [one for exhibit in everyone for one in exhibit.sums()]
    counts = PrintedCounts.solve((cell for own in cells.values() for cell in own), sums, limit)
    marks = counts.withheld()
    log = [
        _logged(name, [cell for exhibit in group for cell in cells[exhibit.id]], marks)
        for name, group in exhibits.items()
    ]
    shown = {
        name: tuple(exhibit.without(_hidden(cells[exhibit.id], marks, limit), limit) for exhibit in group)
        for name, group in exhibits.items()
    }
    return Protected(shown, counts, tuple(one for one in log if one.small or one.withheld))


def _hidden(cells: Iterable[Cell], marks: Mapping[Any, bool], limit: int) -> dict[Any, Any]:
    """By place what stands there instead of a number."""
    return {
        cell.place: pd.NA if marks[cell.key] else withheld(cell.count, limit)
        for cell in cells
        if cell.place and cell.key in marks
    }


def _logged(exhibit: str, cells: Iterable[Cell], marks: Mapping[Any, bool]) -> Suppression:
    found = [marks[cell.key] for cell in cells if cell.place and cell.key in marks]
    return Suppression(exhibit, sum(found), len(found) - sum(found))


def withheld(count: float, limit: int = SMALLEST_SHOWN) -> int:
    """What stands for a count that protects another: below zero, and how large it is only as far as rates need it."""
    classes = (MANY_FOR_WHOLE_PERCENTS, *(math.ceil(limit / step) for step in RATE_STEPS))
    return -max((size for size in classes if size <= count), default=-WITHHELD)


def suppression_csv(log: Iterable[Suppression]) -> bytes:
    """The log as a CSV: exhibit, numbers hidden as too small, numbers hidden to protect those."""
    rows = [(one.exhibit, one.small, one.withheld) for one in log]
    table = pd.DataFrame(rows, columns=["exhibit", "too_small", "withheld"])
    return str(table.to_csv(index=False, lineterminator="\n")).encode()


def hide_small(frame: pd.DataFrame, counts: Iterable[str], limit: int = SMALLEST_SHOWN) -> pd.DataFrame:
    """The frame with every count from 0 to below the limit missing in the named columns."""
    hidden = frame.copy()
    for name in counts:
        values = hidden[name].astype("Int64")
        hidden[name] = values.mask((values >= 0) & (values < limit))
    return hidden


def hide_alone(frame: pd.DataFrame, counts: Iterable[str]) -> pd.DataFrame:
    """Results without what rests on too few students in an arm: its mean and SD, and the row's exact precision."""
    hidden = frame.copy()
    for name in (name for name in counts if name in hidden.columns):
        few = hidden[name].isna()
        if not few.any():
            continue
        arm = name.removeprefix("n_")
        for column in (f"mean_{arm}", f"sd_{arm}", *ALONE):
            if column in hidden.columns:
                hidden[column] = hidden[column].astype(float).mask(few)
    return hidden


def hide_coded(frame: pd.DataFrame, counts: Iterable[str], flags: Iterable[str], limit: int) -> pd.DataFrame:
    """Results on yes-or-no outcomes without what tells a share of which only a bound is said.

    The share of the other arm goes, since the difference leads from it to the hidden one, and so does the effect size.
    """
    arms = [name for name in counts if f"mean_{name.removeprefix('n_')}" in frame.columns]
    if len(arms) != len(ARMS) or "outcome" not in frame.columns:
        return frame
    shown, flag = frame.copy(), frame["outcome"].isin(list(flags)).to_numpy(dtype=bool)
    said = {}
    for name in arms:
        shares = zip(frame[f"mean_{name.removeprefix('n_')}"], frame[name], strict=True)
        said[name] = np.array([says_share(share, n, limit) for share, n in shares], dtype=bool)
    for name, other in zip(arms, reversed(arms), strict=True):
        shown.loc[flag & said[name] & ~said[other], f"mean_{name.removeprefix('n_')}"] = math.nan
    either = flag & ~(said[arms[0]] & said[arms[1]])
    told = [column for column in SIZES_OF_SHARES if column in shown.columns]
    shown[told] = shown[told].astype(float)
    shown.loc[either, told] = math.nan
    return shown


def says_share(share: float, n: Any, limit: int = SMALLEST_SHOWN) -> bool:
    """Whether a share of n students is said exactly, and not only its bound or nothing."""
    if pd.isna(n) or pd.isna(share) or int(n) < 0:
        return False
    least = least_rate(n, limit)
    return bool(least < HALF and least <= share <= 1 - least)


def least_rate(n: Any, limit: int = SMALLEST_SHOWN) -> float:
    """The smallest rate of n students that is said exactly: 5 %, more where n is small; 1 where no rate can be said."""
    size = abs(int(n))
    steps = RATE_STEPS if size >= FEW_FOR_RATES else [step for step in RATE_STEPS if step >= RATE_OF_FEW]
    return next((step for step in steps if step * size >= limit - 1e-9), 1.0)


def shown_share(share: float, n: Any, words: Words) -> str:
    """A share of ``n`` students; where few have the trait, or have it not, only its bound (``least_rate``).

    Of a withheld n only whole percents, and only of so many students that every n near it can have that percentage.
    """
    if pd.isna(n) or pd.isna(share):
        return words("sign.hidden")
    least = least_rate(n, words.smallest_shown)
    if least >= HALF or -MANY_FOR_WHOLE_PERCENTS < int(n) < 0:
        return words("sign.hidden")
    if share < least:
        return words("sign.below", value=words.percent(least, 1))
    if share > 1 - least:
        return words("sign.above", value=words.percent(1 - least, 1))
    return words.percent(share, 0 if int(n) < 0 else 1)


def coded_numbers(finding: Finding, n: int, words: Words) -> dict[str, str]:
    """The numbers of students and the shares of them in a finding, as readers see them.

    n : students of the smaller arm. Where one share is a bound, no other share is said by which it could be had.
    """
    coded = {name: shown_count(finding.numbers[name], words) for name in FINDING_COUNTS if name in finding.numbers}
    shares = {name: float(str(finding.numbers[name])) for name in FINDING_SHARES if name in finding.numbers}
    if finding.check not in FINDINGS_ON_STUDENTS or not shares:
        return coded
    said = {name: shown_share(share, n, words) for name, share in shares.items()}
    if any(said[name] != words.percent(share, 1) and share > 0 for name, share in shares.items()):
        hidden = {name: words("sign.hidden") for name, share in shares.items() if said[name] == words.percent(share, 1)}
        said |= hidden
    return coded | said


def shown_count(count: Any, words: Words) -> str:
    """A number of students as readers see it: itself, that it is too small to be shown, or that it is withheld."""
    if pd.isna(count) or 0 <= int(count) < words.smallest_shown:
        return words("sign.small", limit=words.smallest_shown)
    return words("sign.hidden") if int(count) < 0 else words.count(count)
