"""Results: one row for each planned estimate with every number that a reviewer asks for, for tables and for the CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mentoreval.design.arms import ArmContrast
from mentoreval.effects.estimate import ESTIMATE_COLUMNS, Estimate
from mentoreval.evidence.subgroups import Subgroup
from mentoreval.report.disclosure_cells import Key, sample_key
from mentoreval.study.evaluation import Evaluation, Result
from mentoreval.study.subgroups import SubgroupResult

COUNTS = ("n_treated", "n_comparison")
EFFECT_SIZE_COLUMNS = (
    "mean_treated", "sd_treated", "mean_comparison", "sd_comparison", "sd_pooled",
    "effect_size", "effect_size_kind", "effect_size_std_error", "improvement_index", "reason",
)  # fmt: skip
PLAN_COLUMNS = ("name", "role", "design", "pair", "estimand", "method", "estimator", "inference", "cluster")


def results_frame(results: Iterable[Result]) -> pd.DataFrame:
    """PLAN_COLUMNS, ESTIMATE_COLUMNS and EFFECT_SIZE_COLUMNS for each result, in the outcome's own unit."""
    columns = [*PLAN_COLUMNS, *ESTIMATE_COLUMNS, *EFFECT_SIZE_COLUMNS]
    return pd.DataFrame([_row(result) for result in results], columns=columns)


def sample_of(row: pd.Series, column: str) -> Key:
    """What an arm's size in a row of ``results_frame`` counts."""
    return sample_key(row["design"], column, row[column])


def period_key(name: str, event_time: object, column: str) -> Key:
    """What an arm's size in one period of an estimate over time counts."""
    return "over_time", name, f"{float(str(event_time)):g}", column


def _row(result: Result) -> dict[str, object]:
    plan, estimate, size = result.plan, result.estimate, result.effect_size
    row: dict[str, object] = {
        "name": plan.name,
        "role": plan.role,
        "design": plan.design,
        "pair": plan.contrast,
        "estimand": estimate.design.estimand,
        "method": estimate.design.method.name,
        "estimator": plan.estimator.name,
        "inference": estimate.inference.name,
        "cluster": estimate.cluster,
        **{column: result.headline[column] for column in ESTIMATE_COLUMNS},
        "effect_size": size.value,
        "effect_size_kind": size.kind,
        "effect_size_std_error": size.std_error,
    }
    for column in EFFECT_SIZE_COLUMNS:
        row.setdefault(column, getattr(size, column, None))
    return row


def over_time_frame(estimate: Estimate) -> pd.DataFrame:
    """Effects by periods since the start, in order: one row for each event time, ESTIMATE_COLUMNS."""
    if estimate.fit.group_time is not None and estimate.fit.pooled_by is None:
        estimate = estimate.pool("event_time")
    frame = estimate.frame
    timed = frame[frame["event_time"].notna()].copy()
    timed["event_time"] = timed["event_time"].astype(float).astype(np.int64)
    return timed.sort_values("event_time", kind="stable").reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class LevelResult:
    """The result in one level of a subgroup analysis.

    of : the analysis; result : as that of a planned estimate, its design named for the level
    """

    of: SubgroupResult
    group: Subgroup
    result: Result


def level_results(evaluation: Evaluation) -> tuple[LevelResult, ...]:
    """Every level of every subgroup analysis that has an estimate."""
    return tuple(
        LevelResult(one, group, made)
        for one in evaluation.subgroups
        for group in one.found.groups
        if (made := _level_result(one, group)) is not None
    )


def design_and_pair(evaluation: Evaluation, name: str) -> tuple[str, str]:
    """What the study file calls a comparison; of several programs also the two that are compared, as a label."""
    pairs = {plan.design: plan.contrast for plan in evaluation.study.estimates}
    method = evaluation.designs[name].method
    if not isinstance(method, ArmContrast) or not pairs.get(name):
        return name, ""
    # One name may begin with another ("kinds", "kinds_by_marks"); the longer one is meant.
    own = [program for program in evaluation.study.programs if name.startswith(f"{program}_")]
    return max(own, key=len), pairs[name]


def level_design(design: str, grouping: str, level: str) -> str:
    """What the comparison within a level is called, by the design that was chosen again in it."""
    return f"{design}/{grouping}={level}"


def _level_result(one: SubgroupResult, group: Subgroup) -> Result | None:
    if group.estimate is None or group.headline is None or group.effect_size is None or group.baseline is None:
        return None
    name, design = (level_design(own, one.name, group.level) for own in (one.plan.name, one.plan.design))
    plan = replace(one.plan, name=name, design=design, role="robustness")
    return Result(plan, group.estimate, group.headline, group.effect_size, group.baseline)


def estimates_table(evaluation: Evaluation) -> pd.DataFrame:
    """Everything that was estimated, for the CSV: each planned estimate, each event time, each level of subgroups."""
    frames = [results_frame(evaluation.results)]
    for result in evaluation.with_role("over_time"):
        timed = over_time_frame(result.estimate)
        plan = pd.DataFrame([_row(result)], columns=list(PLAN_COLUMNS))
        frames.append(timed.merge(plan, how="cross"))
    if levels := level_results(evaluation):
        frames.append(results_frame([level.result for level in levels]).assign(role="subgroup"))
    table = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return table[[*PLAN_COLUMNS, *ESTIMATE_COLUMNS, *EFFECT_SIZE_COLUMNS]]
