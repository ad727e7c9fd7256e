"""Base images: parsed as the builder does, overridden only by build arguments."""

from typing import Any

import pytest

from seaway.images import base_images
from tests.support import diagnostics

OVERRIDES = {"python:3.12-slim": "registry.example.com/python:3.11"}


def list_images(text: str, **args: str) -> list[tuple[str, str | None, int]]:
    bases = base_images.BaseImages.parse(text, file="Dockerfile", args=args)
    return [(image.reference, image.argument, image.line) for image in bases.images]


def parse(text: str) -> base_images.BaseImages:
    return base_images.BaseImages.parse(text, file="Dockerfile")


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
        ('FROM a\nRUN cat <<"END-OF" > /x\nFROM x\nEND-OF\nFROM b', [("a", None, 1), ("b", None, 5)]),
        ("FROM a\nRUN cat <<A.1 <<'B b' 3<<C\nFROM x\nA.1\nB b\nFROM y\nC\nFROM b", [("a", None, 1), ("b", None, 8)]),
        ("FROM a\nRUN cat <<EOF\n EOF\nFROM x\nEOF \nEOF\nFROM b", [("a", None, 1), ("b", None, 7)]),
        ("FROM a\nONBUILD RUN <<EOF\nFROM x\nEOF\nFROM b", [("a", None, 1), ("b", None, 5)]),
        ("FROM a\nRUN python -c 'print(1 <<EOF)'\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ('FROM a\nRUN ["sh", "-c", " <<EOF"]\nFROM b', [("a", None, 1), ("b", None, 3)]),
        ('FROM a\nRUN --mount=type=ssh ["cat", " <<EOF "]\nFROM b', [("a", None, 1), ("b", None, 3)]),
        ('FROM a\nCOPY --chmod=755 <<-"x y" /x\n\tFROM z\n\tx y\nFROM b', [("a", None, 1), ("b", None, 5)]),
        ("FROM a\nRUN echo it's <<EOF\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ("FROM a\nCMD cat <<EOF\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ("FROM a\nRUN echo \\\\\nFROM b", [("a", None, 1), ("b", None, 3)]),
        ("FROM alp\\\nine\nRUN a \\\n# FROM x\n\n b\r\nFROM b \\", [("alpine", None, 1), ("b", None, 7)]),
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
    assert list_images(text) == expected


CONTEXTS = {
    "shared": "./shared",
    "alpine": "docker-image://mirror/alpine:3",
    "build": "./built",
    "remote": "https://x/y.git",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM scratch\nCOPY --from=shared f /f", []),
        ("FROM a\nCOPY --from=shared f /f\nCOPY --from=other f /f", ["a", "other"]),
        ("FROM a\nRUN --mount=type=bind,from=shared,target=/x true", ["a"]),
        ("FROM shared", []),
        ("ARG BASE=shared\nFROM ${BASE}", []),
        ("FROM remote AS x\nFROM x", []),
        ("FROM alpine", ["mirror/alpine:3"]),
        ("FROM docker.io/library/alpine:latest", ["mirror/alpine:3"]),
        ("ARG BASE=alpine\nFROM ${BASE}\nCOPY --from=alpine a b", ["mirror/alpine:3", "mirror/alpine:3"]),
        ("FROM alpine:3.19", ["alpine:3.19"]),
        ("FROM golang AS build\nFROM a\nCOPY --from=build x y", ["a"]),
        ("FROM golang AS Build\nFROM build", []),
        ("FROM golang AS shared-build\nFROM shared-build", ["golang"]),
    ],
)
def test_named_contexts_replace_images_and_stages(text: str, expected: list[str]) -> None:
    bases = base_images.BaseImages.parse(text, file="Dockerfile", contexts=CONTEXTS)
    assert [image.reference for image in bases.images] == expected
    own = [image for image in bases.images if image.context is None]
    assert set(bases.find_unpinnable()) == set(own), "the lock file pins images of contexts"
    assert bases.apply_overrides({"mirror/alpine:3": "x", "shared": "y", "build": "z"}) == {}


def test_arguments_of_the_application_override_defaults() -> None:
    assert list_images("ARG B=python:3.12-slim\nFROM $B", B="python:3.13") == [("python:3.13", "B", 2)]


def test_overrides_use_the_build_argument() -> None:
    bases = parse("ARG BASE_IMAGE=python:3.12-slim\nFROM $BASE_IMAGE AS a\nFROM $BASE_IMAGE")
    assert bases.apply_overrides(OVERRIDES) == {"BASE_IMAGE": "registry.example.com/python:3.11"}
    assert bases.apply_overrides({"other": "x"}) == {}


@pytest.mark.parametrize(
    "name", ["python:3.12-slim", "docker.io/library/python:3.12-slim", "docker.io/python:3.12-slim"]
)
def test_overrides_match_any_spelling(name: str) -> None:
    bases = parse(f"ARG B={name}\nFROM $B")
    assert bases.arguments == {"B": name}
    assert bases.apply_overrides(OVERRIDES) == {"B": OVERRIDES["python:3.12-slim"]}


def test_images_without_a_build_argument_cannot_be_overridden(wording: Any) -> None:
    text = "FROM python:3.12-slim AS postgres\nFROM debian:12\nCOPY --from={} /a /b\n"
    overrides = OVERRIDES | {"postgres:17": "registry.example.com/postgres:17"}
    errors = diagnostics.catch(lambda: parse(text.format("postgres:17")).apply_overrides(overrides))
    assert diagnostics.summarize(errors) == ["Dockerfile:1: : fixed-base-image", "Dockerfile:3: : fixed-base-image"]
    assert list(map(str, errors)) == wording
    for name in ("postgres", "postgres:16"):  # a stage, and another image
        text = "ARG B=python:3.12-slim\nFROM $B AS postgres\nCOPY --from={} /a /b\n"
        assert list(parse(text.format(name)).apply_overrides(overrides)) == ["B"]
    fixed = "ARG COPIED_IMAGE=postgres:17\nFROM ${COPIED_IMAGE} AS copied\nFROM a\nCOPY --from=copied /a /b\n"
    assert parse(fixed).apply_overrides(overrides) == {"COPIED_IMAGE": "registry.example.com/postgres:17"}


def test_images_without_a_build_argument_cannot_be_pinned(wording: Any) -> None:
    text = """ARG B=python:3.12-slim
FROM ${B} AS build
FROM debian:12@sha256:1
COPY --from=build /a /a
COPY --from=busybox:1 /bin/a /a
FROM alpine:3
"""
    unpinnable = list(parse(text).find_unpinnable().values())
    assert diagnostics.summarize(unpinnable) == ["Dockerfile:5: : unpinnable-image", "Dockerfile:6: : unpinnable-image"]
    assert list(map(str, unpinnable)) == wording


def test_arguments_that_multiply_end() -> None:
    lines = ["ARG A0=0123456789", *(f"ARG A{number}=$A{number - 1}$A{number - 1}" for number in range(1, 24))]
    (image,) = base_images.BaseImages.parse("\n".join([*lines, "FROM $A23"]), file="Dockerfile").images
    assert len(image.reference) == 1000


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("# syntax=docker/dockerfile:1\nFROM a", {}, ("docker/dockerfile:1", 1)),
        ("#!/bin/build\n# escape=`\n#SYNTAX = evil.example.com/x  more\nFROM a", {}, ("evil.example.com/x", 3)),
        ("// syntax=evil.example.com/x\nFROM a", {}, ("evil.example.com/x", 1)),
        ("# syntax=a:1\nFROM a", {"BUILDKIT_SYNTAX": "b:1"}, ("b:1", 1)),
        ("# a comment\n# syntax=docker/dockerfile:1\nFROM a", {}, None),
    ],
)
def test_the_program_that_reads_the_file_is_pinned(
    text: str, args: dict[str, str], expected: tuple[str, int] | None
) -> None:
    """It decides what is built, and a tag of it can be moved."""
    first, *_ = base_images.BaseImages.parse(text, file="Dockerfile", args=args).images
    if expected is None:
        assert first.reference == "a"
    else:
        assert (first.reference, first.line, first.argument) == (*expected, "BUILDKIT_SYNTAX")
