"""Small files and small functions: a long one is two ideas, and the answer is to find the second one's name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "mentoreval").rglob("*.py"))

FILE_LINES, FILE_LINES_AIMED_AT = 400, 300
FUNCTION_LINES, FUNCTION_LINES_OF_MOST = 50, 15


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of the package, with the place where it stands."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement to the last, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    last = function.end_lineno or function.lineno
    return last - body[0].lineno + 1 if body else 0


def test_no_file_is_too_long() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in sizes.items() if lines > FILE_LINES} == {}
    over_aim = {name: lines for name, lines in sizes.items() if lines > FILE_LINES_AIMED_AT}
    assert len(over_aim) <= len(sizes) / 10, f"one file in ten may pass {FILE_LINES_AIMED_AT} lines: {over_aim}"


def test_no_function_is_too_long_and_most_are_short() -> None:
    sizes = {place: body_lines(function) for place, function in functions()}
    assert {place: lines for place, lines in sizes.items() if lines > FUNCTION_LINES} == {}
    assert sum(lines <= FUNCTION_LINES_OF_MOST for lines in sizes.values()) > len(sizes) / 2
