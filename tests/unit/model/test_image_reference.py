"""Image references: normal form, registry, digest and overrides."""

import pytest

from seaway.model import application, image_reference, settings
from seaway.model.validate import environment
from seaway.syntax import diagnosis


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


REGISTRIES: dict[str, str | None] = {
    "ghcr.io/myorg": None,
    "localhost": None,
    "localhost:5000": None,
    "registry:5000/a-b/c_d/e.f": None,
    "GHCR.io/x": None,
    "[fd00::1]:5000/x": None,
    "my-org": None,
    "ghcr.io/MyOrg": "ghcr.io/myorg",
    "https://ghcr.io/myorg": "ghcr.io/myorg",
    "ghcr.io/": "ghcr.io",
    "ghcr.io/myorg//": "ghcr.io/myorg",
    "host.io/x:tag": "host.io/x",
    "oci://Host.io:5000/X:tag": "Host.io:5000/x",
    "host.io/x@sha256:1": "host.io/x",
    "host.io/a b": "registry.example.com/team",
    "MyOrg": "registry.example.com/team",
    "me:secret@host.io/x": "registry.example.com/team",
    "host.io//x": "registry.example.com/team",
    "": "registry.example.com/team",
}


@pytest.mark.parametrize(("registry", "corrected"), REGISTRIES.items())
def test_a_registry_is_a_host_and_folders(registry: str, corrected: str | None) -> None:
    stack = settings.Settings(stack="dev", context="c", registry=registry)
    app, place = application.Application("shop"), diagnosis.SourceLocation("Pulumi.dev.yaml")
    errors = [*environment.check(app, diagnosis.SourceLocations(place), stack, {}, place)]
    assert [(error.code, error.hint.rpartition(" ")[2]) for error in errors] == (
        [("invalid-registry", corrected)] if corrected else []
    )
