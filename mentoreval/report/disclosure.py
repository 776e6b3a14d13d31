"""Disclosure: no number of students that could point at a child, at the one place where exhibits become readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from mentoreval.report.words import Words

if TYPE_CHECKING:
    from mentoreval.report.exhibit import Exhibit

SMALLEST_SHOWN = 10


def protect(exhibits: Mapping[str, tuple[Exhibit, ...]]) -> dict[str, tuple[Exhibit, ...]]:
    """All exhibits of a report with their small counts taken out; what is drawn, tabled or said comes after this."""
    return {
        name: tuple(replace(exhibit, frame=hide_small(exhibit.frame, exhibit.counts)) for exhibit in group)
        for name, group in exhibits.items()
    }


def hide_small(frame: pd.DataFrame, counts: Iterable[str]) -> pd.DataFrame:
    """The frame with every count below SMALLEST_SHOWN missing in the named columns."""
    hidden = frame.copy()
    for name in counts:
        values = hidden[name].astype("Int64")
        hidden[name] = values.mask(values < SMALLEST_SHOWN)
    return hidden


def shown_count(count: object, words: Words) -> str:
    """A number of students as readers see it: itself, or that it is below SMALLEST_SHOWN."""
    if pd.isna(count) or int(count) < SMALLEST_SHOWN:  # type: ignore[call-overload]
        return words("sign.small", limit=SMALLEST_SHOWN)
    return words.count(count)
