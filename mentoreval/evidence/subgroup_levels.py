"""Levels: the groups into which a covariate divides students at the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mentoreval.design.design import Design
from mentoreval.design.eligibility import Eligibility
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import DataError, OptionError, first_few
from mentoreval.panel.panel import Panel

OTHER, UNKNOWN = "in_no_cell", "not_known"
MOST_LEVELS = 12
COLUMN = "subgroup"


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of one covariate, as a column of a panel.

    panel : that of the design with one more covariate, the level of each row; OTHER and UNKNOWN are two of its values
    by : the covariate
    names : the levels in order
    column : name of that covariate in the panel
    """

    panel: Panel
    by: str
    names: tuple[str, ...]
    column: str
    n_values: Mapping[str, int]

    @classmethod
    def of(cls, design: Design, by: str, cells: Mapping[str, Sequence[object]] | None, cuts: Sequence[float]) -> Levels:
        """The levels by each value, by cells of values, or by cuts of a number; DataError where there is none."""
        panel = design.panel
        if cells and cuts:
            raise OptionError(f"Subgroups by {by!r} take cells or cuts, not both.")
        if by == panel.school:
            raise DataError(f"{by!r} is the school: subgroups of one school each have no other school to compare with.")
        values = panel.frame[panel.check_covariate(by)]
        label, names = _cut(values, by, cuts) if cuts else _celled(values, by, cells) if cells else _each(values, by)
        column = next(name for name in (COLUMN, f"{COLUMN}_of_students", f"{COLUMN}_") if name not in panel.frame)
        frame = panel.frame.assign(**{column: label.astype(object)})
        n_values = {str(name): int(n) for name, n in values.groupby(label.astype(object)).nunique().items()}
        extended = replace(panel, frame=frame, covariates=(*panel.covariates, column))
        return cls(extended, by, names, column, n_values)

    def rule(self, level: str) -> Eligibility:
        """The rule that students of a level meet."""
        return Eligibility(self.column, equals=level)

    def is_single(self, level: str) -> bool:
        """Whether everyone in a level has the same value of the covariate."""
        return self.n_values.get(level, 0) < 2

    def count(self, estimate: Estimate) -> dict[str, tuple[int, int]]:
        """By level the distinct treated and comparison units in the analytic sample of an estimate."""
        base, entries = estimate.design.baseline, estimate.fit.entries
        unit, treated = base.unit[entries], base.treated[entries]
        level = self.panel.covariates_at_baseline(unit, base.cohort[entries], [self.column])[self.column]
        found = level.fillna(UNKNOWN).to_numpy()
        return {
            name: tuple(len(np.unique(unit[(found == name) & (treated == arm)])) for arm in (True, False))  # type: ignore[misc]
            for name in (*self.names, OTHER, UNKNOWN)
        }


def _each(values: pd.Series[Any], by: str) -> tuple[pd.Series[Any], tuple[str, ...]]:
    """Every value as a level; whole numbers without decimals, in their order."""
    distinct = sorted(values.dropna().unique())
    if len(distinct) > MOST_LEVELS:
        raise DataError(
            f"{by!r} has {len(distinct):,} different values, too many for subgroups ({MOST_LEVELS} at most). Put them "
            "together by cells, such as { lower = [1, 2], upper = [3, 4] }, or a number by cuts."
        )
    names = {value: _named(value) for value in distinct}
    return values.map(names).astype(object).where(values.notna(), UNKNOWN), tuple(names.values())


def _celled(
    values: pd.Series[Any], by: str, cells: Mapping[str, Sequence[object]]
) -> tuple[pd.Series[Any], tuple[str, ...]]:
    """Values put together; a value of no cell is in OTHER."""
    cell_of = {_named(value): name for name, members in cells.items() for value in members}
    if sum(map(len, cells.values())) > len(cell_of):
        raise OptionError(f"Subgroups by {by!r}: a value stands in two cells, or twice in one.")
    known = {_named(value) for value in values.dropna().unique()}
    empty = [name for name, members in cells.items() if not known & {_named(value) for value in members}]
    if empty:
        raise DataError(f"Subgroups by {by!r}: no student has a value of {first_few(empty)}. There are: "
                        f"{', '.join(sorted(known)[:MOST_LEVELS])}.")  # fmt: skip
    texts = values.map(_named, na_action="ignore").astype(object)
    return texts.map(cell_of).astype(object).where(texts.isin(list(cell_of)), OTHER).where(
        values.notna(), UNKNOWN
    ), tuple(cells)


def _cut(values: pd.Series[Any], by: str, cuts: Sequence[float]) -> tuple[pd.Series[Any], tuple[str, ...]]:
    """A number in classes; each begins at its cut."""
    if not pd.api.types.is_numeric_dtype(values) or list(cuts) != sorted(set(cuts)):
        raise OptionError(f"Subgroups by {by!r}: cuts divide a number, and rise from one to the next; got {[*cuts]}.")
    ends = [f"{cut:g}" for cut in cuts]
    names = (f"<{ends[0]}", *(f"{low}–<{high}" for low, high in pairwise(ends)), f"≥{ends[-1]}")
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    place = np.searchsorted(np.asarray(cuts, dtype=float), numbers, side="right")
    labels = np.array(names, dtype=object)[np.minimum(place, len(cuts))]
    return pd.Series(np.where(np.isnan(numbers), UNKNOWN, labels), index=values.index, dtype=object), names


def _named(value: object) -> str:
    """A value as a name: whole numbers without decimals, truths as 0 and 1."""
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    number = isinstance(value, (int, float, np.integer, np.floating))
    return f"{float(value):g}" if number else str(value)  # type: ignore[arg-type]
