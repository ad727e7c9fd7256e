"""Base images: found as the builder finds them, replaced by build arguments only."""

import pytest

from seaway.images import base_images

SUBSTITUTES = {"python:3.12-slim": "registry.example.com/python:3.11"}


def found(text: str, **args: str) -> list[tuple[str, str | None, int]]:
    parsed = base_images.BaseImages.parse(text, file="Dockerfile", args=args)
    return [(base.reference, base.argument, base.line) for base in parsed.images]


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
        ("FROM\ta\tAS\tb\nFROM b", [("a", None, 1)]),
        ("FROM a\nRUN cat <<<x && echo $((1<<2))\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ("FROM a\nCOPY --chown=1 --from=b:1 /x /y", [("a", None, 1), ("b:1", None, 2)]),
        ("FROM a\nRUN --mount=type=bind,from=b:1,target=/b \\\n  true", [("a", None, 1), ("b:1", None, 2)]),
        ("FROM a AS one\nFROM a\nCOPY --from=One x y\nCOPY --from=0 x y", [("a", None, 1), ("a", None, 2)]),
        ("FROM a\nCOPY --from=late x y\nFROM a AS late", [("a", None, 1), ("a", None, 3)]),
        ("FROM a\nRUN tool --from=b\nCOPY x --from=b", [("a", None, 1)]),
        ("", []),
    ],
)
def test_parse(text: str, expected: list[tuple[str, str | None, int]]) -> None:
    assert found(text) == expected


def test_arguments_of_the_application_win() -> None:
    assert found("ARG B=python:3.12-slim\nFROM $B", B="python:3.13") == [("python:3.13", "B", 2)]


def test_substitute_goes_through_the_argument() -> None:
    parsed = base_images.BaseImages.parse(
        "ARG BASE_IMAGE=python:3.12-slim\nFROM $BASE_IMAGE AS a\nFROM $BASE_IMAGE", file="f"
    )
    assert parsed.apply_overrides(SUBSTITUTES) == ({"BASE_IMAGE": "registry.example.com/python:3.11"}, ())
    assert parsed.apply_overrides({"other": "x"}) == ({}, ())


def test_files_of_a_substituted_image_are_told_with_their_line() -> None:
    text = "ARG BASE_IMAGE=python:3.12-slim\nFROM $BASE_IMAGE AS postgres\nCOPY --from={} /a /b\n"
    substitutes = {"postgres:17": "registry.example.com/postgres:17"}
    _, (problem,) = base_images.BaseImages.parse(text.format("postgres:17"), file="f").apply_overrides(substitutes)
    assert str(problem) == (
        "f:3: this environment has a substitute for postgres:17, but this line names it; "
        "write `ARG COPIED_IMAGE=postgres:17` above the first FROM, `FROM ${COPIED_IMAGE} AS copied` as a stage above "
        "this one, and take the files from `copied` here"
    )
    for fine in ("postgres", "postgres:16"):
        assert base_images.BaseImages.parse(text.format(fine), file="f").apply_overrides(substitutes) == ({}, ())
    mended = "ARG COPIED_IMAGE=postgres:17\nFROM ${COPIED_IMAGE} AS copied\nFROM a\nCOPY --from=copied /a /b\n"
    assert base_images.BaseImages.parse(mended, file="f").apply_overrides(substitutes) == (
        {"COPIED_IMAGE": "registry.example.com/postgres:17"},
        (),
    )


@pytest.mark.parametrize(
    "name", ["python:3.12-slim", "docker.io/library/python:3.12-slim", "docker.io/python:3.12-slim"]
)
def test_substitute_in_any_spelling(name: str) -> None:
    instead = SUBSTITUTES["python:3.12-slim"]
    parsed = base_images.BaseImages.parse(f"ARG B={name}\nFROM $B", file="f")
    assert parsed.arguments == {"B": name}
    assert parsed.apply_overrides(SUBSTITUTES) == ({"B": instead}, ())


def test_a_base_that_offers_no_way_is_told_with_its_line() -> None:
    parsed = base_images.BaseImages.parse("# web\nFROM python:3.12-slim\nFROM debian:12", file="web/Dockerfile")
    args, (problem,) = parsed.apply_overrides(SUBSTITUTES)
    assert args == {}
    assert str(problem) == (
        "web/Dockerfile:2: this environment has a substitute for python:3.12-slim, but FROM names it; "
        "write `ARG BASE_IMAGE=python:3.12-slim` above the first FROM, and `FROM ${BASE_IMAGE}` here"
    )


def test_a_base_that_no_lock_can_pin_is_told_with_its_line() -> None:
    text = """ARG B=python:3.12-slim
FROM ${B} AS build
FROM debian:12@sha256:1
COPY --from=build /a /a
COPY --from=busybox:1 /bin/a /a
FROM alpine:3
"""
    parsed = base_images.BaseImages.parse(text, file="web/Dockerfile")
    assert [str(problem) for problem in parsed.find_unpinnable().values()] == [
        "web/Dockerfile:5: busybox:1 is written out, so images.lock cannot pin it; "
        "write `ARG COPIED_IMAGE=busybox:1` above the first FROM, `FROM ${COPIED_IMAGE} AS copied` as a stage above "
        "this one, and take the files from `copied` here",
        "web/Dockerfile:6: alpine:3 is written out, so images.lock cannot pin it; "
        "write `ARG BASE_IMAGE=alpine:3` above the first FROM, and `FROM ${BASE_IMAGE}` here",
    ]
