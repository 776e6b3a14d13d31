"""What a published share without its number of answers could mean."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import mentoreval as me


def test_limits_are_wilsons() -> None:
    """(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), worked out for 92 of 100 with z = 1.959964."""
    found = me.share_intervals(0.92, [100]).iloc[0]
    z2, n, p = 1.959964**2, 100, 0.92
    half = math.sqrt(z2) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    assert found["n_top"] == 92
    assert found["conf_low"] == pytest.approx((p + z2 / (2 * n) - half) / (1 + z2 / n), abs=1e-6)
    assert found["conf_high"] == pytest.approx((p + z2 / (2 * n) + half) / (1 + z2 / n), abs=1e-6)


def test_more_answers_say_more() -> None:
    found = me.share_intervals(0.89, [25, 100, 400, 1600])
    assert (found["conf_high"] - found["conf_low"]).is_monotonic_decreasing
    assert found["smallest_rise"].is_monotonic_decreasing
    assert ((found["conf_low"] < 0.89) & (found["conf_high"] > 0.89)).all()


def test_answers_are_whole() -> None:
    """23 of 25 are 92 %; of 25 no number is 89 %, the nearest is 22."""
    assert me.share_intervals(0.92, [25])["n_top"].tolist() == [23]
    assert me.share_intervals(0.89, [25])["share"].tolist() == [0.88]


def test_one_answer_less_is_no_clear_rise() -> None:
    """The smallest rise is told from none by the two surveys themselves, and the next smaller one is not."""
    rise = me.share_intervals(0.92, [100])["smallest_rise"].iloc[0]
    before = round(92 - 100 * rise)

    def low(first: int) -> float:
        forms = [("2020-21", 5)] * first + [("2020-21", 1)] * (100 - first) + [("2021-22", 5)] * 92
        return _change_low([*forms, *[("2021-22", 1)] * 8])

    assert low(before) > 0
    assert low(before + 1) <= 0


def test_where_no_rise_would_do() -> None:
    assert math.isnan(me.share_intervals(0.1, [10])["smallest_rise"].iloc[0])


@pytest.mark.parametrize(("share", "sizes"), [(92, [100]), (-0.1, [100]), (0.92, [0]), (0.92, [100, -5])])
def test_refuses_what_is_no_share_of_answers(share: float, sizes: list[int]) -> None:
    with pytest.raises(me.OptionError, match="share is from 0 to 1"):
        me.share_intervals(share, sizes)


def _change_low(forms: list[tuple[str, int]]) -> float:
    """Lower limit of the change that ``survey_shares`` finds."""
    surveys = pd.DataFrame(forms, columns=["school_year", "answer"]).assign(
        form_id=lambda every: [f"F{place}" for place in range(len(every))], item="likes"
    )
    students = pd.DataFrame({"student_id": ["s"]})
    enrolment = pd.DataFrame(
        {
            "student_id": ["s"], "school_id": ["A"], "school_year": ["2020-21"], "grade_level": [3],
            "entry_date": ["2020-09-01"], "exit_date": ["2021-06-01"],
        }
    )  # fmt: skip
    records = me.read_records({"students": students, "enrolment": enrolment, "surveys": surveys})
    return float(me.survey_shares(records, "likes")["change_low"].iloc[-1])
