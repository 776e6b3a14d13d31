"""Dialect: how a text file is written, where it is not as every CSV file is taken to be.

It is stated by a person, in a mapping or as options of a format, and never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from mentoreval.errors import OptionError, suggest

Encoding = Literal["utf-8", "utf-16", "latin-1"]
TEXT_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv")
"""Of files that have a dialect."""


@dataclass(frozen=True)
class Dialect:
    r"""How a text file is written; double quotes enclose a cell that holds the delimiter.

    delimiter : one character between columns, such as "^", ";" or "\t"
    header_line : the line that has the names of the columns, 1 for the first; lines before it are left alone; 0 where
        no line has names
    names : of the columns in their order, where no line has them; without it they are field_1, field_2 …
    encoding : how the letters are written: "utf-8", "utf-16" (Excel's "Unicode text") or "latin-1"
    short_lines : a line may end before the last column, such as one with a total; what is missing is empty
    """

    delimiter: str = ","
    header_line: int = 1
    names: tuple[str, ...] = ()
    encoding: Encoding = "utf-8"
    short_lines: bool = False

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\n\r':
            raise OptionError(f"delimiter = {self.delimiter!r} is not allowed. Write one character, such as ^ or ;.")
        if isinstance(self.header_line, bool) or not isinstance(self.header_line, int) or self.header_line < 0:
            raise OptionError(f"header_line = {self.header_line!r} is not allowed. Write the number of a line, or 0.")
        if self.encoding not in get_args(Encoding):
            raise OptionError(f"encoding = {self.encoding!r} is not allowed.{suggest('', get_args(Encoding))}")
        if self.names and self.header_line:
            raise OptionError("names are those of a file in which no line has any; say header_line = 0 too.")

    @property
    def has_header(self) -> bool:
        """Whether a line of the file has the names of its columns."""
        return self.header_line > 0

    @property
    def lines_before(self) -> int:
        """How many lines come before that of the names, or before the first row."""
        return max(self.header_line - 1, 0)


COMMA = Dialect()


def dialect_of(spec: Any, where: str) -> Dialect:
    """The dialect of a table of a TOML file; names alone say that no line has any. OptionError names what is wrong."""
    known = [option.name for option in fields(Dialect)]
    if not isinstance(spec, Mapping):
        raise OptionError(f'{where} is {spec!r}; it takes a table such as {{ delimiter = "^" }}.')
    for key in spec:
        if key not in known:
            raise OptionError(f"{where} has no key {key!r}.{suggest(key, known)}")
    options = dict(spec)
    if "names" in options:
        options["names"] = tuple(str(name) for name in options["names"])
        options.setdefault("header_line", 0)
    try:
        return Dialect(**options)
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from error
