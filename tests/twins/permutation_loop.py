"""The slow, obvious randomization test: a regression for each assignment and each hypothesis."""

from __future__ import annotations

import itertools

import numpy as np


def coefficient(treated, others, response):
    """Of treatment in least squares on treatment and the other columns."""
    return np.linalg.lstsq(np.column_stack([treated, others]), response, rcond=None)[0][0]


def assignments(treated, block):
    """Every 0/1 assignment with as many treated in each block as there are."""
    blocks = np.unique(block)
    choices = [itertools.combinations(np.flatnonzero(block == b), int(treated[block == b].sum())) for b in blocks]
    for chosen in itertools.product(*choices):
        other = np.zeros(len(treated))
        other[[place for part in chosen for place in part]] = 1.0
        yield other


def randomization_p_value(treated, others, response, block, effect=0.0):
    """Share of assignments whose effect, once the supposed one is taken off, is at least as far from zero."""
    untreated = response - effect * treated
    found = abs(coefficient(treated, others, untreated))
    drawn = [abs(coefficient(other, others, untreated)) for other in assignments(treated, block)]
    return float(np.mean(np.array(drawn) >= found - 1e-9))
