"""Real public files of attendance: published rates come back, and nothing is made up where a file is not here."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest

from mentoreval.errors import OptionError
from mentoreval.evidence.public_attendance import (
    PUBLIC_TABLES,
    connecticut_codes,
    nyc_citywide,
    nyc_next_year,
    public_attendance,
    star_enrolled_days,
    star_long,
)


def wide_of(**columns):
    """Four STAR students of one school in kindergarten and grade 1."""
    fixed = {"stdntid": [1, 2, 3, 4]}
    for grade in ("gk", "g1", "g2", "g3"):
        fixed |= {f"{grade}{name}": [np.nan] * 4 for name in ("classtype", "schid", "tchid", "treadss", "tmathss")}
    return pd.DataFrame(fixed | columns)


def test_the_rate_of_a_city_counts_students_and_the_mean_of_schools_counts_schools():
    schools = pd.DataFrame(
        {
            "dbn": ["A", "B"], "school_year": "2013-14", "year_start": 2013, "n_chronically_absent": [10, 10],
            "n_students_20plus_days": [20, 180],
        }
    )  # fmt: skip
    (row,) = nyc_citywide(schools).to_dict("records")
    assert row["chronic_absence"] == (10 + 10) / (20 + 180)
    assert row["mean_of_schools"] == pytest.approx((10 / 20 + 10 / 180) / 2)
    assert row["n_students"] == 200


def test_schools_are_chosen_by_the_first_of_two_years():
    schools = pd.DataFrame(
        {
            "dbn": list("ABCDE") * 2, "school_year": ["2013-14"] * 5 + ["2014-15"] * 5,
            "year_start": [2013] * 5 + [2014] * 5, "n_chronically_absent": [50, 10, 10, 10, 10, 30, 60, 10, 10, 10],
            "n_students_20plus_days": 100,
        }
    )  # fmt: skip
    found = nyc_next_year(schools).set_index("schools")
    assert found.loc["most chronic absence", ["n_schools", "chronic_absence", "a_year_later"]].to_list() == [
        1,
        0.5,
        0.3,
    ]
    assert found.loc["others", "a_year_later"] == pytest.approx((60 + 10 + 10 + 10) / 400)


def test_codes_are_counted_and_in_no_mean():
    districts = pd.DataFrame(
        {
            "District": ["A", "B", "C", "Connecticut"], "Year": "2011-2012",
            "Value": [10.0, -9999.0, -6666.0, 40.0],
        }
    )  # fmt: skip
    found = connecticut_codes(districts).set_index("school_year")
    for year in ("2011-2012", "all years"):
        assert found.loc[year, ["n_rows", "suppressed", "missing", "known"]].to_list() == [4, 1, 1, 2]
        assert found.loc[year, "mean_percent"] == 10.0
        assert found.loc[year, "mean_with_codes"] == (10 - 9999 - 6666) / 3


def test_star_becomes_long_with_the_days_of_each_student():
    wide = wide_of(
        gkclasstype=["SMALL CLASS", "REGULAR CLASS", np.nan, "REGULAR + AIDE CLASS"],
        gkpresent=[170, 90, np.nan, np.nan], gkabsent=[10, 10, np.nan, np.nan],
        g1classtype=["SMALL CLASS", np.nan, "REGULAR CLASS", np.nan],
    )  # fmt: skip
    long = star_long(wide)
    assert list(zip(long["student"], long["school_year"], strict=True)) == [
        (1, "1985-86"), (2, "1985-86"), (4, "1985-86"), (1, "1986-87"), (3, "1986-87"),
    ]  # fmt: skip
    assert long["small"].to_list() == [1, 0, 0, 1, 0]
    assert long["aide"].to_list() == [0, 0, 1, 0, 0]
    assert long.loc[:1, "days_absent_per_180"].to_list() == [10 / 180 * 180, 10 / 100 * 180]
    days = star_enrolled_days(wide).set_index("school_year")
    assert days.loc["1985-86", ["n_students", "days_known", "enrolled_shortest", "enrolled_longest"]].to_list() == [
        3, 2, 100, 180,
    ]  # fmt: skip
    assert days.loc["1985-86", "below_90_percent"] == 0.0  # exactly 90 % is not below it
    assert days.loc["1986-87", "days_known"] == 0


def test_the_city_has_its_known_rates(real_data):
    found = public_attendance("nyc_citywide", real_data).frame
    assert (100 * found["chronic_absence"]).round(1).to_list() == [26.4, 24.5, 24.1, 24.9, 26.6]
    assert found["chronic_absence"].round(3).to_list() == found["known_rate"].to_list()
    assert found["n_schools"].to_list() == [1493, 1519, 1528, 1530, 1537]


def test_connecticut_has_its_codes(real_data):
    found = public_attendance("connecticut_codes", real_data).frame.set_index("school_year")
    total = found.loc["all years"]
    assert total["suppressed"] + total["missing"] == 10_817
    assert total["n_rows"] == total["suppressed"] + total["missing"] + total["known"] == 23_985
    assert found["mean_percent"].between(0, 100).all()
    assert (found["mean_with_codes"] < 0).all()


def test_star_has_its_counts_shares_and_published_effects(real_data):
    days = public_attendance("star_enrolled_days", real_data).frame.set_index("school_year")
    assert days["n_students"].to_list() == [6325, 6829, 6840, 6802]
    assert days["enrolled_median"].drop("1987-88").to_list() == [180, 160, 160]
    effects = public_attendance("star_small_classes", real_data).frame
    scores = effects[effects["outcome"] == "score"]
    assert scores["estimate"].to_numpy() == pytest.approx([29.79, 19.39, 15.59], abs=0.006)
    assert scores["std_error"].to_numpy() == pytest.approx([2.83, 2.71, 2.40], abs=0.006)
    assert (scores["estimate"] - scores["published"]).abs().max() < 0.015  # 6,377 students here, 6,379 there in grade 1


def test_the_long_file_is_that_of_the_study_of_grade_1(real_data, root):
    spec = importlib.util.spec_from_file_location("star_prepare", root / "reports/star_small_classes/prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wide = pd.read_csv(real_data / "star_students.csv.gz", low_memory=False)
    long = star_long(wide)
    ours, theirs = (
        long[long["school_year"] == "1986-87"].reset_index(drop=True),
        module.prepare(wide).reset_index(drop=True),
    )
    for name, same in {"small": "small_class", "aide": "aide", "days_absent": "days_absent"}.items():
        assert ours[name].equals(theirs[same].rename(name)), name
    assert ours["score"].equals(theirs["reading_math_score"].rename("score"))


@pytest.mark.parametrize("name", sorted(PUBLIC_TABLES))
def test_without_the_file_the_table_says_so_in_plain_words(name, tmp_path):
    table = public_attendance(name, tmp_path)
    assert table.frame.empty
    assert str(table.absent).startswith(f"There is no file {PUBLIC_TABLES[name][0]} in ")
    assert repr(table) == str(table.absent)
    assert table.source in table._repr_html_()


def test_with_the_file_the_table_names_its_source(real_data):
    table = public_attendance("nyc_citywide", real_data)
    assert table.absent is None
    assert "NYC Open Data" in repr(table)
    assert "NYC Open Data" in table._repr_html_()


def test_an_unknown_table_is_named(tmp_path):
    with pytest.raises(OptionError, match="Did you mean 'nyc_citywide'"):
        public_attendance("nyc_city_wide", tmp_path)
