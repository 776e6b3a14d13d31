"""The page of problems: what a coordinator has to fix, as one HTML file and as a CSV table."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from mentoreval.errors import OptionError, suggest
from mentoreval.records.validation import Problem, ValidationReport, percent

LANGUAGES = ("en", "es")
DETAILED = ("not_allowed", "out_of_range")
"""Problems of rows whose English detail says what is allowed."""
STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid #c9d0d8; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.where { overflow-wrap: break-word; } small { color: #4a5461; overflow-wrap: break-word; }
th.number { white-space: normal; } .problems th:nth-child(4) { width: 36%; }
.verdict { padding: .7rem 1rem; border-left: .4rem solid #b3261e; background: #fbeeed; }
.verdict.fine { border-color: #1d7a3d; background: #eaf5ee; }
@media (max-width: 40rem) {
  body { margin: 1rem auto; }
  thead { position: absolute; clip-path: inset(50%); height: 1px; overflow: hidden; }
  table, tbody, tr, td { display: block; }
  tr { padding: .6rem 0; border-bottom: 1px solid #c9d0d8; }
  td, td.number { border: 0; padding: .1rem 0; text-align: left; white-space: normal; }
  td::before { content: attr(data-name) ": "; color: #4a5461; }
  td:first-child { font-weight: 600; } td:first-child::before, td:empty { display: none; }
}
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
"""


def write_problems(report: ValidationReport, out: str | Path, language: str = "en") -> tuple[Path, ...]:
    """Write problems.<language>.html and problems.csv into a folder, which is made if need be.

    OptionError where there is no such language, or the folder is a file.
    """
    page = problem_page(report, language)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"The folder {str(out)!r} can not be made: {error.strerror}.") from error
    html, table = folder / f"problems.{language}.html", folder / "problems.csv"
    html.write_text(page, encoding="utf-8")
    report.problems.to_csv(table, index=False)
    return html, table


def problem_page(report: ValidationReport, language: str = "en") -> str:
    """The page as HTML that needs no network."""
    if language not in LANGUAGES:
        raise OptionError(f"There is no language {language!r}.{suggest(language, LANGUAGES)}")
    words = _words(language)
    n = len(report.found)
    verdict = words["fine" if n == 0 else "one" if n == 1 else "many"].format(source=report.source, n=n)
    parts = [
        f'<p class="verdict{"" if n else " fine"}">{escape(verdict)}</p>',
        *_problems(report, words),
        *_notes(report, words),
        *_rows(report, words),
        *_touched(report, words),
        *_lengths(report, words),
    ]
    title = escape(words["title"])
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>{head}<style>{STYLE}</style></head>\n'
        f"<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


@cache
def _words(language: str) -> Mapping[str, Any]:
    return tomllib.loads(files("mentoreval.records.languages").joinpath(f"{language}.toml").read_text(encoding="utf-8"))


def said(problem: Problem, words: Mapping[str, Any]) -> tuple[str, str, str]:
    """What is wrong, what to do, and in a language other than English the English detail of what has no examples."""
    rule, column = problem.rule, problem.column
    if rule == "unreadable" and (column.endswith("date") or column == "school_year"):
        rule = "unreadable_year" if column == "school_year" else "unreadable_date"
    if rule not in words.get("problems", {}):
        return problem.finding, problem.advice, ""
    what, advice = (str(words[part][rule]).format(column=column) for part in ("problems", "advice"))
    told = problem.rows and rule not in DETAILED
    return what, advice, "" if told else problem.finding


def _problems(report: ValidationReport, words: Mapping[str, Any]) -> Iterator[str]:
    if not report.found:
        return
    rows = []
    for problem in report.found:
        what, advice, detail = said(problem, words)
        what = escape(what) + (f'<br><small lang="en">{escape(detail)}</small>' if detail else "")
        if problem.examples and "problems" in words:
            what += f"<br><small>{words['examples']}: {escape(', '.join(problem.examples))}</small>"
        share = percent(problem.share) if problem.rows else words["whole"]
        where = f"{escape(problem.table)}<br><small>{escape(problem.column)}</small>"
        rows.append((where, f"{problem.rows:,}" if problem.rows else "", share, what, escape(advice)))
    header = [words[k] for k in ("table", "rows", "share", "what", "todo")]
    yield _table(header, rows, numbers=(1, 2), kind="problems")


def _notes(report: ValidationReport, words: Mapping[str, Any]) -> Iterator[str]:
    if report.notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        yield f'<h2>{words["notes_title"]}</h2><ul lang="en">{items}</ul>'


def _rows(report: ValidationReport, words: Mapping[str, Any]) -> Iterator[str]:
    if report.accounts:
        yield f"<h2>{words['rows_title']}</h2>"
        rows = [(escape(name), *(f"{number:,}" for number in numbers)) for name, *numbers in report.accounts]
        yield _table([words[k] for k in ("table", "read", "kept", "left_out")], rows, numbers=(1, 2, 3))


def _touched(report: ValidationReport, words: Mapping[str, Any]) -> Iterator[str]:
    entries = report.ledger.entries
    if entries:
        yield f"<h2>{words['touched_title']}</h2>"
        rows = [
            (escape(e.table), f"{e.rows:,}", words["actions"][e.action], escape(e.rule), escape(", ".join(e.examples)))
            for e in entries
        ]
        yield _table([words[k] for k in ("table", "rows", "action", "rule", "examples")], rows, numbers=(1,))


def _lengths(report: ValidationReport, words: Mapping[str, Any]) -> Iterator[str]:
    if len({found.length for found in report.id_lengths}) > 1:
        yield f"<h2>{words['lengths_title']}</h2>"
        rows = [(escape(found.table), str(found.length), f"{found.rows:,}") for found in report.id_lengths]
        yield _table([words[k] for k in ("table", "length", "rows")], rows, numbers=(1, 2))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int], kind: str = "counts") -> str:
    """A table of cells that are HTML already; ``numbers`` are the columns that stand right.

    Every cell knows the name of its column, which a narrow screen shows in front of it.
    """
    marks = ["number" if place in numbers else "where" for place in range(len(header))]
    names = "".join(f'<th class="{mark}">{name}</th>' for mark, name in zip(marks, header, strict=True))

    def cells(row: Sequence[str]) -> str:
        """The cells of one row."""
        return "".join(
            f'<td class="{mark}" data-name="{name}">{cell}</td>'
            for mark, name, cell in zip(marks, header, row, strict=True)
        )

    body = "\n".join(f"<tr>{cells(row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody></table>'
