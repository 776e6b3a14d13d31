"""Several programs in sentences: by the names that the study gives them, in each language."""

from __future__ import annotations

import pytest

from mentoreval.report.words import Words


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_pair_is_said_by_the_names_of_the_study(language: str) -> None:
    words = Words(language, {}, "student", {"one_to_one": "one-to-one mentoring", "none": "no mentor"}, 10)
    said = words.outcome("attendance_rate", "one_to_one – none")
    assert said.endswith("one-to-one mentoring – no mentor")
    assert said.startswith(words.outcome("attendance_rate"))


def test_without_a_name_the_label_is_made_readable() -> None:
    assert Words("en").arm("e_mentoring") == "e mentoring"
