"""No test depends on the speed of the machine: an assertion may bound seconds from below, never from above.

What must not wait gets something so long to wait for that only a hang would (`deadline=3600`), and a load follows what
is measured (tests/support/steering.py). Figures are ratios against a peer in the same run: `make bench`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for path in (ROOT / "tests").rglob("test_*.py"))
CLOCKS = {"monotonic", "perf_counter", "time"}


def is_elapsed(node: ast.AST) -> bool:
    """Return whether a node is elapsed time: `time.monotonic() - start`, `result.seconds`, or such a name."""
    match node:
        case ast.BinOp(op=ast.Sub()):
            return any(
                isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and child.func.attr in CLOCKS
                for child in ast.walk(node)
            )
        case ast.Attribute(attr="seconds") | ast.Name(id="seconds" | "elapsed"):
            return True
        case _:
            return False


def list_upper_bounds(source: str) -> Iterator[int]:
    """List the lines of assertions that bound elapsed seconds from above."""
    for asserted in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)):
        for node in ast.walk(asserted.test):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
                less, more = isinstance(operator, ast.Lt | ast.LtE), isinstance(operator, ast.Gt | ast.GtE)
                if (less and is_elapsed(left)) or (more and is_elapsed(right)):
                    yield node.lineno


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / "tests")))
def test_no_assertion_bounds_seconds_from_above(file: Path) -> None:
    lines = list(list_upper_bounds(file.read_text()))
    assert lines == [], f"{file.relative_to(ROOT)}: lines {lines} depend on the speed of the machine"


@pytest.mark.parametrize(
    ("line", "bounds"),
    [
        ("assert time.monotonic() - begun < 5", True),
        ("assert 5 >= time.time() - begun", True),
        ("assert 2 < time.monotonic() - begun < 20, 'text'", True),
        ("assert done.seconds <= 10 and done.code", True),
        ("assert seconds < WARM", True),
        ("assert time.monotonic() - begun > 2", False),
        ("assert 2 <= done.seconds", False),
        ("assert time.monotonic() < end, 'it hangs'", False),
        ("while time.monotonic() - begun < 5: pass", False),
    ],
)
def test_upper_bounds_of_seconds_are_detected(line: str, bounds: bool) -> None:
    assert bool(list(list_upper_bounds(line))) == bounds
