"""The API's schema: how parts are merged, and that what we make is valid by it."""

import json
from typing import Any

import pytest

from dev import schema as maker
from seaway.kubernetes.api import schema
from tests import golden


def deployment(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def merged(base: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    return schema.merge_patch("Deployment", deployment(**base), deployment(**part))["spec"]["template"]["spec"]


def test_mappings_merge_key_by_key_and_null_takes_away() -> None:
    base = {"securityContext": {"runAsUser": 1, "fsGroup": 1}, "hostNetwork": False}
    assert merged(base, {"securityContext": {"runAsUser": 2, "fsGroup": None, "runAsGroup": None}}) == {
        "securityContext": {"runAsUser": 2},
        "hostNetwork": False,
    }
    assert merged({}, {"nodeSelector": {"a": "b", "c": None}}) == {"nodeSelector": {"a": "b"}}
    assert base["securityContext"] == {"runAsUser": 1, "fsGroup": 1}, "what is merged into is not changed"


@pytest.mark.parametrize(
    ("field", "key", "known"),
    [("env", "name", "value"), ("ports", "containerPort", "name"), ("volumeMounts", "mountPath", "subPath")],
)
def test_items_that_have_a_name_merge_by_it(field: str, key: str, known: str) -> None:
    base = {"containers": [{"name": "web", field: [{key: "a", "x": 1}, {key: "b", "x": 2, "y": 3}]}]}
    part = {"containers": [{"name": "web", field: [{key: "c"}, {key: "b", known: 4}]}, {"name": "beside"}]}
    assert merged(base, part)["containers"] == [
        {"name": "web", field: [{key: "a", "x": 1}, {key: "b", "x": 2, "y": 3, known: 4}, {key: "c"}]},
        {"name": "beside"},
    ]


def test_other_lists_are_replaced() -> None:
    base = {"tolerations": [{"key": "a"}], "containers": [{"name": "web", "args": ["a", "b"]}]}
    part = {"tolerations": [{"key": "b"}], "containers": [{"name": "web", "args": ["c"]}]}
    assert merged(base, part) == part


def test_the_claims_of_a_store_have_names() -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    part = {"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data", "labels": {"a": "b"}}}]}}
    assert not list(schema.check_object("StatefulSet", part, partial=True))
    assert schema.merge_patch("StatefulSet", {"spec": {"volumeClaimTemplates": [claim]}}, part)["spec"] == {
        "volumeClaimTemplates": [claim | {"metadata": {"name": "data", "labels": {"a": "b"}}}]
    }
    wrong = {"spec": {"volumeClaimTemplates": [{"spec": {}}]}}
    assert [one.message for one in schema.check_object("StatefulSet", wrong, partial=True)] == ["has no metadata.name"]


def test_a_quantity_becomes_text() -> None:
    part = {"containers": [{"name": "web", "resources": {"limits": {"cpu": 2, "memory": "1Gi", "a": 0.5}}}]}
    assert merged({}, part)["containers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi", "a": "0.5"}


def test_what_is_required_is_missed_in_an_object_and_not_in_a_part() -> None:
    assert not list(schema.check_object("Deployment", {"spec": {}}, partial=True))
    assert [(".".join(one.path), one.message) for one in schema.check_object("Deployment", {"spec": {}})] == [
        ("spec.selector", "is missing"),
        ("spec.template", "is missing"),
    ]


def test_a_value_that_is_not_known_yet_is_right() -> None:
    unknown = object()
    fields = {"image": unknown, "env": unknown, "stdin": unknown, "resources": unknown, "imagePullPolicy": unknown}
    assert not list(schema.check_object("Deployment", deployment(containers=[{"name": "web", **fields}]), partial=True))


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_every_object_of_the_examples_is_valid(example: str) -> None:
    found = golden.build_objects(example)
    assert {each.kind: each.manifest["apiVersion"] for each in found} == {
        each.kind: schema.get_api_version(each.kind) for each in found
    }
    assert {each.key: list(schema.check_object(each.kind, each.manifest)) for each in found} == {
        each.key: [] for each in found
    }


def test_a_typing_error_in_an_object_is_seen() -> None:
    (one,) = (each for each in golden.build_objects("smallest") if each.kind == "Deployment")
    wrong = one.manifest | {"spec": one.manifest["spec"] | {"selectr": {}}}
    assert [found.hint for found in schema.check_object("Deployment", wrong)] == ["did you mean selector?"]


def test_the_file_is_as_its_maker_writes_it_and_small() -> None:
    read = maker.FILE.read_text()
    assert maker.format_schema(json.loads(read)) == read
    assert set(schema.list_kinds()) == set(maker.KINDS)
    assert len(read) < 300_000
    modules = (golden.ROOT / "dev/cluster/modules/kubernetes/go.mod").read_text()
    assert f"k8s.io/kubernetes {json.loads(read)['kubernetes']} " in modules, "run `python -m dev.schema`"


def test_types_and_values_are_taken_from_kubernetes_own_files() -> None:
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
    values = dict(maker.parse_enums(code))
    assert values == {("k8sio_api_apps_v1_JobSpec", "policy"): ["A", "B"]}
    made = maker.make_schema(definitions | specs, {("io.k8s.api.apps.v1.JobSpec", "policy"): ["A", "B"]}, "v1")
    assert made["types"]["apps.v1.Job"] == {"fields": {"spec": "apps.v1.JobSpec"}, "required": ["spec"]}
    assert made["types"]["apps.v1.JobSpec"] == {
        "fields": {
            "policy": {"enum": ["A", "B"]},
            "size": "quantity",
            "items": {"list": "string", "key": "name"},
            "labels": {"map": "string"},
        }
    }
