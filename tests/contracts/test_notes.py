"""What estimates note is a key and numbers; its sentence stands in every language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mentoreval.report.words import available_languages, keys_of

EFFECTS = Path(__file__).resolve().parents[2] / "mentoreval" / "effects"


def keys_of_notes() -> Iterator[tuple[str, str]]:
    """Place and key of every note that the package makes; of a choice between keys, each."""
    for path in sorted(EFFECTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Note" and node.args:
                texts = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                yield from ((f"{path.name}:{node.lineno}", str(text)) for text in texts)


def texts_given_as_notes() -> Iterator[str]:
    """Places where a text is handed over as a note."""
    for path in sorted(EFFECTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for keyword in getattr(node, "keywords", ()):
                parts = getattr(keyword.value, "elts", [keyword.value])
                if keyword.arg == "notes" and any(isinstance(part, ast.Constant | ast.JoinedStr) for part in parts):
                    yield f"{path.name}:{keyword.value.lineno}"


def test_no_estimator_notes_a_sentence() -> None:
    assert list(texts_given_as_notes()) == []


@pytest.mark.parametrize("language", available_languages())
def test_every_note_has_its_words(language: str) -> None:
    known, made = keys_of(language), list(keys_of_notes())
    assert {"few_clusters", "weights_as_given"} <= {key for _, key in made}
    assert [(place, key) for place, key in made if f"note.{key}" not in known] == []
