"""Sessions: one row for each meeting of a match. Two on one day are possible, so there is no key."""

from __future__ import annotations

from mentoreval.records.schema import Column, TableSchema

MINUTES_OF_A_DAY = 24 * 60

SESSIONS = TableSchema(
    name="sessions",
    description="One row for each meeting of a match.",
    columns=(
        Column("match_id", "id", required=True),
        Column("date", "date", required=True),
        Column("minutes", "number", required=True, minimum=0, maximum=MINUTES_OF_A_DAY),
        Column("mode", "category", description="In person, by telephone, on a platform"),
    ),
    references=(("match_id", "matches"),),
)
