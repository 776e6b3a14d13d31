"""A made-up lottery: its arms, its mentors, and its effect are what was asked for."""

import numpy as np
import pytest

import mentoreval as me
from mentoreval.errors import OptionError
from mentoreval.worlds.lottery import one_row_each, write_lottery


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
    with pytest.raises(OptionError, match="two shares"):
        me.MentorLottery(lost=(0.1, 1.0))


def test_who_leaves_is_unknown_from_then_on_and_the_truth_knows_them_all():
    lottery = me.MentorLottery(offered=2_000, not_offered=2_000, schools=9, lost=(0.1, 0.3))
    frame = lottery.draw(seed=5)
    assert frame.query("year == 0")["days_absent"].notna().all()
    unknown = frame["days_absent"].isna().groupby([frame["year"], frame["offered"]]).mean().unstack()
    noise = 4 * 0.5 / np.sqrt(2_000)
    assert unknown.loc[1].to_list() == pytest.approx([0.3, 0.1], abs=noise)
    assert unknown.loc[2].to_list() == pytest.approx([1 - 0.7**2, 1 - 0.9**2], abs=noise)
    first, second = (set(frame.query("year == @year and days_absent.isna()")["student"]) for year in (1, 2))
    assert first < second
    stays = me.MentorLottery(offered=2_000, not_offered=2_000, schools=9)
    assert lottery.truth(seed=5).equals(stays.truth(seed=5))
    known = frame["days_absent"].notna()
    assert frame[known].equals(stays.draw(seed=5)[known])


def test_the_truth_is_the_effect_on_those_who_take_part_and_its_share_of_the_offered():
    lottery = me.MentorLottery(offered=4_000, not_offered=10, take_up=0.5, mean_absent=60, effects=(-2.0, 0.0))
    truth = lottery.truth(seed=3)
    assert truth["effect_on_participants"].to_list() == pytest.approx([-2.0, 0.0], abs=4 * 1.5 / np.sqrt(60))
    shares = truth["n_participants"] / truth["n_offered"]
    assert truth["effect_of_offer"].to_list() == pytest.approx((truth["effect_on_participants"] * shares).to_list())


def test_one_row_each_keeps_every_number():
    frame = me.MentorLottery(offered=30, not_offered=20, schools=2, lost=(0.2, 0.2)).draw(seed=8)
    wide = one_row_each(frame)
    assert len(wide) == 50
    for year, column in enumerate(("days_absent_before", "days_absent_year_1", "days_absent_year_2")):
        long = frame.loc[frame["year"] == year, "days_absent"]
        assert wide[column].equals(long.reset_index(drop=True).rename(column))


def test_an_unknown_lottery_is_named(tmp_path):
    with pytest.raises(OptionError, match="Did you mean 'bbbs_school_based'"):
        write_lottery("bbbs_school", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
