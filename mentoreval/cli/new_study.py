"""New study: the command that asks a few questions and writes a study file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mentoreval.cli.progress import steps
from mentoreval.errors import OptionError, suggest

if TYPE_CHECKING:
    from mentoreval.study.new_study import StudyWords
    from mentoreval.study.offer import Offer


def new_study(  # noqa: PLR0913 (one option for each question)
    study: Annotated[Path, typer.Argument(help="The study file to write, e.g. reports/our_district/study.toml.")],
    data: Annotated[str | None, typer.Option("--data", help="Folder with the tables.")] = None,
    program: Annotated[str | None, typer.Option("--program", help="Kind of program, e.g. one_to_one.")] = None,
    outcomes: Annotated[str | None, typer.Option("--outcomes", help="Commas between: attendance_rate,gpa.")] = None,
    missed: Annotated[
        float | None, typer.Option("--missed", help="Both groups had missed at least this percentage of days.")
    ] = None,
    design: Annotated[str | None, typer.Option("--design", help="nearest, entropy_balancing or unadjusted.")] = None,
    estimator: Annotated[str | None, typer.Option("--estimator", help="regression_adjustment or did_2x2.")] = None,
    inference: Annotated[
        str | None, typer.Option("--inference", help="by_school, by_school_bootstrap or by_student.")
    ] = None,
    matters: Annotated[
        list[str] | None,
        typer.Option("--matters", metavar="OUTCOME=SIZE", help="Smallest effect that would matter; repeatable."),
    ] = None,
    program_name: Annotated[str | None, typer.Option("--program-name", help="As a sentence names it.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the report.")] = None,
    question: Annotated[str | None, typer.Option("--question", help="The question, in a sentence.")] = None,
    languages: Annotated[str | None, typer.Option("--languages", help="Of the report, as en,es.")] = None,
    language: Annotated[str, typer.Option("--language", help="Of the questions and comments: en or es.")] = "en",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take what is usual.")] = False,
) -> None:
    """Write a study file with a comment on every part of it, from a few questions.

    What an option says is not asked. Without a terminal nothing is asked. A file that is there is not overwritten.
    """
    from mentoreval.report.words import available_languages
    from mentoreval.study.new_study import Answers, StudyWords, refuse_existing, write_new_study
    from mentoreval.study.offer import look_at

    if language not in available_languages():
        raise OptionError(f"--language {language} does not exist.{suggest(language, available_languages())}")
    refuse_existing(study)
    ask = _Asker(StudyWords(language), sys.stdin.isatty() and not yes)
    folder = ask.text("data", data, "")
    if not folder:
        raise OptionError("There is no folder with tables. Name it with --data.")
    with steps() as say:
        offer = look_at(folder, say)
    chosen = _comparison(ask, offer, program, outcomes, missed, (design, estimator, inference))
    wanted = chosen["outcomes"]
    name = ask.text("program_name", program_name, ask.words("default", "program_name"))
    answers = Answers(
        **chosen,
        matters=_matters(ask, wanted, matters),
        program_name=name,
        title=ask.text("title", title, ask.words("default", "title", program=name)),
        question=ask.text("question", question, ask.words("default", "question", program=name)),
        languages=ask.names("languages", languages, (language,), available_languages()),
        language=language,
    )
    with steps() as say:
        say("Trying the comparisons")
        written = write_new_study(study, offer, answers)
    typer.echo(f"Written: {written}")
    typer.echo(f"Read it, change what does not fit, and then: mentoreval run {written}")


@dataclass(frozen=True)
class _Asker:
    """Asks where there is somebody to ask; takes what was given, and else what is usual."""

    words: StudyWords
    asks: bool

    def text(self, name: str, given: str | None, usual: str) -> str:
        """A text."""
        if given is not None or not self.asks:
            return usual if given is None else given
        return str(typer.prompt(self.words("question", name), default=usual or None))

    def number(self, name: str, given: float | None, usual: float, **values: object) -> float:
        """A number."""
        if given is not None or not self.asks:
            return usual if given is None else given
        return float(typer.prompt(self.words("question", name, **values), default=usual, type=float))

    def one_of(self, name: str, given: str | None, there: Mapping[str, str]) -> str:
        """One of several, by name or by its number in the list that is shown; the first is the usual one."""
        usual = next(iter(there))
        if given is not None or not self.asks:
            return self._checked(usual if given is None else given, there)
        for number, (key, text) in enumerate(there.items(), 1):
            typer.echo(f"  {number}  {key:<24} {text}")
        return str(
            typer.prompt(self.words("question", name), default="1", value_proc=lambda said: self._pick(said, there))
        )

    def names(self, name: str, given: str | None, usual: Iterable[str], there: Iterable[str]) -> tuple[str, ...]:
        """Several of what is there, with commas between them."""
        said = self.text(name, given, ",".join(usual))
        return tuple(self._checked(part.strip(), there) for part in said.split(",") if part.strip())

    def _pick(self, said: str, there: Mapping[str, str]) -> str:
        keys = list(there)
        if said.strip().isdigit() and 1 <= int(said) <= len(keys):
            return keys[int(said) - 1]
        try:
            return self._checked(said.strip(), there)
        except OptionError as error:
            raise typer.BadParameter(str(error)) from error  # which asks again

    def _checked(self, name: str, there: Iterable[str]) -> str:
        if name not in there:
            raise OptionError(f"{name!r} is not on offer here.{suggest(name, there)}")
        return name


_Given = tuple[str | None, str | None, str | None]


def _comparison(
    ask: _Asker, offer: Offer, program: str | None, outcomes: str | None, missed: float | None, methods: _Given
) -> dict[str, Any]:
    """Who is compared on what, and how: of the tables only what they offer, the usual first."""
    from mentoreval.study.new_study import DESIGNS, ESTIMATORS, usual_inference, usual_outcomes

    words = ask.words
    programs = {name: f"{words('program', name)} ({count:,})" for name, count in offer.programs.items()}
    chosen: dict[str, Any] = {"program": ask.one_of("program", program, programs)}
    if ask.asks and outcomes is None:
        typer.echo(f"  {', '.join(offer.measures)}")
    chosen["outcomes"] = ask.names("outcomes", outcomes, usual_outcomes(offer), offer.measures)
    chosen["missed"] = ask.number("missed", missed, 10.0) if "attendance_rate" in offer.measures else 0.0
    texts = {"design": DESIGNS, "estimator": ESTIMATORS, "inference": usual_inference(offer)}
    for (family, names), given in zip(texts.items(), methods, strict=True):
        chosen[family] = ask.one_of(family, given, {name: words(family, name) for name in names})
    return chosen


def _matters(ask: _Asker, outcomes: Iterable[str], given: list[str] | None) -> dict[str, float]:
    """For each outcome the smallest effect that would matter; shares in percentage points; 0 for not said."""
    from mentoreval.panel.measures import MEASURES
    from mentoreval.study.new_study import MATTERS

    said = dict(_size(text) for text in given or [])
    for outcome in outcomes:
        if outcome not in said:
            unit = ask.words("unit", MEASURES[outcome].unit)
            said[outcome] = ask.number("matters", None, MATTERS.get(outcome, 0.0), outcome=outcome, unit=unit)
    return said


def _size(text: str) -> tuple[str, float]:
    name, _, size = text.partition("=")
    try:
        return name.strip(), float(size)
    except ValueError:
        raise OptionError(f"--matters takes an outcome and a size, as gpa=0.1; got {text!r}.") from None
