"""draw: which picture belongs to which result, and legible pictures of several designs and of overlap."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure

import mentoreval as me
from mentoreval.design.methods import Unadjusted
from mentoreval.errors import OptionError, ReportError
from mentoreval.evidence.specification_curve import SpecificationCurve
from mentoreval.evidence.synthesis import synthesize
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report import canvas
from mentoreval.report.disclosure import protect
from mentoreval.report.draw import draw
from mentoreval.report.exhibits import BalanceComparison, OverlapPlot
from mentoreval.report.exhibits.balance_comparison import MARKERS
from mentoreval.report.exhibits.forest_plot import ForestPlot
from mentoreval.report.exhibits.honest_did import HonestDidPlot
from mentoreval.report.exhibits.omitted_variable import OmittedVariablePlot
from mentoreval.report.exhibits.specification_curve import SpecificationCurveExhibit
from mentoreval.report.words import Words, available_languages

LANGUAGES = available_languages()
NAMES = [
    "everyone", "nearest", "nearest within a caliper", "exact on grade level", "odds weighting", "entropy balancing",
    "a design whose name is rather longer than it needs to be", "x",
]  # fmt: skip


def texts_of(figure: Figure) -> list[tuple[str, float, float, float, float]]:
    """Every text that is drawn, with its box in inches: left, bottom, right, top."""
    width, height = (float(side) for side in figure.get_size_inches())
    renderer = RendererAgg(int(width * figure.dpi), int(height * figure.dpi), figure.dpi)
    texts: list[tuple[str, float, float, float, float]] = []

    def record(gc, x, y, text, prop, *more, **options):
        w, h, descent = renderer.get_text_width_height_descent(text, prop, False)
        bottom = height * figure.dpi - y - descent
        texts.append((text, *(side / figure.dpi for side in (x, bottom, x + w, bottom + h))))

    renderer.draw_text = record
    with canvas.style():
        figure.draw(renderer)
    return [box for box in texts if box[0].strip()]


def assert_no_text_over_another(figure: Figure) -> None:
    boxes = texts_of(figure)
    width, height = figure.get_size_inches()
    assert boxes
    for text, left, bottom, right, top in boxes:
        assert left >= 0, text
        assert right <= width + 0.02, text
        assert bottom >= 0, text
        assert top <= height, text
    for one, other in combinations(boxes, 2):
        apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
        assert apart, f"{one[0]!r} lies over {other[0]!r}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_eight_designs_in_one_love_plot_are_legible(evaluation, language):
    designs = dict(zip(NAMES, list(evaluation.designs.values()) * 4, strict=True))
    assert_no_text_over_another(draw(designs, language))
    assert len(MARKERS) == len({shape for shape, _ in MARKERS}) == len({colour for _, colour in MARKERS}) == 8


def test_every_design_has_a_mark_for_every_covariate_it_has(evaluation):
    designs = evaluation.designs
    figure = draw(designs)
    drawn = [len(marks.get_offsets()) for marks in figure.axes[1].collections if len(marks.get_offsets()) > 1]
    assert drawn == [len(design.balance().frame) for design in designs.values()]


def test_marks_of_one_covariate_do_not_lie_over_each_other(evaluation):
    figure = draw(dict(zip(NAMES, [evaluation.designs["matched"]] * 8, strict=True)))
    heights = sorted(height for marks in figure.axes[1].collections for _, height in marks.get_offsets())
    assert np.diff(heights).min() > 0.05  # inches


def test_the_alternative_text_names_the_worst_of_each_design(evaluation):
    exhibit = BalanceComparison.of_designs(evaluation.designs)
    text = exhibit.alt_text(Words("en"))
    for name, design in evaluation.designs.items():
        largest = design.balance().frame["smd_after"].abs().max()
        assert f"{name}: at most {largest:.2f}" in text


def test_a_list_of_designs_is_named_by_their_methods(evaluation):
    matched, everyone = evaluation.designs["matched"], evaluation.designs["everyone"]
    shown = {text for text, *_ in texts_of(draw([matched, everyone, matched]))}
    assert {"nearest 1", "unadjusted", "nearest 2"} <= shown


def test_more_designs_than_can_be_told_apart_are_refused(evaluation):
    with pytest.raises(ReportError, match="shows 1 to 8 designs; got 9"):
        draw([evaluation.designs["matched"]] * 9)
    with pytest.raises(ReportError, match="got 0"):
        draw({})


# ---------------------------------------------------------------------------------------------- overlap
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["matched", "everyone"])
def test_overlap_plots_are_legible(evaluation, name, language):
    assert_no_text_over_another(draw(evaluation.designs[name], language, show="overlap"))


def test_a_design_that_changes_nothing_has_one_panel(evaluation):
    everyone = evaluation.designs["everyone"]
    assert isinstance(everyone.method, Unadjusted)
    assert len(draw(everyone, show="overlap").axes) == 2
    assert len(draw(evaluation.designs["matched"], show="overlap").axes) == 3


def test_bars_of_few_students_are_not_drawn(evaluation):
    plot = OverlapPlot.of_design(evaluation.designs["matched"])
    (protected,) = protect({"overlap_plot": (plot,)})["overlap_plot"]
    few = plot.frame["n"] < 10
    assert (few & (plot.frame["n"] > 0)).any()
    bars = [sum(len(axes.patches) for axes in exhibit.figure(Words("en")).axes) for exhibit in (plot, protected)]
    assert bars == [int((plot.frame["n"] > 0).sum()), int((~few).sum())]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_alternative_text_says_how_much_overlaps(evaluation, language):
    words, plot = Words(language), OverlapPlot.of_design(evaluation.designs["matched"])
    text = plot.alt_text(words)
    for when in ("before", "after"):
        assert words.percent(plot.facts[f"overlapping_{when}"], 0) in text


def test_a_picture_that_there_is_not(evaluation):
    with pytest.raises(OptionError, match="Did you mean 'overlap'"):
        draw(evaluation.designs["matched"], show="overlaps")


def thirty_places() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    error = rng.uniform(0.03, 0.12, 30)
    names = [f"District {n}" for n in range(1, 29)] + ["A consortium of three small rural districts", "Río Seco"]
    error[3] = np.nan
    return pd.DataFrame({"site": names, "effect_size_g": rng.normal(0.08, 0.08, 30), "std_error": error})


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_synthesis_is_a_legible_forest_plot(language):
    synthesis = synthesize(thirty_places())
    assert_no_text_over_another(draw(synthesis, language))
    plot, words = ForestPlot.of_synthesis(synthesis), Words(language)
    assert words.number(synthesis.estimate, 2, signed=True) in plot.alt_text(words)
    assert words.percent(synthesis.i_squared) in plot.caption(words)
    assert plot.frame["kind"].value_counts().to_dict() == {"site": 30, "mean": 1, "next_site": 1}


def test_a_mark_at_the_end_of_the_axis_is_whole():
    """The places at both ends have intervals shorter than their marks."""
    places = pd.DataFrame(
        {"site": list("ABC"), "effect_size_g": [-0.5, 0.1, 0.9], "std_error": [0.001, np.nan, 0.001]}
    )  # fmt: skip
    figure = ForestPlot.of_synthesis(synthesize(places, model="fixed")).figure(Words("en"))
    assert figure is not None
    figure.canvas.draw()
    (axes,) = [one for one in figure.axes if one.collections]
    box = axes.get_window_extent()
    for mark in axes.collections:
        ((x, _),) = axes.transData.transform(mark.get_offsets())
        reach = (mark.get_sizes()[0] ** 0.5 + mark.get_linewidths()[0]) / 2 / 72 * figure.dpi
        assert box.x0 <= x - reach
        assert x + reach <= box.x1


def test_a_place_without_an_interval_is_drawn_and_not_counted():
    plot = ForestPlot.of_synthesis(synthesize(thirty_places()))
    assert plot.facts["n_pooled"] == 29
    row = plot.frame.set_index("label").loc["District 4"]
    assert np.isfinite(row["estimate"])
    assert np.isnan(row["conf_low"])


def effect_over_time(drift: float) -> me.Estimate:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"student": np.repeat(np.arange(200), 6), "year": np.tile(np.arange(2000, 2006), 200)})
    frame["start"] = np.where(frame["student"] % 2 == 0, 2003.0, np.nan)
    starts = frame["start"].notna()
    frame["rate"] = 0.9 + rng.normal(0, 0.02, len(frame)) + np.where(starts, drift * (frame["year"] - 2000), 0.0)
    frame["rate"] += np.where(frame["year"] >= frame["start"], 0.02, 0.0)
    facts = MeasureFacts(unit="share", higher_is_better=True, domain="attendance")
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", outcomes=["rate"], measures={"rate": facts}
    )
    return me.estimate_effect(me.choose_design(panel, covariates=[]), "rate", me.EventStudy())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("restriction", ["relative_magnitudes", "smoothness"])
@pytest.mark.parametrize("drift", [0.0, 0.01])
def test_the_picture_is_legible_and_says_where_zero_is_reached(language, restriction, drift) -> None:
    finding = me.run_check(me.HonestDid(restriction=restriction), effect_over_time(drift))
    assert_no_text_over_another(draw(finding, language))
    plot, words = HonestDidPlot.of_finding(finding), Words(language)
    factor = 180.0 if restriction == "smoothness" else 1.0
    breakdown = float(str(finding.numbers["breakdown"]))
    if breakdown > 0:
        decimals = 1 if restriction == "smoothness" else 2
        assert words.number(breakdown * factor, decimals) in plot.alt_text(words)
    assert words.percent(0.95) in plot.caption(words)


def test_a_finding_without_intervals_has_no_picture() -> None:
    finding = me.run_check("covariate_balance", effect_over_time(0.0))
    with pytest.raises(ReportError):
        draw(finding)


def curve_of(n_choices: int) -> SpecificationCurve:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {
            "design": [NAMES[number % n_choices] for number in range(160)],
            "estimator": ["regression", "weighting"] * 80,
            "covariates": ["all that was recorded before the program", "few"] * 80,
            "sample": "everyone",
            "estimate": np.sort(rng.normal(0.3, 0.2, 160)),
            "std_error": 0.15, "n_treated": 200, "n_comparison": 200, "reason": "",
        }
    )  # fmt: skip
    frame["conf_low"], frame["conf_high"] = frame["estimate"] - 0.3, frame["estimate"] + 0.3
    frame["p_value"] = np.where(frame["conf_low"] > 0, 0.01, 0.2)
    return SpecificationCurve("gpa", frame, float(frame["estimate"].median()), 0.9, 0.4, 0.03, 0.04, 99)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_specification_curve_of_160_estimates_is_legible(language):
    curve = curve_of(8)
    assert_no_text_over_another(draw(curve, language))
    exhibit, words = SpecificationCurveExhibit.of_curve(curve), Words(language)
    assert "160" in exhibit.caption(words)
    assert words.number(curve.median, 2, signed=True) in exhibit.alt_text(words)
    table = exhibit.table(words)
    assert len(table.rows) == 8 + 2 + 2 + 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("design", "options"),
    [
        ("clustered", {"schools": 20, "students_per_school": 60, "icc": 0.1, "sd": 12, "unit": "days"}),
        ("difference_in_differences", {"units": 3000, "before": 2, "after": 1, "sd": 0.09, "unit": "share"}),
        ("individual", {"students": 400, "sd": 0.9, "unit": "points"}),
        ("one_arm_mentors", {"mentors": 5, "mentees_per_mentor": 4, "icc": 0.2}),
    ],
)
def test_a_power_curve_is_legible(language, design, options):
    assert_no_text_over_another(draw(me.power(design, **options), language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("effect", [0.4, -0.4])
def test_contours_of_an_omitted_variable_are_legible_and_say_what_is_left(language, effect):
    rng = np.random.default_rng(4)
    facts = rng.normal(size=(400, 5))
    mentored = facts @ [0.6, 0.3, 0.2, 0.1, 0.05] + rng.normal(size=400) > 0
    names = ["before", "grade_level", "disability", "gender", "english_learner"]
    frame = pd.DataFrame(facts, columns=names).assign(student=range(400), mentored=mentored)
    frame["gpa"] = effect * mentored + facts @ [0.5, 0.3, 0.2, 0.1, 0.1] + rng.normal(size=400)
    panel = me.panel_from_frame(frame, unit="student", treated="mentored", covariates=names, outcomes=["gpa"])
    estimate = me.estimate_effect(me.choose_design(panel), "gpa", me.RegressionAdjustment())
    finding = me.run_check("omitted_variable", estimate)
    assert_no_text_over_another(draw(finding, language))
    exhibit, words = OmittedVariablePlot.of_finding(finding), Words(language)
    assert exhibit.frame["covariate"].iloc[0] == "before"
    assert len(exhibit.frame) == 4
    for left in exhibit.frame["estimate"]:
        assert words.number(left, 2, signed=True) in exhibit.alt_text(words)
