"""WWC audit table: the fourteen items of a reviewer for one estimate, each with what was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import pandas as pd

from mentoreval.evidence.wwc_audit import wwc_audit
from mentoreval.report import amounts
from mentoreval.report.disclosure import ALONE, SIZES_OF_SHARES, says_share, shown_count, shown_share
from mentoreval.report.disclosure_cells import Cell, Key, Place, Sum, sample_key
from mentoreval.report.document import Column, Table
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import COUNTS
from mentoreval.report.uncertainty import clusters, degrees_of_freedom
from mentoreval.report.words import Words, opened
from mentoreval.study.evaluation import Evaluation

FAMILIES = {"method": "design_method", "inference": "inference_method", "kind": "effect_size", "reason": "reason",
            "domain": "domain", "family": "domain"}  # fmt: skip
COVARIATES = ("covariates", "adjusted", "needs")
RATES = ("overall", "differential", "share")
ENDS = ("treated", "comparison")
DIFFERENCES = ("estimate", "std_error", "regression_estimate")


@dataclass(frozen=True, eq=False)
class WwcAuditTable(Exhibit):
    """One for each estimate, the main results first.

    frame : the rows of ``WwcAudit.frame`` of the estimate
    facts : outcome; pair, of several programs the two that are compared; estimator; design; main
    """

    name: ClassVar[str] = "wwc_audit_table"

    def cells(self, limit: int) -> list[Cell]:
        """The numbers of students in what was found: samples, and those who dropped out of them."""
        return [
            Cell(
                self._key(name, value), float(value), (index, name), is_difference=name.startswith("n_lost_"),
                is_step=name.startswith(("n_eligible_", "n_compared_")),
            )
            for index, numbers in self.frame["numbers"].items()
            for name, value in numbers.items()
            if name.startswith("n_") and pd.notna(value)
        ]  # fmt: skip

    def sums(self) -> list[Sum]:
        """Those compared are those counted and those lost; both arms counted are the students of a main result."""
        numbers: dict[str, Any] = {}
        for found in self.frame["numbers"]:
            numbers |= {name: value for name, value in found.items() if name.startswith("n_")}
        whole = [
            Sum(self._key(f"n_compared_{arm}", numbers[f"n_compared_{arm}"]),
                (self._key(f"n_{arm}", numbers[f"n_{arm}"]), self._key(f"n_lost_{arm}", 0)), rest=False)
            for arm in ("treated", "comparison") if {f"n_compared_{arm}", f"n_lost_{arm}", f"n_{arm}"} <= set(numbers)
        ]  # fmt: skip
        if not set(COUNTS) <= set(numbers):
            return whole
        arms = tuple(self._key(arm, numbers[arm]) for arm in COUNTS)
        return [*whole, Sum(("students", self.subject), arms, rest=False)]

    def without(self, hidden: Mapping[Place, Any], limit: int) -> Self:
        """The findings with other numbers of students, and without p-values and effect sizes of very few."""
        few = any(pd.isna(value) and str(name) in COUNTS for (_, name), value in hidden.items())
        shown = [
            {
                name: hidden.get((index, name), math.nan if few and name in ALONE else value)
                for name, value in numbers.items()
            }
            for index, numbers in self.frame["numbers"].items()
        ]
        shown = self._coded(shown, limit)
        return replace(self, frame=self.frame.assign(numbers=pd.Series(shown, index=self.frame.index, dtype=object)))

    def _coded(self, found: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
        """Without the numbers that lead to a share of which only a bound is said."""
        facts = self.measure(str(self.facts["outcome"]))
        numbers = next((one for one in found if "mean_treated" in one), None)
        if facts is None or facts.unit != "flag" or numbers is None:
            return found
        said = {arm: says_share(numbers[f"mean_{arm}"], numbers[f"n_{arm}"], limit) for arm in ENDS}
        if all(said.values()):
            return found
        hidden = {*SIZES_OF_SHARES, "corrected", *(f"mean_{arm}" for arm in ENDS if said[arm])}
        return [
            {
                name: math.nan if name in hidden or (name == "std_error" and "effect_size" in one) else value
                for name, value in one.items()
            }
            for one in found
        ]

    def _key(self, name: str, count: float) -> Key:
        if name.startswith("n_lost_"):
            return self.id, name
        return sample_key(self.facts["design"], f"n_{name.rsplit('_', 1)[1]}", count)

    @classmethod
    def gather(cls, evaluation: Evaluation) -> tuple[Self, ...]:
        """The review of every estimate of an effect."""
        frame = wwc_audit(evaluation).frame
        reviewed = evaluation.estimates
        plans = {result.plan.name: result.plan for result in evaluation.results if result.plan.name in reviewed}
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
        if name in RATES:
            return shown_share(float(value), self._smaller_arm, words)
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

    @property
    def _smaller_arm(self) -> Any:
        """Size of the smaller arm of the estimate, of which a rate is said as far as that does not tell of a few."""
        found = [numbers[name] for numbers in self.exhibit.frame["numbers"] for name in COUNTS if name in numbers]
        return pd.NA if not found or any(pd.isna(n) for n in found) else min(found, key=lambda n: abs(int(n)))

    def _names(self, names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(names)) or [self.words("sign.none")]
