"""Words: everything that a reader reads, by key, in one language. No finished sentence stands in Python code."""

from __future__ import annotations

import datetime
import math
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from numbers import Integral, Real
from typing import Any

from mentoreval.errors import ReportError, suggest

PRIOR = "prior_"
MINUS = "−"
LOWEST_P = 0.001
STUDENT = "student"
AGAINST = " – "
UNITS = (STUDENT, "school", "county", "person", "classroom", "teacher")


@dataclass(frozen=True)
class Words:
    """The texts of one language, and how it writes numbers, shares, dates and lists.

    A text may say how a number in it is written: ``{n:count}`` grouped whole number, ``{x:2}`` two decimals,
    ``{x:+2}`` with its sign, ``{x:percent}`` a share as a percentage (``percent1`` with one decimal), ``{p:p}`` a
    p-value, ``{names:list}`` a list. Without a format a whole number is grouped and another number has two decimals.

    What the rows of a study stand for is not always a student. Texts say ``{student}``, ``{students}`` and, at the
    beginning of a sentence, ``{Students}``; Spanish ones also ``{o}``, ``{un}`` and ``{el}``, which follow its gender.

    language : "en" or "es"
    names : what the study calls its outcomes: a text, or one text for each language
    unit : what a row stands for, one of ``UNITS``
    choices : what the study calls the entries of its specification curves, its subgroups, programs and comparisons
    smallest_shown : numbers of students below it are not shown
    """

    language: str
    names: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    unit: str = STUDENT
    choices: Mapping[str, str] = field(default_factory=dict)
    smallest_shown: int = 10

    def __post_init__(self) -> None:
        if self.language not in available_languages():
            raise ReportError(
                f"There is no language {self.language!r} for reports.{suggest(self.language, available_languages())}"
            )

    def __call__(self, key: str, /, **numbers: object) -> str:
        """The text of a key with its numbers; ``count`` chooses between the key's ``one`` and ``other``."""
        texts = _texts(self.language)
        if key not in texts and "count" in numbers:
            key = f"{key}.{'one' if numbers['count'] == 1 else 'other'}"
        if key not in texts:
            raise ReportError(f"The language {self.language!r} has no text {key!r}.{suggest(key, _near(texts, key))}")
        try:
            return _Filler(self).vformat(texts[key], (), {**self._unit_forms, **numbers})
        except KeyError as error:
            raise ReportError(f"The text {key!r} ({self.language}) needs a number {error.args[0]!r}.") from error
        except (ValueError, TypeError) as error:
            raise ReportError(f"The text {key!r} ({self.language}) can not be filled in: {error}.") from error

    def has(self, key: str) -> bool:
        """True where the language has a text of that key."""
        return key in _texts(self.language)

    # ------------------------------------------------------------------ names
    def named(self, family: str, name: str) -> str:
        """The name of a thing in a family of keys (``estimator.did_2x2``), or the name itself made readable."""
        key = f"{family}.{name}"
        return self(key) if self.has(key) else readable(name)

    def outcome(self, name: str, pair: str = "") -> str:
        """What the study calls the outcome, else the language's name for it, else the column made readable.

        pair : of several programs the two that are compared, said behind it
        """
        given = self.names.get(name, "")
        said = given if isinstance(given, str) else given.get(self.language, "")
        outcome = said or self.named("outcome", name)
        if not pair:
            return outcome
        return self("outcome_of_pair", outcome=outcome, pair=self._pair(pair))

    def design(self, name: str, pair: str = "") -> str:
        """What the study calls a comparison, else its name made readable.

        pair : of several programs the two that are compared, said behind it
        """
        design = self.choices.get(name) or readable(name)
        return self("design_of_pair", design=design, pair=self._pair(pair)) if pair else design

    def arm(self, label: str) -> str:
        """One of several programs, or no program: what the study calls it, else its label made readable."""
        return self.choices.get(label) or readable(label)

    def _pair(self, label: str) -> str:
        return AGAINST.join(map(self.arm, label.split(AGAINST)))

    def choice(self, choice: str, entry: str) -> str:
        """An entry of a specification curve: what the study calls it, else the name of the kind that it names."""
        family = {"design": "design_method", "estimator": "estimator"}.get(choice, "")
        return self.choices.get(entry) or self.named(family, entry)

    def covariate(self, name: str, level: str = "") -> str:
        """A covariate, or one of its levels; ``prior_<outcome>`` is the outcome before the program."""
        if name.startswith(PRIOR) and not self.has(f"covariate.{name}"):
            said = self("covariate_before", outcome=self.outcome(name.removeprefix(PRIOR)))
        else:
            said = self.named("covariate", name)
        return self("covariate_level", covariate=said, level=self.named("level", level)) if level else said

    # ------------------------------------------------------------------ numbers
    def number(self, value: float, decimals: int = 2, *, signed: bool = False) -> str:
        """A number with a fixed number of decimals; a dash where there is none, and never a minus before zero."""
        if not math.isfinite(value):
            return self("sign.none") if math.isnan(value) else ("" if value > 0 else MINUS) + "∞"
        size = f"{abs(value):,.{decimals}f}"
        nothing = float(size.replace(",", "")) == 0
        sign = "" if nothing else MINUS if value < 0 else "+" if signed else ""
        marks = {",": self._format("group"), ".": self._format("decimal")}
        return sign + "".join(marks.get(letter, letter) for letter in size)

    def count(self, value: Any) -> str:
        """A whole number, grouped."""
        return self.number(int(value), 0)

    def percent(self, share: float, decimals: int = 0) -> str:
        """A share from 0 to 1 as a percentage."""
        if not math.isfinite(share):
            return self.number(share)
        return self._format("percent").replace("{number}", self.number(100 * share, decimals))

    def p_value(self, value: float) -> str:
        """A p-value with three decimals; below 0.001 it is only said to be so."""
        if math.isfinite(value) and value < LOWEST_P:
            return "<" + self.number(LOWEST_P, 3)
        return self.number(value, 3)

    def date(self, day: datetime.date) -> str:
        """A date as the language writes it in a sentence."""
        month = self._formats["months"][day.month - 1]
        text = self._format("date")
        return text.replace("{day}", str(day.day)).replace("{month}", month).replace("{year}", str(day.year))

    def listing(self, items: Sequence[str]) -> str:
        """Items as a list in a sentence: a, b and c."""
        if len(items) < 2:
            return "".join(items)
        pair = "list.two" if len(items) == 2 else "list.last"
        return self(pair, first=", ".join(items[:-1]), last=items[-1])

    @property
    def _unit_forms(self) -> Mapping[str, str]:
        """What the placeholders of the unit stand for, also with a capital: one, many, and the forms of its gender."""
        forms = dict(self._formats["units"][self.unit])
        forms[STUDENT], forms[f"{STUDENT}s"] = forms.pop("one"), forms.pop("many")
        return forms | {opened(name): opened(form) for name, form in forms.items()}

    @property
    def _formats(self) -> Mapping[str, Any]:
        formats: Mapping[str, Any] = _language_file(self.language)["format"]
        return formats

    def _format(self, name: str) -> str:
        return str(self._formats[name])


