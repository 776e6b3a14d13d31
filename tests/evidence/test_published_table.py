"""Published effects: what was checked is said, and what was not is never a fact."""

import numpy as np
import pytest

from mentoreval.errors import DataError
from mentoreval.evidence.power import published_effects
from mentoreval.evidence.published_table import (
    PUBLISHED_COLUMNS,
    read_published,
    standardized_effects,
    what_can_be_pooled,
)
from mentoreval.evidence.synthesis import synthesize
from mentoreval.report.published_plot import draw_published, published_forest


@pytest.fixture(scope="module")
def table(root):
    return read_published(root / "data/published_effects.csv")


def test_a_row_that_calls_itself_unverified_is_not_a_checked_number(table):
    doubtful = table[table["verified"].str.contains("unverified")]
    assert len(doubtful) == 2  # the New York trend lines, and the count and mean of DuBois et al. 2011
    assert set(doubtful["checked"]) == {"nothing"}


def test_no_row_without_any_number_counts_as_a_checked_number(table):
    checked = table[table["checked"] == "number"]
    assert (checked["effect"].notna() | checked["effect_size_g"].notna()).all()


def test_what_only_others_quote_is_set_apart(table):
    nine_days = table[(table["study"].str.startswith("Balfanz")) & (table["effect"] == 9)]
    assert nine_days["checked"].tolist() == ["secondary"]


def test_standardized_effects_say_how_they_came_about(table):
    rows = standardized_effects(table).set_index("study")
    assert set(rows["g_from"]) == {"reported", "recomputed", "worked back", "not checked"}
    assert rows.loc["DuBois et al. 2011", "g_from"] == "not checked"
    wood = rows.loc["Wood & Mayo-Wilson 2012"]
    assert (wood["g"], wood["conf_low"], wood["conf_high"]) == (0.09, 0.03, 0.14)  # as the abstract has it


def test_what_keeps_a_study_out_of_a_mean_is_named(table):
    found = what_can_be_pooled(table).set_index("study")
    assert found["n_effects"].sum() == len(standardized_effects(table))
    trial = found.loc["Bernstein et al. 2009 (US ED Student Mentoring Program)"]
    assert trial["n_with_uncertainty"] == 8  # each has an exact p-value
    assert trial["obstacle"] == "same_students"
    assert found.loc["Wood & Mayo-Wilson 2012", "obstacle"] == ""  # an interval, once
    assert found.loc["Raposa et al. 2019", "obstacle"] == "no_standard_error"


def test_the_synthesis_refuses_what_the_table_names(table):
    named = what_can_be_pooled(table)
    with pytest.raises(DataError, match="several effects"):
        synthesize(table)
    several = table["study"].isin(named.loc[named["obstacle"] == "same_students", "study"])
    with pytest.raises(DataError, match=r"^1 of \d+ effects can be pooled"):
        synthesize(table[~several])


def test_only_checked_effects_have_a_full_mark(table):
    frame = published_forest(table).frame
    full = frame[np.isfinite(frame["weight"])]["label"]
    assert not full.str.contains("DuBois|Corsello").any()
    assert full.str.contains("Raposa").any()
    assert draw_published(table, "es").axes


def test_the_power_analysis_names_the_same_numbers(table):
    for effect in published_effects():
        same = table[
            np.isclose(table["effect"], effect.value) & table["study"].str.startswith(effect.study.split(" et")[0])
        ]
        assert (same["checked"] == "number").any(), effect.name


def test_an_effect_of_unknown_making_is_refused(tmp_path):
    values = dict.fromkeys(PUBLISHED_COLUMNS, "") | {"study": "A", "effect_size_g": "0.4", "g_basis": "somehow"}
    file = tmp_path / "effects.csv"
    file.write_text(",".join(values) + "\n" + ",".join(values.values()) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"does not say how it came about \(g_basis = 'somehow'\)"):
        read_published(file)


def test_a_file_without_the_columns_is_named(tmp_path):
    (tmp_path / "effects.csv").write_text("study\nA\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"effects\.csv has no column"):
        read_published(tmp_path / "effects.csv")
    with pytest.raises(DataError, match="There is no table"):
        read_published(tmp_path / "nowhere.csv")
