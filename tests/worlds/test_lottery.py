"""A made-up lottery: its arms, its mentors, and its effect are what was asked for."""

import numpy as np
import pytest

import mentoreval as me
from mentoreval.errors import OptionError


def test_the_same_seed_gives_the_same_students():
    assert me.MentorLottery().draw(seed=1).equals(me.MentorLottery().draw(seed=1))
    assert not me.MentorLottery().draw(seed=1).equals(me.MentorLottery().draw(seed=2))


def test_arms_caseloads_and_take_up():
    frame = me.MentorLottery(offered=300, not_offered=200, schools=5, caseload=12, take_up=0.7).draw(seed=4)
    students = frame.query("year == 0")
    assert students["offered"].value_counts().to_dict() == {1: 300, 0: 200}
    assert not students.query("offered == 0")["took_part"].any()
    assert students.query("offered == 1")["took_part"].mean() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / 300))
    mentees = students.dropna(subset=["mentor"])
    assert mentees["took_part"].all()
    assert mentees.groupby("mentor").size().max() <= 12
    assert (mentees.groupby("mentor")["school"].nunique() == 1).all()


def test_the_effect_on_those_who_take_part_is_the_stated_one():
    frame = me.MentorLottery(
        offered=20_000, not_offered=20_000, mean_absent=60, effects=(0.0, -4.0), mentor_sd=0.0, take_up=0.5
    ).draw(seed=9)
    means = frame.groupby(["year", "offered"])["days_absent"].mean().unstack()
    gap = means[1] - means[0]
    noise = 9.0 * np.sqrt(2 / 20_000)  # of a difference of two means
    assert gap[0] == pytest.approx(0.0, abs=4 * noise)
    assert gap[1] == pytest.approx(0.0, abs=4 * noise)
    assert gap[2] / 0.5 == pytest.approx(-4.0, abs=4 * noise / 0.5)


def test_impossible_lotteries_are_refused():
    with pytest.raises(OptionError, match="take_up"):
        me.MentorLottery(take_up=0.0)
    with pytest.raises(OptionError, match="two students in each arm"):
        me.MentorLottery(not_offered=1)
