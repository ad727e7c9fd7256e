"""The schema of the API: merging, and validation of the objects that Seaway builds."""

import json
from typing import Any

import pytest

from dev import schema as maker
from seaway.kubernetes.api import schema
from tests import golden


def deployment(**spec: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "spec": {"template": {"spec": spec}}}


def merge_pod(base: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return schema.merge_patch(deployment(**base), deployment(**part))["spec"]["template"]["spec"]


def test_mappings_merge_by_key_and_null_removes_a_key() -> None:
    base = {"securityContext": {"runAsUser": 1, "fsGroup": 1}, "hostNetwork": False}
    assert merge_pod(base, {"securityContext": {"runAsUser": 2, "fsGroup": None, "runAsGroup": None}}) == {
        "securityContext": {"runAsUser": 2},
        "hostNetwork": False,
    }
    assert merge_pod({}, {"nodeSelector": {"a": "b", "c": None}}) == {"nodeSelector": {"a": "b"}}
    assert base["securityContext"] == {"runAsUser": 1, "fsGroup": 1}, "the base is not changed"


@pytest.mark.parametrize(
    ("field", "key", "known"),
    [("env", "name", "value"), ("ports", "containerPort", "name"), ("volumeMounts", "mountPath", "subPath")],
)
def test_named_elements_merge_by_name(field: str, key: str, known: str) -> None:
    base = {"containers": [{"name": "web", field: [{key: "a", "x": 1}, {key: "b", "x": 2, "y": 3}]}]}
    part = {"containers": [{"name": "web", field: [{key: "c"}, {key: "b", known: 4}]}, {"name": "beside"}]}
    assert merge_pod(base, part)["containers"] == [
        {"name": "web", field: [{key: "a", "x": 1}, {key: "b", "x": 2, "y": 3, known: 4}, {key: "c"}]},
        {"name": "beside"},
    ]


def test_other_lists_are_replaced() -> None:
    base = {"tolerations": [{"key": "a"}], "containers": [{"name": "web", "args": ["a", "b"]}]}
    part = {"tolerations": [{"key": "b"}], "containers": [{"name": "web", "args": ["c"]}]}
    assert merge_pod(base, part) == part


def test_claim_templates_merge_by_name() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    part = {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {"a": "b"}}}]}}
    assert not list(schema.check_object("StatefulSet", part, partial=True))
    assert schema.merge_patch({"kind": "StatefulSet", "spec": {"volumeClaimTemplates": [claim]}}, part)["spec"] == {
        "volumeClaimTemplates": [claim | {"metadata": {"name": "data", "labels": {"a": "b"}}}]
    }
    unnamed = {"spec": {"volumeClaimTemplates": [{"spec": {}}]}}
    assert [error.code for error in schema.check_object("StatefulSet", unnamed, partial=True)] == ["missing-value"]


def test_quantities_become_text() -> None:
    part = {"containers": [{"name": "web", "resources": {"limits": {"cpu": 2, "memory": "1Gi", "a": 0.5}}}]}
    assert merge_pod({}, part)["containers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi", "a": "0.5"}


def test_required_fields_may_be_missing_in_a_patch_only() -> None:
    assert not list(schema.check_object("Deployment", {"spec": {}}, partial=True))
    assert [(".".join(error.path), error.code) for error in schema.check_object("Deployment", {"spec": {}})] == [
        ("spec.selector", "missing-value"),
        ("spec.template", "missing-value"),
    ]


def test_values_that_are_not_known_yet_are_accepted() -> None:
    unknown = object()
    fields = {"image": unknown, "env": unknown, "stdin": unknown, "resources": unknown, "imagePullPolicy": unknown}
    assert not list(schema.check_object("Deployment", deployment(containers=[{"name": "web", **fields}]), partial=True))


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_every_object_of_the_examples_is_valid(example: str) -> None:
    for rendered in golden.build_objects(example):
        assert rendered.manifest["apiVersion"] == schema._load_schema()["kinds"][rendered.kind]["apiVersion"]
        assert not list(schema.check_object(rendered.kind, rendered.manifest)), rendered.key


def test_an_unknown_field_of_an_object_is_reported() -> None:
    (rendered,) = (rendered for rendered in golden.build_objects("smallest") if rendered.kind == "Deployment")
    manifest = rendered.manifest | {"spec": rendered.manifest["spec"] | {"selectr": {}}}
    assert [error.hint for error in schema.check_object("Deployment", manifest)] == ["did you mean selector?"]


def test_the_file_is_generated_and_small() -> None:
    text = maker.FILE.read_text()
    assert maker.format_schema(json.loads(text)) == text
    assert set(schema._load_schema()["kinds"]) == set(maker.KINDS)
    assert len(text) < 300_000
    modules = (golden.ROOT / "dev/cluster/modules/kubernetes/go.mod").read_text()
    assert f"k8s.io/kubernetes {json.loads(text)['kubernetes']} " in modules, "run `python -m dev.schema`"


def test_types_and_enums_are_read_from_the_files_of_kubernetes() -> None:
    definitions = {
        f"io.k8s.api.apps.v1.{kind}": {
            "properties": {
                "spec": {"$ref": f"#/definitions/io.k8s.api.apps.v1.{kind}Spec"},
                "status": {"type": "object"},
            },
            "required": ["spec"],
            "x-kubernetes-group-version-kind": [{"group": group, "version": version.rpartition("/")[2], "kind": kind}],
        }
        for kind, version in maker.KINDS.items()
        for group in [version.rpartition("/")[0]]
    }
    specs: dict[str, Any] = {
        f"io.k8s.api.apps.v1.{kind}Spec": {
            "properties": {
                "policy": {"type": "string"},
                "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
                "items": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-merge-key": "name"},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            }
        }
        for kind in maker.KINDS
    }
    code = """
func schema_k8sio_api_apps_v1_JobSpec(ref) {
\t\t\t\t\t"policy": {
\t\t\t\t\t\tSchemaProps: spec.SchemaProps{
\t\t\t\t\t\t\tEnum:        []interface{}{"A", "B"},
"""
    assert dict(maker.parse_enums(code)) == {("k8sio_api_apps_v1_JobSpec", "policy"): ["A", "B"]}
    generated = maker.make_schema(definitions | specs, {("io.k8s.api.apps.v1.JobSpec", "policy"): ["A", "B"]}, "v1")
    assert generated["types"]["apps.v1.Job"] == {"fields": {"spec": "apps.v1.JobSpec"}, "required": ["spec"]}
    assert generated["types"]["apps.v1.JobSpec"] == {
        "fields": {
            "policy": {"enum": ["A", "B"]},
            "size": "quantity",
            "items": {"list": "string", "key": "name"},
            "labels": {"map": "string"},
        }
    }
