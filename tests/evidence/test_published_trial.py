"""The federal trial of 2009, recomputed: expected numbers are those of Exhibit ES.1 and arithmetic on them."""

import math

import pytest

from mentoreval.errors import DataError
from mentoreval.evidence.published_trial import (
    adjust_printed_p_values,
    judge_printed_attrition,
    read_trial,
    recompute_effects,
)


@pytest.fixture(scope="module")
def trial(root):
    return read_trial(root / "data/published/us_ed_student_mentoring_program.csv")


def test_critical_values_round_to_the_printed_ones(trial):
    adjusted = adjust_printed_p_values(trial, "academic")
    assert adjusted["critical_value"].tolist() == pytest.approx([k * 0.05 / 9 for k in range(1, 10)])
    assert adjusted["critical_value"].round(2).tolist() == adjusted["printed_critical_value"].tolist()
    assert not adjusted["significant_in_family"].any()
    assert adjusted["significant_alone"].sum() == 2
    assert adjusted["p_adjusted"].iloc[0] == pytest.approx(0.04 * 9 / 2)  # tied with the second


def test_the_printed_effect_on_absence_does_not_follow_from_the_table(trial):
    sizes = recompute_effects(trial).set_index("outcome")
    absence = sizes.loc["absence rate"]
    assert absence["recomputed"] == pytest.approx(-0.46 / math.sqrt((7.71**2 + 9.63**2) / 2))
    assert round(absence["recomputed"], 3) == -0.053
    assert absence["printed_effect"] == -0.09  # as printed, and not tuned
    assert absence["ratio"] == pytest.approx(-0.09 / absence["recomputed"])


def test_shares_become_the_cox_index_of_the_printed_shares(trial):
    sizes = recompute_effects(trial).set_index("outcome")
    expected = (math.log(0.4569 / 0.5431) - math.log(0.4710 / 0.5290)) / 1.65
    assert sizes.loc["proficient in mathematics", "recomputed"] == pytest.approx(expected)
    assert math.isnan(sizes.loc["proficient in mathematics", "ratio"])  # the report prints an odds ratio


def test_raw_and_adjusted_reading_go_different_ways(trial):
    reading = recompute_effects(trial).set_index("outcome").loc["proficient in reading"]
    assert reading["difference"] < 0 < reading["raw_difference"]


def test_attendance_attrition_is_low(trial):
    judged = judge_printed_attrition(0.15, 0.18)
    assert (judged.case, judged.overall, judged.differential) == ("low", pytest.approx(0.165), pytest.approx(0.03))


def test_a_family_or_a_file_that_is_not_there_is_named(trial, tmp_path):
    with pytest.raises(DataError, match="no family 'health'"):
        adjust_printed_p_values(trial, "health")
    with pytest.raises(DataError, match="There is no table"):
        read_trial(tmp_path / "nowhere.csv")
    (tmp_path / "t.csv").write_text("outcome\nx\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"t\.csv has no column"):
        read_trial(tmp_path / "t.csv")
