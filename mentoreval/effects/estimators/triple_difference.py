"""Triple difference: the difference-in-differences of those a program is meant for, less that of those it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mentoreval.aliases import BoolArray, FloatArray, IntArray
from mentoreval.design.design import Design
from mentoreval.effects.clusters import unit_clusters
from mentoreval.effects.estimator import Estimator, Fit, make_terms
from mentoreval.effects.regression import fit_linear
from mentoreval.effects.sample import Sample, analytic_sample, model_matrix, outcome_at, outcome_before
from mentoreval.errors import EffectError, OptionError, first_few


@dataclass(frozen=True)
class TripleDifference(Estimator):
    """Two arms, before and after, and two groups of which the program is meant for one.

    group : a covariate that is 1 (or True) for units the program is meant for and 0 for those it is not meant for, the
        same in all periods of a unit. ``first_treated`` marks the arm of both, such as all students of a school that
        takes the program up
    event_time : periods after the start at which the outcome is taken; 0 = the period of the start
    covariates : on which trends may depend, read at the baseline

    Estimand
        The average effect at the event time on the treated for whom the program is meant.

    Assumptions
        Without the program the gap between the two groups would have changed alike in both arms: a shock that hits an
        arm may do so if it hits both groups. The program does nothing to the group that it is not meant for.

    Estimator
        The difference-in-differences of changes since the last period before the start among group 1, less the same
        among group 0: the coefficient of arm × group in the regression of changes on arm, group, their product and the
        covariates. With several cohorts arm and group have effects of their own in each, and the product is one. It is
        the coefficient of arm × group × after in the regression of both periods that is saturated in all three.

    Standard errors
        From the scores of the regression, one row for each entry of the design; CR2, CR3 and the wild bootstrap apply.

    Edge cases
        The units whose outcome is known in both periods and whose covariates are known, by the same rule in all four
        cells; ``facts`` counts the others by arm. A cohort without units in one of the four cells is left out and
        named in ``facts["cohorts_left_out"]``. A group that changes within a unit is an error that names the units.
        n_treated counts the treated of group 1, n_comparison the units of the other three cells.

    References
        Gruber (1994), American Economic Review 84; Olden & Møen (2022), Econometrics Journal 25.

    Example
        >>> import pandas as pd
        >>> import mentoreval as me
        >>> frame = pd.DataFrame(
        ...     {
        ...         "student": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
        ...         "year": [2023, 2024] * 5,
        ...         "start": [2024] * 4 + [None] * 6,
        ...         "meant_for": [1, 1, 0, 0, 1, 1, 0, 0, 0, 0],
        ...         "absent": [20, 12, 18, 17, 9, 8, 11, 12, 10, 13],
        ...     }
        ... )
        >>> panel = me.panel_from_frame(
        ...     frame,
        ...     unit="student",
        ...     period="year",
        ...     first_treated="start",
        ...     covariates=["meant_for"],
        ...     outcomes=["absent"],
        ... )
        >>> effect = me.estimate_effect(me.choose_design(panel), "absent", me.TripleDifference(group="meant_for"))
        >>> float(effect.frame["estimate"].round(6).iloc[0])  # (-8 - -1) - (-1 - (1 + 3) / 2)
        -4.0
    """

    name: ClassVar[str] = "triple_difference"
    compares_changes: ClassVar[bool] = True
    group: str
    event_time: int = 0
    covariates: tuple[str, ...] = ()

    def check(self) -> None:
        """The group is no covariate besides."""
        if self.group in self.covariates:
            raise OptionError(f"TripleDifference: {self.group!r} is the group and can not be a covariate besides.")

    def fit(self, design: Design, outcome: str) -> Fit:
        """The difference of differences of changes, and each entry's influence on it."""
        response = outcome_at(design, outcome, self.event_time) - outcome_before(design, outcome)
        sample = analytic_sample(design, response, self.event_time, (self.group, *self.covariates))
        meant = _meant_for(sample, self.group)
        whole = _has_four_cells(sample, meant)
        if not whole.any():
            raise EffectError(
                f"No cohort has units in all four cells of treated or not and {self.group} 1 or 0, so there is no "
                "third difference. Use did_2x2, or another group."
            )
        left_out = np.setdiff1d(sample.cohort, sample.cohort[whole])
        X, names = _regressors(sample, meant, whole, self.group)
        contrast = np.zeros((1, X.shape[1]))
        contrast[0, -1] = 1.0
        linear = fit_linear(X, sample.response[whole], sample.weights[whole], names, (), contrast)
        label = design.panel.timeline.label
        return Fit(
            design=design,
            outcome=outcome,
            estimator=self,
            terms=make_terms([_term(sample, meant, whole, self.event_time)]),
            theta=linear.effects,
            influence=linear.arrays.influence,
            clusters={name: codes[sample.unit[whole]] for name, codes in unit_clusters(design).items()},
            entries=sample.entries[whole],
            linear=linear,
            facts={**sample.facts, "cohorts_left_out": tuple(label(cohort) for cohort in left_out)},
        )


