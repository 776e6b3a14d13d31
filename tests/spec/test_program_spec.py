"""Who is in which program, how much of it they got, and what becomes of odd logs, on tables to count by hand.

Oak and Elm are in session on the fifteen weekdays from Monday, 6 September 2021, and from Monday, 5 September 2022.
Ana, Ben, Cy, Dee and Eve are at Oak in both years; Fay and Gus at Elm.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mentoreval.design.programs import SeveralPrograms, read_arms
from mentoreval.errors import DataError, OptionError
from mentoreval.panel.build import build_panel
from mentoreval.panel.fidelity import fidelity
from mentoreval.panel.panel import Panel
from mentoreval.panel.program import Program
from mentoreval.panel.programs import (
    CheckConnect,
    EMentoring,
    Group,
    OneToOne,
    Peer,
    Portfolio,
    SchoolWide,
    SuccessMentor,
)
from mentoreval.panel.records_by_period import RecordsByPeriod
from mentoreval.records import read_records
from mentoreval.records.records import Records

Y1, Y2 = "2021-22", "2022-23"
OAK, ELM = ("ana", "ben", "cy", "dee", "eve"), ("fay", "gus")


def table(text: str) -> pd.DataFrame:
    """A table as it is written: columns parted by bars, the first line their names, an empty cell is missing."""
    rows = [[cell.strip() or None for cell in line.split("|")] for line in text.strip().splitlines()]
    return pd.DataFrame(rows[1:], columns=rows[0])


def district(matches: str, sessions: str | None = None, mentors: str | None = None) -> Records:
    days = [(day, year) for first, year in (("2021-09-06", Y1), ("2022-09-05", Y2)) for day in weekdays(first)]
    spells = [
        (student, school, year, "6", entry)
        for school, students in (("oak", OAK), ("elm", ELM))
        for student in students
        for year, entry in ((Y1, "2021-09-06"), (Y2, "2022-09-05"))
    ]
    columns = ["student_id", "school_id", "school_year", "grade_level", "entry_date"]
    tables = {
        "students": pd.DataFrame({"student_id": [*OAK, *ELM]}),
        "calendar": pd.DataFrame(
            [(school, day, year) for school in ("oak", "elm") for day, year in days],
            columns=["school_id", "date", "school_year"],
        ),
        "enrolment": pd.DataFrame(spells, columns=columns),
        "attendance": pd.DataFrame({"student_id": ["ana"], "date": "2021-09-06", "code": "absent"}),
        "matches": table(matches),
    }
    more = {"sessions": sessions, "mentors": mentors}
    tables |= {name: table(text) for name, text in more.items() if text is not None}
    return read_records(tables, attendance="absences_only")


def weekdays(first: str) -> list[str]:
    return list(pd.bdate_range(first, periods=15).strftime("%Y-%m-%d"))


def arms(program: Program, records: Records) -> dict[str, str]:
    """{student: first period of the program, or why the student is in neither arm}."""
    frame = program.treat(RecordsByPeriod(records))
    return {
        row.student_id: row.excluded if isinstance(row.excluded, str) else row.first_treated
        for row in frame.itertuples()
    }


def panel_of(program: Program, records: Records, **options: Any) -> Panel:
    return build_panel(records, program=program, measures=["attendance_rate"], **options)


def noted(panel: Panel) -> dict[str, tuple[str, int, tuple[str, ...]]]:
    return {entry.rule: (entry.action, entry.rows, entry.examples) for entry in panel.ledger.entries}


def dosage(panel: Panel, student: str, year: str) -> dict[str, Any]:
    rows = panel.frame[(panel.frame["student_id"] == student) & (panel.frame["period"] == year)]
    return dict(rows.iloc[0])


MODELS = """
    match_id | student_id | mentor_id | start_date | model
    m1       | ana        | tom       | 2021-09-07 | group
    m2       | ben        | tom       | 2022-09-06 | group
    m3       | cy         | eve       | 2022-09-06 | peer_cross_age
    m4       | dee        | ida       | 2021-09-07 | e_mentoring
    m5       | ana        | ida       | 2022-09-06 | e_mentoring
