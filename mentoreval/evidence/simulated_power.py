"""Simulated power: any analysis carried out on data drawn again and again from a world whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from mentoreval.effects.estimate import Estimate
from mentoreval.errors import EffectError, MentorevalError, OptionError

Data = TypeVar("Data")
DRAW_COLUMNS = ("draw", "estimate", "std_error", "p_value", "conf_low", "conf_high", "reason")


@dataclass(frozen=True, eq=False)
class SimulatedPower:
    """What an analysis did on data that were drawn.

    frame : DRAW_COLUMNS, one row for each draw; one that gave no estimate says why in ``reason``
    alpha : level at which an effect counts as found
    truth : the effect in the world, NaN where it was not given; without it there is no bias and no coverage
    """

    frame: pd.DataFrame
    alpha: float
    truth: float = math.nan

    @property
    def known(self) -> pd.DataFrame:
        """The draws that gave an estimate with its uncertainty."""
        return self.frame.dropna(subset=["estimate", "p_value"])

    @property
    def n_failed(self) -> int:
        """Draws without an estimate or without its uncertainty; they count in no other number."""
        return len(self.frame) - len(self.known)

    @property
    def power(self) -> float:
        """Share of the estimates with p below alpha. Where the truth is 0 it is the rate of false alarms."""
        return float((self.known["p_value"] < self.alpha).mean())

    @property
    def power_error(self) -> float:
        """Standard error of ``power`` for the number of draws."""
        return math.sqrt(self.power * (1 - self.power) / len(self.known))

    @property
    def bias(self) -> float:
        """Mean estimate less the truth."""
        return float(self.known["estimate"].mean()) - self.truth

    @property
    def bias_error(self) -> float:
        """Standard error of ``bias`` for the number of draws; NaN with one draw."""
        return float(self.known["estimate"].std()) / math.sqrt(len(self.known))

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the truth; NaN where it was not given."""
        held = self.known["conf_low"].le(self.truth) & self.known["conf_high"].ge(self.truth)
        return float(held.mean()) if math.isfinite(self.truth) else math.nan

    def __repr__(self) -> str:
        said = f"power {self.power:.1%} ± {1.96 * self.power_error:.1%} in {len(self.known)} draws"
        if math.isfinite(self.truth):
            said += f"; bias {self.bias:+.3g} ± {1.96 * self.bias_error:.2g}"
            said += f", intervals hold the truth in {self.coverage:.1%}"
        return f"{said}; {self.n_failed} draws gave no answer"

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.frame.describe().to_html()}"


def simulate_power(
    draw: Callable[[np.random.Generator], Data],
    estimate: Callable[[Data], Estimate],
    draws: int,
    seed: int,
    *,
    alpha: float = 0.05,
    truth: float | None = None,
) -> SimulatedPower:
    """How often an analysis finds the effect of a world, and how near it comes.

    draw : makes data, such as a panel, from a generator; the effect is built in
    estimate : the whole analysis of one draw, such as a design and an estimator; its headline counts
    draws : how many, 1 or more
    seed : each draw has a generator of its own that hangs on the seed and its number only
    truth : the effect of the world, for bias and coverage

    Raises EffectError where no draw gives an estimate. A draw that gives none stays in the frame with its reason.
    """
    if draws < 1:
        raise OptionError(f"draws is 1 or more; got {draws}.")
    if not 0 < alpha < 1:
        raise OptionError(f"alpha = {alpha} is not allowed. It takes a number between 0 and 1.")
    seeds = np.random.SeedSequence(seed).spawn(draws)
    rows = [
        {"draw": number, **_answer(draw, estimate, np.random.Generator(np.random.PCG64(one)))}
        for number, one in enumerate(seeds, 1)
    ]
    frame = pd.DataFrame(rows, columns=list(DRAW_COLUMNS))
    done = SimulatedPower(frame, alpha, math.nan if truth is None else truth)
    if done.known.empty:
        reason = next((text for text in frame["reason"] if text), "its estimates have no p-value")
        raise EffectError(f"None of {draws} draws gives an estimate with its uncertainty. The first says: {reason}")
    return done


def _answer(
    draw: Callable[[np.random.Generator], Data], estimate: Callable[[Data], Estimate], rng: np.random.Generator
) -> dict[str, Any]:
    data = draw(rng)
    try:
        head = estimate(data).headline()
    except MentorevalError as error:
        return {"reason": str(error)}
    return {**{column: float(head[column]) for column in DRAW_COLUMNS[1:-1]}, "reason": ""}
