"""Fingerprints of what went in, for the manifest of a report."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mentoreval.errors import DataError
from mentoreval.records.conventions import CONVENTIONS_FILE
from mentoreval.records.engines import CannotRead, wrap_frame
from mentoreval.records.postgres import is_uri
from mentoreval.records.records import TABLE_NAMES, LazyTable, Records
from mentoreval.records.sources import readable_files

if TYPE_CHECKING:
    import pyarrow as pa


def hash_sources(source: str | Path | Mapping[str, Any] | Records) -> dict[str, str]:
    """SHA-256 of each input, by name.

    A folder, or records that were read from one: each file that was read and records.toml, byte by byte; a workbook or
    a database: the file. Frames, and records of a server: the content of each table, in which neither the library nor
    the order of rows and columns matters. DataError where the folder does not exist or a table is no frame.
    """
    files_read: tuple[str, ...] = ()
    if isinstance(source, Records):
        files_read = tuple(name for name in source.ledger.rows_read)
        source = source.tables if source.source == "frames" or is_uri(source.source) else source.source
    if isinstance(source, Mapping):
        return {f"{table}": _hash_frame(table, frame) for table, frame in source.items()}
    folder = Path(source)
    if folder.is_file():
        return {folder.name: _hash_file(folder)}
    if not folder.is_dir():
        raise DataError(f"There is no folder {str(source)!r}.")
    used = {*TABLE_NAMES, *(name.removesuffix(" as given").partition(":")[0] for name in files_read)}
    files = [file for file in readable_files(folder) if {file.name, file.name.split(".")[0]} & used]
    files += [folder / CONVENTIONS_FILE] if (folder / CONVENTIONS_FILE).is_file() else []
    return {file.name: _hash_file(file) for file in sorted(files)}


def _hash_file(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_frame(table: str, native: Any) -> str:
    try:
        frame: LazyTable = wrap_frame(native)
    except CannotRead as error:
        raise DataError(f"{table} can not be read: {error}.") from error
    # By name, because the index of a pandas frame comes along as a column.
    return _hash_arrow(frame.collect("pyarrow").to_native().select(frame.collect_schema().names()))


def _hash_arrow(table: pa.Table) -> str:
    """The digest of the rows as text, sorted, with the columns sorted by name."""
    import pyarrow as pa
    from pyarrow import csv

    names = sorted(table.column_names)
    text = pa.table({name: _as_text(table.column(name)) for name in names})
    digest = hashlib.sha256()
    csv.write_csv(text.sort_by([(name, "ascending") for name in names]), _Sink(digest))
    return digest.hexdigest()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Values as text; Arrow writes the number 1.0 as 1, and times are brought to one unit."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"), safe=False)
    return column.cast(pa.string())


class _Sink:
    """A file that keeps nothing: what is written goes into a digest."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self.write = digest.update

    def flush(self) -> None:
        """Nothing is held back."""
