"""WWC audit table: the fourteen items of a reviewer for one estimate, each with what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.evidence.wwc_audit import wwc_audit
from mentoreval.report import amounts
from mentoreval.report.disclosure import shown_count
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.uncertainty import clusters, degrees_of_freedom
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

FAMILIES = {"method": "design_method", "inference": "inference_method", "kind": "effect_size", "reason": "reason",
            "domain": "domain", "family": "domain"}  # fmt: skip
COVARIATES = ("covariates", "adjusted", "needs")
DIFFERENCES = ("estimate", "std_error", "regression_estimate")


@dataclass(frozen=True, eq=False)
class WwcAuditTable(Exhibit):
    """One for each estimate, the main results first.

    frame : the rows of ``WwcAudit.frame`` of the estimate
    facts : outcome; pair, of several programs the two that are compared; estimator; design; main
    """

    name: ClassVar[str] = "wwc_audit_table"

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The review of every estimate."""
        frame = wwc_audit(evaluation).frame
        plans = {result.plan.name: result.plan for result in evaluation.results}
        tables = []
        for name in sorted(plans, key=lambda each: plans[each].role != "headline"):
            plan = plans[name]
            facts: dict[str, object] = {
                "outcome": plan.outcome, "pair": plan.contrast, "estimator": plan.estimator.name, "design": plan.design,
                "main": plan.role == "headline",
            }  # fmt: skip
            rows = frame[frame["name"] == name].reset_index(drop=True)
            tables.append(cls(rows, subject=name, measures=evaluation.panel.measures, facts=facts))
        return tuple(tables)

    def table(self, words: Words) -> Table:
        """Item; verdict and what was found."""
        keys = ("audit_item", "audit_found")
        columns = tuple(Column(words(f"column.{key}"), numeric=False) for key in keys)
        rows = tuple(self._row(words, row.number, row.item, row.verdict, row.key, row.numbers)
                     for row in self.frame.itertuples())  # fmt: skip
        outcome = words.outcome(str(self.facts["outcome"]), str(self.facts["pair"]))
        estimator = words.named("estimator", str(self.facts["estimator"]))
        design = words.named("design", str(self.facts["design"]))
        caption = words("caption.wwc_audit_table", outcome=opened(outcome), estimator=estimator, design=design)
        return Table(f"table-{self.id}", caption, columns, rows)

    def _row(self, words: Words, number: Any, item: Any, verdict: Any, key: Any, numbers: Any) -> tuple[str, ...]:
        sign = words("label.verdict", mark=words(f"verdict.{verdict}.mark"), label=words(f"verdict.{verdict}.label"))
        title = words("label.audit_item", number=int(number), item=opened(words(f"wwc_item.{item}")))
        told = _Numbers(words, self, numbers).told()
        return title, words("label.audit_found", verdict=sign, found=words(f"wwc_found.{item}.{key}", **told))


@dataclass(frozen=True)
class _Numbers:
    """The numbers of an item as its sentence needs them: counts of students protected, differences in their unit."""

    words: Words
    exhibit: WwcAuditTable
    numbers: Mapping[str, Any]
    scale: amounts.Scale = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", amounts.table_scale(self.exhibit.measure(str(self.exhibit.facts["outcome"]))))

    def told(self) -> dict[str, object]:
        """Every number by the name that its sentence uses."""
        words, numbers = self.words, self.numbers
        told: dict[str, object] = {name: self._one(name, value) for name, value in numbers.items()}
        told["page"] = words("title.methods")
        told["unit"] = " " + words(f"unit.{self.scale.name}") if self.scale.has_unit else ""
        if "df" in numbers:
            told["df"] = degrees_of_freedom(words, float(numbers["df"]))
        if "mean_treated" in numbers:
            told |= {arm: self._mean(arm) for arm in ("treated", "comparison")}
        for name, start in (("interval", ""), ("regression_interval", "regression_")):
            if f"{start}conf_low" in numbers:
                ends = numbers[f"{start}conf_low"], numbers[f"{start}conf_high"]
                told[name] = amounts.bounds(words, self.scale, *ends)
        if "inference" in numbers:
            told["clusters"] = clusters(
                words, pd.Series({"cluster": numbers["cluster"], "n_clusters": numbers["clusters"]})
            )
        return told

    def _mean(self, arm: str) -> str:
        """Mean and SD of an arm; with too few students behind them they are not shown."""
        mean, sd, n = (self.numbers[f"{name}_{arm}"] for name in ("mean", "sd", "n"))
        facts = self.exhibit.measure(str(self.exhibit.facts["outcome"]))
        shown = None if shown_count(n, self.words) == shown_count(0, self.words) else n
        return amounts.mean_and_sd(self.words, facts, float(mean), float(sd), shown)

    def _one(self, name: str, value: Any) -> object:
        words = self.words
        if name.startswith("n_"):
            return shown_count(value, words)
        if name in FAMILIES:
            return words.named(FAMILIES[name], str(value))
        if name in COVARIATES:
            return self._names([words.covariate(each) for each in value])
        if name == "changes":
            return [words.named("plan_part", str(part).replace(".", "_")) for part in value]
        if name == "left_out":
            return self._names([words.outcome(each) for each in value])
        if name in DIFFERENCES and "effect_size" not in self.numbers:
            return amounts.digits(words, self.scale, float(value), signed=name != "std_error")
        return value

    def _names(self, names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(names)) or [self.words("sign.none")]
