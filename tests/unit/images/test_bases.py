"""Base images: found as the builder finds them, replaced by build arguments only."""

import pytest

from seaway.images import bases

SUBSTITUTES = {"python:3.12-slim": "registry.example.com/python:3.11"}


def found(text: str, **args: str) -> list[tuple[str, str | None, int]]:
    parsed = bases.Bases.parse(text, file="Dockerfile", args=args)
    return [(base.reference, base.argument, base.line) for base in parsed.found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch", []),
        ("FROM python:3.12-slim", [("python:3.12-slim", None, 1)]),
        ("ARG B=python:3.12-slim\nFROM ${B}", [("python:3.12-slim", "B", 2)]),
        ("arg B=python:3.12-slim\nfrom $B as x", [("python:3.12-slim", "B", 2)]),
        ('ARG A=1 B="python:3.12-slim"\nFROM $B', [("python:3.12-slim", "B", 2)]),
        ("ARG V=3.12\nFROM python:${V}-slim", [("python:3.12-slim", None, 2)]),
        ("ARG V=3.12\nARG B=python:${V}-slim\nFROM $B", [("python:3.12-slim", "B", 3)]),
        ("ARG B\nFROM ${B:-python:3.12-slim}", [("python:3.12-slim", "B", 2)]),
        ("FROM --platform=$BUILDPLATFORM a AS b\nFROM B", [("a", None, 1)]),
        ("# FROM x\n\nFROM \\\n# comment\n  a \\\n  AS b", [("a", None, 3)]),
        ("FROM a\nARG B=c\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ("FROM scratch\nARG B=c\nFROM ${B:-d}", [("d", None, 3)]),
        ("FROM a\nRUN <<EOF\nFROM x\nEOF\nFROM b", [("a", None, 1), ("b", None, 5)]),
        ("FROM a\nRUN <<-'PY' python3\nfrom x import y\n\tPY\n", [("a", None, 1)]),
        ("FROM a\nRUN echo FROM b", [("a", None, 1)]),
        ("ARG Q=it's\nFROM a", [("a", None, 2)]),
        ("", []),
    ],
)
def test_parse(text: str, expected: list[tuple[str, str | None, int]]) -> None:
    assert found(text) == expected


def test_arguments_of_the_application_win() -> None:
    assert found("ARG B=python:3.12-slim\nFROM $B", B="python:3.13") == [("python:3.13", "B", 2)]


def test_substitute_goes_through_the_argument() -> None:
    parsed = bases.Bases.parse("ARG BASE_IMAGE=python:3.12-slim\nFROM $BASE_IMAGE AS a\nFROM $BASE_IMAGE", file="f")
    assert parsed.substitute(SUBSTITUTES) == ({"BASE_IMAGE": "registry.example.com/python:3.11"}, ())
    assert parsed.substitute({"other": "x"}) == ({}, ())


def test_a_base_that_offers_no_way_is_told_with_its_line() -> None:
    parsed = bases.Bases.parse("# web\nFROM python:3.12-slim\nFROM debian:12", file="web/Dockerfile")
    args, (problem,) = parsed.substitute(SUBSTITUTES)
    assert args == {}
    assert str(problem) == (
        "web/Dockerfile:2: this environment has a substitute for python:3.12-slim, but FROM names it; "
        "write `ARG BASE_IMAGE=python:3.12-slim` above the first FROM, and `FROM ${BASE_IMAGE}` here"
    )
