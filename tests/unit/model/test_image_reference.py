"""Image references: normal form, registry, digest and overrides."""

import pytest

from seaway.model import image_reference


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python", "python:latest"),
        ("python:3.12-slim", "python:3.12-slim"),
        ("library/python:3.12-slim", "python:3.12-slim"),
        ("docker.io/python:3.12-slim", "python:3.12-slim"),
        ("docker.io/library/python:3.12-slim", "python:3.12-slim"),
        ("index.docker.io/library/python:3.12-slim", "python:3.12-slim"),
        ("docker.io/team/web", "team/web:latest"),
        ("python@sha256:1", "python@sha256:1"),
        ("registry.example.com/library/python:3", "registry.example.com/library/python:3"),
        ("registry.example.com:5000/web", "registry.example.com:5000/web:latest"),
        ("library/team/web:1", "library/team/web:1"),
    ],
)
def test_references_have_a_normal_form(reference: str, expected: str) -> None:
    assert image_reference.normalize(reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.12", "docker.io"),
        ("team/web", "docker.io"),
        ("localhost/web", "localhost"),
        ("registry.localhost:5000/web:1", "registry.localhost:5000"),
        ("ghcr.io/team/web@sha256:1", "ghcr.io"),
    ],
)
def test_references_have_a_registry(reference: str, expected: str) -> None:
    assert image_reference.get_registry(reference) == expected


def test_digests_and_tags_are_read_and_replaced() -> None:
    both = "localhost:5000/web:1@sha256:1"
    assert image_reference.get_digest(both) == "sha256:1"
    assert image_reference.get_digest("localhost:5000/web:1") is None
    assert image_reference.remove_digest(both) == "localhost:5000/web:1"
    assert image_reference.remove_tag(both) == "localhost:5000/web@sha256:1"
    assert image_reference.remove_tag("localhost:5000/web@sha256:1") == "localhost:5000/web@sha256:1"
    assert image_reference.remove_tag("localhost:5000/web:1") == "localhost:5000/web:1"
    assert image_reference.set_digest(both, "sha256:2") == "localhost:5000/web:1@sha256:2"
    assert image_reference.set_digest(both, None) == "localhost:5000/web:1"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("python:3.12-slim", "mirror"),
        ("library/python:3.12-slim", "mirror"),
        ("docker.io/library/python:3.12-slim@sha256:1", "mirror"),  # a pinned image keeps its overrides
        ("python:3.12-slim@sha256:2", "exact"),
        ("python@sha256:1", None),  # its tag is unknown
        ("registry.example.com/library/python:3.12-slim", None),
    ],
)
def test_overrides_match_any_form_of_a_reference(reference: str, expected: str | None) -> None:
    overrides = {"python:3.12-slim": "mirror", "python:3.12-slim@sha256:2": "exact", "python:latest": "newest"}
    assert image_reference.find_override(reference, overrides) == expected
