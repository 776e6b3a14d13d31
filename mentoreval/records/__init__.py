"""Records: a district's tables, read and checked together. ``read_records`` is the door."""

from __future__ import annotations

from mentoreval.records.fingerprint import hash_sources
from mentoreval.records.read import read_records, validate_records
from mentoreval.records.records import AttendanceMode, Ledger, LedgerEntry, Records
from mentoreval.records.validation import Problem, ValidationReport

__all__ = [
    "AttendanceMode",
    "Ledger",
    "LedgerEntry",
    "Problem",
    "Records",
    "ValidationReport",
    "hash_sources",
    "read_records",
    "validate_records",
]
