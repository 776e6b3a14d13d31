"""De Chaisemartin–D'Haultfœuille: the numbers of their software, a loop, and the programs that never end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mentoreval.design.design import Design, choose_design
from mentoreval.design.methods import OddsWeighting
from mentoreval.effects.estimate import Estimate, estimate_effect
from mentoreval.effects.estimators import CallawaySantAnna, DeChaisemartinDHaultfoeuille, EventStudy
from mentoreval.effects.inference_methods import ClusterRobust
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import Panel, Pool, panel_from_frame

BY_STUDENT = ClusterRobust("student", "CR0")
TERMS = ["event_time=0", "event_time=1", "event_time=2", "event_time=3", "average", "event_time=-2", "event_time=-3"]

# py_did_multiplegt_dyn 0.1.9, the authors' Python port of did_multiplegt_dyn, on ``on_off_frame``:
# DidMultiplegtDyn(df, outcome="absent", group="student", time="year", treatment="mentored", effects=4, placebo=2,
# normalized=..., only_never_switchers=...).fit(); Effects, ATE and Placebos.
PEER: dict[tuple[Pool, bool], tuple[list[float], list[float]]] = {
    ("not_yet_treated", False): (
        [
            -1.0462347222222221,
            -1.3220787037037036,
            -1.9896944444444444,
            -1.9749666666666668,
            -1.8959410818713451,
            0.4184111111111111,
            0.21561111111111114,
        ],
        [
            0.2580315519135936,
            0.31444033828071055,
            0.3070869261540272,
            0.4198333606508529,
            0.3269918291100676,
            0.2787703864513432,
            0.31088395572311806,
        ],
    ),
    ("not_yet_treated", True): (
        [
            -1.0462347222222224,
            -0.6610393518518519,
            -0.7461354166666667,
            -0.6171770833333334,
            -1.8959410818713451,
            0.4184111111111112,
            0.10780555555555559,
        ],
        [
            0.25803155191359367,
            0.1572201691403553,
            0.1151575973077602,
            0.13119792520339155,
            0.3269918291100676,
            0.2787703864513433,
            0.15544197786155906,
        ],
    ),
    ("never_treated", False): (
        [
            -1.1869722222222223,
            -1.4615648148148148,
            -1.9896944444444444,
            -1.9749666666666668,
            -1.984432748538012,
            0.27000925925925917,
            0.20719444444444451,
        ],
        [
            0.26362763351327995,
            0.32007808250920794,
            0.3070869261540272,
            0.4198333606508529,
            0.32875367554466184,
            0.27598650871120406,
            0.31227744292074144,
        ],
    ),
}


def on_off_frame() -> pd.DataFrame:
    """60 students over the years 1-8: programs of two starts and three ends, some mentored from the first year on."""
    rng = np.random.default_rng(11)
    paths = [(3, 5), (3, 9), (4, 6), (5, 9), (1, 4), (1, 6), (1, 9), (9, 9), (9, 9), (9, 9)]
    rows = []
    for student in range(60):
        first, end = paths[student % 10]
        level, shock = rng.normal(10, 2), rng.normal(0, 1, 8)
        for year in range(1, 9):
            mentored = int(first <= year < end)
            ever = sum(first <= past < end for past in range(1, year))
            outcome = level + 0.3 * year - 1.5 * mentored - 0.4 * ever + shock[year - 1]
            rows.append((student, year, mentored, round(outcome, 3), student // 10))
    return pd.DataFrame(rows, columns=["student", "year", "mentored", "absent", "school"])


def on_off_panel(frame: pd.DataFrame, **roles: object) -> Panel:
    return panel_from_frame(
        frame, unit="student", period="year", treated="mentored", outcomes=["absent"], school="school", **roles
    )  # type: ignore[arg-type]


def on_off_design(pool: Pool = "not_yet_treated") -> Design:
    return choose_design(on_off_panel(on_off_frame()), pool=pool)


def by_term(effect: Estimate) -> pd.DataFrame:
    return effect.frame.set_index("term")


@pytest.mark.parametrize(("pool", "normalized"), PEER)
def test_estimates_and_errors_are_those_of_the_authors(pool: Pool, normalized: bool) -> None:
    chosen = DeChaisemartinDHaultfoeuille(effects=4, placebos=2, normalized=normalized, shares="fixed")
    found = by_term(estimate_effect(on_off_design(pool), "absent", chosen, inference=BY_STUDENT)).loc[TERMS]
    estimates, errors = PEER[pool, normalized]
    np.testing.assert_allclose(found["estimate"], estimates, rtol=1e-10)
    np.testing.assert_allclose(found["std_error"], errors, rtol=1e-10)


def test_an_effect_is_what_a_loop_over_switchers_finds() -> None:
    frame = on_off_frame()
    y = frame.pivot(index="student", columns="year", values="absent")
    d = frame.pivot(index="student", columns="year", values="mentored")
    switch = {s: next((t for t in range(2, 9) if d.loc[s, t] != d.loc[s, 1]), 99) for s in d.index}
    found = by_term(estimate_effect(on_off_design(), "absent", DeChaisemartinDHaultfoeuille()))
    total, gained = 0.0, 0
    for ahead in range(6):
        own = []
        for s, first in switch.items():
            if (now := first + ahead) > 8:
                continue
            others = [o for o in switch if d.loc[o, 1] == d.loc[s, 1] and switch[o] > now]
            if others:
                gap = (
                    y.loc[s, now] - y.loc[s, first - 1] - np.mean([y.loc[o, now] - y.loc[o, first - 1] for o in others])
                )
                own.append(gap if d.loc[s, 1] == 0 else -gap)
                gained += abs(d.loc[s, now] - d.loc[s, 1])
        assert found.loc[f"event_time={ahead}", "estimate"] == pytest.approx(np.mean(own), abs=1e-12)
        assert found.loc[f"event_time={ahead}", "n_treated"] == len(own)
        total += sum(own)
    assert found.loc["average", "estimate"] == pytest.approx(total / gained, abs=1e-12)


@pytest.mark.parametrize("pool", ["never_treated", "not_yet_treated"])
def test_where_nothing_ends_it_is_callaway_santanna_by_event_time(panel: Panel, pool: Pool) -> None:
    design = choose_design(panel, pool=pool)
    ours = by_term(estimate_effect(design, "absent", DeChaisemartinDHaultfoeuille(), inference=BY_STUDENT))
    cells = CallawaySantAnna(control=pool, base_period="universal")
    theirs = by_term(estimate_effect(design, "absent", cells, inference=BY_STUDENT).pool("event_time"))
    shared = [term for term in ours.index if str(term).startswith("event_time=") and int(str(term)[11:]) >= 0]
    assert len(shared) == 3
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(ours.loc[shared, column], theirs.loc[shared, column], rtol=1e-10)


def test_a_design_with_weights_compares_with_them(panel: Panel) -> None:
    """Each cohort against its own weighted comparison, as Callaway–Sant'Anna does."""
    design = choose_design(panel, OddsWeighting(), covariates=["gpa"])
    ours = by_term(estimate_effect(design, "absent", DeChaisemartinDHaultfoeuille()))
    theirs = by_term(estimate_effect(design, "absent", CallawaySantAnna()).pool("event_time"))
    assert ours.loc["event_time=0", "estimate"] == pytest.approx(theirs.loc["event_time=0", "estimate"], abs=1e-12)


