"""`.dockerignore` as Docker reads it: the cases of its reference, and differences from `.gitignore`."""

from typing import Any

import pytest

from seaway.files import ignore
from seaway.syntax import diagnosis
from tests.support import diagnostics


@pytest.mark.parametrize(
    ("text", "path", "excluded"),
    [
        ("", "a", False),
        ("# a", "# a", False),
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),  # not as in .gitignore: from the root only
        ("/a", "a", True),
        ("a/", "a", True),
        ("./a/../b", "b", True),
        ("  a  ", "a", True),
        (".", "a", False),
        ("*.md", "README.md", True),
        ("*.md", "docs/README.md", False),
        ("**/*.md", "docs/deep/README.md", True),
        ("**/*.md", "README.md", True),
        ("*/temp*", "a/temporary.txt", True),
        ("*/temp*", "a/b/temporary.txt", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("temp?", "temp/", False),
        ("a/**", "a/b/c", True),
        ("a/**/z", "a/z", True),
        ("a/**/z", "a/b/c/z", True),
        ("**", "anything/at/all", True),
        ("*.py[co]", "a.pyc", True),
        ("*.py[co]", "a.py", False),
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        (r"\!a", "!a", True),
        ("[[]a", "[a", True),  # these sets mean something else in Python
        ("[[]a", "a", False),
        ("[a&&b]", "&", True),
        ("[a~~b]", "~", True),
        ("[!a]", "a", True),
        ("[^^]", "^", False),
        ("[a^]", "^", True),
        (r"[\]\-]", "]", True),
        (r"[\]\-]", "-", True),
        (r"[\d]", "1", False),
        (r"[\d]", "d", True),
        ("[a-c0]", "b", True),
        ("[a-c0]", "-", False),
        ("a]", "a]", True),
        (r"\[a", "[a", True),
        ("a.b", "axb", False),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("!README.md\n*.md", "README.md", True),
        ("a\n!a/keep", "a/keep", False),  # not as in .gitignore: back out of an excluded folder
        ("a\n!a/keep", "a/keep/b", False),
        ("a\n!a/keep", "a/other", True),
        ("\ufeffa", "a", True),
        ("a\r\nb\r\n", "b", True),
    ],
)
def test_rules(text: str, path: str, excluded: bool) -> None:
    assert ignore.IgnoreRules(text).excludes(path) is excluded


@pytest.mark.parametrize("line", ["[z-a]", "![z-a]", "[-a]", "a[b-]", "a[b", "[]", "[]a]", "[^]", "[", "a\\", "!"])
def test_invalid_patterns(line: str, wording: Any) -> None:
    with pytest.raises(diagnosis.InvalidInput) as raised:
        ignore.IgnoreRules(f"# fine\n*.md\n{line}\n", file="web/.dockerignore")
    assert diagnostics.summarize(raised.value.diagnostics) == ["web/.dockerignore:3: : invalid-pattern"]
    assert [str(raised.value)] == wording


def test_all_invalid_patterns_are_reported_at_once() -> None:
    errors = diagnostics.catch(lambda: ignore.IgnoreRules("[z-a]\na\n!\n"))
    assert [diagnostic.location.line for diagnostic in errors] == [1, 3]


@pytest.mark.parametrize(
    ("text", "folder", "pruned"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a\n!a/keep", "a", False),
        ("a\n!b", "a", True),
        ("a\n!ab", "a", True),
        ("a\n!**/keep", "a", False),
        ("a\n!a/*/keep", "a/b", False),
        ("*\n!src", "node_modules", True),
    ],
)
def test_folders_are_read_only_if_an_exception_may_match_inside(text: str, folder: str, pruned: bool) -> None:
    assert ignore.IgnoreRules(text).prunes(folder) is pruned


@pytest.mark.parametrize(
    "pattern", ["*a" * 12 + "b", "**/a/" * 12 + "b", "**a" * 12 + "b", "?*" * 12 + "b", "*" * 40 + "b"]
)
def test_a_path_takes_as_many_steps_as_it_has_characters(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With backtracking, these patterns take exponential time."""
    steps: list[str] = []
    real = ignore._Matcher._advance  # pyright: ignore[reportPrivateUsage]

    def counted(self: Any, state: frozenset[int], character: str) -> frozenset[int]:
        steps.append(character)
        return real(self, state, character)

    monkeypatch.setattr(ignore._Matcher, "_advance", counted)  # pyright: ignore[reportPrivateUsage]
    path = "a/" * 500 + "a" * 1000
    assert ignore.IgnoreRules(pattern).excludes(path) is False
    assert len(steps) <= len(path)
