"""composition_change: do those who stay in the data differ between the arms from those who began in it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray, Verdict
from mentoreval.design.covariate_matrix import covariate_matrix
from mentoreval.design.design import Design
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.numerics.two_samples import effective_sample_size

COLUMNS = (
    "kind", "cohort", "period", "covariate", "level", "arm", "n", "n_seen", "n_entered", "n_left", "mean", "mean_seen",
    "shift",
)  # fmt: skip
ARMS = (("treated", True), ("comparison", False))


@dataclass(frozen=True)
class CompositionChange(Check):
    """Who is seen over time, by cohort and arm, and what leaving does to the likeness of the arms.

    A student stays who has the outcome in the baseline period and in every period from the start of the cohort on. The
    shift of a covariate is the difference between the arms among those who stay less that among all who were there at
    the baseline, in standard deviations; leaving that has nothing to do with the arms shifts nothing.

    caution, fail : absolute shifts from which the verdict is that; by default the limits of the What Works
        Clearinghouse for baseline differences
    gap : difference between the arms in the share who stay from which the verdict is caution

    Verdict: by the largest shift, which chance alone moves by about a standard error; a shift within two standard
    errors of zero earns no more than a caution.
    """

    name: ClassVar[str] = "composition_change"
    caution: float = 0.05
    fail: float = 0.25
    gap: float = 0.1

    def check(self) -> None:
        """Positive limits, the one for caution not above the other, and a share."""
        if not 0 < self.caution <= self.fail or not 0 < self.gap <= 1:
            raise OptionError(
                "composition_change: caution and fail are above 0, caution the smaller, and gap is a share; "
                f"got {self.caution}, {self.fail} and {self.gap}."
            )

    def examine(self, subject: Estimate) -> Finding:
        """The verdict; the frame has COLUMNS: kind "period" counts by cohort and period, kind "covariate" means."""
        design = subject.design
        if design.panel.is_cross_section:
            return Finding(self.name, "cannot_judge", f"{self.name}.one_period")
        people = _People.of(design, subject.outcome)
        if any(not (people.began & (people.treated == arm)).any() for _, arm in ARMS):
            return Finding(self.name, "cannot_judge", f"{self.name}.no_baseline")
        shifts = people.shifts(design)
        frame = pd.concat([people.periods(design), shifts], ignore_index=True)[list(COLUMNS)]
        stay = {name: float(people.stayed[people.began & (people.treated == arm)].mean()) for name, arm in ARMS}
        numbers: dict[str, object] = {f"stayed_{name}": share for name, share in stay.items()}
        if any(share == 0 for share in stay.values()):
            return Finding(self.name, "cannot_judge", f"{self.name}.nobody_stays", numbers, frame)
        return self._judge(shifts[shifts["arm"] == "treated"].dropna(subset=["shift"]), stay, numbers, frame)

    def _judge(
        self, found: pd.DataFrame, stay: dict[str, float], numbers: dict[str, object], frame: pd.DataFrame
    ) -> Finding:
        apart = abs(stay["treated"] - stay["comparison"]) >= self.gap
        if found.empty:
            verdict: Verdict = "caution" if apart else "pass"
            return Finding(self.name, verdict, f"{self.name}.no_covariates", numbers, frame)
        worst = found.iloc[int(np.argmax(np.abs(found["shift"].to_numpy(dtype=float))))]
        size = abs(float(worst["shift"]))
        numbers |= {"shift": float(worst["shift"]), "covariate": worst["covariate"], "level": worst["level"]}
        clear = size > 2 * float(worst["std_error"])
        if size >= self.fail and clear:
            return Finding(self.name, "fail", f"{self.name}.other_people", numbers, frame)
        if size >= self.fail or (size >= self.caution and clear):
            return Finding(self.name, "caution", f"{self.name}.somewhat_other_people", numbers, frame)
        if apart:
            return Finding(self.name, "caution", f"{self.name}.more_leave", numbers, frame)
        return Finding(self.name, "pass", f"{self.name}.same_people", numbers, frame)


@dataclass(frozen=True, eq=False)
class _People:
    """Entries with a weight; arrays have one element per entry.

    seen : (m, n_periods) True where the outcome is known
    began : seen in the baseline period; stayed : and in every period from the start on
    """

    unit: IntArray
    cohort: IntArray
    treated: BoolArray
    weight: FloatArray
    seen: BoolArray
    began: BoolArray
    stayed: BoolArray

    @classmethod
    def of(cls, design: Design, outcome: str) -> _People:
        """The entries of a design, and when the outcome is known of each."""
        panel, base = design.panel, design.baseline
        used = np.flatnonzero(design.weighting.weights > 0)
        unit, cohort = base.unit[used], base.cohort[used]
        seen = ~np.isnan(panel.outcome_matrix(outcome)[unit])
        at = panel.timeline.position_of_clock(panel.baseline_clock(cohort))
        began = (at >= 0) & seen[np.arange(len(used)), np.maximum(at, 0)]
        later = panel.timeline.clock >= cohort[:, None]
        stayed = began & (seen | ~later).all(axis=1)
        return cls(unit, cohort, base.treated[used], design.weighting.weights[used], seen, began, stayed)

    def periods(self, design: Design) -> pd.DataFrame:
        """For each cohort, period and arm how many are seen, and how many came and went since the period before."""
        timeline, rows = design.panel.timeline, []
        for cohort in np.unique(self.cohort):
            for name, arm in ARMS:
                seen = self.seen[(self.cohort == cohort) & (self.treated == arm)]
                came = (seen[:, 1:] & ~seen[:, :-1]).sum(axis=0)
                went = (seen[:, :-1] & ~seen[:, 1:]).sum(axis=0)
                for place, period in enumerate(timeline.periods):
                    moved = (int(came[place - 1]), int(went[place - 1])) if place else (0, 0)
                    rows.append((timeline.label(cohort), period, name, len(seen), int(seen[:, place].sum()), *moved))
        names = ["cohort", "period", "arm", "n", "n_seen", "n_entered", "n_left"]
        return pd.DataFrame(rows, columns=names).assign(kind="period").reindex(columns=[*COLUMNS, "std_error"])

    def shifts(self, design: Design) -> pd.DataFrame:
        """For each covariate and arm the means of those who began and of those who stayed, and the shift."""
        panel = design.panel
        names = design.covariates or panel.default_covariates
        frame = panel.covariates_at_baseline(self.unit, self.cohort, names)
        if not len(frame.columns):
            return pd.DataFrame(columns=[*COLUMNS, "std_error"])
        matrix = covariate_matrix(frame)
        rows = [
            row
            for column, values in zip(matrix.columns, matrix.values.T, strict=True)
            for row in self._shift(column.covariate, column.level or "", values)
        ]
        return pd.DataFrame(rows).reindex(columns=[*COLUMNS, "std_error"])

    def _shift(self, covariate: str, level: str, values: FloatArray) -> list[dict[str, object]]:
        known = self.began & ~np.isnan(values)
        spread = float(np.std(values[known])) if known.any() else np.nan
        rows: list[dict[str, object]] = []
        shift, variance = 0.0, 0.0
        for sign, (name, arm) in zip((1, -1), ARMS, strict=True):
            there, left = known & (self.treated == arm), known & (self.treated == arm) & self.stayed
            means = [_mean(values[who], self.weight[who]) for who in (there, left)]
            told = {"kind": "covariate", "covariate": covariate, "level": level, "arm": name}
            counts = {"n": int(there.sum()), "n_seen": int(left.sum())}
            rows.append({**told, **counts, "mean": means[0], "mean_seen": means[1]})
            shift += sign * (means[1] - means[0])
            # The mean of those who stay is that of a sample without replacement of those who began.
            variance += max(_one_over_size(self.weight[left]) - _one_over_size(self.weight[there]), 0.0)
        scaled = shift / spread if spread > 0 else np.nan
        return [{**row, "shift": scaled, "std_error": float(np.sqrt(variance))} for row in rows]


def _one_over_size(weight: FloatArray) -> float:
    """1 ÷ the effective number of those weighted so; 1 for nobody."""
    return 1 / effective_sample_size(weight) if len(weight) else 1.0


def _mean(values: FloatArray, weight: FloatArray) -> float:
    """The weighted mean; NaN of nothing."""
    return float(np.average(values, weights=weight)) if len(values) else np.nan
