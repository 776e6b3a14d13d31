"""The whole report: every file or none, the same bytes twice, sound HTML, plain first page."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from mentoreval.errors import ReportError
from mentoreval.report import render
from mentoreval.report.document import Document
from mentoreval.report.exhibits import EXHIBITS, LovePlot
from mentoreval.report.render import compose, write_report
from mentoreval.report.section import Material
from mentoreval.report.words import Words
from mentoreval.study.evaluation import Evaluation
from mentoreval.study.read import FORMATS

VOID = {"meta", "br", "img", "link", "hr", "input"}


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report in both languages."""
    target = tmp_path_factory.mktemp("out") / "report"
    write_report(evaluation, target)
    return target


@pytest.fixture(scope="module")
def documents(evaluation: Evaluation) -> dict[str, Document]:
    """The report in both languages before it has a format."""
    material = Material.gather(evaluation, EXHIBITS)
    return {language: compose(material, Words(language)) for language in ("en", "es")}


class Page(HTMLParser):
    """Elements of a page in order, with their attributes; complains about tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[tuple[str, dict[str, str | None]]]:
        return [(tag, attributes) for tag, attributes, _ in self.elements if tag in tags]


@pytest.fixture(scope="module", params=["en", "es"])
def page(folder: Path, request: pytest.FixtureRequest) -> Page:
    """One language's page, parsed."""
    return Page((folder / f"report.{request.param}.html").read_text(encoding="utf-8"))


# ---------------------------------------------------------------------------------------------- files
def test_both_languages_the_estimates_and_the_manifest_are_written(folder):
    names = {"report.en.html", "report.es.html", "estimates.csv", "suppressed.csv", "manifest.json"}
    assert {path.name for path in folder.iterdir()} == names


def test_paths_are_returned_in_order(evaluation, tmp_path):
    paths = write_report(evaluation, tmp_path, languages=["en"], formats=["html"])
    assert [path.name for path in paths] == ["report.en.html", "estimates.csv", "suppressed.csv", "manifest.json"]
    assert all(path.is_file() for path in paths)