"""


# ---------------------------------------------------------------- kinds
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (Group(), {"ana": Y1, "ben": Y2, "cy": "other_model", "dee": "other_model", "eve": "peer_mentor"}),
        (Peer(), {"ana": "other_model", "ben": "other_model", "cy": Y2, "dee": "other_model", "eve": "peer_mentor"}),
        (EMentoring(), {"ana": Y2, "ben": "other_model", "cy": "other_model", "dee": Y1, "eve": "peer_mentor"}),
        (OneToOne(), {"ana": Y1, "ben": Y2, "cy": Y2, "dee": Y1, "eve": "peer_mentor"}),
    ],
)
def test_a_kind_counts_its_own_matches_and_nobody_who_took_part_in_another_is_a_comparison(
    program: Program, expected: dict[str, str]
) -> None:
    assert arms(program, district(MODELS)) == expected


def test_a_peer_mentor_is_never_in_the_comparison_and_the_ledger_says_so() -> None:
    panel = panel_of(Group(), district(MODELS))
    assert set(panel.units) == {"ana", "ben", "fay", "gus"}
    assert noted(panel)["peer_mentor"] == ("dropped", 2, ("eve",))  # two years of Eve
    assert panel.ledger.rows_read["panel"] == 14
    assert panel.ledger.rows_kept["panel"] == 8


def test_peer_mentors_can_be_studied_themselves() -> None:
    assert arms(Peer(studied="mentors"), district(MODELS)) == {
        "eve": Y2, "ana": "mentored", "ben": "mentored", "cy": "mentored", "dee": "mentored",
    }  # fmt: skip


def test_same_age_and_cross_age_are_told_apart() -> None:
    with pytest.raises(DataError, match="No match is of the model 'peer_same_age'"):
        arms(Peer(age="same"), district(MODELS))
    assert arms(Peer(age="cross"), district(MODELS))["cy"] == Y2


def test_a_mentors_table_says_who_is_a_student_and_who_has_two_identifiers() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | model
        m1       | ana        | P7        | 2021-09-07 | peer
        m2       | ben        | T2        | 2021-09-07 | peer
        m3       | cy         | T1        | 2021-09-07 | peer
        m4       | dee        | P9        | 2021-09-07 | peer
    """
    mentors = """
        mentor_id | student_id | person_id
        P7        | eve        |
        T1        |            | 4711
        T2        |            | 4711
    """
    records = district(matches, mentors=mentors)
    assert arms(Peer(), records)["eve"] == "peer_mentor"
    panel = panel_of(Peer(), records)
    mentor = panel.frame.drop_duplicates("student_id").set_index("student_id")["mentor_id"]
    assert mentor["ben"] == mentor["cy"] == "T1"
    assert noted(panel)["mentor_with_two_ids"] == ("repaired", 1, ("T2",))
    assert noted(panel)["peer_mentor_unknown"] == ("flagged", 3, ("P9", "T1", "T2"))


def test_a_mentee_who_mentors_others_is_mentored() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | model
        m1       | ana        | ben       | 2021-09-07 | peer
        m2       | ben        | cy        | 2022-09-06 | peer
    """
    panel = panel_of(Peer(), district(matches))
    assert arms(Peer(), district(matches)) == {"ana": Y1, "ben": Y2, "cy": "peer_mentor"}
    assert noted(panel)["mentee_is_peer_mentor"] == ("flagged", 1, ("ben",))


def test_the_type_of_a_success_mentor_is_that_of_the_model_else_of_the_match_else_of_the_mentor() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | model                   | mentor_type
        m1       | ana        | t1        | 2021-09-07 | success_mentor_internal | external
        m2       | ben        | t2        | 2021-09-07 | success_mentor          | external
        m3       | cy         | t3        | 2021-09-07 | success_mentor          |
        m4       | dee        | t4        | 2021-09-07 | success_mentor          |
    """
    mentors = """
        mentor_id | mentor_type
        t3        | internal
    """
    records = district(matches, mentors=mentors)
    assert arms(SuccessMentor(mentor_types=("internal",)), records) == {
        "ana": Y1, "ben": "other_mentor_type", "cy": Y1, "dee": "other_mentor_type",
    }  # fmt: skip
    assert set(arms(SuccessMentor(), records).values()) == {Y1}


