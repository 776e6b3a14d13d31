"""Power text: what a planned study could find, as a paragraph and a small table for a terminal, or a picture file."""

from __future__ import annotations

from pathlib import Path

from mentoreval.errors import OptionError, ReportError
from mentoreval.evidence.power import PowerAnalysis
from mentoreval.report import canvas
from mentoreval.report.document import Table
from mentoreval.report.exhibits.power_curve import PowerCurve
from mentoreval.report.words import Words

LABEL_WIDTH = 15


def power_text(analysis: PowerAnalysis, language: str = "en", effect: float | None = None) -> str:
    """One paragraph, what studies of mentoring found with their sources, and a table of other sizes.

    effect : in standard deviations, one to speak of beside those that are likely
    """
    words, curve = Words(language), PowerCurve.of_analysis(analysis)
    found = [f"- {sentence}" for sentence in curve.found_elsewhere(words)]
    parts = [" ".join(curve.said(words, effect)), words("power.elsewhere"), *found, "", *_lines(curve.table(words))]
    return "\n".join(parts)


def write_picture(analysis: PowerAnalysis, path: Path, language: str = "en") -> Path:
    """Write the curve as .svg or .png; ReportError where the file can not be written."""
    kind = path.suffix.lower()
    if kind not in {".svg", ".png"}:
        raise OptionError(f"The picture is written as .svg or .png; got {str(path)!r}.")
    figure = PowerCurve.of_analysis(analysis).picture(Words(language)).figure
    content = canvas.svg(figure).encode() if kind == ".svg" else canvas.png(figure)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ReportError(f"The picture {str(path)!r} can not be written: {error.strerror}.") from error
    return path


def _lines(table: Table) -> list[str]:
    """A table in letters of one width: labels over several lines, numbers to the right."""
    labels = [_broken(column.label) for column in table.columns]
    widths = [max(map(len, (*label, *(row[place] for row in table.rows)))) for place, label in enumerate(labels)]
    height = max(map(len, labels))
    heads = [[*[""] * (height - len(label)), *label] for label in labels]
    return [
        table.caption,
        *(
            "  ".join(head[line].rjust(width) for head, width in zip(heads, widths, strict=True))
            for line in range(height)
        ),
        *("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table.rows),
    ]


def _broken(label: str) -> list[str]:
    lines = [""]
    for word in label.split():
        if lines[-1] and len(lines[-1]) + len(word) >= LABEL_WIDTH:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
