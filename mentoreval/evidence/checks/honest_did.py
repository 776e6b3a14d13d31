"""honest_did: how far could trends part before the effect is gone?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError
from mentoreval.evidence.check import Check, Finding
from mentoreval.evidence.event_path import EventPath
from mentoreval.numerics.honest_intervals import (
    Trajectory,
    relative_breakdown,
    relative_magnitudes,
    smoothness,
    smoothness_breakdown,
)

COLUMNS = ("size", "conf_low", "conf_high", "holds_zero")


@dataclass(frozen=True)
class HonestDid(Check):
    """Intervals that hold the effect although trends part, and the size of parting at which they reach zero.

    Limits are found by bisection, not on a grid, and the first-stage critical values from a fixed sequence of 16,384
    points, so that other software, which draws at random and rounds to its grid, differs in the fourth digit.

    restriction : "relative_magnitudes": no step between two periods after the start is larger than ``size`` times the
        largest step before it; "smoothness": the slope of the difference in trends changes by at most ``size`` from one
        period to the next, in units of the outcome
    sizes : for which intervals are tabled; empty = 0, 0.5, 1, 1.5 and 2, for smoothness these times the largest
        change of slope that was seen before, or times the standard error of the effect where none can be seen
    event_time : the effect of interest; None = the average over all event times from 0 on
    enough : the relative magnitude from which on the verdict is pass; 1 = as large as the worst before the program.
        For smoothness it multiplies the largest change of slope that was seen before

    Verdict: pass where the breakdown value is ``enough`` or more, caution below; info where the interval holds zero
    even with parallel, or straight, trends; for smoothness info also where two periods before are not seen.

    References: Rambachan and Roth (2023), A more credible approach to parallel trends, Review of Economic Studies 90;
    Andrews, Roth and Pakes (2023), Inference for linear conditional moment inequalities, same journal.
    """

    name: ClassVar[str] = "honest_did"
    restriction: Literal["relative_magnitudes", "smoothness"] = "relative_magnitudes"
    sizes: tuple[float, ...] = ()
    event_time: int | None = None
    enough: float = 1.0

    def check(self) -> None:
        """Sizes are 0 or more and ``enough`` is above 0; an event time is one after the start."""
        if any(not 0 <= size < math.inf for size in self.sizes) or not 0 < self.enough < math.inf:
            raise OptionError(
                f"honest_did: sizes are 0 or more, and enough is above 0; got sizes = {list(self.sizes)}, "
                f"enough = {self.enough}."
            )
        if self.event_time is not None and self.event_time < 0:
            raise OptionError(f"honest_did: event_time is 0 or more; got {self.event_time}.")

    def examine(self, subject: Estimate) -> Finding:
        """The verdict with the breakdown value; the frame has COLUMNS, one interval for each size.

        ``frame.attrs`` has what a picture needs: estimate, breakdown, restriction, confidence, outcome, measure.
        """
        path = EventPath.of(subject)
        if isinstance(path, str):
            return Finding(self.name, "cannot_judge", f"{self.name}.{path}")
        after = path.times[path.n_before :]
        if self.event_time is not None and self.event_time not in after:
            return Finding(self.name, "cannot_judge", f"{self.name}.event_time_not_seen")
        data = Trajectory(path.estimates, path.vcov, path.n_before, self._target(after))
        level = 1 - subject.confidence
        finding = self._judge(data, self._table(data, level), level)
        measure = subject.design.panel.measures.get(subject.outcome)
        finding.frame.attrs |= {
            "outcome": subject.outcome,
            "measure": measure,
            "breakdown": finding.numbers["breakdown"],
        }
        return finding

    def _target(self, after: np.ndarray) -> np.ndarray:
        chosen = after >= 0 if self.event_time is None else after == self.event_time
        return np.asarray(chosen / chosen.sum(), dtype=float)

    def _table(self, data: Trajectory, level: float) -> pd.DataFrame:
        """COLUMNS, one row for each size."""
        relative = self.restriction == "relative_magnitudes"
        interval = relative_magnitudes if relative else smoothness
        bend = data.largest_bend()
        unit = 1.0 if relative else data.std_error if math.isnan(bend) else bend
        sizes = self.sizes or tuple(unit * step for step in (0.0, 0.5, 1.0, 1.5, 2.0))
        ends = [interval(data, size, level) for size in sizes]
        frame = pd.DataFrame(ends, columns=["conf_low", "conf_high"])
        frame.insert(0, "size", sizes)
        frame["holds_zero"] = (frame["conf_low"] <= 0) & (frame["conf_high"] >= 0)
        frame.attrs = {"estimate": data.point, "restriction": self.restriction, "confidence": 1 - level}
        return frame[list(COLUMNS)]

    def _judge(self, data: Trajectory, frame: pd.DataFrame, level: float) -> Finding:
        relative = self.restriction == "relative_magnitudes"
        breakdown = relative_breakdown(data, level) if relative else smoothness_breakdown(data, level)
        seen = data.largest_step() if relative else data.largest_bend()
        numbers = {"breakdown": breakdown, "seen": seen, "estimate": data.point, "n_before": data.n_before}
        key = f"{self.name}.{'relative' if relative else 'smooth'}"
        if breakdown == 0:
            return Finding(self.name, "info", f"{self.name}.nothing_to_undo", numbers, frame)
        if math.isnan(seen):
            return Finding(self.name, "info", f"{key}_unknown", numbers, frame)
        sturdy = breakdown >= self.enough * (1.0 if relative else seen)
        verdict: Literal["pass", "caution"] = "pass" if sturdy else "caution"
        return Finding(self.name, verdict, f"{key}_{'sturdy' if sturdy else 'fragile'}", numbers, frame)