def test_check_and_connect_notes_short_matches_and_large_caseloads_and_keeps_the_students() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | end_date   | model
        m1       | ana        | tom       | 2021-09-07 | 2022-09-20 | check_connect
        m2       | ben        | tom       | 2021-09-07 |            | check_connect
    """
    panel = panel_of(CheckConnect(max_caseload=1), district(matches))
    assert panel.frame["first_treated"].notna().sum() == 4
    assert noted(panel)["ended_before_min_years"] == ("flagged", 1, ("m1",))
    assert noted(panel)["caseload_above_plan"] == ("flagged", 1, ("tom",))
    assert "caseload_above_plan" not in noted(panel_of(CheckConnect(), district(matches)))


def test_the_districts_own_name_of_a_kind_and_one_that_nobody_uses() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date | model
        m1       | ana        | tom       | 2021-09-07 | Girl Power
    """
    assert arms(Group(model="Girl Power"), district(matches)) == {"ana": Y1}
    with pytest.raises(DataError, match='say so with model = "…"'):
        arms(Group(), district(matches))


# ---------------------------------------------------------------- several at once
def test_a_portfolio_names_the_kinds_of_each_student_in_order_of_their_starts() -> None:
    panel = panel_of(Portfolio(), district(MODELS))
    model = panel.frame.drop_duplicates("student_id").set_index("student_id")["model"]
    assert model.dropna().to_dict() == {
        "ana": "group + e_mentoring", "ben": "group", "cy": "peer_cross_age", "dee": "e_mentoring",
    }  # fmt: skip
    assert noted(panel)["several_models"] == ("flagged", 1, ("ana",))
    own = read_arms(panel, "model", "none", SeveralPrograms("first"))
    assert own.labels == ("none", "e_mentoring", "group", "peer_cross_age")
    assert own.labels[own.unit[list(panel.units).index("ana")]] == "group"


def test_a_portfolio_can_be_some_kinds_and_peer_mentors_an_arm() -> None:
    assert arms(Portfolio(only=("group",)), district(MODELS))["dee"] == "other_model"
    panel = panel_of(Portfolio(peer_mentors="own_arm"), district(MODELS))
    assert dosage(panel, "eve", Y1)["model"] == "peer_mentor"
    assert dosage(panel, "eve", Y1)["first_treated"] == Y2
    with pytest.raises(DataError, match=r"model 'grupo'. Did you mean 'group'"):
        arms(Portfolio(only=("grupo",)), district(MODELS))
    with pytest.raises(OptionError, match="only"):
        Portfolio(model="group")


# ---------------------------------------------------------------- whole schools
def test_a_whole_school_starts_on_its_day_with_all_of_its_students() -> None:
    panel = panel_of(SchoolWide(starts=(("oak", "2022-01-10"),)), district(MODELS))
    assert panel.unit == "school_id"
    assert panel.frame.groupby("school_id")["first_treated"].first().dropna().to_dict() == {"oak": Y2}
    assert arms(SchoolWide(starts=(("oak", "2022-01-10"),)), district(MODELS)) == dict.fromkeys(OAK, Y2)


def test_a_whole_school_has_no_comparison_inside() -> None:
    with pytest.raises(OptionError, match=r'nobody there is left to compare with\. Take unit = "school"'):
        panel_of(SchoolWide(starts=(("oak", "2022-01-10"),)), district(MODELS), unit="student")
    with pytest.raises(DataError, match="starts names the school 'oaks'"):
        panel_of(SchoolWide(starts=(("oaks", "2022-01-10"),)), district(MODELS))
    with pytest.raises(OptionError, match="a date as YYYY-MM-DD"):
        SchoolWide(starts=(("oak", "1/10/2022"),))
    with pytest.raises(OptionError, match="more than once"):
        SchoolWide(starts=(("oak", "2022-01-10"), ("oak", "2022-02-10")))


# ---------------------------------------------------------------- the end
ENDS = """
    match_id | student_id | mentor_id | start_date | end_date   | end_reason
    m1       | ana        | tom       | 2021-09-07 | 2022-07-15 | moved
    m2       | ben        | tom       | 2021-09-07 |            |
    m3       | cy         | tom       | 2020-09-07 | 2021-05-01 | end of year
"""


