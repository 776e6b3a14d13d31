"""Both languages say the same things, everything that is said is used, and numbers look as the language writes them."""

from __future__ import annotations

import ast
import datetime
import re
import string
from pathlib import Path

import pytest

import mentoreval.report
from mentoreval.design.arms import ArmContrast
from mentoreval.design.methods import METHODS
from mentoreval.effects.estimators import ESTIMATORS
from mentoreval.effects.inference_methods import INFERENCE_METHODS
from mentoreval.errors import ReportError
from mentoreval.evidence.checks import CHECKS
from mentoreval.panel.measures import MEASURES
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.sections import SECTIONS
from mentoreval.report.words import UNITS, Words, available_languages, keys_of, unit_of

PACKAGE = Path(mentoreval.report.__file__).parent
LANGUAGES = available_languages()


def placeholders(text: str) -> set[tuple[str, str]]:
    """Names and formats of the placeholders of a text, without those that stand for the unit and follow its gender."""
    found = {(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None}
    return {(name, spec) for name, spec in found if name.lower() not in {"student", "students", "o", "un", "el"}}


def test_there_are_english_and_spanish():
    assert LANGUAGES == ("en", "es")


def test_both_languages_have_the_same_keys():
    assert set(keys_of("en")) == set(keys_of("es"))


@pytest.mark.parametrize("key", sorted(keys_of("en")))
def test_both_languages_have_the_same_placeholders(key):
    assert placeholders(keys_of("en")[key]) == placeholders(keys_of("es")[key])


def spoken_of() -> tuple[set[str], list[re.Pattern[str]], set[str]]:
    """Texts in the code that are keys, patterns of keys that are put together, and families looked up by name."""
    literals: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    families: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literals.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in node.values]
                patterns.append(re.compile("".join(parts)))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "named":
                families |= {arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    template = (PACKAGE / "templates" / "report.html.j2").read_text(encoding="utf-8")
    literals |= set(re.findall(r'words\("([^"]+)"', template))
    return literals, [p for p in patterns if p.pattern.strip(".+*")], families


def test_every_key_is_used():
    literals, patterns, families = spoken_of()
    known = set(keys_of("en"))
    families |= {"estimator", "inference_method"}

    def used(key: str) -> bool:
        stem = key.rpartition(".")[0] if {f"{key.rpartition('.')[0]}.{n}" for n in ("one", "other")} <= known else key
        if {key, stem} & literals or key.split(".")[0] in families:
            return True
        return any(pattern.fullmatch(stem) and "\\." in pattern.pattern for pattern in patterns)

    assert [key for key in keys_of("en") if not used(key)] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("family", "names"),
    [
        ("design_method", METHODS),
        ("design_text", METHODS),
        ("estimator", ESTIMATORS),
        ("estimator_text", ESTIMATORS),
        ("assumption", ESTIMATORS),
        ("inference_method", INFERENCE_METHODS),
        ("inference_method_text", INFERENCE_METHODS),
        ("check", CHECKS),
        ("outcome", MEASURES),
        ("title", SECTIONS),
    ],
)
def test_every_kind_of_the_package_has_its_words(language, family, names):
    words = Words(language)
    assert [name for name in names if not words.has(f"{family}.{name}")] == []


def test_words_for_kinds_speak_of_kinds_that_exist():
    homes = {"design_text": METHODS, "estimator_text": ESTIMATORS, "inference_method_text": INFERENCE_METHODS}
    homes |= {"check": CHECKS, "finding": CHECKS, "assumption": ESTIMATORS, "design_method": METHODS}
    pairs = {tuple(key.split(".")[:2]) for key in keys_of("en") if key.split(".")[0] in homes}
    strangers = {(family, name) for family, name in pairs if name not in homes[family]}
    in_the_making = {file.stem for file in PACKAGE.parent.glob("*/*/*.py")} | {ArmContrast.name}
    assert [pair for pair in strangers if pair[1] not in in_the_making] == []


def test_every_exhibit_with_a_figure_has_a_caption():
    drawn = [name for name, kind in EXHIBITS.items() if "draw" in vars(kind) and "caption" not in vars(kind)]
    assert drawn
    assert all(f"caption.{name}" in keys_of("en") for name in drawn)


