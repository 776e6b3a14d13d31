"""Exhibit: a tidy frame first; a figure, a table and a text that stands for the figure second."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd

from mentoreval.errors import ReportError
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report import canvas
from mentoreval.report.disclosure import hide_alone, hide_coded
from mentoreval.report.disclosure_cells import Cell, Key, Place, Sum
from mentoreval.report.document import Picture, Table
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Exhibit(ABC):
    """Something to show. To write: ``gather``, and ``draw`` with ``alt_text``, or ``table``, or both.

    frame : tidy; all that a figure or a table shows is in it
    subject : which of several exhibits of the kind: the name of a design or of an estimate; "" for the only one
    counts : columns of the frame that hold numbers of students; a missing one is too small to be shown, one below zero
        is withheld because another could be had from it
    cost : of hiding one of its numbers, beside those of other exhibits
    """

    name: ClassVar[str] = ""
    counts: ClassVar[tuple[str, ...]] = ()
    cost: ClassVar[float] = 1.0
    frame: pd.DataFrame
    subject: str = ""
    measures: Mapping[str, MeasureFacts] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    @abstractmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The exhibits of this kind that an evaluation has, one for each thing to show; none where it has none."""

    def draw(self, words: Words) -> Figure | None:
        """The figure; None for an exhibit that is a table only."""
        return None

    def table(self, words: Words) -> Table | None:
        """The table; None for an exhibit that is a figure only."""
        return None

    def alt_text(self, words: Words) -> str:
        """What the figure shows, with its numbers, for whoever can not see it."""
        return ""

    def caption(self, words: Words) -> str:
        """The caption of the figure."""
        return words(f"caption.{self.name}")

    # ------------------------------------------------------------------ what its numbers of students count
    def cells(self, limit: int) -> list[Cell]:
        """Its numbers of students with what they count, for ``protect``; by default those in the columns ``counts``."""
        return [
            Cell(self.counted(row, column), float(row[column]), (index, column), self.cost)
            for index, row in self.frame.iterrows()
            for column in self.counts
            if pd.notna(row[column])
        ]

    def counted(self, row: pd.Series, column: str) -> Key:
        """What a number counts. Numbers that count the same have the same key in every exhibit."""
        return self.id, str(row.name), column

    def sums(self) -> list[Sum]:
        """How its numbers add up, among themselves and with those of other exhibits."""
        return []

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """The exhibit with other values at some places, and without what would give them away."""
        frame = self.frame.copy()
        for column in self.counts:
            values = frame[column].astype("Int64")
            for index, name in (place for place in hidden if len(place) == 2 and place[1] == column):
                values[index] = hidden[index, name]
            frame[column] = values
        flags = [name for name, facts in self.measures.items() if facts.unit == "flag"]
        return replace(self, frame=hide_coded(hide_alone(frame, self.counts), self.counts, flags, limit))

    # ------------------------------------------------------------------ for everyone
    @property
    def id(self) -> str:
        """Name of this exhibit in a document."""
        return f"{self.name}-{self.subject}" if self.subject else self.name

    def measure(self, outcome: str) -> MeasureFacts | None:
        """The facts of an outcome; None where nothing is known."""
        return self.measures.get(outcome)

    def figure(self, words: Words) -> Figure | None:
        """The figure in the common style."""
        with canvas.style():
            return self.draw(words)

    def picture(self, words: Words) -> Picture:
        """Figure, alt text and caption; ReportError names an exhibit that can not be drawn."""
        try:
            figure = self.figure(words)
        except ReportError:
            raise
        except Exception as error:  # whatever goes wrong, the report stops and says where
            raise ReportError(f"The exhibit {self.id!r} can not be drawn: {error}") from error
        alt = self.alt_text(words)
        if figure is None or not alt:
            raise ReportError(f"The exhibit {self.id!r} has no figure, or a figure without an alternative text.")
        return Picture(f"figure-{self.id}", figure, alt, self.caption(words))

    def tabled(self, words: Words) -> Table:
        """The table; ReportError where the exhibit has none or can not make it."""
        try:
            table = self.table(words)
        except ReportError:
            raise
        except Exception as error:  # as above
            raise ReportError(f"The table of the exhibit {self.id!r} can not be made: {error}") from error
        if table is None:
            raise ReportError(f"The exhibit {self.id!r} has no table.")
        return table

    def _repr_html_(self) -> str:
        from mentoreval.report.html import block_html

        words = Words("en")
        drawn = "" if self.figure(words) is None else block_html(self.picture(words))
        return drawn + ("" if self.table(words) is None else block_html(self.tabled(words)))
