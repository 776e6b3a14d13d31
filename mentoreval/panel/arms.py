"""Arms: a panel has somebody who is treated, somebody to compare with, and starts that can be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mentoreval.errors import DataError, first_few

if TYPE_CHECKING:
    from mentoreval.panel.panel import Panel


def check_arms(panel: Panel) -> None:
    """DataError where nobody is treated, nobody is left to compare with, or a start can only be a slip."""
    _check_starts(panel)
    treated = panel.start <= panel.timeline.clock[-1]
    if not treated.any():
        raise DataError(
            f"No unit is treated: {panel.first_treated!r} is missing, or after the last period, in all "
            f"{panel.n_units:,} units. Check that matches and students use the same identifiers."
        )
    if treated.all() and len(panel.cohorts) < 2:
        raise DataError(
            f"All {panel.n_units:,} units are treated, and at the same time: nobody is left to compare with. "
            "A comparison needs students who were never mentored, or mentored later."
        )


def _check_starts(panel: Panel) -> None:
    """Refuse starts that can only be a slip: a text inside the periods that is none of them, or before the only one."""
    timeline = panel.timeline
    first, last = timeline.clock[0], timeline.clock[-1]
    if panel.is_cross_section and (panel.start < first).any():
        raise DataError(
            f"{int((panel.start < first).sum()):,} units start before {panel.period} {timeline.periods[0]}, the only "
            "period: nobody is seen before the program. Where before and after do not matter, use treated= instead."
        )
    inside = (panel.start > first) & (panel.start < last)
    strange = inside & (timeline.position_of_clock(panel.start) < 0)
    if strange.any() and not timeline.counts:
        labels = first_few(timeline.label(clock) for clock in panel.start[strange])
        raise DataError(
            f"{panel.first_treated} of {int(strange.sum()):,} units is no {panel.period} of this panel ({labels}). "
            f"Write it as the periods are written: {first_few(timeline.periods)}."
        )
