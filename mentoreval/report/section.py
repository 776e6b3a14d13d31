"""Section: one chapter of a report, written from an evaluation and its exhibits in the words of a language."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

import pandas as pd

from mentoreval.design.arms import ArmContrast
from mentoreval.design.design import Design
from mentoreval.errors import ReportError, suggest
from mentoreval.panel.facts import MeasureFacts
from mentoreval.report.disclosure import Suppression, protect_all
from mentoreval.report.document import Block, Picture, Table
from mentoreval.report.estimates_file import EstimatesFile
from mentoreval.report.exhibit import Exhibit
from mentoreval.report.results import design_and_pair
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation, Result
from mentoreval.study.study import Study


@dataclass(frozen=True, eq=False)
class Material:
    """What sections write from: the evaluation, and its exhibits without their small counts.

    exhibits : every exhibit of the report by kind; they are protected together, since what one table hides another
        could give away
    estimates : the file of all estimates, protected together with them
    suppressed : what was taken out of them
    """

    evaluation: Evaluation
    exhibits: Mapping[str, tuple[Exhibit, ...]]
    estimates: EstimatesFile
    suppressed: tuple[Suppression, ...] = ()

    @classmethod
    def gather(cls, evaluation: Evaluation, kinds: Mapping[str, type[Exhibit]]) -> Material:
        """Gather and protect every exhibit; ReportError names one that can not be gathered."""
        gathered: dict[str, tuple[Exhibit, ...]] = {}
        wanted: dict[str, type[Exhibit]] = {**kinds, EstimatesFile.name: EstimatesFile}
        for name, kind in wanted.items():
            try:
                gathered[name] = kind.gather(evaluation)
            except Exception as error:  # whatever goes wrong, the report stops and says where
                raise ReportError(f"The exhibit {name!r} can not be gathered: {error}") from error
        protected = protect_all(gathered, evaluation.study.disclosure_threshold)
        shown = dict(protected.exhibits)
        (estimates,) = shown.pop(EstimatesFile.name)
        return cls(evaluation, shown, cast(EstimatesFile, estimates), protected.log)

    def shown(self, name: str) -> tuple[Exhibit, ...]:
        """The exhibits of a kind; ReportError for a kind that does not exist."""
        if name not in self.exhibits:
            raise ReportError(f"There is no exhibit {name!r}.{suggest(name, self.exhibits)}")
        return self.exhibits[name]

    def pictures(self, name: str, words: Words, subject: str | None = None) -> tuple[Picture, ...]:
        """The figures of a kind, or that of one subject."""
        return tuple(exhibit.picture(words) for exhibit in self._chosen(name, subject))

    def tables(self, name: str, words: Words, subject: str | None = None) -> tuple[Table, ...]:
        """The tables of a kind, or that of one subject."""
        return tuple(exhibit.tabled(words) for exhibit in self._chosen(name, subject))

    def _chosen(self, name: str, subject: str | None) -> Iterable[Exhibit]:
        return (exhibit for exhibit in self.shown(name) if subject in (None, exhibit.subject))

    # ------------------------------------------------------------------ what many sections ask for
    @property
    def study(self) -> Study:
        """The plan."""
        return self.evaluation.study

    @property
    def headlines(self) -> tuple[Result, ...]:
        """The results that answer the question."""
        return self.evaluation.with_role("headline")

    @cached_property
    def designs(self) -> Mapping[str, Design]:
        """The designs behind the headline results, in the order of the study file."""
        wanted = {result.plan.design for result in self.headlines}
        return {name: design for name, design in self.evaluation.designs.items() if name in wanted}

    def facts(self, outcome: str) -> MeasureFacts | None:
        """What an outcome says of itself; None where nothing is known."""
        return self.evaluation.panel.measures.get(outcome)

    def program(self, words: Words, result: Result | None = None) -> str:
        """The program as sentences name it; of a result on a pair of several programs, the first of the two."""
        if result is not None and result.plan.pair:
            return words.arm(result.plan.pair[0])
        default = Study.__dataclass_fields__["program_name"].default
        name = self.study.program_name
        return words("program") if name == default else name

    def design_name(self, name: str, words: Words) -> str:
        """A comparison as headings and rows name it."""
        return words.design(*design_and_pair(self.evaluation, name))

    def smaller_arm(self, result: Result) -> int:
        """Size of the smaller arm of a result, as far as the report says it."""
        shown = self.estimates.frame
        row = shown[shown["name"] == result.plan.name].iloc[0]
        sizes = [row["n_treated"], row["n_comparison"]]
        return 0 if any(pd.isna(size) for size in sizes) else min(abs(int(size)) for size in sizes)

    def said_in(self, language: str) -> Material:
        """The same material with the authors' own texts in a language, where the study file translates them."""
        return replace(self, evaluation=replace(self.evaluation, study=self.study.said_in(language)))

    def authors_language(self, words: Words) -> str:
        """The language of the study's own texts, the first of its languages, where it is not the report's; else ""."""
        language = self.study.languages[0] if self.study.languages else ""
        return "" if words.language in (language, *self.study.translation) else language


def other_program(design: Design, words: Words) -> str:
    """The program of the comparison, where it is one of several programs; "" where the comparison has none."""
    pair = design.method if isinstance(design.method, ArmContrast) else None
    return "" if pair is None or pair.to_none else words.arm(pair.comparison)


class Section(ABC):
    """A chapter. One method to write: ``write``."""

    name: ClassVar[str] = ""

    @abstractmethod
    def write(self, material: Material, words: Words) -> tuple[Block, ...]:
        """The blocks of the chapter in reading order."""

    def title(self, words: Words) -> str:
        """The chapter's title."""
        return words(f"title.{self.name}")
