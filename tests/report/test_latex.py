"""Tables as LaTeX: APA style, and a text is never a command."""

from __future__ import annotations

import re

import pytest

from mentoreval.report.document import Column, Table
from mentoreval.report.latex import escaped

COLUMNS = (
    Column("Before the program", numeric=False),
    Column("Mean", group="In the program"),
    Column("SD", group="In the program"),
    Column("Effect size"),
)
ROWS = (("Attendance rate", "88.4%", "9.2", "−0.05"), ("Race & ethnicity", "<5.0%", "–", "0.00"))
TABLE = Table("table-baseline", "Who took part: 50% & more", COLUMNS, ROWS, ("SD: standard deviation.",))


def test_the_whole_table():
    assert TABLE.latex() == (
        "\\begin{table}[htbp]\n"
        "\\centering\n"
        "\\begin{threeparttable}\n"
        "\\caption{Who took part: 50\\% \\& more}\n"
        "\\label{tab:table-baseline}\n"
        "\\begin{tabular}{lrrr}\n"
        "\\toprule\n"
        "\\multicolumn{1}{c}{} & \\multicolumn{2}{c}{In the program} & \\multicolumn{1}{c}{} \\\\\n"
        "\\cmidrule(lr){2-3}\n"
        "Before the program & Mean & SD & Effect size \\\\\n"
        "\\midrule\n"
        "Attendance rate & 88.4\\% & 9.2 & $-$0.05 \\\\\n"
        "Race \\& ethnicity & \\textless{}5.0\\% & -- & 0.00 \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\begin{tablenotes}[flushleft]\n"
        "\\footnotesize\n"
        "\\item SD: standard deviation.\n"
        "\\end{tablenotes}\n"
        "\\end{threeparttable}\n"
        "\\end{table}\n"
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\\input{secret}", "\\textbackslash{}input\\{secret\\}"),
        ("$x_1^2$", "\\$x\\_1\\textasciicircum{}2\\$"),
        ("a ~ b # c % d", "a \\textasciitilde{} b \\# c \\% d"),
        ("[optional]", "{[}optional{]}"),
        ("* star", "{*} star"),
        ("two\nlines", "two lines"),
        ("“quoted” ≤ 3", "``quoted'' $\\leq$ 3"),
        ("niño", "niño"),
    ],
)
def test_a_text_is_never_a_command(text, written):
    assert escaped(text) == written


def test_long_words_are_wrapped_and_fit_the_page():
    long = Table("t", "T", (Column("Point", numeric=False), Column("Found", numeric=False)), (("a", "word " * 40),))
    widths = [float(width) for width in re.findall(r"p\{([0-9.]+)\\linewidth\}", long.latex())]
    assert len(widths) == 1
    assert 0.5 < widths[0] < 1


def test_a_table_too_wide_for_a_page_is_turned():
    wide = Table("t", "T", tuple(Column(f"Column {n}") for n in range(22)), (("1000",) * 22,))
    assert wide.latex().startswith("\\begin{sidewaystable}")
    assert wide.latex().endswith("\\end{sidewaystable}\n")


def test_no_rule_is_upright():
    columns = re.search(r"\\begin\{tabular\}\{(.*)\}", TABLE.latex())
    assert columns is not None
    assert "|" not in columns.group(1)
    assert "\\hline" not in TABLE.latex()
