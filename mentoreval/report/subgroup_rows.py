"""Rows of subgroups for tables and figures, and what readers read for a grouping and for each of its levels."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from mentoreval.evidence.subgroup_levels import OTHER, UNKNOWN
from mentoreval.evidence.wwc import EffectSize, effect_size
from mentoreval.report.results import level_design
from mentoreval.report.words import Words, opened
from mentoreval.study.subgroups import SubgroupResult

GROUPING, OVERALL = "grouping", "overall"
FLAG = {"0": "sign.no", "1": "sign.yes"}
UNNAMED = {OTHER: "label.in_no_cell", UNKNOWN: "label.level_not_known"}


def grouping_facts(result: SubgroupResult) -> dict[str, object]:
    """What the names of a grouping's levels need: by, and flag: whether its levels are no and yes."""
    levels = {group.level for group in result.found.groups} - set(UNNAMED)
    return {"by": result.found.by, "flag": levels <= set(FLAG)}


def grouping_name(words: Words, grouping: str, by: str) -> str:
    """What divides the students: what the study calls it, else the covariate."""
    return words.choices.get(grouping) or words.covariate(by)


def level_name(words: Words, by: str, level: str, flag: bool) -> str:
    """A level alone, as a row under the name of its grouping."""
    if level in UNNAMED:
        return words(UNNAMED[level])
    if flag and level in FLAG:
        return words(FLAG[level])
    return words.choices.get(level) or words.named("level", level)


def level_of(facts: Mapping[str, object] | pd.Series, words: Words) -> str:
    """A level together with the name of its grouping, as a caption says it."""
    by, level = str(facts["by"]), str(facts["level"])
    grouping = grouping_name(words, str(facts[GROUPING]), by)
    name = level_name(words, by, level, bool(facts["flag"]))
    return opened(words("covariate_level", covariate=grouping, level=name))


def subgroup_rows(one: SubgroupResult) -> list[dict[str, object]]:
    """Everyone, then every level of one analysis, as rows of ``SubgroupTable.frame``."""
    overall, found = one.found.overall, one.found
    size = effect_size(overall)
    plan: dict[str, object] = {"outcome": one.plan.outcome, "pair": one.plan.contrast, "name": one.plan.name}
    taken = ("n_treated", "n_comparison", "estimate", "std_error", "conf_low", "conf_high", "p_value", "df")
    everyone = {name: overall.headline()[name] for name in taken} | _size(size) | {"level": OVERALL, "reason": ""}
    rows: list[dict[str, object]] = [{**plan, "design": one.plan.design, **everyone}]
    for group, (_, row) in zip(found.groups, found.frame.iterrows(), strict=True):
        design = level_design(one.plan.design, one.name, row["level"])
        kept = {name: row[name] for name in (*taken, "level", "reason")}
        rows.append({**plan, "design": design, **kept, **_size(group.effect_size)})
    return rows


def _size(size: EffectSize | None) -> dict[str, object]:
    """The effect size, and the means of the arms, which are not shown but decide whether it may be."""
    names = ("mean_treated", "mean_comparison", "improvement_index")
    means = {name: math.nan if size is None else getattr(size, name) for name in names}
    return {"effect_size": math.nan if size is None else size.value, **means}
