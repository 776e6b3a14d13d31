"""Draws of a fixed number of units, some likelier than others, in many cells at once."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from mentoreval.aliases import BoolArray, FloatArray, IntArray

SETTLED = 1e-9
"""Largest change of a shift, in log odds, at which it is taken as found."""

MOST_STEPS = 500


def tilt(linear: FloatArray, cell: IntArray, number: IntArray) -> FloatArray:
    """(m,) probabilities whose odds are those of ``linear`` times one factor for each cell, and that sum to ``number``.

    linear : (m,) log odds
    cell : (m,) codes 0 … c − 1
    number : (c,) whole numbers between 0 and the size of the cell

    The shift x of a cell solves h(x) = logit of the wanted share, with h the logit of the mean probability. As
    0 < h' ≤ 1, a step as long as what is missing never goes too far.
    """
    size = np.bincount(cell, minlength=len(number))
    inside = (number > 0) & (number < size)
    wanted = logit(np.where(inside, number / np.maximum(size, 1), 0.5))
    shift = np.zeros(len(number))
    probability = expit(linear)
    for _ in range(MOST_STEPS):
        mean = np.bincount(cell, probability, minlength=len(number)) / np.maximum(size, 1)
        step = np.where(inside, wanted - logit(np.where(inside, mean, 0.5)), 0.0)
        if not (np.abs(step) > SETTLED).any():
            break
        shift += step
        probability = expit(linear + shift[cell])
    return np.where(inside[cell], probability, (number[cell] > 0).astype(float))


def draw_cells(probability: FloatArray, cell: IntArray, number: IntArray, rng: np.random.Generator) -> BoolArray:
    """(m,) True for the drawn: ``number`` of each cell, each unit with exactly its probability.

    probability : (m,) that sum to ``number`` (c,) within each cell (m,), as ``tilt`` makes them

    Systematic sampling from units in random order: their probabilities are laid end to end, and whoever lies at
    u, u + 1, u + 2, … is drawn (Madow 1949, Annals of Mathematical Statistics 20; Hartley & Rao 1962, same, 33).
    """
    if not len(cell):
        return np.zeros(0, dtype=bool)
    order = np.lexsort((rng.random(len(cell)), cell))
    laid, own = np.minimum(probability[order], 1.0), cell[order]
    end = np.cumsum(laid)
    size = np.bincount(own, minlength=len(number))
    last = np.cumsum(size) - 1
    before = np.where(size > 0, end[last] - np.bincount(own, laid, minlength=len(number)), 0.0)
    end = end - before[own]
    start = rng.random(len(number))
    passed = np.maximum(np.ceil(end - start[own]), 0.0)
    filled = np.flatnonzero(size > 0)
    passed[last[filled]] = number[filled]  # what rounding may have taken off the end of the line
    first = np.concatenate([[True], own[1:] != own[:-1]])
    drawn = np.zeros(len(cell), dtype=bool)
    drawn[order] = passed > np.where(first, 0.0, np.concatenate([[0.0], passed[:-1]]))
    return drawn
