"""The golden manifests of the examples, and what they are there to show, said directly."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seaway.kubernetes.api import kinds
from seaway.manifests import objects
from seaway.project import load
from tests import golden

CLOSED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def found(example: str, key: str) -> dict[str, Any]:
    return {each.key: each for each in golden.build_objects(example)}[key].manifest


def templates(example: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in golden.build_objects(example):
        template = kinds.find_pod_template(each.manifest)
        if template is not None:
            yield each.key, template["spec"]


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_golden(example: str) -> None:
    assert golden.format_manifests(example) == golden.file(example).read_text(), "run `make golden` and read the diff"


@pytest.mark.parametrize("program", sorted(golden.ROOT.glob("examples/*/app.py")), ids=lambda file: file.parent.name)
def test_an_example_in_python_is_the_one_in_yaml(program: Path) -> None:
    assert load.load_application(program) == load.load_application(program.with_suffix(".yaml"))


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_golden_file_is_yaml_with_every_object_and_no_secret(example: str) -> None:
    parsed = list(yaml.safe_load_all(golden.file(example).read_text()))
    assert [(each["kind"], each["metadata"]["name"]) for each in parsed] == [
        (each.kind, each.name) for each in golden.build_objects(example)
    ]
    assert "c2VjcmV0" not in golden.file(example).read_text()


def test_smallest_is_two_pods_behind_a_service() -> None:
    assert [re.sub("-[0-9a-f]{10}$", "-<hash>", each.key) for each in golden.build_objects("smallest")] == [
        "Namespace/smallest-test",
        "NetworkPolicy/default-deny",
        "NetworkPolicy/web-<hash>",
        "PodDisruptionBudget/web",
        "Service/web",
        "ServiceAccount/web",
        "Deployment/web",
    ]
    assert found("smallest", "Deployment/web")["spec"]["replicas"] == 2


def test_shop_has_links_a_store_a_worker_and_a_job() -> None:
    (web,) = found("shop", "Deployment/web")["spec"]["template"]["spec"]["containers"]
    assert {"name": "API_URL", "value": "http://api:8000"} in web["env"]
    db = found("shop", "StatefulSet/db")["spec"]
    assert db["template"]["spec"]["securityContext"]["runAsUser"] == 999
    assert {"name": "data", "mountPath": "/var/lib/postgresql/data"} in db["template"]["spec"]["containers"][0][
        "volumeMounts"
    ]
    assert "Service/worker" not in {each.key for each in golden.build_objects("shop")}
    waves = {
        each.owner: each.phase for each in golden.build_objects("shop") if each.phase is not objects.Phase.foundation
    }
    assert waves == {
        "db": objects.Phase.store,
        "migrate": objects.Phase.job,
        "web": objects.Phase.service,
        "api": objects.Phase.service,
        "worker": objects.Phase.service,
    }


def test_shop_secrets_are_one_value_in_three_objects() -> None:
    names = [each.name for each in golden.build_objects("shop") if each.kind == "Secret"]
    assert [name.rpartition("-")[0] for name in names] == ["api-secrets", "db-secrets", "migrate-secrets"]
    assert len({name.rpartition("-")[2] for name in names}) == 1


@pytest.mark.parametrize("example", golden.EXAMPLES)
def test_every_pod_is_closed(example: str) -> None:
    pods = dict(templates(example))
    assert pods, "an example without pods shows nothing"
    for key, pod in pods.items():
        assert pod["automountServiceAccountToken"] is (key == "DaemonSet/agent"), key
        assert pod["enableServiceLinks"] is False, key
        assert pod["securityContext"]["runAsNonRoot"] is True, key
        assert pod["securityContext"]["runAsUser"] > 0, key
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, key
        mounted: set[str] = set()
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert CLOSED.items() <= container["securityContext"].items(), key
            assert container["securityContext"].get("runAsUser") != 0, key
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"], key
            assert "cpu" not in container["resources"]["limits"] or example == "everything", key
            mounted |= {mount["name"] for mount in container["volumeMounts"]}
        assert mounted - {"data", "archive"} == {volume["name"] for volume in pod["volumes"]}, key
        assert all(volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume), key


def test_everything_has_each_kind_of_workload_and_what_raw_says() -> None:
    waves = {f"{each.kind}/{each.owner}": each.phase.name for each in golden.build_objects("everything") if each.phase}
    assert waves == {
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
    board = found("everything", "Deployment/board")
    assert board["metadata"]["annotations"]["example.com/team"] == "notices"
    assert board["spec"]["template"]["spec"]["hostAliases"] == [
        {"ip": "192.0.2.7", "hostnames": ["archive.example.com"]}
    ]
    assert found("everything", "Service/board")["spec"]["sessionAffinity"] == "ClientIP"