def _meant_for(sample: Sample, group: str) -> BoolArray:
    """(m,) True where the program is meant for the entry's unit; EffectError unless 0/1 and constant in each unit."""
    column, panel = sample.covariates[group], sample.design.panel
    if not pd.api.types.is_numeric_dtype(column) or not column.isin([0, 1]).all():
        raise EffectError(
            f"The group of a triple difference is 0 or 1, and {group!r} has {first_few(pd.unique(column))}. Make it 1 "
            "where the program is meant for the unit and 0 where it is not."
        )
    rows = panel.frame.groupby(panel.unit, sort=False)[group].nunique()
    changing = rows.index[(rows > 1) & rows.index.isin(panel.units[sample.unit])]
    if len(changing):
        raise EffectError(
            f"{group!r} changes within {len(changing):,} units (first: {first_few(changing)}), and a group of a triple "
            "difference is for good. Give each unit the value from before the start."
        )
    return np.asarray(column.to_numpy(dtype=float) == 1.0, dtype=bool)


def _has_four_cells(sample: Sample, meant: BoolArray) -> BoolArray:
    """(m,) True where the entry's cohort has units in all four cells."""
    out = np.ones(len(meant), dtype=bool)
    for arm in (sample.treated, ~sample.treated):
        for group in (meant, ~meant):
            out &= np.isin(sample.cohort, sample.cohort[arm & group])
    return out


def _regressors(sample: Sample, meant: BoolArray, whole: BoolArray, group: str) -> tuple[FloatArray, list[str]]:
    """Cohort effects, arm and group in each cohort, covariates and last arm × group; and their names."""
    code: IntArray = np.unique(sample.cohort[whole], return_inverse=True)[1]
    cohort = np.eye(int(code.max()) + 1)[code]
    arm, third = sample.treated[whole].astype(float), meant[whole].astype(float)
    adjusted = model_matrix(sample.covariates.loc[whole, :].drop(columns=group).reset_index(drop=True))
    columns = [cohort, cohort * arm[:, None], cohort * third[:, None], adjusted.values, arm * third]
    parts = [f"{part} in cohort {j + 1}" for part in ("intercept", "arm", group) for j in range(cohort.shape[1])]
    return np.column_stack(columns), [*parts, *(column.label for column in adjusted.columns), f"arm × {group}"]


def _term(sample: Sample, meant: BoolArray, whole: BoolArray, event_time: int) -> dict[str, object]:
    """The one term; its cohort and period are named where there is one cohort."""
    term: dict[str, object] = {"term": "effect", "event_time": event_time}
    cohorts, timeline = np.unique(sample.cohort[whole]), sample.design.panel.timeline
    if len(cohorts) == 1:
        term |= {"cohort": timeline.label(cohorts[0]), "period": timeline.label(cohorts[0] + event_time)}
    helped = sample.treated & meant
    term["n_treated"] = len(np.unique(sample.unit[whole & helped]))
    term["n_comparison"] = len(np.unique(sample.unit[whole & ~helped]))
    return term
