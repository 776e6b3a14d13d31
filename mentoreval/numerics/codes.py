"""Codes: levels of a factor as whole numbers from 0 on."""

from __future__ import annotations

import numpy as np

from mentoreval.aliases import IntArray


def number(labels: IntArray) -> IntArray:
    """(n,) codes 0 … levels − 1 of whole numbers, in their order."""
    low = int(labels.min()) if len(labels) else 0
    span = int(labels.max()) - low + 1 if len(labels) else 0
    if span > 10 * len(labels):
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)
    occurs = np.zeros(span, dtype=bool)
    place = labels - low if low else labels
    occurs[place] = True
    return place if occurs.all() else np.asarray((np.cumsum(occurs) - 1)[place], dtype=np.int64)
