"""The public checkers: their output, the waivers and the page."""

import dataclasses
import json
from typing import Any

import jsonschema
import pytest
import yaml

from dev.checkers import examples, outcome, page, schemas, tools, waivers

SCORED = [
    {
        "type_meta": {"kind": "Job"},
        "object_meta": {"name": "migrate-4c14c00bde"},
        "checks": [
            {"check": {"id": "label-values", "name": "Label values"}, "grade": 10, "skipped": False, "comments": None},
            {"check": {"id": "other", "name": "Other"}, "grade": 1, "skipped": True, "comments": None},
            {
                "check": {"id": "container-resources", "name": "Container Resources"},
                "grade": 5,
                "skipped": False,
                "comments": [{"path": "web", "summary": "CPU limit is not set"}],
            },
        ],
    }
]
CONFORMED = {
    "resources": [
        {"kind": "Service", "name": "web", "status": "statusValid", "msg": ""},
        {"kind": "Ingress", "name": "web", "status": "statusInvalid", "msg": "additional properties 'tsl' not allowed"},
        {"kind": "Odd", "name": "web", "status": "statusSkipped", "msg": ""},
    ]
}
POD = "Pod.shop-prod.web.app.kubernetes.io/name-web.seaway/stack-prod"
CHECKED = {
    "results": {
        "passed_checks": [
            {"check_id": "CKV_K8S_11", "check_name": "CPU", "resource": "Deployment.shop-prod.web"},
            {"check_id": "CKV2_K8S_6", "check_name": "Policy", "resource": POD},
        ],
        "failed_checks": [{"check_id": "CKV_K8S_11", "check_name": "CPU", "resource": "Deployment.shop-prod.web"}],
    }
}


def summarize(outcomes: list[outcome.Outcome]) -> list[tuple[str, str, bool, str]]:
    return [(outcome.check, outcome.object, outcome.passed, outcome.message) for outcome in outcomes]


def test_kube_score() -> None:
    assert summarize(list(tools.parse_kube_score(SCORED, "shop"))) == [
        ("label-values", "Job/migrate-*", True, ""),
        ("container-resources", "Job/migrate-*", False, "web: CPU limit is not set"),
    ]


def test_kubeconform_and_unknown_kinds() -> None:
    assert summarize(list(tools.parse_kubeconform(CONFORMED, "shop"))) == [
        ("schema", "Service/web", True, ""),
        ("schema", "Ingress/web", False, "additional properties 'tsl' not allowed"),
        ("schema", "Odd/web", False, "statusSkipped"),
    ]


def test_checkov_and_several_containers_of_one_object() -> None:
    assert summarize(list(tools.parse_checkov(CHECKED, "shop"))) == [
        ("CKV_K8S_11", "Deployment/web", False, "CPU"),
        ("CKV2_K8S_6", "Pod/web", True, ""),
    ]


def make_outcome(check: str = "A", key: str = "Deployment/web", *, passed: bool = False) -> outcome.Outcome:
    return outcome.Outcome(tool="checkov", check=check, title="T | t", example="shop", object=key, passed=passed)


def make_waiver(check: str = "A", *objects: str) -> outcome.Waiver:
    return outcome.Waiver(tool="checkov", check=check, objects=objects or ("*",), reason="why")


def test_waived_and_failed_outcomes() -> None:
    outcomes = [make_outcome(), make_outcome("A", "Job/x"), make_outcome("B", passed=True), make_outcome("C")]
    report = outcome.apply_waivers(outcomes, [make_waiver("A", "shop: Deployment/*"), make_waiver("B")])
    assert [failure.object for _, failures in report.waived for failure in failures] == ["Deployment/web"]
    assert [(failure.check, failure.object) for failure in report.failed] == [("A", "Job/x"), ("C", "Deployment/web")]
    assert report.unused == [make_waiver("B")]
    assert not report.is_clean
    assert outcome.apply_waivers(outcomes[:3], [make_waiver()]).is_clean
    counts = report.count_outcomes("checkov")
    assert dict(counts) == {"checks": 3, "objects": 2, "passed": 1, "waived": 1, "failed": 2}


