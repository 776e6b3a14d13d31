"""Disclosure: no number of students that could point at a child, at the one place where exhibits become readable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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


def shown_share(share: float, n: Any, words: Words) -> str:
    """A share of ``n`` students; where fewer than SMALLEST_SHOWN have the trait, or have not, only its bound."""
    if pd.isna(n) or pd.isna(share):
        return words("sign.hidden")
    least = SMALLEST_SHOWN / max(int(n), 1)
    if least > 0.5:
        return words("sign.hidden")
    if share < least:
        return words("sign.below", value=words.percent(least, 1))
    return words("sign.above", value=words.percent(1 - least, 1)) if share > 1 - least else words.percent(share, 1)


def shown_count(count: Any, words: Words) -> str:
    """A number of students as readers see it: itself, or that it is below SMALLEST_SHOWN."""
    if pd.isna(count) or int(count) < SMALLEST_SHOWN:
        return words("sign.small", limit=SMALLEST_SHOWN)
    return words.count(count)
