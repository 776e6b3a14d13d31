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
        Column("attended", "flag", description="0 = the mentee did not come; empty = came"),
        Column("activity", "category", description="What was done; check_in counts as a check-in"),
        Column("group_size", "integer", minimum=1, description="Mentees who met together"),
        Column("place", "category"),
    ),
    references=(("match_id", "matches"),),
)
