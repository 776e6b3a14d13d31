"""Rehearsal text: the sentences of a rehearsal, as its figure and its chapter say them."""

from __future__ import annotations

import pandas as pd

from mentoreval.evidence.rehearsal import Rehearsal
from mentoreval.report import amounts
from mentoreval.report.amounts import Scale
from mentoreval.report.words import Words


def say_rehearsal(summary: pd.DataFrame, confidence: float, scale: Scale, words: Words) -> tuple[str, ...]:
    """A sentence for each known effect of ``Rehearsal.summary`` with which there was an answer."""
    return tuple(
        words(
            "rehearsal.without" if row["effect"] == 0 else "rehearsal.with",
            n=int(row["n_draws"]),
            truth=say_amount(row["effect"], scale, words),
            mean=say_amount(row["mean_estimate"], scale, words),
            confidence=confidence,
            coverage=row["coverage"],
            found=row["found"],
        )
        for _, row in summary.iterrows()
        if row["n_draws"]
    )


def say_amount(value: float, scale: Scale, words: Words) -> str:
    """An effect with its unit."""
    return words(f"size.{scale.name}", number=digits(value, scale, words))


def digits(value: float, scale: Scale, words: Words) -> str:
    """With one more decimal than results have, so that what is off by little is not said to be the same."""
    return words.number(value * scale.factor, scale.decimals + 1, signed=bool(value))


def say_differences(held: Rehearsal, words: Words) -> list[str]:
    """How the made-up program differs from the real one, where it does."""
    notes, program = list[str](), held.program
    if program.level == "school":
        notes.append(words("rehearsal.by_school"))
    if program.n_made_up < program.n_real:
        notes.append(words("rehearsal.smaller", share=program.n_made_up / program.n_real))
    if held.mentor_spread > 0:
        size = amounts.size(words, amounts.reader_scale(held.measure), held.mentor_spread)
        notes.append(words("rehearsal.mentors", size=size))
    if held.assumed:
        notes.append(words("rehearsal.assumed"))
    return notes