def test_a_missing_text_is_named_with_what_there_is_near_it():
    with pytest.raises(ReportError, match=r"'en' has no text 'title\.first_pag'.*Did you mean 'title\.first_page'"):
        Words("en")("title.first_pag")


def test_a_missing_number_is_named():
    with pytest.raises(ReportError, match=r"'first\.likely' \(en\) needs a number 'range'"):
        Words("en")("first.likely")


def test_an_unknown_language_lists_those_there_are():
    with pytest.raises(ReportError, match=r"no language 'fr'.*Available: en, es"):
        Words("fr")


def test_one_and_many():
    words = Words("en")
    assert words("sample.schools", count=1) == "They come from one school."
    assert words("sample.schools", count=1200) == "They come from 1,200 schools."


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "expected"),
    [
        (1234.567, 1, False, "1,234.6"),
        (-0.25, 2, False, "−0.25"),
        (0.25, 2, True, "+0.25"),
        (-0.001, 2, True, "0.00"),
        (float("nan"), 2, False, "–"),
        (float("-inf"), 2, False, "−∞"),
    ],
)
def test_numbers(value, decimals, signed, expected):
    assert Words("en").number(value, decimals, signed=signed) == expected


def test_shares_and_dates_in_their_locale():
    day = datetime.date(2026, 3, 9)
    assert (Words("en").percent(0.125, 1), Words("es").percent(0.125, 1)) == ("12.5%", "12.5\N{NO-BREAK SPACE}%")
    assert (Words("en").date(day), Words("es").date(day)) == ("March 9, 2026", "9 de marzo de 2026")


def test_p_values_are_never_zero():
    words = Words("en")
    assert (words.p_value(0.0), words.p_value(0.0004), words.p_value(0.0312)) == ("<0.001", "<0.001", "0.031")


@pytest.mark.parametrize(
    ("items", "expected"), [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (("a", "b", "c"), "a, b, and c")]
)
def test_lists(items, expected):
    assert Words("en").listing(items) == expected


def test_an_outcome_is_called_as_the_study_calls_it():
    words = Words("es", {"score": "puntaje de lectura", "marks": {"en": "marks", "es": "notas"}})
    assert (words.outcome("score"), words.outcome("marks")) == ("puntaje de lectura", "notas")
    assert (words.outcome("gpa"), words.outcome("my_column")) == ("promedio de calificaciones", "my column")


def test_a_comparison_is_called_as_the_study_calls_it_with_the_programs_that_it_compares():
    words = Words("es", choices={"matched": "estudiantes emparejados", "group": "la mentoría en grupo"})
    assert (words.design("matched"), words.design("by_lot")) == ("estudiantes emparejados", "by lot")
    assert words.design("kinds", "group – none") == "kinds: la mentoría en grupo – none"


def test_covariates_before_the_program_are_made_from_their_outcome():
    words = Words("en")
    assert words.covariate("prior_attendance_rate") == "attendance rate before the program"
    assert words.covariate("race_ethnicity", "two_or_more") == "race and ethnicity: two or more races"


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_unit_has_its_words_in_every_language(language, unit):
    said = Words(language, unit=unit)("design_text.nearest", method="")
    assert "{" not in said
    assert unit == "student" or said != Words(language)("design_text.nearest", method="")


def test_sentences_speak_of_what_the_rows_stand_for():
    english, spanish = Words("en", unit="county"), Words("es", unit="school")
    assert english("clusters.student") == "counties"
    assert english("pool.never_treated") == "Comparison counties were never in the program."
    assert spanish("pool.never_treated") == "Las escuelas de comparación nunca estuvieron en el programa."
    assert spanish("finding.regression_to_the_mean.no_pairs_of_years").startswith("Muy pocas escuelas")
    assert Words("es")("pool.never_treated") == "Los estudiantes de comparación nunca estuvieron en el programa."


@pytest.mark.parametrize(
    ("column", "unit"),
    [("county", "county"), ("school_id", "school"), ("School", "school"), ("student_id", "student"), ("id", "student")],
)
def test_the_column_of_units_says_what_they_are(column, unit):
    assert unit_of(column) == unit
