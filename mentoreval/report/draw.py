"""draw: the figure that belongs to a result, for a notebook or a slide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from mentoreval.design.design import Design
from mentoreval.effects.estimate import Estimate
from mentoreval.errors import OptionError, ReportError, suggest
from mentoreval.evidence.check import Finding
from mentoreval.evidence.power import PowerAnalysis
from mentoreval.evidence.rehearsal import Rehearsal
from mentoreval.evidence.specification_curve import SpecificationCurve
from mentoreval.evidence.synthesis import Synthesis
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.exhibits.balance_comparison import BalanceComparison
from mentoreval.report.exhibits.event_study import EventStudy
from mentoreval.report.exhibits.forest_plot import ForestPlot
from mentoreval.report.exhibits.honest_did import HonestDidPlot
from mentoreval.report.exhibits.love_plot import LovePlot
from mentoreval.report.exhibits.omitted_variable import OmittedVariablePlot
from mentoreval.report.exhibits.overlap_plot import OverlapPlot
from mentoreval.report.exhibits.power_curve import PowerCurve
from mentoreval.report.exhibits.rehearsal import RehearsalPlot
from mentoreval.report.exhibits.specification_curve import SpecificationCurveExhibit
from mentoreval.report.words import Words, readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Show = Literal["balance", "overlap"]
Drawable = (
    Design
    | Estimate
    | Synthesis
    | SpecificationCurve
    | PowerAnalysis
    | Rehearsal
    | Finding
    | Mapping[str, Design]
    | Sequence[Design]
)


def draw(result: Drawable, language: str = "en", *, show: Show = "balance") -> Figure:
    """The figure of one result, as a report would show it.

    result : a Design is drawn as a love plot, or as an overlap plot; several designs, best by name, as one love plot;
        an Estimate over time (an event study, or group-time effects, which are pooled by event time) as an event-study
        plot; a Synthesis is drawn as a forest plot, a Finding of honest_did as its intervals and
        one of omitted_variable as contours, a PowerAnalysis as
        a curve, a Rehearsal as its intervals
    language : "en" or "es"
    show : of one design, its "balance" in the covariates, or the "overlap" of the propensity scores

    Raises ReportError for a result that has no figure, for an unknown language, and for more designs than can be told
    apart.
    """
    words = Words(language)
    if show not in get_args(Show):
        raise OptionError(f"There is no picture {show!r} of a design.{suggest(show, get_args(Show))}")
    figure = _exhibit(result, show).figure(words)
    if figure is None:
        raise ReportError(f"There is no figure of {result!r}.")
    return figure


def _exhibit(result: Drawable, show: Show) -> Exhibit:
    if isinstance(result, Design):
        return LovePlot.of_design(result) if show == "balance" else OverlapPlot.of_design(result)
    if isinstance(result, (Mapping, list, tuple)) and all(isinstance(one, Design) for one in _designs(result)):
        named = result if isinstance(result, Mapping) else _named(result)
        return BalanceComparison.of_designs(named)
    if isinstance(result, Estimate) and _is_over_time(result):
        return EventStudy.of_estimate(result)
    if isinstance(result, Synthesis):
        return ForestPlot.of_synthesis(result)
    if isinstance(result, SpecificationCurve):
        return SpecificationCurveExhibit.of_curve(result)
    if isinstance(result, PowerAnalysis):
        return PowerCurve.of_analysis(result)
    if isinstance(result, Rehearsal):
        return RehearsalPlot.of_rehearsal(result)
    if isinstance(result, Finding) and result.check == HonestDidPlot.name and len(result.frame):
        return HonestDidPlot.of_finding(result)
    if (
        isinstance(result, Finding)
        and result.check == OmittedVariablePlot.name
        and OmittedVariablePlot.can_show(result)
    ):
        return OmittedVariablePlot.of_finding(result)
    what = f"an estimate by {result.fit.estimator.name}" if isinstance(result, Estimate) else type(result).__name__
    raise ReportError(f"There is no figure of {what}. A design, an estimate over time and a synthesis can be drawn.")


def _designs(result: Mapping[str, Design] | Sequence[Design]) -> Iterable[Design]:
    return result.values() if isinstance(result, Mapping) else result


def _named(designs: Sequence[Design]) -> dict[str, Design]:
    """By method, numbered where one method made several."""
    made = [readable(design.method.name) for design in designs]
    return {
        name if made.count(name) == 1 else f"{name} {made[:place].count(name) + 1}": design
        for place, (name, design) in enumerate(zip(made, designs, strict=True))
    }


def _is_over_time(estimate: Estimate) -> bool:
    pools = estimate.fit.group_time is not None and estimate.fit.pooled_by is None
    return pools or bool(estimate.frame["event_time"].notna().sum() > 1)
