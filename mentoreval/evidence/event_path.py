"""Event path: the effects before and after the start against one reference period, with their joint variance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mentoreval.aliases import FloatArray, IntArray
from mentoreval.effects.estimate import Estimate
from mentoreval.effects.estimator import Fit
from mentoreval.effects.event_times import fit_leads
from mentoreval.effects.inference import Inference
from mentoreval.effects.pooling import SINGULAR, pool_fit
from mentoreval.errors import EffectError
from mentoreval.registry import make


@dataclass(frozen=True, eq=False)
class EventPath:
    """Effects by event time, all against the last period before the start.

    times : (n,) event times without the reference, ascending
    estimates : (n,)
    vcov : (n, n)
    reference : the event time that is zero by definition
    """

    times: IntArray
    estimates: FloatArray
    vcov: FloatArray
    reference: int

    @property
    def n_before(self) -> int:
        """Effects before the reference."""
        return int((self.times < self.reference).sum())

    @classmethod
    def of(cls, subject: Estimate) -> EventPath | str:
        """The path behind an estimate, or the reason why there is none.

        Group-time effects that were measured against the period before each of them are estimated again against one
        reference period for all, without which they are changes and not a path.

        no_event_study : no effects before and after the start against one reference period
        no_period_before : no effect before the reference
        gaps : event times that do not follow on each other
        not_testable : fewer clusters than effects, or effects without an error
        """
        try:
            effects = over_time(subject)
        except EffectError:
            return "no_event_study"
        frame = effects.frame
        timed = frame["event_time"].notna().to_numpy(dtype=bool)
        known = np.flatnonzero(timed & ~effects.is_reference)
        references = frame.loc[timed & effects.is_reference, "event_time"].astype(int)
        if len(references) != 1 or not len(known):
            return "no_event_study"
        times = frame["event_time"].iloc[known].to_numpy(dtype=np.int64)
        known, times = known[np.argsort(times)], np.sort(times)
        reference = int(references.iloc[0])
        vcov = effects.vcov[np.ix_(known, known)]
        path = cls(times, np.asarray(effects.fit.theta[known], dtype=float), vcov, reference)
        return path._problem() or path

    def _problem(self) -> str:
        if self.reference >= 0 or self.times[-1] < 0:
            return "no_event_study"
        if not self.n_before:
            return "no_period_before"
        if (np.diff(np.sort([*self.times, self.reference])) != 1).any():
            return "gaps"
        spread = np.sqrt(np.diag(self.vcov))
        if not np.isfinite(self.vcov).all() or (spread <= 0).any():
            return "not_testable"
        values = np.linalg.eigvalsh(self.vcov / np.outer(spread, spread))
        return "not_testable" if values[0] <= SINGULAR * values[-1] else ""


def over_time(subject: Estimate) -> Estimate:
    """The estimate by event time; where it has to be fitted again, with the clusters of the estimate.

    Raises EffectError where the estimator gives no effects by event time.
    """
    fit = subject.fit
    if fit.group_time is not None:
        return _of_group_time(subject)
    leads = fit_leads(fit) if fit.estimator.lead_rows == "all" else None
    return subject if leads is None else clustered_alike(subject, leads)


def _of_group_time(subject: Estimate) -> Estimate:
    fit = subject.fit
    varies = getattr(fit.estimator, "base_period", "") == "varying"
    if fit.pooled_by is None and not varies:
        return subject.pool("event_time")
    if fit.pooled_by == "event_time" and not varies:
        return subject
    again = replace(fit.estimator, base_period="universal") if varies else fit.estimator  # type: ignore[call-arg]
    return clustered_alike(subject, pool_fit(again.fit(fit.design, fit.outcome), "event_time", fit.window))


def clustered_alike(subject: Estimate, fit: Fit) -> Estimate:
    """A fit with errors clustered as those of the estimate, where the fit has these clusters."""
    cluster = subject.cluster if subject.cluster in fit.clusters else None
    spec: dict[str, object] = {"kind": "cluster_robust", "cluster": cluster}
    inference: Inference = make(Inference, spec)  # type: ignore[type-abstract]
    return inference.apply(fit, subject.confidence)
