"""The classes of the model in Python."""

import ast

import seaway
from dev import project
from dev.pages import python_stub

STUB = project.ROOT / "seaway" / "__init__.pyi"


def test_the_stub_has_each_key_with_the_forms_of_yaml() -> None:
    message = "run .venv/bin/python -m dev.pages.python_stub > seaway/__init__.pyi"
    assert STUB.read_text() == python_stub.write_stub(), message


def test_each_class_of_the_stub_exists() -> None:
    """tests/typing has what a type checker accepts and rejects; `make check` runs it."""
    names = [node.name for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.ClassDef)]
    public = [name for name in names if not name.startswith("_")]
    assert {"Application", "Service", "ServiceKeys", "Health"} <= set(public)
    assert [name for name in public if getattr(seaway, name).__name__ != name] == []
