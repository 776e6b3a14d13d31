"""The figure, the table and the sentences of a rehearsal, in both languages."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.evidence.rehearsal import Rehearsal
from mentoreval.report.exhibits.rehearsal import RehearsalPlot
from mentoreval.report.rehearsal_text import say_differences
from mentoreval.report.words import Words


@pytest.fixture
def held() -> Rehearsal:
    """100 rehearsals of a rate of attendance; 4 of 100 intervals miss zero, 6 of 100 the effect of 0.01."""
    frames = []
    for effect, missed in ((0.0, 4), (0.01, 6)):
        estimate = effect + np.where(np.arange(100) < missed, 0.03, np.linspace(-0.005, 0.005, 100))
        frame = pd.DataFrame({"draw": range(1, 101), "effect": effect, "truth": effect, "estimate": estimate})
        frames.append(frame.assign(std_error=0.01, p_value=0.5, conf_low=estimate - 0.02, conf_high=estimate + 0.02))
    program = SimpleNamespace(level="unit", n_real=200, n_made_up=50)
    frame = pd.concat(frames, ignore_index=True).assign(reason="")
    facts = me.MeasureFacts(unit="share", domain="attendance")
    return Rehearsal("attendance_rate", frame, 0.95, program, mentor_spread=0.01, assumed=True, measure=facts)


def test_the_sentences_name_truth_mean_and_coverage(held: Rehearsal):
    words = Words("en")
    none, known = RehearsalPlot.of_rehearsal(held).said(words)
    mean = 180 * held.draws(0.01)["estimate"].mean()
    assert known.startswith("In 100 rehearsals on your own students with a true effect of +1.80 days a year")
    assert f"this analysis found {mean:+.2f} days a year on average" in known
    assert "its 95% interval held the truth in 94% of them" in known
    assert "held zero in 96% of them" in none


@pytest.mark.parametrize("language", ["en", "es"])
def test_figure_table_and_text_stand_in_both_languages(held: Rehearsal, language: str):
    words, shown = Words(language), RehearsalPlot.of_rehearsal(held, "main")
    assert shown.picture(words).alt
    table = shown.tabled(words)
    assert [row[1] for row in table.rows] == ["100", "100"]
    assert [row[4].replace("\N{NO-BREAK SPACE}", "") for row in table.rows] == ["96%", "94%"]
    assert me.draw(held, language) is not None


def test_intervals_that_miss_are_drawn_apart(held: Rehearsal):
    figure = RehearsalPlot.of_rehearsal(held).figure(Words("en"))
    assert figure is not None
    panels = [axes for axes in figure.axes if len(axes.lines)]
    drawn = [[len(part.get_segments()) for part in axes.collections[::2]] for axes in panels]
    assert drawn == [[96, 4], [94, 6]]
    assert [axes.lines[0].get_xdata()[0] for axes in panels] == pytest.approx([0, 1.8])


def test_what_differs_from_the_real_program_is_said(held: Rehearsal):
    smaller, mentors, assumed = say_differences(held, Words("en"))
    assert "25% as large as the real one" in smaller
    assert "1.8 days a year from mentor to mentor" in mentors
    assert "one tenth of a standard deviation" in assumed
