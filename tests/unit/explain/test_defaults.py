"""Every default with its reason: none is missing, and each is what the objects really have."""

import dataclasses
import functools
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from seaway.checks import all_checks
from seaway.explain import defaults, fields
from seaway.files import roots
from seaway.manifests import container, preview
from seaway.model import application, settings
from seaway.project import environments, load
from seaway.syntax import decode
from tests import golden

ALL = defaults.list_defaults()
CLASSES = (
    application.Build,
    application.Health,
    application.Resources,
    application.Scale,
    application.Secret,
    application.File,
    application.WorkloadSpec,
    application.Service,
    application.Store,
    application.Job,
    settings.Policy,
    settings.Waiver,
    settings.Settings,
)


def find_default(of: str, field: str) -> defaults.Default:
    (matches,) = [default for default in ALL if (default.of, default.field) == (of, field)]
    return matches


@pytest.mark.parametrize("cls", CLASSES)
def test_no_field_with_a_default_is_missing(cls: type) -> None:
    listed = {default.field.removeprefix("seaway:").rpartition(".")[2] for default in ALL}
    flat = {default.field.removeprefix("seaway:").partition(".")[0] for default in ALL}
    for field in dataclasses.fields(cls):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if not required:
            assert decode.to_camel_case(field.name) in listed | flat


def test_every_default_has_a_meaning_or_a_reason() -> None:
    assert all(default.means or default.why for default in ALL)


def test_every_default_is_listed_once() -> None:
    keys = [(default.of, default.field) for default in ALL]
    assert len(keys) == len(set(keys))


def test_those_of_the_model() -> None:
    assert find_default("services", "scale.min").value == 2
    assert find_default("services, stores, jobs", "secrets.<name>.generate").value is None
    assert find_default("jobs", "timeout").value == 600
    assert [find_default("services", "preStopDelay").value, find_default("services", "stopGracePeriod").value] == [
        5,
        25,
    ]
    assert find_default("Pulumi.<stack>.yaml", "seaway:policy.dataLoss").value == "block"
    assert find_default("Pulumi.<stack>.yaml", "seaway:waivers.<check>.workloads").value == []


@pytest.mark.parametrize(
    ("of", "field", "value", "check"),
    [
        ("Deployment", "strategy.rollingUpdate.maxUnavailable", 0, "AVL-05"),
        ("HorizontalPodAutoscaler", "behavior.scaleDown.stabilizationWindowSeconds", 300, None),
        ("Job, CronJob", "pod.terminationGracePeriodSeconds", 25, None),
        ("Deployment", "pod.topologySpreadConstraints.0.topologyKey", "topology.kubernetes.io/zone", "AVL-04"),
        ("all pods", "pod.securityContext.runAsNonRoot", True, "SEC-01"),
        ("all pods", "pod.securityContext.seccompProfile.type", "RuntimeDefault", "SEC-07"),
        ("all pods", "pod.enableServiceLinks", False, None),
        ("all pods", "container.securityContext.readOnlyRootFilesystem", True, "SEC-05"),
        ("all pods", "container.securityContext.capabilities.drop", ["ALL"], "SEC-06"),
        ("PodDisruptionBudget", "maxUnavailable", 1, "AVL-02"),
        ("ServiceAccount", "automountServiceAccountToken", False, None),
        ("ConfigMap, Secret", "immutable", True, None),
        ("Namespace", "pod-security.kubernetes.io/enforce", "restricted", "SEC-14"),
    ],
)
def test_those_of_the_objects(of: str, field: str, value: Any, check: str | None) -> None:
    matches = find_default(of, field)
    assert (matches.value, matches.check) == (value, check)
    assert matches.why


def test_a_reason_is_that_of_the_check() -> None:
    whys = {check.id: check.rationale for check in all_checks.CHECKS}
    named = [default for default in ALL if default.check]
    assert len(named) >= 14
    assert all(default.why == whys[default.check or ""] for default in named)


def test_a_reason_stands_beside_the_constant() -> None:
    default = find_default("all pods", "container.imagePullPolicy")
    assert (default.means, default.why) == fields.read_notes(
        typing.get_type_hints(container, include_extras=True)["PULL_POLICY"]
    )


@functools.cache
def manifests() -> list[dict[str, Any]]:
    """The examples', and the reference's: no example has what a cluster must be made for."""
    app = load.load_application(golden.ROOT / "docs" / "reference.yaml", root=roots.Root(golden.ROOT))
    stack_settings = settings.Settings(stack="test", context="test")
    reference = preview.render_objects(environments.Environment.create(app, stack_settings))
    rendered = [default for example in (*golden.EXAMPLES, "gateway") for default in golden.build_objects(example)]
    return [default.manifest for default in (*rendered, *reference)]


def of_kind(kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    yield from (default for default in manifests() if default["kind"] in kinds)
    led = settings.Ingress(hosts={"web": ("shop.example.com",)})
    yield from (
        default.manifest
        for default in golden.build_objects("shop", publish="ingress", ingress=led)
        if default.kind in kinds
    )


@pytest.mark.parametrize("field", fields.FIELDS, ids=lambda field: f"{field.kinds}/{field.path}")
def test_the_examples_have_every_field(field: fields.Field) -> None:
    assert any(fields.find_value(manifest, field.path) is not None for manifest in of_kind(field.kinds))
    assert bool(field.rationale) != bool(field.model_path)


def test_a_missing_path_has_no_value() -> None:
    assert fields.find_value({"a": [{"b": 1}]}, ("a", "0", "b")) == 1
    assert fields.find_value({"a": [{"b": 1}]}, ("a", "1", "b")) is None
    assert fields.find_value({"a": 1}, ("a", "b")) is None
