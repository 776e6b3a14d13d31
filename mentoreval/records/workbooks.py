"""Workbooks of Excel and LibreOffice, read with calamine: every sheet is a table whose first row has the names."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

from mentoreval.records.cell_texts import table_of_texts, text_of_cell
from mentoreval.records.engines import CannotRead, column_names, scan_arrow
from mentoreval.records.records import LazyTable

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ZIPPED = (".xlsx", ".xlsm", ".xlsb")
LOCKED = bytes.fromhex("d0cf11e0a1b11ae1")
"""How a file of Excel begins that is encrypted: as those of before 2007 do, and not as the zip file that it is else."""


def extra_module(name: str, extra: str) -> ModuleType:
    """A module that an extra of mentoreval installs; CannotRead names the extra where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CannotRead(f"reading it needs a package that is not there; install mentoreval[{extra}]") from error


def sheets_of(path: Path) -> list[str]:
    """The names of the sheets of a workbook, in its order."""
    return list(_open(path).sheet_names)


def scan_sheet(path: Path, sheet: str) -> LazyTable:
    """One sheet with every cell as text; rows without any cell that is filled are no rows. CannotRead says why not."""
    rows = _open(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    texts = [[text_of_cell(cell) for cell in row] for row in rows]
    if not texts or not any(texts[0]):
        raise CannotRead("its first row is empty, so it has no column names")
    width = max(place for row in texts for place, cell in enumerate(row, start=1) if cell is not None)
    names = column_names([name or "" for name in texts[0][:width]])
    filled = [row[:width] for row in texts[1:] if any(cell is not None for cell in row)]
    return scan_arrow(table_of_texts(names, zip(*filled, strict=True) if filled else [[]] * width))


def _open(path: Path) -> Any:
    calamine = extra_module("python_calamine", "files")
    with path.open("rb") as stream:
        is_locked = path.suffix.lower() in ZIPPED and stream.read(len(LOCKED)) == LOCKED
    if is_locked:
        raise CannotRead("it is protected by a password; save it without one")
    try:
        return calamine.CalamineWorkbook.from_path(str(path))
    except (calamine.CalamineError, OSError) as error:
        raise CannotRead(f"it is no workbook that can be opened ({error})") from error
