"""Synthesis against metafor 3.8-1, on the BCG trials of Colditz et al. (1994).

rma(yi, vi, data, test = "knha", control = list(threshold = 1e-14, maxiter = 1000)), predict() and
confint(control = list(tol = 1e-14)): with the default tolerances its own digits end at the fifth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.errors import DataError, OptionError

# dat.bcg: vaccinated ill and well, unvaccinated ill and well.
TRIALS = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
        (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ],
    dtype=float,
)  # fmt: skip


@pytest.fixture
def bcg() -> pd.DataFrame:
    ill_t, well_t, ill_c, well_c = TRIALS.T
    ratio = np.log(ill_t / (ill_t + well_t)) - np.log(ill_c / (ill_c + well_c))
    variance = 1 / ill_t - 1 / (ill_t + well_t) + 1 / ill_c - 1 / (ill_c + well_c)
    return pd.DataFrame({"study": [f"trial {n}" for n in range(1, 14)], "estimate": ratio, "std_error": variance**0.5})


def test_random_effects_equal_metafor(bcg):
    found = me.synthesize(bcg)
    expected = {
        "estimate": -0.7145323421581394, "std_error": 0.1807917440928479, "p_value": 0.0019200150960573,
        "conf_low": -1.1084437136855509, "conf_high": -0.3206209706307280,
        "prediction_low": -1.99601683419620, "prediction_high": 0.56695214987992,
        "between_sd": 0.55968138984290, "between_low": 0.34600341203702, "between_high": 1.05426708383641,
        "i_squared": 0.922213845212690, "q": 152.2330080823732885,
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, abs=1e-8)
    assert found.df == 12
    assert found.frame["shrunken"].iloc[:2].tolist() == pytest.approx([-0.8002, -1.2517], abs=5e-5)


def test_fixed_effect_equals_metafor(bcg):
    found = me.synthesize(bcg, model="fixed")
    assert [found.estimate, found.std_error, found.conf_low, found.conf_high] == pytest.approx(
        [-0.430285163654091, 0.040498751710864, -0.509661258426214, -0.350909068881968], abs=1e-10
    )
    assert np.isnan(found.prediction_low)


def test_effects_that_agree_leave_no_variance_between_sites():
    sites = pd.DataFrame({"site": ["a", "b", "c"], "estimate": [2.1, 2.0, 1.9], "std_error": [1.0, 2.0, 1.0]})
    found = me.synthesize(sites)
    assert (found.between_sd, found.i_squared, found.between_low) == (0, 0, 0)
    assert found.frame["weight"].tolist() == pytest.approx([4 / 9, 1 / 9, 4 / 9])
    assert found.frame["shrunken"].tolist() == pytest.approx([2.0, 2.0, 2.0])
    with pytest.raises(DataError, match="equal to the last digit"):
        me.synthesize(sites.assign(estimate=2.0))


def test_uncertainty_is_taken_from_the_best_that_a_row_has():
    table = pd.DataFrame(
        {
            "label": ["given", "interval", "p-value", "in words", "nothing", "no effect"],
            "estimate": [1.0, 1.0, 1.0, 1.5, 0.5, np.nan],
            "std_error": [0.5, np.nan, np.nan, np.nan, np.nan, 0.5],
            "conf_low": [np.nan, 1 - 1.959963984540054, np.nan, np.nan, np.nan, 0],
            "conf_high": [np.nan, 1 + 1.959963984540054, np.nan, np.nan, np.nan, 1],
            "p_value": [None, None, "0.05", "significant", None, None],
        }
    )
    frame = me.synthesize(table, model="fixed").frame.set_index("label")
    assert frame["std_error"].dropna().to_dict() == pytest.approx(
        {"given": 0.5, "interval": 1.0, "p-value": 1 / 1.959963984540054}
    )
    assert frame["std_error_from"].tolist() == ["given", "interval", "p_value", "", ""]
    assert frame.loc[["in words", "nothing"], "reason"].tolist() == ["no_standard_error"] * 2
    assert "no effect" not in frame.index


def test_several_effects_of_one_study_are_refused_or_averaged():
    table = pd.DataFrame({"study": ["A", "A", "B"], "effect_size_g": [0.1, 0.3, 0.2], "std_error": [0.1, 0.2, 0.1]})
    with pytest.raises(DataError, match="1 labels have several effects"):
        me.synthesize(table)
    found = me.synthesize(table, several="average", model="fixed")
    assert found.frame[["estimate", "std_error"]].to_numpy().tolist() == [pytest.approx([0.2, 0.15]), [0.2, 0.1]]
    assert found.scale == "standardized"


def test_bad_input_says_what_is_wrong(tmp_path, bcg):
    with pytest.raises(DataError, match="1 of 1 effects can be pooled"):
        me.synthesize(bcg.head(1))
    with pytest.raises(DataError, match="no column that names the site"):
        me.synthesize(bcg.drop(columns="study"))
    with pytest.raises(DataError, match="is not a file"):
        me.synthesize(tmp_path / "missing.csv")
    with pytest.raises(OptionError, match="Did you mean"):
        me.synthesize(bcg, model="randm")
    with pytest.raises(DataError, match="no Estimates"):
        me.synthesize({"a": 1.0, "b": 2.0})