def test_waiver_can_be_limited_to_one_message() -> None:
    limit = outcome.Waiver(tool="checkov", check="A", message="CPU limit is not set", reason="why")
    for message, is_covered in (
        ("web: CPU limit is not set", True),
        ("web: CPU limit is not set; proxy: CPU limit is not set", True),
        ("web: CPU limit is not set; web: Memory limit is not set", False),
    ):
        assert limit.covers(dataclasses.replace(make_outcome(), message=message)) == is_covered


def test_the_page() -> None:
    outcomes = [make_outcome(), make_outcome("A", "Job/x-*"), make_outcome("B", passed=True)]
    report = outcome.apply_waivers(outcomes, [make_waiver()])
    lines = page.format_page(report, {"checkov": "1.0"}, ["shop"]).splitlines()
    assert "| checkov 1.0 | all checks of its framework `kubernetes` | 2 | 2 | 1 | 2 | 0 |" in lines
    assert lines[-1] == "| checkov | A: T \\| t | shop: Deployment/web Job/x-* | why |"


def test_each_waiver_has_a_known_checker_and_a_reason() -> None:
    for waiver in waivers.WAIVERS:
        assert waiver.tool in tools.VERSIONS
        assert len(waiver.reason) > 20, waiver.check


DEFINITIONS: dict[str, Any] = {
    "api.Thing": {
        "type": "object",
        "description": "a thing",
        "properties": {"kind": {"type": "string"}, "spec": {"$ref": "#/definitions/api.Spec"}},
        "x-kubernetes-group-version-kind": [{"group": "networking.k8s.io", "version": "v1", "kind": "Thing"}],
    },
    "api.Spec": {
        "type": "object",
        "required": ["port"],
        "properties": {
            "port": {"$ref": "#/definitions/util.IntOrString"},
            "more": {"type": "array", "items": {"$ref": "#/definitions/api.Spec"}},
        },
    },
    "util.IntOrString": {"type": "string", "format": "int-or-string"},
}


def test_schema_of_a_kind_rejects_unknown_and_missing_fields(tmp_path: Any) -> None:
    assert schemas.write_schemas(DEFINITIONS, tmp_path) == 1
    schema = json.loads((tmp_path / "thing-networking-v1.json").read_text())
    thing = {"apiVersion": "networking.k8s.io/v1", "kind": "Thing", "spec": {"port": 80, "more": [{"port": "web"}]}}
    validator = jsonschema.Draft7Validator(schema)
    assert list(validator.iter_errors(thing)) == []
    for change in ({"spec": {}}, {"spec": {"port": 1, "prot": 1}}, {"kind": "Other"}, {"status": {}}):
        assert len(list(validator.iter_errors(thing | change))) == 1, change


@pytest.mark.parametrize(
    ("group", "version", "kind", "file"),
    [
        ("", "v1", "Service", "service-v1.json"),
        ("apps", "v1", "Deployment", "deployment-apps-v1.json"),
        ("networking.k8s.io", "v1", "Ingress", "ingress-networking-v1.json"),
    ],
)
def test_file_names_are_those_of_kubeconform(group: str, version: str, kind: str, file: str) -> None:
    assert schemas.format_file_name(group, version, kind) == file


def test_examples_are_rendered_as_in_production() -> None:
    files = examples.list_examples()
    assert {"app", "shop", "smallest"} <= files.keys()
    objects = list(yaml.safe_load_all(examples.render_example(files["shop"])))
    assert {"Ingress", "ResourceQuota", "NetworkPolicy"} <= {manifest["kind"] for manifest in objects}
    (web,) = (
        manifest for manifest in objects if (manifest["kind"], manifest["metadata"]["name"]) == ("Deployment", "web")
    )
    assert "@sha256:" in web["spec"]["template"]["spec"]["containers"][0]["image"]