def test_by_default_a_program_stays_on_after_the_match_has_ended() -> None:
    panel = panel_of(OneToOne(), district(ENDS))
    assert panel.status is None
    assert panel.n_ended == 0


def test_a_program_that_switches_off_acts_until_the_period_in_which_the_match_ends() -> None:
    """Ana's match ends in the summer, so that it acted in the year before and not in the next."""
    panel = panel_of(OneToOne(ends="switches_off"), district(ENDS))
    acts = dict(zip(panel.units, panel.acts.astype(int).tolist(), strict=True))
    assert acts == {"ana": [1, 0], "ben": [1, 1], "dee": [0, 0], "eve": [0, 0], "fay": [0, 0], "gus": [0, 0]}
    assert panel.n_ended == 1
    # Cy was mentored before anybody is seen, so that two rows that look never mentored are left out.
    assert noted(panel)["ended_unseen"] == ("dropped", 2, ("cy",))


# ---------------------------------------------------------------- dosage
PAIR = """
    match_id | student_id | mentor_id | start_date | end_date   | planned_per_week
    m1       | ana        | tom       | 2021-09-07 | 2021-09-17 | 2
    m2       | ben        | tom       | 2021-09-13 |            |
"""
LOG = """
    match_id | date       | minutes | mode      | attended
    m1       | 2021-09-09 | 30      | phone     | 1
    m1       | 2021-09-15 | 45      | in_person | 1
    m1       | 2021-09-16 | 15      | in_person |
    m1       | 2021-09-17 | 30      | in_person | 0
"""


def test_dosage_counted_by_hand() -> None:
    panel = panel_of(OneToOne(), district(PAIR, LOG))
    ana = dosage(panel, "ana", Y1)
    assert (ana["sessions"], ana["minutes"], ana["participated"]) == (3, 30 + 45 + 15, 1)
    assert (ana["weeks_matched"], ana["weeks_with_contact"], ana["contact_weeks_share"]) == (2, 2, 2 / 2)
    assert ana["sessions_per_month"] == pytest.approx(3 / (2 / (52 / 12)))
    assert ana["match_days"] == 11  # from the 7th to the 17th
    assert ana["longest_gap_days"] == 6  # from the 9th to the 15th
    assert ana["first_contact_days"] == 2  # from the 7th to the 9th
    assert ana["caseload"] == (1 + 2) / 2  # alone with Tom in the first week, with Ben in the second
    assert (ana["planned_contacts"], ana["planned_share"]) == (2 * 2, 3 / 4)
    assert ana["main_mode"] == "in_person"
    assert noted(panel)["mentee_did_not_come"] == ("flagged", 1, ("m1",))


def test_who_never_met_stays_mentored_and_took_no_part() -> None:
    panel = panel_of(OneToOne(), district(PAIR, LOG))
    ben = dosage(panel, "ben", Y1)
    assert ben["first_treated"] == Y1
    assert (ben["sessions"], ben["participated"], ben["weeks_matched"]) == (0, 0, 2)
    assert pd.isna(ben["planned_share"])  # no plan is known
    assert noted(panel)["no_session"] == ("flagged", 1, ("ben",))
    assert (panel.dosage, panel.participated) == ("sessions", "participated")
    assert dosage(panel, "fay", Y1)["sessions"] == 0


def test_a_definition_by_sessions_is_said_to_be_as_treated() -> None:
    panel = panel_of(OneToOne(min_sessions=3), district(PAIR, LOG))
    assert noted(panel)["as_treated"] == ("flagged", 1, ("ana",))
    assert noted(panel)["below_min_sessions"][0] == "dropped"
    assert "as_treated" not in noted(panel_of(OneToOne(), district(PAIR, LOG)))


