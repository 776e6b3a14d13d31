"""Files of Stata, SPSS and SAS, read with pyreadstat.

Values are taken and not their labels: a file has 1, and a person says in a mapping what 1 means.
"""

from __future__ import annotations

from pathlib import Path

from mentoreval.records.cell_texts import EXACT_DIGITS, table_of_texts, text_of_cell
from mentoreval.records.engines import CannotRead, column_names, scan_arrow
from mentoreval.records.records import LazyTable
from mentoreval.records.workbooks import extra_module

READERS = {
    ".dta": "read_dta",
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".por": "read_por",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}
STATISTICS_FILES = tuple(READERS)
EXACT_IN_SINGLE = 2**24
"""Stata's type float holds every whole number up to here, and beyond it only some."""


def scan_statistics_file(path: Path) -> LazyTable:
    """The rows of the file with every cell as text; CannotRead says why there are none."""
    pyreadstat = extra_module("pyreadstat", "files")
    read = getattr(pyreadstat, READERS[path.suffix.lower()])
    try:
        columns, about = read(str(path), output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, OSError, ValueError) as error:
        raise CannotRead(f"it is no file of that program ({error})") from error
    types = about.readstat_variable_types
    exact = [EXACT_IN_SINGLE if types.get(name) == "float" else EXACT_DIGITS for name in columns]
    texts = ([text_of_cell(cell, below) for cell in columns[name]] for name, below in zip(columns, exact, strict=True))
    return scan_arrow(table_of_texts(column_names(list(columns)), texts))
