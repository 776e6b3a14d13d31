"""draw: the figure that belongs to a result, for a notebook or a slide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentoreval.design.design import Design
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import ReportError
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.exhibits.event_study import EventStudy
from mentoreval.report.exhibits.love_plot import LovePlot
from mentoreval.report.words import Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(result: Design | Estimate, language: str = "en") -> Figure:
    """The figure of one result, as a report would show it.

    result : a Design is drawn as a love plot; an Estimate over time (an event study, or group-time effects, which are
        pooled by event time) as an event-study plot
    language : "en" or "es"

    Raises ReportError for a result that has no figure, and for an unknown language.
    """
    words = Words(language)
    figure = _exhibit(result).figure(words)
    if figure is None:
        raise ReportError(f"There is no figure of {result!r}.")
    return figure


def _exhibit(result: Design | Estimate) -> Exhibit:
    if isinstance(result, Design):
        return LovePlot.of_design(result)
    if isinstance(result, Estimate) and _is_over_time(result):
        return EventStudy.of_estimate(result)
    what = f"an estimate by {result.fit.estimator.name}" if isinstance(result, Estimate) else type(result).__name__
    raise ReportError(f"There is no figure of {what}. A design, and an estimate over time, can be drawn.")


def _is_over_time(estimate: Estimate) -> bool:
    pools = estimate.fit.group_time is not None and estimate.fit.pooled_by is None
    return pools or bool(estimate.frame["event_time"].notna().sum() > 1)
