"""Rehearsal: right analyses pass, wrong ones are found out, and the truth is what was added."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import mentoreval as me
from mentoreval.evidence.known_effect import EffectRows, add_effect, headline_average, mentor_spread
from mentoreval.evidence.made_up_program import RehearsalRefusedError, make_up
from mentoreval.evidence.rehearsal import rehearse, rehearse_together
from mentoreval.evidence.rehearsal_draws import Analysis, Rehearser
from mentoreval.evidence.rehearsal_verdict import chance_of_the_pool, summarize
from mentoreval.numerics.processes import in_processes
from mentoreval.panel.timeline import Timeline
from mentoreval.worlds import draw_world
from tests.worlds import student_years

BY_STUDENT = me.ClusterRobust(cluster="student")
BY_SCHOOL = me.ClusterRobust(cluster="school")


def district(
    seed: int, *, n: int = 900, schools: int = 10, cohorts: tuple[int, ...] = (2022,), mentor_sd: float = 0.0,
    shock: float = 0.0,
) -> me.Panel:  # fmt: skip
    """Students in schools, 2020 to 2024; need decides who is mentored and bears on y; effects grow by half a year."""
    rng = np.random.default_rng(seed)
    years = np.arange(2020, 2025)
    school, need = rng.integers(0, schools, n), rng.normal(size=n)
    start = np.zeros(n)
    for cohort in cohorts:
        start[(start == 0) & (rng.random(n) < 1 / (1 + np.exp(2 - 0.5 * need)))] = cohort
    mentor = np.where(start > 0, school * 10 + rng.integers(0, 2, n), -1)
    since = years - start[:, None]
    on = (since >= 0) & (start[:, None] > 0)
    y = 10 + 2 * need[:, None] + rng.normal(size=(n, len(years))) + shock * rng.normal(size=(schools, 5))[school]
    y = y + on * (1 + 0.5 * since + mentor_sd * rng.normal(size=10 * schools)[mentor][:, None])
    long = {"student": np.arange(n), "school": school, "need": need}
    frame = pd.DataFrame({name: np.repeat(values, len(years)) for name, values in long.items()})
    frame["year"], frame["y"] = np.tile(years, n), y.ravel()
    frame["start"] = np.repeat(np.where(start > 0, start, np.nan), len(years))
    frame["mentor"] = np.repeat(np.where(mentor >= 0, mentor, np.nan), len(years))
    return me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", school="school", mentor="mentor",
        covariates=["need"], outcomes=["y"],
    )  # fmt: skip


def matched(panel: me.Panel, inference: me.Inference | None = None, **options: object) -> me.Estimate:
    """ANCOVA on matched students."""
    design = me.choose_design(panel, me.Nearest(caliper=0.2), covariates=["need", "prior_y"])
    return me.estimate_effect(design, "y", me.RegressionAdjustment(**options), inference=inference)


STAGGERED = (2021, 2022, 2023)


class TestRightAnalyses:
    def test_a_fair_comparison_passes_and_is_off_by_no_more_than_luck(self):
        held = rehearse(matched(district(1), BY_STUDENT), draws=60, effect=0.5, seed=3, workers=1)
        assert held.finding().verdict == "pass"
        assert (held.summary["bias"].abs() < 2.6 * held.summary["bias_error"]).all()
        assert (held.summary["coverage"] > 0.85).all()

    @pytest.mark.parametrize("estimator", [me.CallawaySantAnna(), me.Imputation(), me.SunAbraham()])
    def test_estimators_made_for_staggered_starts_pass(self, estimator: me.Estimator):
        design = me.choose_design(district(3, cohorts=STAGGERED), covariates=["need"])
        estimate = me.estimate_effect(design, "y", estimator, inference=BY_STUDENT)
        held = rehearse(estimate, draws=40, effect=1.0, seed=1, workers=1)
        assert held.finding().verdict == "pass", held

    def test_errors_by_mentor_pass_where_mentors_differ(self):
        by_mentor = me.ClusterRobust(cluster="mentor", small_sample="CR2")
        held = rehearse(matched(district(5, mentor_sd=1.5), by_mentor), draws=40, effect=1.0, seed=1, workers=1)
        assert held.finding().verdict == "pass", held

    @pytest.mark.slow
    def test_coverage_is_near_nominal_in_many_draws(self):
        held = rehearse(matched(district(1, n=2000), BY_STUDENT), draws=400, effect=0.5, seed=3)
        assert held.summary["coverage"].between(0.92, 0.98).all()


class TestFaults:
    def test_static_two_way_fixed_effects_with_staggered_starts_fail(self):
        design = me.choose_design(district(3, n=1500, cohorts=STAGGERED), covariates=["need"])
        held = rehearse(
            me.estimate_effect(design, "y", me.Twfe(), inference=BY_STUDENT), draws=40, effect=2.0, seed=1, workers=1
        )
        assert held.finding().verdict == "fail"
        assert held.finding().key == "rehearsal.biased"
        none, known = held.summary["coverage"]
        assert none > 0.85
        assert known < 0.6

    def test_the_same_analysis_passes_where_the_effect_is_constant(self):
        design = me.choose_design(district(3, n=1500, cohorts=STAGGERED), covariates=["need"])
        estimate = me.estimate_effect(design, "y", me.Twfe(), inference=BY_STUDENT)
        held = rehearse(estimate, draws=40, effect=2.0, seed=1, workers=1, path="constant")
        assert held.finding().verdict == "pass"

    def test_mentors_ignored_fail(self):
        held = rehearse(matched(district(5, mentor_sd=1.5), BY_STUDENT), draws=40, effect=1.0, seed=1, workers=1)
        assert held.finding().verdict == "fail"
        assert held.finding().key == "rehearsal.too_narrow"
        assert held.summary["coverage"].iloc[1] < 0.85

    def test_plain_cluster_errors_with_six_schools_fail(self):
        plain = me.ClusterRobust(cluster="school", small_sample="CR0")
        held = rehearse(matched(district(7, n=600, schools=6, shock=1.0), plain), draws=200, effect=1.0, seed=1)
        assert held.finding().verdict == "fail"
        assert held.summary["coverage"].max() < 0.89

    def test_selection_that_the_design_leaves_out_fails_when_asked_about(self):
        panel = district(9)
        naive = me.estimate_effect(
            me.choose_design(panel, covariates=[]), "y", me.DifferenceInMeans(), inference=BY_STUDENT
        )
        held = rehearse(naive, draws=40, effect=1.0, seed=1, workers=1, selection=["need"])
        assert held.finding().key == "rehearsal.biased"
        assert held.finding().verdict == "fail"
        assert held.summary["bias"].min() > 0.5


def chosen_again_each_year(seed: int, pool: str) -> me.Estimate:
    """Each year a third of those who were below −0.5 the year before and are not yet in the program join it."""
    rng = np.random.default_rng(seed)
    n, years = 2500, 5
    y = rng.normal(0, 0.7, n)[:, None] + rng.normal(0, 0.7, (n, years))
    start = np.full(n, np.nan)
    for year in range(1, years):
        start[np.isnan(start) & (y[:, year - 1] < -0.5) & (rng.random(n) < 1 / 3)] = year
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), years), "year": np.tile(np.arange(years), n)})
    frame["y"], frame["start"] = y.ravel(), np.repeat(start, years)
    panel = me.panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["y"])
    rule = [me.Eligibility("prior_y", at_most=-0.5)]
    design = me.choose_design(panel, me.Nearest(caliper=0.2), covariates=["prior_y"], eligibility=rule, pool=pool)
    return me.estimate_effect(design, "y", me.RegressionAdjustment(), inference=BY_STUDENT)


class TestChosenAgainEachYear:
    """Who is never chosen, though considered each year for the year before, had good years: a comparison with them
    makes a program without effect look harmful. Who is chosen later is a fair comparison until then."""

    def test_the_never_mentored_are_not_a_fair_comparison(self):
        estimate = chosen_again_each_year(1, "never_treated")
        assert float(estimate.headline()["estimate"]) < -0.05
        held = rehearse(estimate, draws=40, effect=0.3, seed=1, workers=1)
        assert (held.finding().verdict, held.finding().key) == ("fail", "rehearsal.biased"), held
        assert held.summary["bias"].max() < -0.03

    def test_the_not_yet_mentored_are(self):
        estimate = chosen_again_each_year(1, "not_yet_treated")
        held = rehearse(estimate, draws=40, effect=0.3, seed=1, workers=1)
        assert held.finding().verdict == "pass", held


class TestDrawnWorlds:
    def test_plain_cluster_errors_with_six_schools_fail(self):
        panel = student_years.panel_of(draw_world("six_schools", 1, n_students=3000))
        plain = me.ClusterRobust(cluster="school", small_sample="CR0")
        design = student_years.everyone(panel)
        estimate = me.estimate_effect(design, student_years.OUTCOME, me.RegressionAdjustment(), inference=plain)
        held = rehearse(estimate, draws=60, effect=0.02, seed=1, workers=1)
        assert held.finding().verdict == "fail", held

    @pytest.mark.slow
    def test_a_fair_comparison_is_seldom_blamed(self):
        """Of twenty districts without anything wrong at most one fails, and one in five cautions."""
        verdicts = []
        for seed in range(1, 21):
            panel = student_years.panel_of(draw_world("no_effect", seed, n_students=4000))
            estimate = student_years.ancova(student_years.matched(panel))
            verdicts.append(rehearse(estimate, draws=60, effect=0.011, seed=seed).finding().verdict)
        assert verdicts.count("fail") <= 1, verdicts
        assert verdicts.count("caution") <= 4, verdicts


class TestWhatIsPromised:
    def test_the_answer_does_not_hang_on_the_number_of_workers(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        frames = [rehearse(estimate, draws=6, effect=0.5, seed=4, workers=workers).frame for workers in (1, 2, 3)]
        for other in frames[1:]:
            pd.testing.assert_frame_equal(frames[0], other, check_exact=True)

    @pytest.mark.slow
    def test_processes_that_begin_from_nothing_give_the_same_answer(self):
        """As on Windows and macOS, where all that a draw needs is sent to them."""
        estimate = matched(district(1, n=400), BY_SCHOOL)
        analyses = [Analysis.of(estimate, (0.0, 0.5))]
        rehearser = Rehearser.of(estimate.design, make_up(estimate.design), analyses, "growing")
        tasks = list(enumerate(np.random.SeedSequence(4).spawn(4), start=1))
        here = in_processes("Rehearsing", rehearser.draw, tasks, 1)
        elsewhere = in_processes("Rehearsing", rehearser.draw, tasks, 2, start="spawn")
        assert [one[0].rows for one in here] == [one[0].rows for one in elsewhere]

    def test_another_seed_gives_another_answer(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        one, two = (rehearse(estimate, draws=2, effect=0.5, seed=seed, workers=1).frame for seed in (4, 5))
        assert not np.allclose(one["estimate"], two["estimate"])

    def test_nothing_of_the_estimate_changes(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        before, headline = estimate.design.panel.frame.copy(), estimate.headline()
        rehearse(estimate, draws=3, effect=0.5, workers=1)
        pd.testing.assert_frame_equal(estimate.design.panel.frame, before)
        pd.testing.assert_series_equal(estimate.headline(), headline)

    def test_an_additive_effect_moves_a_linear_estimate_by_itself(self):
        """Without mentors, y + d for the made-up mentees moves ANCOVA at the start by d in every draw."""
        estimate = matched(replace(district(1, n=400), mentor=None), BY_SCHOOL)
        frame = rehearse(estimate, draws=5, effect=0.7, workers=1).frame
        none, known = (frame.loc[frame["effect"] == effect, "estimate"].to_numpy() for effect in (0.0, 0.7))
        np.testing.assert_allclose(known - none, 0.7, atol=1e-9)

    @pytest.mark.parametrize("path", ["growing", "constant"])
    def test_pooled_group_time_effects_find_the_stated_average(self, path: str):
        panel = replace(district(3, cohorts=STAGGERED), mentor=None)
        estimate = me.estimate_effect(
            me.choose_design(panel, covariates=["need"]), "y", me.CallawaySantAnna(), inference=BY_STUDENT
        )
        frame = rehearse(estimate, draws=3, effect=0.7, workers=1, path=path).frame
        none, known = (frame.loc[frame["effect"] == effect, "estimate"].to_numpy() for effect in (0.0, 0.7))
        np.testing.assert_allclose(known - none, 0.7, atol=1e-9)

    def test_estimates_on_one_design_together_are_those_apart(self):
        panel = district(1, n=400)
        first = matched(panel, BY_SCHOOL)
        second = me.estimate_effect(first.design, "y", me.Did2x2(), inference=BY_SCHOOL)
        together = rehearse_together((first, second), (0.5, 0.5), draws=3, seed=2, workers=1)
        alone = rehearse(first, draws=3, effect=0.5, seed=2, workers=1)
        assert together[0].frame["estimate"].tolist()[::2] == alone.frame["estimate"].tolist()[::2]
        assert together[1].outcome == "y"
        with pytest.raises(me.OptionError, match="share one design"):
            rehearse_together((first, matched(panel)), (0.5, 0.5), draws=3, seed=2)

    def test_the_default_effect_is_a_tenth_of_a_standard_deviation(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        held = rehearse(estimate, draws=2, workers=1)
        frame = estimate.design.panel.frame
        assert held.assumed
        assert held.effects[1] == pytest.approx(0.1 * frame.loc[frame["start"].isna(), "y"].std())

    def test_draws_and_workers_are_counted_from_one(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        with pytest.raises(me.OptionError, match="draws is 1 or more"):
            rehearse(estimate, draws=0)
        with pytest.raises(me.OptionError, match="workers is 1 or more"):
            rehearse(estimate, workers=0)


class TestRefusals:
    def test_too_few_never_mentored(self):
        panel = district(1, n=40, schools=3)
        estimate = me.estimate_effect(me.choose_design(panel, covariates=[]), "y", me.Did2x2(), inference=BY_STUDENT)
        few = panel.frame.groupby("student")["start"].first().isna().sum()
        assert few >= 30
        small = panel.frame[panel.frame["start"].notna() | (panel.frame["student"] < 12)]
        again = me.panel_from_frame(
            small, unit="student", period="year", first_treated="start", school="school", outcomes=["y"]
        )
        estimate = me.estimate_effect(me.choose_design(again, covariates=[]), "y", me.Did2x2(), inference=BY_STUDENT)
        with pytest.raises(RehearsalRefusedError, match="at least 30 units that never start"):
            rehearse(estimate)
        assert me.run_check("rehearsal", estimate).key == "rehearsal.too_few_units"

    def test_whole_schools_need_schools_without_the_program(self):
        estimate = by_school(n_with=3, n_without=5)
        finding = me.run_check("rehearsal", estimate)
        assert (finding.verdict, finding.key) == ("cannot_judge", "rehearsal.too_few_schools")
        assert finding.numbers == {"count": 5, "fewest": 6}

    def test_one_pair_of_several_programs(self):
        estimate = matched(district(1, n=400), BY_SCHOOL)
        method = type("Contrast", (), {"name": "arm_contrast"})()
        pair = replace(estimate, fit=replace(estimate.fit, design=replace(estimate.design, method=method)))
        with pytest.raises(RehearsalRefusedError, match="one pair of several programs"):
            rehearse(pair)


def by_school(n_with: int, n_without: int) -> me.Estimate:
    """Whole schools of 20 students with the program or without, over two years."""
    rng = np.random.default_rng(2)
    school = np.repeat(np.arange(n_with + n_without), 20)
    frame = pd.DataFrame({"student": np.repeat(np.arange(len(school)), 2), "school": np.repeat(school, 2)})
    frame["year"] = np.tile([2023, 2024], len(school))
    frame["start"] = np.where(frame["school"] < n_with, 2024.0, np.nan)
    frame["y"] = rng.normal(size=len(frame)) + frame["school"] % 3
    panel = me.panel_from_frame(
        frame, unit="student", period="year", first_treated="start", school="school", outcomes=["y"]
    )
    return me.estimate_effect(me.choose_design(panel, covariates=[]), "y", me.Did2x2(), inference=BY_SCHOOL)


class TestMadeUpProgram:
    def test_mentees_by_school_and_cohort_are_as_many_as_the_real_ones_and_starts_are_theirs(self):
        panel = district(3, n=2000, cohorts=STAGGERED)
        design = me.choose_design(panel, me.InverseProbability(), covariates=["need"])
        program = make_up(design)
        alone = panel.frame[panel.frame["start"].isna() & (panel.frame["year"] == 2020)].reset_index(drop=True)
        start, mentor = program.draw(np.random.default_rng(1))
        assert program.level == "unit"
        made_up = pd.crosstab(alone["school"], pd.Series(start))[list(STAGGERED)].to_numpy()
        np.testing.assert_array_equal(made_up.T, program.number)
        assert (program.number <= real_counts(panel).T).all()
        assert ((mentor >= 0) == (start != Timeline.NEVER)).all()
        label = np.sort(panel.frame["mentor"].dropna().unique())[mentor[mentor >= 0]]
        np.testing.assert_array_equal(label // 10, alone["school"][mentor >= 0])  # a mentor stays in the school

    def test_those_in_need_are_chosen_as_the_fitted_selection_says(self):
        """Odds of being mentored rise by e^0.5 with each unit of need; so must those of the made-up mentees."""
        panel = district(11, n=6000, schools=1)
        program = make_up(me.choose_design(panel, me.InverseProbability(), covariates=["need"]))
        (group,) = program.candidates
        need = panel.frame.loc[panel.frame["start"].isna() & (panel.frame["year"] == 2021), "need"].to_numpy()
        slope = np.polyfit(need[group.unit], group.linear, 1)[0]
        assert slope == pytest.approx(0.5, abs=0.1)
        chosen = np.concatenate([program.draw(np.random.default_rng(seed))[0] == 2022 for seed in range(20)])
        gap = np.tile(need, 20)[chosen].mean() - np.tile(need, 20)[~chosen].mean()
        assert gap == pytest.approx(0.5, abs=0.1)  # of normal need with log odds of slope b, about b

    def test_schools_that_never_had_a_whole_school_program_are_given_it(self):
        program = make_up(by_school(n_with=4, n_without=9).design)
        assert (program.level, program.n_real, program.n_made_up) == ("school", 4, 4)
        start, _ = program.draw(np.random.default_rng(1))
        treated = (start != Timeline.NEVER).reshape(9, 20)
        assert sorted(treated.sum(axis=1)) == [0] * 5 + [20] * 4

    def test_a_panel_of_schools_is_rehearsed_on_schools(self):
        rng = np.random.default_rng(4)
        frame = pd.DataFrame({"school": np.repeat(np.arange(40), 3), "year": np.tile([2022, 2023, 2024], 40)})
        frame["start"] = np.where(frame["school"] < 12, 2024.0, np.nan)
        frame["rate"] = 0.9 + 0.02 * rng.normal(size=40)[frame["school"]] + 0.01 * rng.normal(size=120)
        panel = me.panel_from_frame(frame, unit="school", period="year", first_treated="start", outcomes=["rate"])
        design = me.choose_design(panel, covariates=[])
        estimate = me.estimate_effect(design, "rate", me.Did2x2(), inference=me.ClusterRobust(cluster="student"))
        held = rehearse(estimate, draws=60, effect=0.01, seed=1, workers=1)
        assert (held.program.n_real, held.program.n_made_up) == (12, 9)
        assert held.finding().verdict == "pass"


def real_counts(panel: me.Panel) -> np.ndarray:
    """(schools, cohorts) mentees."""
    first = panel.frame[panel.frame["year"] == 2020]
    return pd.crosstab(first["school"], first["start"]).to_numpy()


class TestKnownEffect:
    def flags(self, n: int = 20_000) -> me.Panel:
        """Half of the students start in 2024; 30 % of them, and of the others, are at 1."""
        frame = pd.DataFrame({"student": np.repeat(np.arange(n), 2), "year": np.tile([2023, 2024], n)})
        frame["start"] = np.where(frame["student"] % 2 == 0, 2024.0, np.nan)
        frame["absent"] = (np.random.default_rng(1).random(2 * n) < 0.3).astype(float)
        return me.panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["absent"])

    @pytest.mark.parametrize("effect", [-0.1, 0.15])
    def test_of_a_yes_or_no_as_many_are_turned_as_the_effect_says(self, effect: float):
        panel = self.flags()
        started = (panel.frame["start"].notna() & (panel.frame["year"] == 2024)).to_numpy()
        wanted = EffectRows(np.where(started, effect, 0.0), np.zeros(len(started), dtype=np.int64))
        changed = add_effect(panel, "absent", wanted, np.zeros(len(started)), np.random.default_rng(3))
        before = panel.frame["absent"].to_numpy()
        assert set(np.unique(changed)) == {0.0, 1.0}
        assert (changed[~started] == before[~started]).all()
        moved = changed[started].mean() - before[started].mean()
        assert moved == pytest.approx(effect, abs=4 * np.sqrt(0.1 / 10_000))
        assert ((changed - before)[started] * np.sign(effect) >= 0).all()

    def test_an_effect_without_room_is_refused(self):
        panel = self.flags(100)
        started = (panel.frame["start"].notna() & (panel.frame["year"] == 2024)).to_numpy()
        wanted = EffectRows(np.where(started, -0.6, 0.0), np.zeros(len(started), dtype=np.int64))
        with pytest.raises(me.EffectError, match="has no room where"):
            add_effect(panel, "absent", wanted, np.zeros(len(started)), np.random.default_rng(3))

    def test_a_yes_or_no_needs_room_only_where_the_headline_looks(self):
        """Two cohorts; a year after the start nobody is at 1, so that nothing could be taken away there."""
        frame = pd.DataFrame({"student": np.repeat(np.arange(400), 4), "year": np.tile([2021, 2022, 2023, 2024], 400)})
        first = frame["student"].mod(4).map({0: 2022.0, 1: 2023.0})
        frame["start"] = first
        chance = np.where(frame["year"] == first, 0.3, np.where(frame["year"] > first, 0.0, 0.4))
        frame["absent"] = (np.random.default_rng(1).random(len(frame)) < chance).astype(float)
        panel = me.panel_from_frame(
            frame, unit="student", period="year", first_treated="start", outcomes=["absent"], covariates=[]
        )
        design = me.choose_design(panel, covariates=[])
        at_start = me.RegressionAdjustment().fit(design, "absent")
        rows = EffectRows.of(at_start, "growing")
        np.testing.assert_array_equal(rows.size, (frame["year"] == first).astype(float))
        assert len(np.unique(rows.group)) == 1
        changed = add_effect(
            panel, "absent", replace(rows, size=-0.05 * rows.size), np.zeros(len(frame)), np.random.default_rng(3)
        )
        assert (changed[frame["year"] != first] == frame["absent"][frame["year"] != first]).all()
        every = EffectRows.of(me.CallawaySantAnna().fit(design, "absent"), "growing")
        np.testing.assert_array_equal(every.size, np.maximum(frame["year"] - first + 1, 0).fillna(0))
        with pytest.raises(me.EffectError, match=r"has no room where 0\.0%"):
            add_effect(
                panel, "absent", replace(every, size=-0.05 * every.size), np.zeros(len(frame)), np.random.default_rng(3)
            )

    def test_the_truth_of_static_fixed_effects_is_over_treated_student_years(self):
        """Starts in 2022 (1, 2, 3 by 2024) and 2024 (1), one student each: (1 + 2 + 3 + 1) / 4."""
        rng = np.random.default_rng(1)
        frame = pd.DataFrame({"student": np.repeat(np.arange(6), 5), "year": np.tile(range(2020, 2025), 6)})
        frame["start"] = frame["student"].map({0: 2022.0, 1: 2024.0})
        frame["y"] = rng.normal(size=30)
        panel = me.panel_from_frame(frame, unit="student", period="year", first_treated="start", outcomes=["y"])
        fit = me.estimate_effect(me.choose_design(panel, covariates=[]), "y", me.Twfe(), inference=BY_STUDENT).fit
        assert headline_average(fit, "growing") == pytest.approx((1 + 2 + 3 + 1) / 4)
        assert headline_average(fit, "constant") == 1.0

    def test_what_mentors_share_is_found(self):
        none, some = (
            mentor_spread(matched(district(5, n=4000, schools=40, mentor_sd=sd), BY_STUDENT).design, "y")
            for sd in (0.0, 1.5)
        )
        assert none < 0.4
        assert some == pytest.approx(1.5, rel=0.25)


class TestVerdict:
    def draws(self, estimate: np.ndarray, std_error: float = 1.0, effect: float = 0.0) -> pd.DataFrame:
        """Draws with normal intervals."""
        frame = pd.DataFrame({"draw": range(len(estimate)), "effect": effect, "truth": effect, "estimate": estimate})
        frame["std_error"], frame["p_value"] = std_error, 0.5
        frame["conf_low"], frame["conf_high"] = estimate - 1.96 * std_error, estimate + 1.96 * std_error
        return frame

    def verdict(self, frame: pd.DataFrame, chance: float = 0.0) -> tuple[str, str]:
        row = summarize(frame, 0.95, chance).iloc[-1]
        return row["verdict"], row["fault"]

    def test_each_case(self):
        z = np.random.default_rng(1).normal(size=400)
        z = (z - z.mean()) / z.std(ddof=1)
        assert self.verdict(self.draws(z)) == ("pass", "")
        assert self.verdict(self.draws(z + 0.8)) == ("fail", "biased")
        assert self.verdict(self.draws(z + 0.42)) == ("caution", "biased")
        assert self.verdict(self.draws(z, 0.6)) == ("fail", "too_narrow")
        assert self.verdict(self.draws(z, 0.88)) == ("caution", "too_narrow")
        assert self.verdict(self.draws(z + 0.8), chance=0.5) == ("pass", "by_chance")  # 1.6 standard errors
        assert self.verdict(self.draws(z + 1.1), chance=0.5) == ("caution", "by_chance")  # 2.2
        assert self.verdict(self.draws(z[:10])) == ("cannot_judge", "few_draws")
        gaps = self.draws(z)
        gaps.loc[:50, "estimate"] = np.nan
        assert self.verdict(gaps) == ("cannot_judge", "failed")

    def test_what_goes_wrong_with_the_effect_is_judged_without_the_luck_of_the_students(self):
        z = np.random.default_rng(1).normal(size=400)
        both = pd.concat([self.draws(z), self.draws(z + 3 + 0.7, effect=3.0)])
        assert self.verdict(both, chance=0.5) == ("fail", "biased")

    def test_the_chance_of_the_students_is_what_draws_have_in_common(self):
        """Every draw pulls with 1, −1, 2, −2 and noise: √(1 + 1 + 4 + 4) · √(4 / 3)."""
        rng = np.random.default_rng(1)
        pulls = [(np.array([1, -1, 2, -2]) + rng.normal(size=4)).astype(np.float32) for _ in range(20_000)]
        assert chance_of_the_pool(pulls) == pytest.approx(np.sqrt(10 * 4 / 3), rel=0.01)
        noise = [rng.normal(size=4000).astype(np.float32) for _ in range(50)]
        assert chance_of_the_pool(noise) < 0.25 * np.sqrt(4000 / 50)
