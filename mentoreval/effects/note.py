"""Note: what a reader of an estimate must know beside its numbers, as a key and numbers, in no language yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Note:
    """Why a number is missing, or what else the reader of an estimate must know.

    key : of its sentence in the section ``[note]`` of the languages
    terms : names of the effects that it is about; empty = all
    numbers : what the sentence needs beside ``terms``, by the names that it has there

    An estimator gives notes as ``Fit.notes``.
    """

    key: str
    terms: tuple[str, ...] = ()
    numbers: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Note | str) -> Note:
        """A note as it is; a text as a note that is said as it is written."""
        return given if isinstance(given, Note) else cls("as_written", numbers={"text": given})

    def concerns(self, term: str) -> bool:
        """Whether it is about an effect."""
        return not self.terms or term in self.terms

    def __str__(self) -> str:
        told = [*self.terms, *(f"{name} = {value}" for name, value in self.numbers.items())]
        return f"{self.key.replace('_', ' ')}: {', '.join(told)}" if told else self.key.replace("_", " ")
