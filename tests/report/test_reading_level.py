"""The first page can be read by an eighth-grader, in English and in Spanish, whatever was found.

English: Flesch and Kincaid's grade, 0.39 words per sentence + 11.8 syllables per word − 15.59 (Kincaid et al., 1975).
Spanish: Fernández Huerta's (1959) 206.84 − 60 syllables per word − 1.02 words per sentence, of which 60 to 70 is what
seventh and eighth grades read. Syllables are counted by rule, so that no dictionary has to be fetched; the rules are
held to words whose syllables are known.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest

from mentoreval.report.document import Bullets, Callout, Paragraph, Statement
from mentoreval.report.exhibits import EXHIBITS
from mentoreval.report.section import Material
from mentoreval.report.sections import SECTIONS
from mentoreval.report.words import Words

HIGHEST_GRADE, LEAST_EASE = 8.0, 60.0
HIGHEST_GRADE_OF_A_LINE, LEAST_EASE_OF_A_LINE = 10.0, 50.0
WORD = re.compile(r"[\d.,]*\d%?|[^\W\d_]+(?:['’\-][^\W\d_]+)*")
ENDS = re.compile(r"(?<=[.!?:;])\s+")


def english_syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end; a number is spoken as one."""
    word = word.lower().replace("’", "'").removesuffix("'s")
    if not word.isalpha():
        return sum(english_syllables(part) for part in re.findall(r"[a-z]+", word)) or 1
    groups = len(re.findall(r"[aeiouy]+", word)) + len(re.findall(r"(?<![tcsg])i(?:a|o)|eo(?!u)|ua(?!r)|uou", word))
    groups -= len(re.findall(r"[^aeiouy]e(?=(?:ly|ment|ments|ful|less)$)", word))
    silent = re.search(r"[^aeiouy]e$", word) and not re.search(r"[^aeiouyl]le$", word)
    spoken_ed = re.search(r"[td]ed$", word)
    quiet_end = re.search(r"[^aeiouy]e[ds]$", word) and not spoken_ed and not re.search(r"(?:[sxzcg]|sh|ch)es$", word)
    return max(groups - bool(silent) - bool(quiet_end), 1)


def spanish_syllables(word: str) -> int:
    """Groups of vowels, two where strong vowels meet or a weak one has an accent."""
    word = word.lower()
    if not word.isalpha():
        return sum(spanish_syllables(part) for part in re.findall(r"[^\W\d_]+", word)) or 1
    word = re.sub(r"qu(?=[eiéí])", "q", re.sub(r"gu(?=[eiéí])", "g", word))
    word = re.sub(r"(?<![aeoáéó])y(?![aeiouáéíóú])", "i", word)
    groups = re.findall(r"[aeiouáéíóúü]+", word)
    breaks = sum(len(re.findall(r"(?<=[aeoáéóíú])(?=[aeoáéóíú])", group)) for group in groups)
    breaks += sum(len(re.findall(r"(?<=[íú])(?=[iu])|(?<=[iu])(?=[íú])", group)) for group in groups)
    return max(len(groups) + breaks, 1)


def per_word_and_sentence(text: str, syllables) -> tuple[float, float]:
    """Syllables per word and words per sentence."""
    sentences = [found for part in ENDS.split(text) if (found := WORD.findall(part))]
    words = [word for sentence in sentences for word in sentence]
    return sum(map(syllables, words)) / len(words), len(words) / len(sentences)


def grade(text: str) -> float:
    """Flesch and Kincaid's grade."""
    syllables, words = per_word_and_sentence(text, english_syllables)
    return 0.39 * words + 11.8 * syllables - 15.59


def ease(text: str) -> float:
    """Fernández Huerta's ease."""
    syllables, words = per_word_and_sentence(text, spanish_syllables)
    return 206.84 - 60 * syllables - 1.02 * words


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("students", 2), ("comparison", 4), ("school", 1), ("difference", 3), ("attendance", 3), ("percentage", 3),
        ("made", 1), ("program", 2), ("matched", 1), ("started", 2), ("differences", 4), ("likely", 2), ("table", 2),
        ("true", 1), ("the", 1), ("years", 1), ("improvement", 3), ("average", 3), ("record", 2), ("3.6", 1),
        ("period", 3), ("question", 2), ("chance", 1), ("groups", 1), ("cannot", 2),
    ],
)  # fmt: skip
def test_syllables_of_english_words(word, count):
    assert english_syllables(word) == count


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("estudiantes", 4), ("escuela", 3), ("días", 2), ("más", 1), ("diferencia", 4), ("real", 2), ("que", 1),
        ("año", 2), ("programa", 3), ("grupos", 2), ("comparación", 4), ("mejora", 3), ("probabilidad", 5), ("y", 1),
        ("muy", 1), ("ausentismo", 4), ("puntuación", 3), ("leer", 2), ("caos", 2), ("guerra", 2), ("país", 2),
    ],
)  # fmt: skip
def test_syllables_of_spanish_words(word, count):
    assert spanish_syllables(word) == count


def first_page(evaluation, words: Words) -> str:
    """Every sentence of the first page, save headings and what the authors of the study wrote."""
    material = Material.gather(evaluation, {"impact_plot": EXHIBITS["impact_plot"]}).said_in(words.language)
    said: list[str] = []
    for block in SECTIONS["first_page"]().write(material, words):
        if isinstance(block, Statement):
            said += block.sentences
        elif isinstance(block, Bullets):
            said += block.items
        elif isinstance(block, Callout) or (isinstance(block, Paragraph) and block.style != "lead"):
            said.append(block.text)
    return "\n".join(said)


def with_intervals(evaluation, low: float, high: float, band: str = "satisfied"):
    """The evaluation with other intervals, in parts of what would matter, and another baseline."""
    results = []
    for result in evaluation.results:
        size = {"attendance_rate": 0.01, "chronic_absence": 0.05, "gpa": 0.3}[result.plan.outcome]
        found = {"estimate": (low + high) / 2 * size, "conf_low": low * size, "conf_high": high * size}
        headline = pd.Series({**result.headline, **found})
        results.append(replace(result, headline=headline, baseline=result.baseline.assign(band=band)))
    return replace(evaluation, results=tuple(results))


CASES = {
    "better": (1.0, 3.0, "satisfied"), "worse": (-3.0, -1.0, "satisfied"), "cannot_tell": (-0.5, 2.5, "satisfied"),
    "small_at_most": (-0.4, 0.6, "satisfied"), "better_but_small": (0.2, 0.6, "satisfied"),
    "not_alike": (1.0, 3.0, "not_satisfied"), "unknown": (1.0, 3.0, "cannot_judge"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_eighth_grader_can_read_the_first_page(evaluation, case):
    text = first_page(with_intervals(evaluation, *CASES[case]), Words("en"))
    assert grade(text) <= HIGHEST_GRADE, text
    assert max(grade(line) for line in text.split("\n")) <= HIGHEST_GRADE_OF_A_LINE


@pytest.mark.parametrize("case", CASES)
def test_an_eighth_grader_can_read_the_first_page_in_spanish(evaluation, case):
    text = first_page(with_intervals(evaluation, *CASES[case]), Words("es"))
    assert ease(text) >= LEAST_EASE, text
    assert min(ease(line) for line in text.split("\n")) >= LEAST_EASE_OF_A_LINE