def test_two_runs_give_the_same_bytes(evaluation, folder, tmp_path):
    for path in write_report(evaluation, tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_other_files_in_the_folder_stay(evaluation, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    write_report(evaluation, tmp_path, languages=["en"])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_manifest_has_the_fingerprints_of_what_went_in_and_came_out(evaluation, folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for name in ("report.en.html", "report.es.html", "estimates.csv"):
        assert manifest["outputs"][name] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    study = evaluation.study.path
    assert manifest["study"] == {"study.toml": hashlib.sha256(study.read_bytes()).hexdigest()}
    assert manifest["sources"] == evaluation.sources
    assert manifest["seed"] == 7
    assert {"mentoreval", "python", "numpy", "pandas", "matplotlib"} <= set(manifest["versions"])


def test_the_estimates_are_in_the_unit_of_the_outcome(evaluation, folder):
    table = pd.read_csv(folder / "estimates.csv")
    headline = table[table["role"] == "headline"].set_index("outcome")
    expected = evaluation.results[0].headline["estimate"]
    assert headline.loc["attendance_rate", "estimate"] == pytest.approx(expected, rel=1e-9)
    over_time = table[(table["role"] == "over_time") & table["event_time"].notna()]
    assert sorted(over_time["event_time"]) == [-2, -1, 0, 1]


# ---------------------------------------------------------------------------------------------- all or nothing
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"languages": ["fr"]}, "no language 'fr'.*Available: en, es"),
        ({"languages": []}, "at least one language"),
        ({"languages": "en"}, "takes a list"),
        ({"formats": ["odt"]}, "can not be written as odt.*Available: docx, html, pdf"),
        ({"formats": []}, "Available: docx, html"),
    ],
)
def test_what_can_not_be_had_is_refused_before_anything_is_written(evaluation, tmp_path, options, message):
    with pytest.raises(ReportError, match=message):
        write_report(evaluation, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def fails(*_: object) -> None:
    raise ZeroDivisionError("nothing to divide by")


def test_an_exhibit_that_can_not_be_drawn_stops_the_report_and_leaves_nothing(evaluation, tmp_path, monkeypatch):
    monkeypatch.setattr(LovePlot, "draw", fails)
    with pytest.raises(ReportError, match="exhibit 'love_plot-matched' can not be drawn: nothing to divide by"):
        write_report(evaluation, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_exhibit_that_can_not_be_gathered_stops_the_report(evaluation, tmp_path, monkeypatch):
    monkeypatch.setattr(LovePlot, "gather", fails)
    with pytest.raises(ReportError, match="exhibit 'love_plot' can not be gathered"):
        write_report(evaluation, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_figure_without_alternative_text_stops_the_report(evaluation, tmp_path, monkeypatch):
    monkeypatch.setattr(LovePlot, "alt_text", lambda self, words: "")
    with pytest.raises(ReportError, match="without an alternative text"):
        write_report(evaluation, tmp_path / "out")


def test_a_failure_in_the_second_language_leaves_nothing_of_the_first(evaluation, tmp_path, monkeypatch):
    def only_english(material: Material, words: Words) -> Document:
        if words.language == "es":
            raise ReportError("no Spanish today")
        return compose(material, words)

    monkeypatch.setattr(render, "compose", only_english)
    with pytest.raises(ReportError, match="no Spanish today"):
        write_report(evaluation, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_made_is_said(evaluation, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(ReportError, match=r"can not be written to .*taken"):
        write_report(evaluation, tmp_path / "taken", languages=["en"])


# ---------------------------------------------------------------------------------------------- the page
def test_one_title_and_headings_in_order(page):
    levels = [int(tag[1]) for tag, _ in page.all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_picture_can_be_heard(page):
    images = page.all("img")
    assert len(images) == 11
    assert all(len(attributes["alt"] or "") > 40 for _, attributes in images)


def test_tables_have_captions_and_their_headers_a_scope(page):
    tables = page.all("table")
    assert len(tables) == len(page.all("caption"))
    assert all(attributes.get("scope") in ("col", "row", "colgroup") for _, attributes in page.all("th"))
    regions = [attributes for _, attributes in page.all("div") if attributes.get("class") == "scroll"]
    assert len(regions) == len(tables)
    assert all(region["tabindex"] == "0" and region["aria-labelledby"] for region in regions)


def test_ids_are_unique_and_links_lead_somewhere(page):
    ids = [attributes["id"] for _, attributes, _ in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for _, attributes in page.all("a")]
    assert {link[1:] for link in links if link} <= set(ids)
    labels = [attributes["aria-labelledby"] for _, attributes, _ in page.elements if attributes.get("aria-labelledby")]
    assert set(labels) <= set(ids)


def test_the_page_needs_no_network(page):
    sources = [attributes.get(name) or "" for _, attributes, _ in page.elements for name in ("src", "href")]
    assert not [source for source in sources if source.startswith(("http", "//"))]
    assert not page.all("script", "link", "iframe")


def test_the_page_says_its_language_and_that_of_the_authors(folder):
    english, spanish = (Page((folder / f"report.{name}.html").read_text(encoding="utf-8")) for name in ("en", "es"))
    assert english.all("html")[0][1]["lang"] == "en"
    assert spanish.all("html")[0][1]["lang"] == "es"
    assert "lang" not in english.all("h1")[0][1]
    assert spanish.all("h1")[0][1]["lang"] == "en"


def test_what_authors_write_is_text_and_never_markup(evaluation, tmp_path):
    evil = '<script>alert("x")</script>'
    study = replace(evaluation.study, title=evil, question=evil, program_name=evil, assumptions=(evil,))
    names = {"gpa": evil}
    evaluation = replace(evaluation, study=replace(study, outcome_names=names, setting=evil))
    (path, *_) = write_report(evaluation, tmp_path, languages=["en"])
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 6


def test_made_up_data_are_labelled(evaluation, folder, tmp_path):
    assert "Made-up data: no real students" in (folder / "report.en.html").read_text(encoding="utf-8")
    real = replace(evaluation, study=replace(evaluation.study, synthetic=False))
    (path, *_) = write_report(real, tmp_path, languages=["en"])
    assert "Made-up" not in path.read_text(encoding="utf-8")


def test_identifiers_of_students_are_nowhere(evaluation, folder, tmp_path):
    from mentoreval.records.records import Ledger, LedgerEntry

    entry = LedgerEntry("attendance", "exact_duplicate", "dropped", 3, ("student-40017", "student-40022"))
    panel = replace(evaluation.panel, ledger=Ledger((entry,)))
    for path in write_report(replace(evaluation, panel=panel), tmp_path):
        assert "40017" not in path.read_text(encoding="utf-8")
    assert "exact duplicate" in (tmp_path / "report.en.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------- the first page
def first_page(document: Document) -> str:
    """What the report itself says on its first page, as sentences; numbers as one short word."""

    def texts() -> Iterator[str]:
        for block in document.chapters[0].blocks:
            if block.kind == "picture":
                yield block.caption
            if block.kind in ("paragraph", "callout"):
                yield block.text
            yield from getattr(block, "sentences", ())
            yield from getattr(block, "items", ())

    return " ".join(
        re.sub(r"[+−]?\d+([.,]\d+)?", "six" if document.language == "en" else "seis", text) for text in texts()
    )


def english_syllables(word: str) -> int:
    """Groups of vowels, without a silent e at the end."""
    silent = bool(re.search(r"[^aeiouyl]e(s|d)?$", word)) and not re.search(
        r"([td]ed|[sxz]es|ches|shes|ges|ces)$", word
    )
    return max(1, len(re.findall(r"[aeiouy]+", word)) - silent)


def spanish_syllables(word: str) -> int:
    """Groups of vowels; two strong vowels, or an accented weak one, part them."""
    return max(1, len(re.findall(r"[íú]|[aeoáéó][iuü](?![íú])|[iuü]?[aeoáéó]|[iuü]+", word)))


def words_and_sentences(text: str) -> tuple[list[str], int]:
    return re.findall(r"[a-záéíóúüñ’']+", text.lower()), len(re.findall(r"[.!?](?=\s|$)", text))


def test_the_first_page_is_in_english_for_eighth_grade_at_most(documents):
    words, sentences = words_and_sentences(first_page(documents["en"]))
    assert len(words) > 150
    syllables = sum(map(english_syllables, words))
    grade = 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59  # Flesch–Kincaid
    assert grade <= 8


def test_the_first_page_is_easy_in_spanish(documents):
    words, sentences = words_and_sentences(first_page(documents["es"]))
    assert len(words) > 150
    syllables = sum(map(spanish_syllables, words))
    ease = 206.84 - 60 * syllables / len(words) - 1.02 * len(words) / sentences  # Fernández-Huerta
    assert ease >= 65


def test_the_syllables_are_counted_as_people_do():
    assert [english_syllables(w) for w in ("school", "difference", "comparison", "made", "attendance")] == [
        1,
        3,
        4,
        1,
        3,
    ]
    assert [spanish_syllables(w) for w in ("escuela", "días", "comparación", "estudiantes", "real")] == [3, 2, 4, 4, 2]


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_first_page_has_a_verdict_for_each_outcome_and_one_picture(evaluation, documents, language):
    kinds = [block.kind for block in documents[language].chapters[0].blocks]
    assert kinds.count("statement") == len(evaluation.with_role("headline"))
    assert kinds.count("picture") == 1


@pytest.mark.parametrize("language", ["en", "es"])
def test_tables_and_figures_are_numbered_in_reading_order(documents, language):
    for kind in ("table", "picture"):
        numbers = [block.number for block in documents[language].blocks if block.kind == kind]
        assert numbers == list(range(1, len(numbers) + 1))


def test_checks_of_a_headline_that_failed_are_on_the_first_page(evaluation, tmp_path):
    first = evaluation.results[0]
    failed = tuple(replace(finding, verdict="fail") for finding in first.findings[:1])
    results = (replace(first, findings=failed), *evaluation.results[1:])
    material = Material.gather(replace(evaluation, results=results), EXHIBITS)
    document = compose(material, Words("en"))
    boxes = [block for block in document.chapters[0].blocks if block.kind == "callout"]
    assert any("These checks failed: balance of the design" in box.text for box in boxes)


def test_a_finding_that_was_told_is_not_told_again(evaluation):
    first, second, *rest = evaluation.results
    again = replace(second, plan=replace(second.plan, role="headline"), findings=first.findings)
    document = compose(Material.gather(replace(evaluation, results=(first, again, *rest)), EXHIBITS), Words("en"))
    (chapter,) = [each for each in document.chapters if each.title == "How far the numbers can be trusted"]
    told = [block for block in chapter.blocks if block.kind == "statement"]
    assert len(set(told)) == len(told)
    assert any("The same as above: balance of the design" in getattr(block, "text", "") for block in chapter.blocks)


def test_what_the_study_did_not_plan_is_said(evaluation):
    results = tuple(result for result in evaluation.results if result.plan.role == "headline")
    bare = replace(evaluation, results=tuple(replace(result, findings=()) for result in results))
    bare = replace(bare, study=replace(bare.study, checks=(), assumptions=()))
    document = compose(Material.gather(bare, EXHIBITS), Words("en"))
    said = " ".join(getattr(block, "text", "") for block in document.blocks)
    assert "did not plan to look at the difference period by period" in said
    assert "did not plan any other way" in said
    assert "asked for no checks" in said
    assert "stated no assumptions of their own" in said


# ---------------------------------------------------------------------------------------------- every format
def test_the_study_says_the_formats_and_a_caller_may_say_others(evaluation, tmp_path):
    study = replace(evaluation.study, formats=("pdf", "docx"), languages=("es",))
    written = write_report(replace(evaluation, study=study), tmp_path)
    assert [path.name for path in written[:2]] == ["report.es.pdf", "report.es.docx"]
    assert (tmp_path / "report.es.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert (tmp_path / "report.es.docx").read_bytes().startswith(b"PK")
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert {"report.es.pdf", "report.es.docx"} <= set(manifest["outputs"])
    assert {"typst", "python-docx"} <= set(manifest["versions"])


def test_a_study_file_can_ask_for_every_format_that_can_be_written():
    assert set(FORMATS) == set(render.FORMATS)