def test_odd_logs_are_cut_and_noted_and_lose_no_row() -> None:
    log = """
        match_id | date       | minutes
        m1       | 2021-09-08 | 600
        m1       | 2021-09-09 | 0
        m1       | 2021-09-10 | 20
        m1       | 2021-09-10 | 30
        m1       | 2021-09-10 | 40
    """
    records = district(PAIR, log)
    panel = panel_of(OneToOne(), records)
    ana = dosage(panel, "ana", Y1)
    assert (ana["sessions"], ana["minutes"]) == (3, 240 + 40 + 30)
    assert noted(panel)["session_too_long"] == ("repaired", 1, ("m1",))
    assert noted(panel)["zero_minutes"] == ("flagged", 1, ("m1",))
    assert noted(panel)["logged_in_bulk"] == ("flagged", 1, ("m1",))
    assert panel.ledger.rows_kept["sessions"] == panel.ledger.rows_read["sessions"] == 5
    wide = OneToOne(longest_session=600, most_per_day=3, count_zero_minutes=True, dose="minutes")
    ana = dosage(panel_of(wide, records), "ana", Y1)
    assert (ana["sessions"], ana["minutes"]) == (5, 600 + 0 + 20 + 30 + 40)
    assert panel_of(wide, records).dosage == "minutes"


@pytest.mark.parametrize("name", ["sessions", "planned_share", "participated", "model", "caseload"])
def test_dosage_can_not_be_a_covariate(name: str) -> None:
    with pytest.raises(DataError, match=f"'{name}' can not be a covariate: it is known only of mentored students"):
        panel_of(OneToOne(), district(PAIR, LOG), covariates=[name])


def test_the_mentor_of_a_student_with_two_is_the_first() -> None:
    matches = """
        match_id | student_id | mentor_id | start_date
        m1       | ana        | ida       | 2022-09-06
        m2       | ana        | tom       | 2021-09-07
    """
    panel = panel_of(OneToOne(), district(matches))
    assert dosage(panel, "ana", Y2)["mentor_id"] == "tom"
    assert noted(panel)["several_mentors"] == ("flagged", 1, ("ana",))


# ---------------------------------------------------------------- fidelity
FIDELITY = """
    match_id | student_id | mentor_id | start_date | end_date   | end_reason | matched_by | planned_per_week | site
    m1       | ana        | tom       | 2021-09-07 | 2021-09-17 | moved      | interests  | 2                | north
    m2       | ben        | tom       | 2021-09-13 |            |            |            |                  | north
"""


def test_fidelity_of_each_match_mentor_and_site() -> None:
    mentors = """
        mentor_id | training_hours
        tom       | 2.5
    """
    log = LOG.replace("| mode      |", "| activity  |").replace("phone    ", "check_in ")
    found = fidelity(district(FIDELITY, log, mentors), "one_to_one", by="match")
    first, second = (row for _, row in found.frame.iterrows())
    assert (first["sessions"], first["planned_contacts"], first["planned_share"]) == (3, 4, 3 / 4)
    assert (first["training_hours"], first["check_ins"], first["days_matched"]) == (2.5, 1, 11)
    assert (second["sessions"], second["weeks_matched"]) == (0, 2 + 3)  # two weeks of the first year, three of the next
    (tom,) = (row for _, row in found.by("mentor").frame.iterrows())
    assert (tom["matches"], tom["n_ended"], tom["never_met"], tom["training_hours"]) == (2, 1, 1, 2.5)
    assert tom["contact_weeks_share"] == 2 / (2 + 5)
    assert tom["planned_share"] == 3 / 4  # only of the match that has a plan
    assert found.by("site").frame["site"].tolist() == ["north"]
    assert dict(zip(found.ended["end_reason"], found.ended["share"], strict=True)) == {"moved": 0.5, "open": 0.5}
    assert found.matched_by["matched_by"].tolist() == ["interests", "not_said"]
    assert "3 contacts of 4 planned" in repr(found)


def test_fidelity_says_what_it_can_not_do() -> None:
    with pytest.raises(DataError, match="no sessions table"):
        fidelity(district(FIDELITY), "one_to_one")
    with pytest.raises(DataError, match="school_wide has no matches"):
        fidelity(district(FIDELITY, LOG), SchoolWide(starts=(("oak", "2022-01-10"),)))
    with pytest.raises(OptionError, match=r"no level 'mentors'. Did you mean 'mentor'"):
        fidelity(district(FIDELITY, LOG), "one_to_one", by="mentors")  # type: ignore[arg-type]
