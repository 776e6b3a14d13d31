"""Meeting weeks: matches by the share of the weeks of school in which the two met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd

from mentoreval.panel.fidelity import Fidelity
from mentoreval.report import canvas
from mentoreval.report.disclosure import shown_count
from mentoreval.report.disclosure_cells import Key
from mentoreval.report.match_exhibit import MatchExhibit, is_known
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTACT_WEEKS = "contact_weeks"
BANDS = {"never": 0.0, "up_to_quarter": 0.25, "up_to_half": 0.5, "up_to_three_quarters": 0.75, "up_to_all": 1.0}
"""Upper ends of shares of weeks with a meeting."""

LABEL, BAR, LEFT, BOTTOM, TOP = 1.45, 0.3, 1.65, 0.12, 0.1


@dataclass(frozen=True, eq=False)
class MeetingWeeks(MatchExhibit):
    """One where the records have meetings and a calendar."""

    name: ClassVar[str] = "meeting_weeks"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The matches in bands of their share of weeks with a meeting."""
        found = evaluation.fidelity
        if found is None or not found.matches["contact_weeks_share"].notna().any():
            return ()
        frame = _bands(found)
        return (cls(frame, subject=CONTACT_WEEKS, facts={"total": int(frame["n"].sum())}),)

    def counted(self, row: pd.Series, column: str) -> Key:
        """Matches of one band; those without a week are those that never met, as the table of dosage counts them."""
        if row["entry"] == next(iter(BANDS)):
            return "fidelity", "never_met", f"{row[column]:g}"
        return super().counted(row, column)

    def alt_text(self, words: Words) -> str:
        """Every bar with its number."""
        rows = [
            words("alt.meeting_weeks_row", entry=self._entry(words, row), said=self._said(words, row))
            for _, row in self.frame.iterrows()
        ]
        return words("alt.meeting_weeks", rows=" ".join(rows))

    def draw(self, words: Words) -> Figure:
        """A bar for each band of weeks with a meeting; none where its number is not shown."""
        rows = [row for _, row in self.frame.iterrows()]
        labels = [canvas.wrap(self._entry(words, row), LABEL, canvas.SMALL) for row in rows]
        heights = np.array([max(len(lines) * canvas.LINE, BAR) + 0.1 for lines in labels])
        figure = canvas.new_figure(BOTTOM + TOP + float(heights.sum()))
        page = canvas.page_axes(figure)
        said = [self._said(words, row) for row in rows]
        room = canvas.WIDTH - LEFT - 2 * canvas.MARGIN - max(canvas.text_width(text) for text in said)
        largest = max([int(row["n"]) for row in rows if is_known(row["n"])], default=1)
        for row, lines, text, centre in zip(
            rows, labels, said, BOTTOM + heights.sum() - np.cumsum(heights) + heights / 2, strict=True
        ):
            start = centre + len(lines) * canvas.LINE / 2 - 0.02
            canvas.write_lines(page, lines, canvas.MARGIN, start, size=canvas.SMALL)
            width = room * int(row["n"]) / largest if is_known(row["n"]) else 0.0
            page.barh(centre, width, left=LEFT, height=BAR * 0.8, color=canvas.PROGRAM)
            page.text(LEFT + width + 0.06, centre, text, va="center", size=canvas.SMALL)
        return figure

    def _said(self, words: Words, row: pd.Series) -> str:
        if not is_known(row["n"]):
            return shown_count(row["n"], words)
        return words("label.count_and_share", count=int(row["n"]), share=self._share(words, row))


def _bands(found: Fidelity) -> pd.DataFrame:
    """Matches by the band of their share of weeks with a meeting."""
    share = found.matches["contact_weeks_share"].dropna().astype(float).to_numpy()
    place = np.searchsorted(list(BANDS.values()), share, side="left")
    return pd.DataFrame({"entry": list(BANDS), "n": np.bincount(place, minlength=len(BANDS))})