def test_influence_is_the_derivative_by_the_weight_also_of_those_who_switch_off() -> None:
    frame = on_off_frame()
    chosen = DeChaisemartinDHaultfoeuille(normalized=True)

    def fit_with(weight: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
        weighted = frame.assign(w=1 + frame["student"] % 3 / 2) * 1.0
        weighted["w"] *= weighted["student"].map(weight).fillna(1.0)
        design = choose_design(on_off_panel(weighted, weight="w"), pool="not_yet_treated")
        fit = chosen.fit(design, "absent")
        assert fit.influence is not None
        return fit.theta, fit.influence / len(fit.influence)

    _, influence = fit_with({})
    np.testing.assert_allclose(influence.sum(axis=0), 0.0, atol=1e-12)
    for student in (0, 4, 6, 9):
        up, down = fit_with({student: 1 + 1e-4})[0], fit_with({student: 1 - 1e-4})[0]
        np.testing.assert_allclose(influence[student], (up - down) / 2e-4, atol=1e-7)


def test_all_clusters_have_codes_also_for_those_treated_from_the_first_year_on() -> None:
    effect = estimate_effect(
        on_off_design(), "absent", DeChaisemartinDHaultfoeuille(), inference=ClusterRobust("school")
    )
    assert effect.n_clusters == 6
    assert len(effect.fit.clusters["student"]) == 60
    assert effect.fit.facts["switched_off"] == 12


def test_a_missing_row_keeps_the_status_of_the_row_before() -> None:
    frame = on_off_frame()
    gone = frame[~((frame["student"] == 1) & (frame["year"] == 6))]
    whole, less = (
        DeChaisemartinDHaultfoeuille().fit(choose_design(on_off_panel(data)), "absent") for data in (frame, gone)
    )
    at = whole.terms["term"].tolist().index("event_time=3")
    assert less.terms["n_treated"].iloc[at] == whole.terms["n_treated"].iloc[at] - 1
    assert less.theta[at] != whole.theta[at]
    assert less.theta[at - 1] == pytest.approx(whole.theta[at - 1], abs=1e-12)


def test_other_estimators_say_that_they_do_not_follow_the_end() -> None:
    design = on_off_design()
    assert [note.key for note in estimate_effect(design, "absent", EventStudy()).notes].count("program_ends") == 1
    ours = estimate_effect(design, "absent", DeChaisemartinDHaultfoeuille())
    assert "program_ends" not in [note.key for note in ours.notes]


def test_a_switch_that_nobody_can_be_compared_with_is_a_plain_error() -> None:
    frame = on_off_frame()
    frame["absent"] = frame["absent"].where(frame["mentored"].groupby(frame["student"]).transform("max") == 1)
    design = choose_design(on_off_panel(frame[frame["student"] % 10 != 6]))
    with pytest.raises(EffectError, match="No switch can be compared"):
        DeChaisemartinDHaultfoeuille().fit(design, "absent")
    with pytest.raises(OptionError, match="1 or more"):
        DeChaisemartinDHaultfoeuille(effects=0)