class _Filler(string.Formatter):
    """Fills in a text, writing numbers as the language does."""

    def __init__(self, words: Words) -> None:
        self.words = words

    def format_field(self, value: Any, format_spec: str) -> str:
        """A value as its format in the text says; texts stay as they are."""
        words, spec = self.words, format_spec
        if spec == "list":
            return words.listing([str(item) for item in value])
        if isinstance(value, str) or not isinstance(value, Real):
            return str(value)
        if spec.startswith("percent"):
            return words.percent(float(value), int(spec.removeprefix("percent") or 0))
        if spec == "p":
            return words.p_value(float(value))
        if spec == "count" or (not spec and isinstance(value, Integral)):
            return words.count(value)
        return words.number(float(value), int(spec.lstrip("+") or 2), signed=spec.startswith("+"))


def readable(name: str) -> str:
    """A column name as words."""
    return name.replace("_", " ").strip()


def opened(text: str) -> str:
    """A text with a capital at its beginning, as a sentence or a label opens."""
    return text[:1].upper() + text[1:]


def unit_of(column: str) -> str:
    """What the rows of a panel stand for, by the name of its column of units: one of ``UNITS``, else a student."""
    name = column.lower().removesuffix("_id").removesuffix("id").rstrip("_")
    return name if name in UNITS else STUDENT


def available_languages() -> tuple[str, ...]:
    """The languages that reports can be written in."""
    found = (file.name for file in files("mentoreval.report.languages").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def keys_of(language: str) -> Mapping[str, str]:
    """Every key of a language and its text."""
    return dict(_texts(language))


@lru_cache
def _language_file(language: str) -> Mapping[str, Any]:
    text = files("mentoreval.report.languages").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@lru_cache
def _texts(language: str) -> Mapping[str, str]:
    return dict(_flatten({name: part for name, part in _language_file(language).items() if name != "format"}))


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, str(value)


def _near(texts: Mapping[str, str], key: str) -> list[str]:
    """Keys of the same family, so that a message does not list them all."""
    family = key.split(".")[0] + "."
    return [name for name in texts if name.startswith(family)]
