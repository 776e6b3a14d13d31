"""Mark rule: how many grade points a mark is worth, and which marks pass.

Letters become points by the crosswalk that most districts use: A+ and A 4.0, A− 3.7, B+ 3.3, B 3.0, B− 2.7, C+ 2.3,
C 2.0, C− 1.7, D+ 1.3, D 1.0, D− 0.7, F 0. A mark that is a number from 0 to 4.3 is its own points.

======================  ==============================  =====================
mark                    in the mean of grade points     a failed course
======================  ==============================  =====================
A+ … D−, 0.7 to 4.3     its points                      no
F, numbers below 0.7    its points                      yes
I  (incomplete)         0                               yes
NC, NP (no credit)      left out                        yes
P, CR  (credit)         left out                        no
W  (withdrawn)          left out                        left out
======================  ==============================  =====================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import narwhals as nw
import pandas as pd

from mentoreval.errors import DataError, OptionError
from mentoreval.records.tables.grades import POINTS

NO_CREDIT = ("NC", "NP")
CREDIT = ("P", "CR")
WITHDRAWN = ("W",)
UNCOUNTED = (*NO_CREDIT, *CREDIT, *WITHDRAWN)
LOWEST_PASS = POINTS["D-"]
MOST_POINTS = 4.3

HONORS = ("honors", "honours", "h", "pre-ap")
ADVANCED = ("ap", "ib", "advanced", "dual", "dual_enrollment")
EXTRA = {**dict.fromkeys(HONORS, 0.5), **dict.fromkeys(ADVANCED, 1.0)}
"""Points that a weighted scale adds for the level of a course. Half a point and one are the usual amounts."""


@dataclass(frozen=True)
class MarkRule:
    """How marks become points.

    weighted : passed honors and advanced courses get the extra points of ``EXTRA``, by the course_level of the marks
    scale : a CSV file with columns mark and points, which replaces the usual letters; empty for the usual ones
    highest : numbers above it are no grade points. Above 4.3 a number usually has extra points in it already
    """

    weighted: bool = False
    scale: str = ""
    highest: float = MOST_POINTS

    @cached_property
    def letters(self) -> Mapping[str, float]:
        """Points of each mark that is no number."""
        return read_scale(Path(self.scale)) if self.scale else POINTS

    def known(self, marks: pd.Index) -> pd.Series[bool]:
        """Whether each mark can be read."""
        number = pd.to_numeric(pd.Series(marks, index=marks), errors="coerce").between(0, self.highest)
        return number | marks.isin([*self.letters, *UNCOUNTED])

    def points(self, mark: nw.Expr) -> nw.Expr:
        """Points of marks that are letters of the scale or numbers; 0 for the others, which nothing reads."""
        points = nw.when(mark.is_in([*self.letters, *UNCOUNTED])).then(nw.lit("0")).otherwise(mark).cast(nw.Float64)
        for letter, value in self.letters.items():
            if value:
                points = nw.when(mark == letter).then(nw.lit(float(value))).otherwise(points)
        return points

    def extra(self, points: nw.Expr, level: nw.Expr | None) -> nw.Expr:
        """What the level of a passed course adds to its points."""
        added: nw.Expr = nw.lit(0.0)
        if level is not None and self.weighted:
            for names, value in ((HONORS, EXTRA["honors"]), (ADVANCED, EXTRA["ap"])):
                added = nw.when(level.is_in(names) & (points >= LOWEST_PASS)).then(nw.lit(value)).otherwise(added)
        return added


def is_failed(mark: nw.Expr, points: nw.Expr) -> nw.Expr:
    """Whether a mark is a failed course."""
    return mark.is_in(NO_CREDIT) | (~mark.is_in(UNCOUNTED) & (points < LOWEST_PASS))


def read_scale(path: Path) -> dict[str, float]:
    """Points by mark from a CSV file; OptionError or DataError where it is not there or says something twice."""
    if not path.is_file():
        raise OptionError(f"There is no scale file {str(path)!r}: a CSV with the columns mark and points.")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if not {"mark", "points"} <= set(table.columns):
        raise DataError(f"{path.name} needs the columns mark and points; it has {', '.join(table.columns)}.")
    marks, points = table["mark"].str.strip().str.upper(), pd.to_numeric(table["points"], errors="coerce")
    wrong = marks[marks.duplicated() | points.isna() | (points < 0)]
    if len(wrong):
        raise DataError(
            f"{path.name} has {len(wrong)} marks that stand twice or have no points of 0 or more: {', '.join(wrong)}."
        )
    return dict(zip(marks, points.astype(float), strict=True))
