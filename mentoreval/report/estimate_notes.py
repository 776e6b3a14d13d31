"""Estimate notes: what a reader of an estimate must know, in words."""

from __future__ import annotations

from mentoreval.effects.note import Note
from mentoreval.report.document import Block, Bullets
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Result


def say_notes(results: tuple[Result, ...], words: Words) -> list[Block]:
    """What the estimates note of the rows that are shown, each sentence once with the outcomes that it is about."""
    said: dict[str, list[str]] = {}
    for result in results:
        outcome = opened(words.outcome(result.plan.outcome, result.plan.contrast))
        for note in result.estimate.notes:
            if note.concerns(str(result.headline["term"])):
                said.setdefault(_sentence(note, words), []).append(outcome)
    told = [words("note.about", outcomes=dict.fromkeys(outcomes), text=text) for text, outcomes in said.items()]
    return [Bullets(tuple(told))] if told else []


def _sentence(note: Note, words: Words) -> str:
    """A note in words."""
    numbers = dict(note.numbers)
    if "cluster" in numbers:
        cluster = words.named("clusters", str(numbers["cluster"]))
        numbers["clusters"] = words("label.clusters", count=numbers["count"], cluster=cluster)
    return words(f"note.{note.key}", terms=note.terms, **numbers)
