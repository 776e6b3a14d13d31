"""Power curve: the smallest effect that a study could find, by the size of the study, beside those that are likely."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from mentoreval.errors import ReportError
from mentoreval.evidence.power import PLAUSIBLE, PowerAnalysis, published_effects
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

LEFT, RIGHT, RIGHT_WITH_UNIT, BOTTOM, PLOT_HEIGHT, ABOVE = 0.6, 0.15, 0.6, 0.62, 2.3, 0.12
KEY_WIDTH, KEY_GAP = 0.3, 0.04
HIGHEST = 3.0
"""The axis ends at this many times the planned study's smallest effect, or the likely ones: beyond it lie studies so
small that nobody would plan them."""

TABLE_ROWS = 7


@dataclass(frozen=True, eq=False)
class PowerCurve(Exhibit):
    """Of a power analysis; an evaluation, which comes after the data, has none of its own.

    frame : POWER_COLUMNS
    analysis : that is shown
    """

    name: ClassVar[str] = "power_curve"
    analysis: PowerAnalysis | None = None

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """None: power is computed before there is anything to evaluate."""
        return ()

    @classmethod
    def of_analysis(cls, analysis: PowerAnalysis) -> Self:
        """The curve of an analysis."""
        measures = {} if analysis.unit is None else {"effect": MeasureFacts(unit=analysis.unit)}
        return cls(analysis.frame, measures=measures, analysis=analysis)

    @property
    def shown(self) -> PowerAnalysis:
        """The analysis; ReportError where the exhibit was made without one."""
        if self.analysis is None:
            raise ReportError("A power curve is made by PowerCurve.of_analysis.")
        return self.analysis

    @property
    def scale(self) -> Scale | None:
        """The outcome's unit; None where it was not given."""
        facts = self.measure("effect")
        return None if facts is None else amounts.reader_scale(facts)

    # ------------------------------------------------------------------ in words
    def said(self, words: Words, effect: float | None = None) -> tuple[str, ...]:
        """What the study could find, what is likely, what it would take.

        effect : in standard deviations, one to speak of beside those that are likely
        """
        shown = self.shown
        finds = words("power.finds", plan=self._plan(words), size=self._size(words, shown.mdes), power=shown.power)
        low, high = PLAUSIBLE
        case = "none" if shown.mdes > high else "some" if shown.mdes > low else "all"
        ends = {"low": self._size(words, low), "high": self._size(words, high)}
        sentences = [finds, words(f"power.likely_{case}", **ends)]
        if case != "all":
            sentences.append(self._chance(words, high if case == "none" else low))
        if effect is not None:
            sentences.append(self._chance(words, effect))
        return tuple(sentences)

    def _chance(self, words: Words, effect: float) -> str:
        """The chance of finding an effect, and what it takes to find it; the latter where the study is too small."""
        shown = self.shown
        chance = words("power.chance", size=self._size(words, effect), chance=shown.power_for(effect))
        if shown.mdes <= effect:
            return chance
        takes = words("power.takes", power=shown.power, n=shown.size_for(effect), things=self._things(words))
        return f"{chance} {takes}"

    def found_elsewhere(self, words: Words) -> tuple[str, ...]:
        """What studies of mentoring found, each with its source; on outcomes of this unit, and on all."""
        unit = self.shown.unit
        shown = [one for one in published_effects() if not one.units or unit in one.units]
        return tuple(
            f"{words(f'published.{one.name}', value=abs(one.value), g=abs(one.g), study=one.study)} "
            f"{words('power.source', source=one.source, checked=words(f'power.checked.{one.verified}'))}"
            for one in shown
        )

    def _plan(self, words: Words) -> str:
        shown, design = self.shown, self.shown.design
        numbers = {
            "size": design.size_now, "share": getattr(design, "share", math.nan),
            "n_treated": round(shown.n_treated), "n_comparison": round(shown.n_comparison),
            "before": getattr(design, "before", 0), "after": getattr(design, "after", 0),
            "per": getattr(design, design.counts[0]) if design.counts else 1,
        }  # fmt: skip
        numbers = {name: int(value) if float(value).is_integer() else value for name, value in numbers.items()}
        return words(f"power.plan.{self._kind}", **numbers)

    @property
    def _kind(self) -> str:
        """The plan's name; students and schools that are followed are two."""
        design = self.shown.design
        followed = f"_{self._unit}" if design.size == "units" else ""
        return f"{design.name}{followed}"

    @property
    def _unit(self) -> str:
        """What ``size`` counts."""
        design = self.shown.design
        if design.size != "units":
            return design.size
        return "students" if getattr(design, "students_per_unit", 1) == 1 else "schools"

    def _things(self, words: Words) -> str:
        return words(f"power.things.{self._unit}")

    def _size(self, words: Words, effect: float) -> str:
        """An effect in the outcome's unit and in standard deviations, the latter alone where there is no unit."""
        if self.scale is None:
            return words("power.size", g=effect)
        return words("power.size_in_unit", size=amounts.size(words, self.scale, effect * self.shown.sd), g=effect)

    def caption(self, words: Words) -> str:
        """What the marks are."""
        return words("caption.power_curve", power=self.shown.power, alpha=self.shown.alpha)

    def alt_text(self, words: Words) -> str:
        """What the study could find, and the curve at a few sizes."""
        rows = [
            words("alt.power_curve_row", n=int(row["size"]), things=self._things(words),
                  size=self._size(words, float(row["mdes"])))
            for row in self._few_rows()
        ]  # fmt: skip
        return words("alt.power_curve", said=" ".join(self.said(words)), rows=" ".join(rows))

    def _few_rows(self) -> list[dict[str, float]]:
        """Rows of the frame from the smallest study to the largest, the plan's own among them."""
        places = set(np.linspace(0, len(self.frame) - 1, min(TABLE_ROWS, len(self.frame))).round().astype(int))
        (planned,) = np.nonzero((self.frame["size"] == self.shown.design.size_now).to_numpy())
        chosen = sorted({int(place) for place in (*places, *planned)})
        rows = self.frame.iloc[chosen].astype(float)
        return [{str(name): float(value) for name, value in row.items()} for _, row in rows.iterrows()]

    def table(self, words: Words) -> Table:
        """Sizes of the study, what each could find, and its chance of finding effects that are likely."""
        shown, scale = self.shown, self.scale
        labels = [opened(self._things(words))]
        if self._unit != "students":
            labels.append(words("column.n"))
        labels.append(words("axis.standard_deviations"))
        if scale is not None:
            labels.append(words(f"axis.{scale.name}"))
        labels += [words("power.column", g=effect) for effect in PLAUSIBLE]
        rows = []
        for row in self._few_rows():
            cells = [words.count(row["size"])]
            if self._unit != "students":
                cells.append(words.count(round(row["n_treated"] + row["n_comparison"])))
            cells.append(words.number(row["mdes"], 2))
            if scale is not None:
                cells.append(amounts.digits(words, scale, row["mdes"] * shown.sd))
            at = shown.at(int(row["size"]))
            cells += [words.percent(at.power_for(effect)) for effect in PLAUSIBLE]
            rows.append(tuple(cells))
        columns = tuple(Column(label) for label in labels)
        return Table(f"table-{self.id}", words("caption.power_table", power=shown.power), columns, tuple(rows))

    # ------------------------------------------------------------------ drawn
    def draw(self, words: Words) -> Figure:
        """The curve over the shaded range of likely effects, with the planned study; the outcome's unit at right."""
        right = RIGHT if self.scale is None else RIGHT_WITH_UNIT
        keys = [
            canvas.wrap(words(f"legend.power_{name}", low=PLAUSIBLE[0], high=PLAUSIBLE[1], power=self.shown.power),
                        canvas.WIDTH - 2 * canvas.MARGIN - KEY_WIDTH, canvas.SMALL)
            for name in ("curve", "plan", "likely")
        ]  # fmt: skip
        titles = [canvas.wrap(words("axis.standard_deviations"), canvas.WIDTH / 2 - 0.2, canvas.SMALL)]
        if self.scale is not None:
            titles.append(canvas.wrap(words(f"axis.{self.scale.name}"), canvas.WIDTH / 2 - 0.2, canvas.SMALL))
        titles_height = max(map(len, titles)) * canvas.LINE
        keys_height = sum(len(lines) * canvas.LINE + KEY_GAP for lines in keys)
        height = BOTTOM + PLOT_HEIGHT + ABOVE + titles_height + 0.1 + keys_height + canvas.MARGIN
        figure = canvas.new_figure(height)
        page = canvas.page_axes(figure)
        self._keys(page, keys, height - canvas.MARGIN)
        top = BOTTOM + PLOT_HEIGHT + ABOVE + titles_height
        for place, lines in zip((canvas.MARGIN, canvas.WIDTH - canvas.MARGIN), titles, strict=False):
            side = "left" if place == canvas.MARGIN else "right"
            canvas.write_lines(page, lines, place, top, size=canvas.SMALL, ha=side)
        width = canvas.WIDTH - LEFT - right
        axes = canvas.panel_axes(figure, LEFT, BOTTOM, width, PLOT_HEIGHT)
        self._curve(axes, words)
        page.text(
            LEFT + width / 2, BOTTOM - 0.36, opened(self._things(words)), ha="center", va="top", size=canvas.SMALL
        )
        return figure

    def _keys(self, page: Axes, keys: list[list[str]], top: float) -> None:
        """The legend: a line, a mark and a shaded field with what they mean, one under the other."""
        for number, lines in enumerate(keys):
            middle = top - canvas.LINE / 2
            ends = [canvas.MARGIN, canvas.MARGIN + KEY_WIDTH - 0.08]
            if number == 0:
                page.plot(ends, [middle, middle], color=canvas.PROGRAM, linewidth=1.8)
            elif number == 1:
                page.scatter([sum(ends) / 2], [middle], s=34, color=canvas.PROGRAM, zorder=3)
            else:
                page.fill_between(ends, middle - 0.06, middle + 0.06, color=canvas.COMPARISON, alpha=0.25, linewidth=0)
            top = canvas.write_lines(page, lines, canvas.MARGIN + KEY_WIDTH, top, size=canvas.SMALL) - KEY_GAP

    def _curve(self, axes: Axes, words: Words) -> None:
        shown = self.shown
        size, mdes = (self.frame[name].to_numpy(dtype=float) for name in ("size", "mdes"))
        ceiling = min(float(mdes.max()) * 1.05, HIGHEST * max(shown.mdes, PLAUSIBLE[1]))
        axes.set_xlim(float(size.min()), float(size.max()))
        axes.set_ylim(0, max(ceiling, PLAUSIBLE[1] * 1.2))
        axes.axhspan(*PLAUSIBLE, color=canvas.COMPARISON, alpha=0.25, linewidth=0)
        axes.plot(size, mdes, color=canvas.PROGRAM, linewidth=1.8)
        axes.scatter([shown.design.size_now], [shown.mdes], s=34, color=canvas.PROGRAM, zorder=3, clip_on=False)
        canvas.few_ticks(axes.yaxis, words)
        canvas.few_ticks(axes.xaxis, words)
        if self.scale is None:
            return
        other = axes.twinx()
        for side in ("left", "right", "top", "bottom"):
            other.spines[side].set_visible(False)
        other.set_ylim(0, axes.get_ylim()[1] * shown.sd * self.scale.factor)
        canvas.few_ticks(other.yaxis, words)
