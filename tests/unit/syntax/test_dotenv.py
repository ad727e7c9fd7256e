"""Files of environment variables: assignments, quotes, escapes and errors."""

import pytest

from seaway.syntax import diagnosis, dotenv
from tests.support import diagnostics

TEXT = """\
\ufeff# comment
A=1
export B = 'two'  # comment
C: "three
lines \\$\\"x\\" \\n"
D
E='it\\'s # text'
F=a#b # c
G=
"""


def parse(text: str) -> tuple[list[dotenv.Assignment], list[diagnosis.Diagnostic]]:
    found: list[diagnosis.Diagnostic] = []
    return list(dotenv.parse(text, "a.env", "envFile", found)), found


def test_the_forms_of_an_assignment() -> None:
    assert parse(TEXT.removeprefix("\ufeff")) == (
        [
            dotenv.Assignment(2, "A", "=", "1", ""),
            dotenv.Assignment(3, "B ", "=", "two", "'"),
            dotenv.Assignment(4, "C", ":", 'three\nlines \\$\\"x\\" \\n', '"'),
            dotenv.Assignment(6, "D", "", None, ""),
            dotenv.Assignment(7, "E", "=", "it's # text", "'"),
            dotenv.Assignment(8, "F", "=", "a#b", ""),
            dotenv.Assignment(9, "G", "=", "", ""),
        ],
        [],
    )


@pytest.mark.parametrize(
    ("text", "expected"), [(r"a\n\t\"\\", 'a\n\t"\\'), (r"\$A", "$A"), (r"\0101\d", "A\\d"), ("plain", "plain")]
)
def test_escapes(text: str, expected: str) -> None:
    assert dotenv.unescape(text) == expected


def test_an_escaped_dollar_can_stay_escaped() -> None:
    assert dotenv.unescape(r"\$A", dollar="$$") == "$$A"


@pytest.mark.parametrize(
    ("text", "line", "names"),
    [
        ("hunter2 b=1\nC=2", 1, ["C"]),
        ("A=1\nB='hunter2\ny", 2, ["A"]),
        ('A="x" hunter2\nB=2', 1, ["B"]),
        ("=hunter2\nB=2", 1, ["B"]),
    ],
    ids=["name", "open quote", "text after a quote", "no name"],
)
def test_errors(text: str, line: int, names: list[str], wording: list[str]) -> None:
    assignments, found = parse(text)
    assert [each.name for each in assignments] == names
    assert diagnostics.summarize(found) == [f"a.env:{line}:1: envFile: invalid-assignment"]
    assert list(map(str, found)) == wording
    assert "hunter2" not in str(found)


def test_a_file_of_something_else_ends_soon() -> None:
    assignments, found = parse("a b\n" * 1000)
    assert (assignments, len(found)) == ([], 50)
