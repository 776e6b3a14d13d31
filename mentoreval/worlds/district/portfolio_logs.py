"""Tables of several kinds of mentoring at once: sessions by mode, groups that meet together, and who mentors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mentoreval.aliases import IntArray, ObjectArray
from mentoreval.worlds.district.district import Chronicle
from mentoreval.worlds.district.groups import group_sessions, group_sizes
from mentoreval.worlds.district.mentoring import Mentoring
from mentoreval.worlds.district.people import number_ids
from mentoreval.worlds.district.roster import NOBODY
from mentoreval.worlds.district.tables import Ids

GROUP, ON_PLATFORM, PEER = "group", "e_mentoring", "peer_cross_age"
JOIN = " + "
GROUP_EVERY, GROUP_MINUTES = 5, 60
IN_PERSON_MINUTES, IN_PERSON_SHARE = 60, 0.1
PLANNED_PER_WEEK: Mapping[str, int] = {"one_to_one": 2, PEER: 1, ON_PLATFORM: 1, GROUP: 1}
MAX_CASELOAD: Mapping[str, int] = {"one_to_one": 5, PEER: 3, ON_PLATFORM: 4, GROUP: 10}


def portfolio_tables(
    chronicle: Chronicle, program: Mentoring, model: ObjectArray, peers: IntArray, rng: np.random.Generator
) -> tuple[dict[str, pd.DataFrame], Ids]:
    """The tables of a district with several kinds of mentoring, and the identifiers in them.

    model : (n_matches,) kind of each match; peers : (n_mentors,) the student who is each mentor, NOBODY for adults
    """
    history = chronicle.follow(program, rng)
    drawn, ids = chronicle.draw_tables(program, rng, history)
    # Match identifiers are numbered in order and the table is sorted by them, so that rows are matches.
    matches = drawn["matches"].assign(model=model)
    drawn["matches"] = matches.assign(planned_per_week=matches["model"].map(PLANNED_PER_WEEK))
    parts = [_with_mode(drawn["sessions"], drawn["matches"], rng)]
    for attended, running in zip(chronicle.attended, history.running, strict=True):
        match, day, minutes = group_sessions(
            running, chronicle.matches.mentor, attended.present, GROUP_EVERY, GROUP_MINUTES, rng
        )
        of_groups = model[match] == GROUP
        told = {"match_id": ids.match[match], "date": attended.year.iso_dates[day], "minutes": minutes}
        parts.append(pd.DataFrame(told)[of_groups].assign(mode="in_person", activity="group_meeting"))
    sessions = pd.concat(parts, ignore_index=True)
    sessions = sessions.sort_values(["match_id", "date"], kind="stable", ignore_index=True)
    sizes = group_sizes(sessions, drawn["matches"]).astype("Int64")
    drawn["sessions"] = sessions.assign(group_size=sizes.where(sessions["activity"] == "group_meeting"))
    drawn["mentors"] = _mentors(drawn["matches"], chronicle, peers, ids, rng)
    return drawn, ids


def arms_of(matches: pd.DataFrame) -> pd.Series[str]:
    """The kinds of each student in the order of their starts, by student_id."""
    ordered = matches.sort_values(["start_date", "match_id"], kind="stable")
    return ordered.groupby("student_id")["model"].agg(JOIN.join)


def _with_mode(sessions: pd.DataFrame, matches: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Sessions of pairs: most of e-mentoring is messages of a few minutes or none, the rest is in person."""
    kind = sessions["match_id"].map(matches.set_index("match_id")["model"]).to_numpy(dtype=object)
    n = len(sessions)
    meets = rng.random(n) < IN_PERSON_SHARE
    messages = (kind == ON_PLATFORM) & ~meets
    short = 5 * rng.integers(0, 5, size=n)
    minutes = np.where(messages, short, np.where(kind == ON_PLATFORM, IN_PERSON_MINUTES, sessions["minutes"]))
    activity = np.select([messages, kind == PEER], ["message", "after_school"], "meeting")
    return sessions.assign(minutes=minutes, mode=np.where(messages, "platform", "in_person"), activity=activity)


def _mentors(
    matches: pd.DataFrame, chronicle: Chronicle, peers: IntArray, ids: Ids, rng: np.random.Generator
) -> pd.DataFrame:
    """One row for each mentor, with the student who is a peer mentor."""
    names = number_ids("T", len(peers))
    first = matches.drop_duplicates("mentor_id").set_index("mentor_id").reindex(names.tolist())
    start = matches.groupby("mentor_id")["start_date"].min().reindex(names.tolist())
    own = ids.student[peers]
    own[peers == NOBODY] = None
    columns = {"mentor_id": names, "mentor_type": first["mentor_type"].to_numpy(), "student_id": own}
    columns |= {"start_date": start.to_numpy(), "training_hours": 2 * rng.integers(1, 8, size=len(peers))}
    return pd.DataFrame({**columns, "max_caseload": first["model"].map(MAX_CASELOAD).to_numpy()})
