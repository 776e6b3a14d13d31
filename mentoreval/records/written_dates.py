"""Dates as a district writes them, by a statement such as "MM/DD/YYYY"; never guessed."""

from __future__ import annotations

import datetime as dt
import re

import narwhals as nw

from mentoreval.errors import OptionError

MONTH, DAY = r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
PARTS = {"YYYY": r"(\d{4})", "YY": r"(\d\d)", "MM": MONTH, "M": MONTH, "DD": DAY, "D": DAY}
EXCEL = "excel"
EXCEL_DAY = r"^\d{5}(?:\.0+)?$"
"""Five digits are the days from May 1927 to 2173; what has a time of day behind its point is no date."""
EXCEL_DAY_0 = dt.date(1899, 12, 30)
"""Excel counts a 29 February 1900 that never was; from March 1900 on its days count from here. Not those of 1904."""
NAMED_DATES = {"us": "MM/DD/YYYY"}
DATES_SAID = 'MM/DD/YYYY (which "us" is short for), D.M.YYYY or YYYYMMDD, or "excel" for day numbers such as 44440'
MIDNIGHT = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?|[ T]12:00(?::00)? AM)?"


def is_date_format(dates: str) -> bool:
    """Whether it says how dates are written."""
    try:
        return dates == EXCEL or bool(date_pattern(dates))
    except OptionError:
        return False


def date_pattern(dates: str) -> tuple[str, str]:
    """A regular expression for dates so written, and the replacement that puts year, month and day in order.

    OptionError where the text does not say year, month and day once each.
    """
    dates = NAMED_DATES.get(dates, dates)
    parts = re.findall(r"Y+|M+|D+", dates)
    if sorted(part[0] for part in parts) != ["D", "M", "Y"] or any(part not in PARTS for part in parts):
        raise OptionError(f"dates = {dates!r} is not known. Write it as {DATES_SAID}.")
    glued = not re.search(r"[^YMD]", dates)
    pieces = {part: PARTS[part].replace("0?", "0") if glued else PARTS[part] for part in parts}
    pattern = "".join(pieces.get(piece, re.escape(piece)) for piece in re.split(r"(Y+|M+|D+)", dates))
    place = {part[0]: number for number, part in enumerate(parts, start=1)}
    century = "" if "YYYY" in parts else "20"
    return f"^{pattern}{MIDNIGHT}$", rf"{century}\{place['Y']}-0\{place['M']}-0\{place['D']}"


def iso_dates(text: nw.Expr, dates: str) -> nw.Expr:
    """Texts of dates so written as 2021-09-01; other texts stay, and are refused later if they are no dates.

    For DuckDB, whose replacements name groups as \\1, and where a date and a whole number are a date.
    """
    if dates == EXCEL:
        days = nw.when(text.str.contains(EXCEL_DAY)).then(text.str.slice(0, 5)).cast(nw.Int32)
        return nw.coalesce((nw.lit(EXCEL_DAY_0) + days).cast(nw.Date).cast(nw.String), text)
    pattern, replacement = date_pattern(dates)
    padded = text.str.replace_all(pattern, replacement).str.replace_all(r"-0(\d\d)", r"-\1")
    return nw.when(text.str.contains(pattern)).then(padded).otherwise(text)


def iso_date(text: str, dates: str | None) -> str:
    """One text of a date so written as 2021-09-01, such as the name of a column; another text stays."""
    if dates is None:
        return text
    if dates == EXCEL:
        days = int(float(text)) if re.match(EXCEL_DAY, text) else None
        return text if days is None else (EXCEL_DAY_0 + dt.timedelta(days=days)).isoformat()
    pattern, replacement = date_pattern(dates)
    return re.sub(r"-0(\d\d)", r"-\1", re.sub(pattern, replacement, text))
