"""Specification curve: every reasonable way to answer the question, from the smallest answer to the largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mentoreval.evidence.specification_curve import CHOICES, SIGNIFICANT, SpecificationCurve
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report import amounts, canvas
from mentoreval.report.amounts import Scale
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL_WIDTH, BETWEEN, TOP, CURVE_HEIGHT, GAP, BOTTOM = 1.35, 0.12, 0.3, 1.7, 0.34, 0.1
ROW_GAP, HEADING, INDENT = 0.03, 0.26, 0.08


@dataclass(frozen=True, eq=False)
class SpecificationCurveExhibit(Exhibit):
    """One for each curve of a study.

    frame : SPECIFICATION_COLUMNS of those that gave an estimate, from the smallest to the largest
    facts : outcome, n_tried, confidence, and the curve's median, share_same_sign, share_significant, p_median
    """

    name: ClassVar[str] = "specification_curve"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """Every curve that the study asks for."""
        measures, confidence = evaluation.panel.measures, evaluation.study.confidence
        return tuple(
            cls.of_curve(curve, measures.get(curve.outcome), name, confidence)
            for name, curve in evaluation.specifications.items()
        )

    @classmethod
    def of_curve(
        cls, curve: SpecificationCurve, measure: MeasureFacts | None = None, subject: str = "", confidence: float = 0.95
    ) -> Self:
        """The exhibit of a curve."""
        shares = ("median", "share_same_sign", "share_significant", "p_median", "n_permutations")
        facts = {"outcome": curve.outcome, "n_tried": len(curve.frame), "confidence": confidence}
        facts |= {name: getattr(curve, name) for name in shares}
        frame = curve.frame.dropna(subset=["estimate"]).reset_index(drop=True)
        return cls(frame, subject, {} if measure is None else {curve.outcome: measure}, facts)

    @property
    def scale(self) -> Scale:
        """The unit of the answers."""
        return amounts.reader_scale(self.measure(str(self.facts["outcome"])))

    def summary(self, words: Words) -> str:
        """What the curve says, in a sentence or two."""
        numbers = {
            "outcome": words.outcome(str(self.facts["outcome"])),
            "n": len(self.frame), "n_tried": self.facts["n_tried"],
            "same": self.facts["share_same_sign"], "significant": self.facts["share_significant"],
            "lowest": self._amount(words, float(self.frame["estimate"].min())),
            "highest": self._amount(words, float(self.frame["estimate"].max())),
            "median": self._amount(words, float(str(self.facts["median"]))),
        }  # fmt: skip
        said = words("specifications.summary", **numbers)
        if self.facts["p_median"] is None:
            return said
        tested = words("specifications.permuted", p=self.facts["p_median"], n=self.facts["n_permutations"])
        return f"{said} {tested}"

    def _amount(self, words: Words, value: float) -> str:
        signed = amounts.digits(words, self.scale, value, signed=True)
        return words(f"size.{self.scale.name}", number=signed)

    def alt_text(self, words: Words) -> str:
        """The summary, and the median under each choice."""
        rows = [words("alt.specification_curve_row", choice=label, median=self._amount(words, median))
                for _, label, _, median, _ in self._choices(words)]  # fmt: skip
        return words("alt.specification_curve", summary=self.summary(words), rows=" ".join(rows))

    def caption(self, words: Words) -> str:
        """What the curve says, and what marks and rows are."""
        return words("caption.specification_curve", summary=self.summary(words), confidence=self.facts["confidence"])

    def _choices(self, words: Words) -> list[tuple[str, str, int, float, float]]:
        """For each entry of each choice: the choice, the entry, how many estimates, their median, significant share."""
        rows = []
        for choice in CHOICES:
            for entry in dict.fromkeys(self.frame[choice]):
                part = self.frame[self.frame[choice] == entry]
                share = float((part["p_value"] < SIGNIFICANT).mean())
                median = float(part["estimate"].median())
                rows.append((choice, opened(words.choice(choice, str(entry))), len(part), median, share))
        return rows

    def table(self, words: Words) -> Table:
        """One row for each entry of each choice."""
        names = ("choice", "entry", "n_estimates", "median", "significant")
        columns = tuple(Column(words(f"column.{name}"), numeric=name not in names[:2]) for name in names)
        rows = tuple(
            (words(f"specification.{choice}"), entry, words.count(n), self._amount(words, median), words.percent(share))
            for choice, entry, n, median, share in self._choices(words)
        )
        return Table(f"table-{self.id}", words("caption.specification_table"), columns, rows)

    def draw(self, words: Words) -> Figure:
        """The answers above, and below them a mark in the row of every choice that was made."""
        blocks = [(choice, sorted(set(self.frame[choice]))) for choice in CHOICES]
        labels = {
            (choice, entry): canvas.wrap(opened(words.choice(choice, str(entry))), LABEL_WIDTH - INDENT, canvas.SMALL)
            for choice, entries in blocks
            for entry in entries
        }
        height = sum(_row_height(lines) for lines in labels.values()) + len(blocks) * HEADING
        figure = canvas.new_figure(TOP + CURVE_HEIGHT + GAP + height + BOTTOM)
        page = canvas.page_axes(figure)
        left = canvas.MARGIN + LABEL_WIDTH + BETWEEN
        width = canvas.WIDTH - left - canvas.MARGIN
        floor = BOTTOM + height + GAP
        self._curve(canvas.panel_axes(figure, left, floor, width, CURVE_HEIGHT), words)
        unit = canvas.wrap(words(f"axis.{self.scale.name}"), LABEL_WIDTH - 0.35, canvas.SMALL)
        canvas.write_lines(page, unit, canvas.MARGIN, floor + CURVE_HEIGHT, size=canvas.SMALL)
        rows = canvas.panel_axes(figure, left, 0, width, figure.get_figheight())
        rows.set_xlim(-1, len(self.frame))
        rows.set_ylim(0, figure.get_figheight())
        rows.axis("off")
        place = BOTTOM + height
        for choice, entries in blocks:
            place -= HEADING
            heading = words(f"specification.{choice}")
            page.text(canvas.MARGIN, place + 0.05, heading, weight="bold", size=canvas.SMALL)
            for entry in entries:
                lines = labels[choice, entry]
                canvas.write_lines(page, lines, canvas.MARGIN + INDENT, place - 0.02, size=canvas.SMALL)
                chosen = np.flatnonzero(self.frame[choice] == entry)
                middle = np.full(len(chosen), place - canvas.LINE / 2)
                rows.scatter(chosen, middle, s=26, marker="|", color=canvas.INK, linewidth=1.2)
                place -= _row_height(lines)
        return figure

    def _curve(self, axes: Axes, words: Words) -> None:
        factor, place = self.scale.factor, np.arange(len(self.frame))
        clear = (self.frame["p_value"] < SIGNIFICANT).to_numpy(dtype=bool)
        low, middle, high = (self.frame[name].to_numpy(dtype=float) * factor for name in
                             ("conf_low", "estimate", "conf_high"))  # fmt: skip
        for mask, colour in ((~clear, canvas.MUTED), (clear, canvas.PROGRAM)):
            bounded = mask & np.isfinite(low) & np.isfinite(high)
            axes.vlines(place[bounded], low[bounded], high[bounded], color=colour, linewidth=0.8, alpha=0.6)
            axes.scatter(place[mask], middle[mask], s=9, color=colour, zorder=3)
        axes.axhline(0, color=canvas.INK, linewidth=0.8)
        axes.set_xlim(-1, len(self.frame))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        canvas.few_ticks(axes.yaxis, words)


def _row_height(lines: list[str]) -> float:
    return len(lines) * canvas.LINE + ROW_GAP
