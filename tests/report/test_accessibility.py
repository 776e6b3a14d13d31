"""What axe-core finds in the pages that people are given, in a browser without a window: nothing, in either language.

Debian's chromium serves; ``.ci/run`` installs it. Where there is none the tests skip and say so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from importlib.resources import files
from typing import Any

import pytest

from mentoreval.records.problem_page import problem_page
from mentoreval.records.read import validate_records
from mentoreval.records.validation import ValidationReport
from mentoreval.report import canvas, docx_parts
from mentoreval.report.render import write_report
from mentoreval.study.evaluation import Evaluation

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--force-color-profile=srgb", "--virtual-time-budget=20000",
)  # fmt: skip
DESK, PHONE = "1280,900", "400,800"
RUN_AXE = """
<script>
axe.run(document, {resultTypes: ["violations"]})
  .then(found => found.violations.map(rule => ({
    rule: rule.id, impact: rule.impact, help: rule.help, places: rule.nodes.map(node => node.html.slice(0, 160))
  })))
  .catch(error => String(error))
  .then(said => {
    const place = document.createElement("pre");
    place.id = "axe-says";
    place.textContent = JSON.stringify({
      said, wide: document.documentElement.scrollWidth - window.innerWidth
    });
    document.body.append(place);
  });
</script>
"""


@pytest.fixture(scope="session")
def browser() -> str:
    """The browser's path."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no chromium on this machine")
    return found


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, from the package that carries it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def ask_axe(browser, axe, tmp_path):
    """A function that opens a page with axe-core in it and returns what axe says."""

    def ask(page: str, size: str = DESK) -> dict[str, Any]:
        assert page.count("</body>") == 1
        probe = tmp_path / "page.html"
        probe.write_text(page.replace("</body>", f"<script>{axe}</script>{RUN_AXE}</body>"), encoding="utf-8")
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [browser, *OPTIONS, profile, f"--window-size={size}", "--dump-dom", probe.as_uri()]
        dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
        answer = re.search(r'<pre id="axe-says">(.*?)</pre>', dumped, re.DOTALL)
        assert answer is not None, "axe did not finish"
        said: dict[str, Any] = json.loads(unescape(answer.group(1)))
        assert isinstance(said["said"], list), said["said"]
        return said

    return ask


def rules(found: list[dict[str, Any]]) -> set[str]:
    """The names of the rules that something breaks."""
    return {rule["rule"] for rule in found}


@pytest.fixture(scope="module")
def reports(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The report by language."""
    folder = tmp_path_factory.mktemp("pages")
    write_report(evaluation, folder, formats=["html"])
    return {language: (folder / f"report.{language}.html").read_text(encoding="utf-8") for language in ("en", "es")}


# ---------------------------------------------------------------------------------------------- it can fail
BROKEN = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Broken</title></head><body><main><h1>Broken</h1>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">
<p style="color: #aaa; background: #fff">Grey on white can hardly be read by anyone.</p>
<table><tr><th></th><th>Days</th></tr><tr><td>1</td><td>2</td></tr></table>
</main></body></html>"""


def test_a_page_with_faults_is_found_out(ask_axe):
    found = rules(ask_axe(BROKEN)["said"])
    assert {"image-alt", "color-contrast", "html-has-lang"} <= found


@pytest.mark.parametrize("fault", ["image-alt", "color-contrast"])
def test_a_fault_put_into_the_report_is_found(ask_axe, reports, fault):
    page = reports["en"]
    spoilt = {
        "image-alt": re.sub(r' alt="[^"]*"', "", page, count=1),
        "color-contrast": page.replace("--soft: #555", "--soft: #aaa"),
    }[fault]
    assert spoilt != page
    assert fault in rules(ask_axe(spoilt)["said"])


# ---------------------------------------------------------------------------------------------- colors
def luminance(color: str) -> float:
    """Relative luminance of a color, as WCAG 2.2 defines it."""
    parts = [int(color.lstrip("#")[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colors, from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's example of what just fails


@pytest.mark.parametrize("color", [canvas.INK, canvas.MUTED, canvas.PROGRAM, canvas.COMPARISON])
def test_texts_in_figures_can_be_read(color):
    assert contrast(color, "#ffffff") >= 4.5


@pytest.mark.parametrize("color", [docx_parts.INK, docx_parts.SOFT, *docx_parts.MARKS.values()])
def test_texts_in_shaded_boxes_can_be_read(color):
    assert contrast(color, docx_parts.SHADE) >= 4.5


def test_every_format_has_the_same_colors_for_the_same_verdict():
    folder = files("mentoreval.report").joinpath("templates")
    html, typst = (folder.joinpath(f"report.{kind}").read_text(encoding="utf-8") for kind in ("html.j2", "typ"))
    for tone in ("good", "bad", "unsure"):
        assert f".mark.{tone} {{ color: #{docx_parts.MARKS[tone].lower()}; }}" in html
        assert f'{tone}: rgb("#{docx_parts.MARKS[tone].lower()}")' in typst


# ---------------------------------------------------------------------------------------------- the pages
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_axe_finds_nothing_in_the_report(ask_axe, reports, language, size):
    said = ask_axe(reports[language], size)
    assert said["said"] == []
    assert said["wide"] <= 0, "nobody should have to scroll sideways"


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> ValidationReport:
    """What is wrong with tables in which a code does not exist, a date can not be read and a row stands twice."""
    folder = tmp_path_factory.mktemp("tables")
    (folder / "students.csv").write_text("student_id,gender\n001,F\n001,F\n002,robot\n", encoding="utf-8")
    (folder / "attendance.csv").write_text(
        "student_id,date,code\n001,2024-09-03,absent\n001,31/31/2024,absent\n009,2024-09-04,lost\n", encoding="utf-8"
    )
    return validate_records(folder, attendance="absences_only")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_axe_finds_nothing_in_the_page_of_problems(ask_axe, problems, language, size):
    assert len(problems.found) >= 3
    assert ask_axe(problem_page(problems, language), size)["said"] == []


def test_axe_finds_nothing_where_there_are_no_problems(ask_axe):
    assert ask_axe(problem_page(ValidationReport(), "es"))["said"] == []
