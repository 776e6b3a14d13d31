"""What every inference method promises, on every kind of fit that it serves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mentoreval.aliases import FloatArray
from mentoreval.design.design import choose_design
from mentoreval.effects.estimate import ESTIMATE_COLUMNS, Estimate
from mentoreval.effects.estimator import Estimator, Fit
from mentoreval.effects.estimators import CallawaySantAnna, Did2x2, DifferenceInMeans, EventStudy
from mentoreval.effects.inference import Inference
from mentoreval.effects.inference_methods import INFERENCE_METHODS
from mentoreval.errors import EffectError, OptionError
from mentoreval.panel.panel import panel_from_frame
from mentoreval.registry import build, spec_of

FITTED: tuple[Estimator, ...] = (DifferenceInMeans(), Did2x2(), EventStudy(), CallawaySantAnna())

# Options with which a method serves these fits, or is done in time; the promises hold for any number of draws.
CHOSEN = {
    "refit_bootstrap": {"draws": 12},
    "two_way_cluster_robust": {"first": "school", "second": "student"},
    "one_arm_clustering": {"cluster": "school"},
}

every_method = pytest.mark.parametrize(
    "inference", [cls(**CHOSEN.get(name, {})) for name, cls in INFERENCE_METHODS.items()], ids=INFERENCE_METHODS
)
every_fit = pytest.mark.parametrize("estimator", FITTED, ids=lambda estimator: estimator.name)


def make_frame(n: int = 90, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"student": np.repeat(np.arange(n), 4), "year": np.tile([1, 2, 3, 4], n)})
    frame["start"] = np.array([3.0, np.nan])[np.arange(n) % 2][frame["student"]]
    frame["school"] = (frame["student"] // 2) % 15
    shock = rng.normal(size=(15, 4))[frame["school"], frame["year"] - 1]
    frame["absent"] = rng.normal(10, 2, n)[frame["student"]] + shock + rng.normal(size=len(frame))
    frame["absent"] -= 1.0 * (frame["year"] >= frame["start"])
    return frame


def make_fit(estimator: Estimator, frame: pd.DataFrame | None = None) -> Fit:
    panel = panel_from_frame(
        make_frame() if frame is None else frame,
        unit="student",
        period="year",
        first_treated="start",
        outcomes=["absent"],
        school="school",
    )
    return estimator.fit(choose_design(panel), "absent")


def apply_or_skip(inference: Inference, fit: Fit, confidence: float = 0.95) -> Estimate:
    """The estimate; a method that does not serve this fit must say what does."""
    try:
        return inference.apply(fit, confidence)
    except EffectError as error:
        refusal = str(error)
    assert "use " in refusal.lower()
    pytest.skip(f"{inference.name} refuses {fit.estimator.name}: {refusal}")


@every_method
@every_fit
def test_a_variance_is_symmetric_and_not_negative(inference: Inference, estimator: Estimator) -> None:
    effect = apply_or_skip(inference, make_fit(estimator))
    k = len(effect.fit.theta)
    assert effect.vcov.shape == (k, k)
    np.testing.assert_allclose(effect.vcov, effect.vcov.T, atol=1e-14)
    assert np.linalg.eigvalsh(effect.vcov).min() > -1e-12
    assert effect.df.shape == effect.critical.shape == (k,)
    assert (effect.df[~effect.is_reference] > 0).all()
    assert (effect.std_error[~effect.is_reference] > 0).all()
    assert (effect.std_error[effect.is_reference] == 0).all()


@every_method
@every_fit
def test_the_frame_has_its_columns_and_sensible_values(inference: Inference, estimator: Estimator) -> None:
    effect = apply_or_skip(inference, make_fit(estimator))
    found = effect.frame[~effect.is_reference]
    assert tuple(found.columns) == ESTIMATE_COLUMNS
    assert found["p_value"].between(0, 1).all()
    assert (found["conf_low"] < found["estimate"]).all()
    assert (found["estimate"] < found["conf_high"]).all()
    excludes_zero = (found["conf_low"] > 0) | (found["conf_high"] < 0)
    assert (excludes_zero == (found["p_value"] < 0.05)).all(), "interval and p-value tell the same story"


@every_method
@every_fit
def test_more_confidence_is_a_wider_interval(inference: Inference, estimator: Estimator) -> None:
    fit = make_fit(estimator)
    narrow, wide = (apply_or_skip(inference, fit, confidence) for confidence in (0.9, 0.99))
    assert (wide.critical[~wide.is_reference] > narrow.critical[~narrow.is_reference]).all()
    assert (narrow.confidence, wide.confidence) == (0.9, 0.99)


@every_method
@every_fit
def test_errors_move_with_the_unit_of_measurement(inference: Inference, estimator: Estimator) -> None:
    frame = make_frame()
    plain = apply_or_skip(inference, make_fit(estimator, frame))
    scaled = apply_or_skip(inference, make_fit(estimator, frame.assign(absent=180 * frame["absent"] + 7)))
    np.testing.assert_allclose(scaled.std_error, 180 * plain.std_error, rtol=1e-8)
    np.testing.assert_allclose(scaled.df, plain.df, rtol=1e-8)


@every_method
@every_fit
def test_order_of_rows_and_names_of_schools_change_nothing(inference: Inference, estimator: Estimator) -> None:
    frame = make_frame()
    names = np.random.default_rng(2).permutation(15)
    other = frame.assign(school=[f"school {names[code]}" for code in frame["school"]]).sample(frac=1, random_state=3)
    plain, renamed = (apply_or_skip(inference, make_fit(estimator, data)) for data in (frame, other))
    np.testing.assert_allclose(renamed.std_error, plain.std_error, rtol=1e-9)
    assert (renamed.n_clusters, renamed.cluster) == (plain.n_clusters, plain.cluster)


@every_method
@every_fit
def test_the_fit_stays_as_it_was_and_the_answer_too(inference: Inference, estimator: Estimator) -> None:
    fit = make_fit(estimator)
    theta = fit.theta.copy()
    influence: FloatArray | None = None if fit.influence is None else fit.influence.copy()
    first, second = (apply_or_skip(inference, fit) for _ in range(2))
    pd.testing.assert_frame_equal(first.frame, second.frame, check_exact=True)
    np.testing.assert_array_equal(fit.theta, theta)
    np.testing.assert_array_equal(first.fit.theta, theta)
    if influence is not None and fit.influence is not None:
        np.testing.assert_array_equal(fit.influence, influence)


@every_method
def test_a_cluster_that_is_asked_for_is_used_or_refused(inference: Inference) -> None:
    """A method with a cluster option gives another error for another cluster, and refuses one that is not there."""
    if "cluster" not in type(inference).__dataclass_fields__:
        pytest.skip(f"{inference.name} takes no cluster")
    fit = make_fit(Did2x2())
    by_school, by_student = (
        apply_or_skip(replace(inference, cluster=name), fit)  # type: ignore[call-arg]
        for name in ("school", "student")
    )
    assert by_school.std_error[0] != pytest.approx(by_student.std_error[0], rel=1e-3)
    assert (by_school.n_clusters, by_student.n_clusters) == (15, 90)
    assert (by_school.cluster, by_student.cluster) == ("school", "student")
    with pytest.raises((EffectError, OptionError), match="'bus'"):
        replace(inference, cluster="bus").apply(fit)  # type: ignore[call-arg]


@every_method
def test_it_can_be_written_in_a_study_file_and_read_again(inference: Inference) -> None:
    assert INFERENCE_METHODS[inference.name] is type(inference)
    assert build(INFERENCE_METHODS, spec_of(inference), "inference method") == inference
