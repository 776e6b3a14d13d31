"""Whoever reads a function's signature finds beside it what goes in, what comes out and what can go wrong."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mentoreval.effects.estimator import Estimator
from mentoreval.effects.estimators import ESTIMATORS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "mentoreval").rglob("*.py"))
HEADINGS = ("Estimand", "Assumptions", "Estimator", "Standard errors", "Edge cases", "References", "Example")

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def definitions() -> Iterator[tuple[str, Definition]]:
    """Every public class and function of the package, with the place where it stands; functions in functions too."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Definition) and not node.name.startswith("_"):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def is_overload(node: Definition) -> bool:
    """Whether this only types one way of calling the function that follows."""
    return any("overload" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_every_module_says_what_it_is_for() -> None:
    docs = {
        str(path.relative_to(ROOT)): ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) for path in FILES
    }
    silent = [name for name, doc in docs.items() if len(re.findall(r"\w+", doc or "")) < 3]
    assert silent == [], "\n".join(silent)


def test_every_public_class_and_function_has_a_docstring() -> None:
    bare = [place for place, node in definitions() if not ast.get_docstring(node) and not is_overload(node)]
    assert bare == [], "\n".join(bare)


@pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)
def test_an_estimator_says_all_that_must_be_known_about_it(estimator: type[Estimator]) -> None:
    doc = inspect.cleandoc(vars(estimator)["__doc__"])
    found = {heading: re.search(rf"^\W*{heading}\b", doc, re.MULTILINE) for heading in HEADINGS}
    assert [heading for heading, match in found.items() if match is None] == []
    places = [match.start() for match in found.values() if match]
    assert places == sorted(places), f"the headings come in the order {', '.join(HEADINGS)}"
    assert ">>>" in doc[places[-1] :], "the example is one that runs as a doctest"
