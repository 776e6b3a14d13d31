"""The review as readers see it: fourteen points for every estimate, no rating claimed, no small count."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mentoreval.evidence import wwc_items, wwc_result_items
from mentoreval.evidence.wwc_audit import AUDIT_COLUMNS, ITEMS, wwc_audit
from mentoreval.numerics.multiplicity import benjamini_hochberg
from mentoreval.report.exhibits import EXHIBITS, EssaTable, ImpactDetails, WwcAuditTable
from mentoreval.report.section import Material
from mentoreval.report.sections.wwc_audit import WwcAuditSection
from mentoreval.report.words import Words, available_languages, keys_of

LANGUAGES = available_languages()


@pytest.fixture(scope="module")
def material(evaluation):
    return Material.gather(evaluation, EXHIBITS)


def said(blocks) -> str:
    """Everything that is written, in order."""
    out: list[str] = []
    for block in blocks:
        if block.kind == "table":
            out += [cell for row in block.rows for cell in row]
        elif block.kind == "statement":
            out += [block.label, *block.sentences]
        else:
            out.append(block.text)
    return "\n".join(out)


def test_every_estimate_has_fourteen_rows(evaluation):
    audit = wwc_audit(evaluation)
    assert tuple(audit.frame.columns) == AUDIT_COLUMNS
    assert set(audit.frame.groupby("name").size()) == {14}
    assert set(audit.frame["name"]) == {result.plan.name for result in evaluation.results}
    assert len(WwcAuditTable.gather(evaluation)) == len(evaluation.results)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_section_is_written_for_every_estimate_and_claims_no_rating(material, language):
    words = Words(language)
    blocks = WwcAuditSection().write(material, words)
    tables = [block for block in blocks if block.kind == "table"]
    assert len(tables) == 1 + len(material.evaluation.results)
    assert all(len(table.rows) == 14 for table in tables[1:])
    text = said(blocks)
    assert "{" not in text
    assert not re.search(r"\bnan\b", text.lower())
    for claim in ("meets", "cumple los estándares"):
        assert claim not in text.lower()
    assert words("wwc.ceiling.no_lottery") in text


def keys_given(function: ast.FunctionDef) -> set[str]:
    """The message keys that a function of an item can give: in its opinions, and where one is put together before."""
    places = [
        node.args[1]
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ItemOpinion"
    ]
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "key":
            places.append(node.value)
    texts = {part.value for place in places for part in ast.walk(place) if isinstance(part, ast.Constant)}
    return {text for text in texts if isinstance(text, str)}


def test_every_key_of_the_items_has_its_words_and_no_other_is_worded():
    """A key without a sentence would stop the report of some other study."""
    given: dict[str, set[str]] = {}
    for module in (wwc_items, wwc_result_items):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for item, judge in ITEMS.items():
            if judge.__module__ == module.__name__:
                given[item] = keys_given(functions[judge.__name__])
    given["domain"] -= {"significant"}  # a number that is asked for, no key
    given["confounds"] |= {"one_unit", "composition"}
    given["missing_data"] |= {"low_optimistic", "high"}
    worded = {item: set() for item in ITEMS}
    for key in keys_of("en"):
        if key.startswith("wwc_found."):
            _, item, name = key.split(".")
            worded[item].add(name)
    assert worded == given


def test_small_counts_are_not_told(evaluation):
    (table, *_) = WwcAuditTable.gather(evaluation)
    row = table.frame["item"] == "sample"
    numbers = dict(table.frame.loc[row, "numbers"].iloc[0]) | {"n_treated": 7, "n_compared_treated": 7}
    frame = table.frame.copy()
    frame.loc[row, "numbers"] = [numbers]
    cells = [cell for line in replace(table, frame=frame).tabled(Words("en")).rows for cell in line]
    assert any("<10 compared, <10 counted" in cell for cell in cells)


def test_tiers_are_under_their_conditions(evaluation):
    table = EssaTable.gather(evaluation)[0].tabled(Words("en"))
    assert [row[0] for row in table.rows][-3:] == ["Tier 1 (strong)", "Tier 2 (moderate)", "Tier 3 (promising)"]
    assert all(cell == "✕ ruled out" for cell in table.rows[-3][1:])


def test_adjusted_p_values_stand_where_a_family_has_several_results(evaluation):
    (details,) = ImpactDetails.gather(evaluation)
    table = details.tabled(Words("en"))
    assert table.columns[-1].label == "p, adjusted"
    for _, family in details.frame.groupby("family"):
        expected = benjamini_hochberg(family["p_value"].to_numpy(dtype=float))
        assert family["p_adjusted"].to_list() == pytest.approx(expected)
    assert "attendance rate" in table.notes[-1]
    alone = replace(details, frame=details.frame.assign(family_size=1))
    assert alone.tabled(Words("en")).columns[-1].label != "p, adjusted"
