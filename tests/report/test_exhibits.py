"""Exhibits: data first; figures in which no label lies over another, and the same bytes every time."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure

from mentoreval.errors import ReportError
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report import canvas
from mentoreval.report.disclosure import protect
from mentoreval.report.exhibits import EXHIBITS, EventStudy, ImpactPlot, LovePlot, SampleFlow
from mentoreval.report.words import Words, available_languages

# Each of these has its own tests.
NOT_OF_THIS_EVALUATION = (
    "forest_plot",
    "honest_did",
    "omitted_variable",
    "specification_curve",
    "plan_table",
    "power_curve",
    "dose_response",
)
DRAWN = [name for name, kind in EXHIBITS.items() if "draw" in vars(kind) and name not in NOT_OF_THIS_EVALUATION]
TABLED = [name for name, kind in EXHIBITS.items() if "table" in vars(kind) and name not in NOT_OF_THIS_EVALUATION]
LANGUAGES = available_languages()


def text_boxes(figure: Figure, dpi: int = 100) -> tuple[list[tuple[str, float, float, float, float]], float, float]:
    """Every text that is drawn and its box in pixels: left, top, right, bottom; and the size of the figure."""
    figure.set_dpi(dpi)
    width, height = (float(side) * dpi for side in figure.get_size_inches())
    renderer = RendererAgg(int(width), int(height), dpi)
    boxes: list[tuple[str, float, float, float, float]] = []

    def record(gc, x, y, s, prop, *more, **options):
        w, h, descent = renderer.get_text_width_height_descent(s, prop, False)
        boxes.append((s, x, y - (h - descent), x + w, y + descent))

    renderer.draw_text = record
    with canvas.style():
        figure.draw(renderer)
    return [box for box in boxes if box[0].strip()], width, height


def assert_legible(figure: Figure) -> None:
    """No text over another, none cut off at the edge, none smaller than 8 points."""
    boxes, width, height = text_boxes(figure)
    assert boxes
    for text, left, top, right, bottom in boxes:
        assert left >= 0, text
        assert top >= 0, text
        assert right <= width + 1, text
        assert bottom <= height + 1, text
    for one, other in combinations(boxes, 2):
        apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
        assert apart, f"{one[0]!r} lies over {other[0]!r}"


def gathered(evaluation, name: str):
    exhibits = protect({name: EXHIBITS[name].gather(evaluation)})[name]
    assert exhibits
    return exhibits


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", DRAWN)
def test_figures_are_legible_and_have_words(evaluation, name, language):
    words = Words(language)
    for exhibit in gathered(evaluation, name):
        picture = exhibit.picture(words)
        assert_legible(picture.figure)
        assert len(picture.alt) > 40
        assert picture.caption
        assert "{" not in picture.alt + picture.caption


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name in TABLED if name != "ledger_table"])
def test_tables_have_captions_and_full_rows(evaluation, name, language):
    for exhibit in gathered(evaluation, name):
        table = exhibit.tabled(Words(language))
        assert table.caption
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert not any("nan" in cell.lower().split() or "{" in cell for row in table.rows for cell in row)


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_drawn_again_has_the_same_bytes(evaluation, name):
    words = Words("en")
    for exhibit in gathered(evaluation, name):
        once, again = canvas.svg(exhibit.figure(words)), canvas.svg(exhibit.figure(words))
        assert once == again
        assert "<date" not in once


def test_drawing_leaves_the_settings_of_matplotlib_alone(evaluation):
    import matplotlib

    before = dict(matplotlib.rcParams)
    canvas.svg(ImpactPlot.gather(evaluation)[0].figure(Words("en")))
    assert dict(matplotlib.rcParams) == before


def test_someone_elses_settings_do_not_change_a_figure(evaluation):
    import matplotlib

    plot, words = ImpactPlot.gather(evaluation)[0], Words("en")
    with matplotlib.rc_context({"font.size": 20, "font.family": "serif", "axes.facecolor": "black"}):
        theirs = canvas.svg(plot.figure(words))
    assert theirs == canvas.svg(plot.figure(words))


# ---------------------------------------------------------------------------------------------- awkward data
LONG = "number of class periods missed without an excuse in the second half of the school year"


def event_study(times: range, *, band: bool = False) -> EventStudy:
    n = len(times)
    estimate = np.linspace(-0.02, 0.3, n)
    frame = pd.DataFrame({"event_time": list(times), "estimate": estimate, "std_error": 0.01, "p_value": 0.5})
    frame["conf_low"], frame["conf_high"] = estimate - 0.02, estimate + 0.02
    frame["band_low"] = estimate - 0.03 if band else np.nan
    frame["band_high"] = estimate + 0.03 if band else np.nan
    frame["n_treated"], frame["n_comparison"] = 40, 5
    return EventStudy(frame, subject="long", facts={"outcome": LONG, "period": "semester", "confidence": 0.9})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("times", [range(-1, 1), range(-1, 9), range(-12, 2), range(-30, 31), range(0, 3)])
def test_event_studies_of_any_length_are_legible(times, language):
    assert_legible(event_study(times, band=True).figure(Words(language)))


def test_an_event_study_says_what_its_lines_are():
    words = Words("en")
    assert "thin lines hold all periods at once" in event_study(range(-2, 3), band=True).caption(words)
    assert "thin lines" not in event_study(range(-2, 3)).caption(words)


def test_a_reference_period_is_said_to_be_zero_by_definition():
    study = event_study(range(-2, 3))
    frame = study.frame.assign(conf_low=study.frame["conf_low"].where(study.frame["event_time"] != -1))
    frame["conf_high"] = frame["conf_high"].where(frame["event_time"] != -1)
    assert "1 before: zero by definition." in replace(study, frame=frame).alt_text(Words("en"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("largest", [0.01, 0.6, 12.0, np.inf])
def test_love_plots_of_any_spread_are_legible(largest, language):
    names = [LONG, "prior_attendance_rate", *[f"covariate_{number}" for number in range(18)]]
    frame = pd.DataFrame({"covariate": names, "level": "", "n_levels": 0, "before": largest, "after": largest / 10})
    frame.loc[2, ["level", "n_levels"]] = ["", 12]
    assert_legible(LovePlot(frame, subject="d").figure(Words(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_impact_plots_with_long_names_wide_numbers_and_no_interval_are_legible(language):
    frame = pd.DataFrame(
        {
            "outcome": [LONG, "attendance_rate", "gpa", "points", "score", "count"],
            "estimate": [-123456.789, 0.02, 0.1, 1e-9, 3.0, 4.0],
            "conf_low": [-234567.891, 0.01, -0.1, -1e-9, np.nan, -np.inf],
            "conf_high": [12345.678, 0.03, 0.3, 2e-9, np.nan, 5.0],
            "confidence": 0.95,
        }
    )
    facts = {"attendance_rate": MeasureFacts("share", True, "attendance"), "gpa": MeasureFacts("points", True)}
    assert_legible(ImpactPlot(frame, measures=facts).figure(Words(language)))


def test_outcomes_without_a_unit_do_not_share_an_axis():
    frame = pd.DataFrame({"outcome": ["score", "absences"], "estimate": [30.0, -0.1], "conf_low": [24.0, -0.5]})
    frame = frame.assign(conf_high=[36.0, 0.3], confidence=0.95)
    alone = ImpactPlot(frame).figure(Words("en"))
    together = ImpactPlot(frame, measures={name: MeasureFacts("days") for name in frame["outcome"]}).figure(Words("en"))
    assert (len(alone.axes), len(together.axes)) == (3, 2)  # the first axes of each hold the labels


def test_nothing_is_called_better_where_nothing_is_known_of_the_outcome():
    frame = pd.DataFrame({"outcome": ["score"], "estimate": [3.0], "conf_low": [2.0], "conf_high": [4.0]})
    boxes, _, _ = text_boxes(ImpactPlot(frame.assign(confidence=0.95)).figure(Words("en")))
    assert not any("better" in box[0] for box in boxes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_flow_with_few_students_is_legible_and_hides_them(language):
    steps = [("in_panel", (), 12, 1_234_567), ("at_risk", (), 9, 1_000_000), ("analysed", (LONG, "gpa", LONG), 3, 9)]
    frame = pd.DataFrame(steps, columns=["step", "outcomes", "n_treated", "n_comparison"])
    (flow,) = protect({"sample_flow": (SampleFlow(frame, subject="d"),)})["sample_flow"]
    words = Words(language)
    figure = flow.figure(words)
    assert_legible(figure)
    shown = [box[0] for box in text_boxes(figure)[0]] + [cell for row in flow.table(words).rows for cell in row]
    assert "<10" in shown
    assert not {"3", "9"} & set(shown)
    assert " 3 " not in flow.alt_text(words)


def test_a_covariate_with_many_levels_is_shown_by_its_largest_difference(evaluation):
    design = evaluation.designs["matched"]
    balance = design.balance().frame
    levels = [f"school {number}" for number in range(6)]
    many = pd.concat([balance.iloc[[1]].assign(covariate="school", level=level) for level in levels])
    many["smd_after"] = [0.1, -0.4, 0.2, 0.0, 0.3, -0.1]
    from mentoreval.report.exhibits.love_plot import _folded

    row = _folded(many.reset_index(drop=True), np.zeros(len(many), dtype=bool)).iloc[0]
    assert (row["n_levels"], row["after"]) == (6, 0.4)


# ---------------------------------------------------------------------------------------------- what the tables hold
def test_the_impact_table_has_what_a_reviewer_needs(evaluation):
    (exhibit,) = EXHIBITS["impact_table"].gather(evaluation)
    table = exhibit.table(Words("en"))
    first, result = table.rows[0], evaluation.results[0]
    size, row = result.effect_size, result.headline
    assert first == (
        "Attendance rate (percentage points)",
        f"{int(row['n_treated']):,}",
        f"{100 * size.mean_treated:.1f}% ({100 * size.sd_treated:.1f})",
        f"{int(row['n_comparison']):,}",
        f"{100 * size.mean_comparison:.1f}% ({100 * size.sd_comparison:.1f})",
        f"{100 * row['estimate']:+.1f}",
        f"{100 * row['conf_low']:.1f} to {100 * row['conf_high']:.1f}",
        f"{row['p_value']:.3f}",
        f"{size.value:+.2f}",
        f"{size.improvement_index:+.0f}",
    )


def test_outcomes_of_the_same_students_share_one_baseline_table(evaluation):
    (table,) = EXHIBITS["baseline_table"].gather(evaluation)
    assert table.facts["outcomes"] == ("attendance_rate", "chronic_absence", "gpa")
    assert not table.frame.duplicated(["covariate", "level"]).any()


def test_other_students_get_a_baseline_table_of_their_own(evaluation):
    results = list(evaluation.results)
    changed = results[1].baseline.assign(n_treated=100)
    results[1] = replace(results[1], baseline=changed)
    tables = EXHIBITS["baseline_table"].gather(replace(evaluation, results=tuple(results)))
    assert [table.facts["outcomes"] for table in tables] == [("attendance_rate", "gpa"), ("chronic_absence",)]


def test_robustness_stands_under_its_headline(evaluation):
    (exhibit,) = EXHIBITS["robustness_table"].gather(evaluation)
    assert list(exhibit.frame["role"]) == ["headline", "robustness"]
    assert set(exhibit.frame["outcome"]) == {"attendance_rate"}


def test_an_exhibit_that_fails_names_itself(evaluation):
    (plot,) = ImpactPlot.gather(evaluation)
    broken = replace(plot, frame=plot.frame.drop(columns="estimate"))
    with pytest.raises(ReportError, match="The exhibit 'impact_plot' can not be drawn"):
        broken.picture(Words("en"))


def test_an_exhibit_shows_itself_in_a_notebook(evaluation):
    page = EXHIBITS["event_study"].gather(evaluation)[0]._repr_html_()
    assert page.count("<img") == 1
    assert page.count("<table") == 1
