"""LaTeX: a table in APA style, to be put into a paper."""

from __future__ import annotations

from mentoreval.report.document import Table
from mentoreval.report.paper import UPRIGHT, lay

LONG_CELL = 28
"""Letters of the longest cell from which on a column of words is wrapped."""
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "[": "{[}", "]": "{]}", "*": "{*}", "`": r"\textasciigrave{}",
    "−": "$-$", "±": r"$\pm$", "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$", "≈": r"$\approx$", "∞": r"$\infty$",
    "→": r"$\rightarrow$", "✓": r"\checkmark{}", "✕": r"$\times$", "▲": r"$\blacktriangle$",
    "▼": r"$\blacktriangledown$",
    "–": "--", "—": "---", "“": "``", "”": "''", "‘": "`", "’": "'", "\u00a0": "~", "\u200b": "",
}  # fmt: skip


def latex_table(table: Table) -> str:
    """The table as a LaTeX float in APA style: the title above, three rules, none of them upright, and the notes below.

    LaTeX numbers it; its label is ``tab:`` and its name. Needs the packages booktabs, threeparttable, array and
    amssymb, and rotating for a table that is too wide for an upright page. Long columns of words are wrapped.
    """
    layout = lay(table)
    place = "sidewaystable" if layout.turned else "table"
    lines = [
        rf"\begin{{{place}}}[htbp]",
        r"\centering",
        *([r"\footnotesize"] if layout.turned or layout.size < UPRIGHT[0] else []),
        r"\begin{threeparttable}",
        rf"\caption{{{escaped(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{_columns(table)}}}",
        r"\toprule",
        *_groups(table),
        _row([column.label for column in table.columns]),
        r"\midrule",
        *map(_row, table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        *_notes(table),
        r"\end{threeparttable}",
        rf"\end{{{place}}}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """A text in which LaTeX sees no command, whatever is in it."""
    return "".join(_SIGNS.get(letter, letter) for letter in " ".join(text.split()))


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return " & ".join(map(escaped, cells)) + r" \\"


def _columns(table: Table) -> str:
    """Numbers to the right, words to the left; columns of long words share the page."""
    kinds = []
    widths = lay(table).widths
    for place, (column, width) in enumerate(zip(table.columns, widths, strict=True)):
        longest = max((len(row[place]) for row in table.rows), default=0)
        share = 0.9 * width / sum(widths)
        wrapped = rf">{{\raggedright\arraybackslash}}p{{{share:.2f}\linewidth}}"
        kinds.append("r" if column.numeric else wrapped if longest > LONG_CELL else "l")
    return "".join(kinds)


def _groups(table: Table) -> list[str]:
    """The row of headings over several columns, and the thin rules below them."""
    if not table.groups:
        return []
    cells, rules, start = [], [], 1
    for label, span in table.groups:
        cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escaped(label)}}}")
        if label:
            rules.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
        start += span
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _notes(table: Table) -> list[str]:
    if not table.notes:
        return []
    items = [rf"\item {escaped(note)}" for note in table.notes]
    return [r"\begin{tablenotes}[flushleft]", r"\footnotesize", *items, r"\end{tablenotes}"]
