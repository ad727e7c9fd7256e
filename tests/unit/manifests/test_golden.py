"""The golden manifests of the examples, and the decisions that they show."""

from typing import Any

import pytest
import yaml

from seaway.kubernetes.api import kinds
from seaway.project import load
from tests import golden

RESTRICTED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def get_phases(example: str) -> dict[str, str]:
    return {f"{one.kind}/{one.owner}": one.phase.name for one in golden.build_objects(example) if one.phase}


@pytest.mark.parametrize("example", [*golden.EXAMPLES, *golden.STACK_EXAMPLES])
def test_the_golden_file_is_up_to_date(example: str) -> None:
    assert golden.format_manifests(example) == golden.file(example).read_text(), "run `make golden` and read the diff"


@pytest.mark.parametrize("program", sorted(golden.ROOT.glob("examples/*/app.py")), ids=lambda file: file.parent.name)
def test_an_example_in_python_equals_the_one_in_yaml(program: Any) -> None:
    assert load.load_application(program) == load.load_application(program.with_suffix(".yaml"))


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_the_golden_file_has_every_object_and_no_secret(example: str) -> None:
    text = golden.file(example).read_text()
    assert [(manifest["kind"], manifest["metadata"]["name"]) for manifest in yaml.safe_load_all(text)] == [
        (one.kind, one.name) for one in golden.build_objects(example)
    ]
    assert "c2VjcmV0" not in text


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_every_pod_is_restricted(example: str) -> None:
    templates = {one.key: kinds.find_pod_template(one.manifest) for one in golden.build_objects(example)}
    pods = {key: template["spec"] for key, template in templates.items() if template is not None}
    assert pods, "an example without pods shows nothing"
    for key, pod in pods.items():
        assert pod["automountServiceAccountToken"] is (key == "DaemonSet/agent"), key
        assert pod["enableServiceLinks"] is False, key
        assert pod["securityContext"]["runAsNonRoot"] is True, key
        assert pod["securityContext"]["runAsUser"] > 0, key
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, key
        mounted: set[str] = set()
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert RESTRICTED.items() <= container["securityContext"].items(), key
            assert container["securityContext"].get("runAsUser") != 0, key
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"], key
            assert "cpu" not in container["resources"]["limits"] or example == "everything", key
            mounted |= {mount["name"] for mount in container["volumeMounts"]}
        assert mounted - {"data", "archive"} == {volume["name"] for volume in pod["volumes"]}, key
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume), key


def test_each_kind_of_workload_has_its_phase() -> None:
    assert get_phases("everything") == {
        "StatefulSet/journal": "store",
        "Job/prepare": "job",
        "DaemonSet/agent": "service",
        "Deployment/counter": "service",
        "Deployment/board": "service",
        "HorizontalPodAutoscaler/board": "service",
        "CronJob/audit": "service",
        "CronJob/sweep": "service",
        "Job/announce": "late_job",
    }
