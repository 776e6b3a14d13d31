"""Overlap: ranges and histograms of the propensity scores by plain arithmetic, and the opinion on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import choose_design
from mentoreval.design.methods import EntropyBalancing, Nearest, OddsWeighting, Unadjusted
from mentoreval.design.overlap import BIN_COLUMNS, measure_overlap
from mentoreval.errors import OptionError
from mentoreval.panel.panel import Panel


def test_ranges_and_who_lies_within_them(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), Nearest())
    score, treated = design.weighting.propensity, design.baseline.treated
    row = measure_overlap(design).n.loc["before"]
    low, high = score[~treated].min(), score[~treated].max()
    inside = (score[treated] >= low) & (score[treated] <= high)
    assert row["inside_treated"] == pytest.approx(inside.mean())
    assert row["outside_treated"] == (~inside).sum()
    assert (row["low_comparison"], row["high_comparison"]) == (low, high)
    assert row["low_common"] == max(low, score[treated].min())
    assert row["high_common"] == min(high, score[treated].max())
    below = (score[~treated] < score[treated].min()) | (score[~treated] > score[treated].max())
    assert row["inside_comparison"] == pytest.approx(1 - below.mean())


def test_histograms_count_entries_and_weigh_shares(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    design = choose_design(panel_of(students), OddsWeighting())
    overlap = measure_overlap(design, bins=10)
    frame = overlap.frame
    assert list(frame.columns) == list(BIN_COLUMNS)
    assert len(frame) == 2 * 2 * 10
    np.testing.assert_allclose(frame.groupby(["when", "arm"])["share"].sum(), 1.0)
    counts = frame.groupby(["when", "arm"])["n"].sum()
    assert counts["before", "treated"] == students["mentored"].sum()
    assert counts["before", "comparison"] == counts["after", "comparison"] == (~students["mentored"]).sum()
    score, weights = design.weighting.propensity, design.weighting.weights
    bins = frame[(frame["when"] == "after") & (frame["arm"] == "comparison")]
    for _, row in bins.iterrows():
        chosen = ~design.baseline.treated & (score >= row["low"]) & (score < row["high"])
        expected = weights[chosen].sum() / weights[~design.baseline.treated].sum()
        assert row["share"] == pytest.approx(expected, abs=1e-12)
    wide = frame[frame["when"] == "after"].pivot_table(index="low", columns="arm", values="share")
    assert overlap.n.loc["after", "overlapping"] == pytest.approx(wide.min(axis=1).sum())


def test_a_design_brings_the_histograms_together(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    for method in (Nearest(caliper=0.1), OddsWeighting()):
        numbers = measure_overlap(choose_design(panel_of(students), method)).n["overlapping"]
        assert numbers["after"] > numbers["before"]


def test_a_design_without_scores_gets_those_of_a_logit(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    panel = panel_of(students)
    matched = measure_overlap(choose_design(panel, Nearest()))
    for method in (Unadjusted(), EntropyBalancing(), Nearest(distance="mahalanobis")):
        found = measure_overlap(choose_design(panel, method))
        pd.testing.assert_series_equal(found.n.loc["before"], matched.n.loc["before"])


def test_who_lacks_a_covariate_has_no_score_in_a_design_that_keeps_everyone(
    students: pd.DataFrame, panel_of: Callable[..., Panel]
) -> None:
    name = next(name for name in panel_of(students).covariates if pd.api.types.is_float_dtype(students[name]))
    gaps = students.assign(**{name: students[name].where(np.arange(len(students)) % 10 > 0)})
    whole = gaps[gaps[name].notna()].reset_index(drop=True)
    found, expected = (measure_overlap(choose_design(panel_of(frame), Unadjusted())) for frame in (gaps, whole))
    pd.testing.assert_series_equal(found.n.loc["before"], expected.n.loc["before"])


@pytest.mark.parametrize(
    ("shift", "verdict", "reason"),
    [
        (0.0, "pass", "enough"),
        (0.12, "caution", "some_have_nobody_alike"),
        (0.5, "fail", "many_have_nobody_alike"),
    ],
)
def test_the_opinion_is_on_those_whom_the_question_is_about(
    shift: float, verdict: str, reason: str, panel_of: Callable[..., Panel]
) -> None:
    """Comparison scores cover the whole unit interval less its end; ``shift`` of the treated lie beyond."""
    gpa = np.concatenate([np.linspace(shift, 1.0 + shift, 101), np.linspace(0.0, 1.0, 400)])
    frame = pd.DataFrame({"id": range(501), "mentored": np.arange(501) < 101, "gpa": gpa})
    panel = panel_of(frame.assign(attendance=0.9), covariates=["gpa"], school=None)
    overlap = measure_overlap(choose_design(panel, Unadjusted()))
    beyond = (gpa[:101] > 1.0).mean()
    opinion = overlap.opinion
    assert (opinion.verdict, opinion.reason, opinion.arm) == (verdict, reason, "treated")
    assert opinion.share == pytest.approx(1 - beyond)
    assert repr(overlap).startswith(f"Overlap: {verdict}; ")
    assert "<table" in overlap._repr_html_()


def test_one_bin_is_no_histogram(students: pd.DataFrame, panel_of: Callable[..., Panel]) -> None:
    with pytest.raises(OptionError, match="at least 2 bins; got 1"):
        measure_overlap(choose_design(panel_of(students), Nearest()), bins=1)
