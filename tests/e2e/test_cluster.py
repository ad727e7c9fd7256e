"""Smoke tests of the one-node cluster: one for each feature that an application requires.

They change the running cluster only in their own namespace, except for the two tests of its components.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.cluster import addons, node, toolchain
from dev.cluster import layout as layouts

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[2]
IMAGE = f"{layouts.REGISTRY}/base/python:3.11-bookworm"
# Responds with the pod's name, and logs it.
PAGE = """
import http.server, os, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, flush=True)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["HOSTNAME"].encode())
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""
SAFE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
Kubectl = Callable[..., str]


def cluster(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dev.cluster", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope="session")
def layout() -> layouts.Layout:
    cluster_layout = node.find_layout(ROOT)
    status = cluster("status")
    if status.returncode:
        reason = f"the one-node cluster is not well (`make cluster-up`):\n{status.stdout}{status.stderr}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return cluster_layout


def run_kubectl(layout: layouts.Layout, *arguments: str, document: str | None = None) -> str:
    command = [str(toolchain.find_program("kubectl")), "--kubeconfig", str(layout.kubeconfig), *arguments]
    result = subprocess.run(command, input=document, capture_output=True, text=True, check=False, timeout=150)
    assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def kubectl(layout: layouts.Layout) -> Iterator[Kubectl]:
    """kubectl in a temporary namespace with the `restricted` level of Pod Security."""
    name = f"smoke-{secrets.token_hex(4)}"
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    run_kubectl(layout, "create", "-f", "-", document=yaml.safe_dump(namespace))

    def run(*arguments: str, document: str | None = None) -> str:
        return run_kubectl(layout, "--namespace", name, *arguments, document=document)

    yield run
    run_kubectl(layout, "delete", "namespace", name, "--wait=false")


def pod(name: str, program: str, **more: Any) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": ["python3", "-c", program], "securityContext": SAFE}
    ready = {"tcpSocket": {"port": 8000}, "periodSeconds": 1} if "8000" in program else None
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in more.get("volumes", [])]
    container |= {"volumeMounts": mounts} | ({"readinessProbe": ready} if ready else {})
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0, **more}
    metadata = {"name": name, "labels": {"app": name.partition("-")[0]}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def pages(kubectl: Kubectl) -> list[str]:
    """Two ready pods behind a Service of type NodePort. The second sends requests to the first."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "page"},
        "spec": {"type": "NodePort", "selector": {"app": "page"}, "ports": [{"port": 80, "targetPort": 8000}]},
    }
    names = ["page-a", "page-b"]
    kubectl("create", "-f", "-", document=yaml.safe_dump_all([service, *(pod(name, PAGE) for name in names)]))
    kubectl("wait", "--for=condition=Ready", "--timeout=120s", *(f"pod/{name}" for name in names))
    return names


def fetch_in_pod(kubectl: Kubectl, pod_name: str, url: str) -> str:
    program = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=5).read().decode())"
    return kubectl("exec", pod_name, "--", "python3", "-c", program).strip()


def node_port(kubectl: Kubectl) -> int:
    return int(kubectl("get", "service", "page", "--output=jsonpath={.spec.ports[0].nodePort}"))


def test_a_pod_reaches_a_pod(kubectl: Kubectl, pages: list[str]) -> None:
    address = kubectl("get", "pod", "page-a", "--output=jsonpath={.status.podIP}")
    assert fetch_in_pod(kubectl, "page-b", f"http://{address}:8000/") == "page-a"


def test_a_pod_reaches_a_service(kubectl: Kubectl, pages: list[str]) -> None:
    address = kubectl("get", "service", "page", "--output=jsonpath={.spec.clusterIP}")
    # The pod itself is one of the endpoints: hairpin traffic must work.
    assert {fetch_in_pod(kubectl, "page-b", f"http://{address}/") for _ in range(12)} == set(pages)


@pytest.mark.parametrize("name", ["page", "page.{namespace}", "page.{namespace}.svc.cluster.local"])
def test_dns_resolves_a_service(kubectl: Kubectl, pages: list[str], name: str) -> None:
    namespace = kubectl("get", "pod", "page-a", "--output=jsonpath={.metadata.namespace}")
    assert fetch_in_pod(kubectl, "page-b", f"http://{name.format(namespace=namespace)}/") in pages


def test_dns_rejects_an_unknown_name(kubectl: Kubectl, pages: list[str]) -> None:
    program = "import socket\ntry: socket.getaddrinfo('nobody', 80)\nexcept socket.gaierror: print('unknown')"
    assert kubectl("exec", "page-b", "--", "python3", "-c", program).strip() == "unknown"


def test_a_node_port_answers_on_the_hosts_loopback(kubectl: Kubectl, pages: list[str]) -> None:
    port = node_port(kubectl)
    address = cluster("forward", str(port)).stdout.strip()
    assert address.startswith("http://127.0.0.1:")
    assert cluster("forward", str(port)).stdout.strip() == address
    with urllib.request.urlopen(address, timeout=5) as answer:
        assert answer.read().decode() in pages


def test_a_node_port_answers_on_the_nodes_loopback(kubectl: Kubectl, pages: list[str]) -> None:
    program = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{node_port(kubectl)}').read())"
    result = cluster("exec", sys.executable, "-c", program)
    assert result.stdout.strip() in {f"b'{name}'" for name in pages}, result.stderr


def test_logs(kubectl: Kubectl, pages: list[str]) -> None:
    path = f"/{secrets.token_hex(4)}"
    address = kubectl("get", "pod", "page-a", "--output=jsonpath={.status.podIP}")
    fetch_in_pod(kubectl, "page-b", f"http://{address}:8000{path}")
    assert f"asked for {path}" in kubectl("logs", "page-a")


def test_exec_passes_stdin_and_the_exit_code(kubectl: Kubectl, pages: list[str]) -> None:
    assert kubectl("exec", "--stdin", "page-a", "--", "cat", document="hello") == "hello"
    with pytest.raises(AssertionError, match="exit code 3"):
        kubectl("exec", "page-a", "--", "sh", "-c", "exit 3")


def test_volume_survives_its_pod(kubectl: Kubectl) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}},
    }
    volumes = [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}]
    text = secrets.token_hex(8)
    for name, program in {
        "writer": f"open('/kept/text', 'w').write({text!r})",
        "reader": "print(open('/kept/text').read())",
    }.items():
        manifest = pod(name, program, volumes=volumes, restartPolicy="Never")
        documents = [claim, manifest] if name == "writer" else [manifest]
        kubectl("create", "-f", "-", document=yaml.safe_dump_all(documents))
        kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s", f"pod/{name}")
        shown = kubectl("logs", name)
        kubectl("delete", "pod", name)
    assert shown.strip() == text


def test_anonymous_requests_may_read_only_health(layout: layouts.Layout) -> None:
    program = "curl --silent --cacert {ca} --output /dev/null --write-out %{{http_code}} {url}"
    codes = {
        path: subprocess.run(
            program.format(ca=layout.pki / "ca.crt", url=layout.server + path).split(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for path in ("/readyz", "/api/v1/namespaces", "/version")
    }
    assert codes == {"/readyz": "200", "/api/v1/namespaces": "401", "/version": "401"}


def test_component_has_only_its_own_permissions(layout: layouts.Layout) -> None:
    scheduler = ["--kubeconfig", str(layout.pki / "kube-scheduler.kubeconfig"), "--server", layout.server]
    command = [str(toolchain.find_program("kubectl")), *scheduler, "auth", "can-i"]
    answers = {
        question: subprocess.run([*command, *question.split()], capture_output=True, text=True, check=False).stdout
        for question in ("list pods --all-namespaces", "get secrets --all-namespaces")
    }
    assert [answer.strip() for answer in answers.values()] == ["yes", "no"]


ADD_ONS = {"coredns", "local-path-provisioner"}


def add_ons(layout: layouts.Layout) -> set[str]:
    """List the workloads in the namespace kube-system."""
    listed = run_kubectl(layout, "get", "deployments,daemonsets", "-n", "kube-system", "-o", "json")
    return {manifest["metadata"]["name"] for manifest in json.loads(listed)["items"]}


def test_add_on_that_is_not_in_the_toolchain_is_removed(layout: layouts.Layout) -> None:
    """An earlier `up` used the optional parts too. These tests never see them, also if they are in the cache."""
    assert add_ons(layout) == ADD_ONS
    optional = "\n---\n".join(path.read_text() for path in addons.list_missing_manifests())
    # The API server accepts objects without their images. Without the APIService, which would have no server.
    manifests = [manifest for manifest in yaml.safe_load_all(optional) if manifest["kind"] != "APIService"]
    run_kubectl(layout, "apply", "--server-side", "-f", "-", document=yaml.safe_dump_all(manifests))
    (layout.run / "applied").write_text("the manifests of that time")
    assert add_ons(layout) == {*ADD_ONS, "kube-network-policies", "metrics-server", "traefik"}
    up = cluster("up")
    assert up.returncode == 0, up.stderr
    assert add_ons(layout) == ADD_ONS
    assert not {"ClusterRole", "Service"} & {manifest["kind"] for manifest in manifests if exists(layout, manifest)}


def exists(layout: layouts.Layout, manifest: dict[str, Any]) -> bool:
    named = (manifest["kind"], manifest["metadata"]["name"], "-n", "kube-system")
    return bool(run_kubectl(layout, "get", *named, "--ignore-not-found", "-o", "name"))


def rows() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(cluster("status", "--json").stdout)}


@pytest.mark.parametrize("name", ["kube-scheduler", "etcd", "containerd", "kubelet"])
def test_killed_component_is_restarted_and_pods_keep_running(kubectl: Kubectl, pages: list[str], name: str) -> None:
    before = rows()[name]
    assert cluster("kill", name).returncode == 0
    end = time.monotonic() + 60
    while not all(row["state"] == "ready" for row in rows().values()):
        assert time.monotonic() < end, rows()
        time.sleep(0.2)
    after = rows()[name]
    assert after["pid"] != before["pid"]
    assert after["restarts"] == before["restarts"] + 1
    assert kubectl("get", "pods", "--selector=app=page", "--output=jsonpath={..restartCount}") == "0 0"


def test_stopped_component_is_in_the_status_and_started_by_up(layout: layouts.Layout) -> None:
    try:
        assert cluster("stop", "kube-scheduler").returncode == 0
        status = cluster("status")
        assert status.returncode == 1
        assert next(line for line in status.stdout.splitlines() if "kube-scheduler" in line).split()[1] == "stopped"
    finally:
        up = cluster("up")
    assert up.returncode == 0, up.stderr
    assert cluster("status").returncode == 0


def test_repeated_up_changes_nothing(layout: layouts.Layout) -> None:
    before = {path: path.stat().st_mtime_ns for path in (*layout.pki.iterdir(), layout.kubeconfig)}, rows()
    assert cluster("up").returncode == 0
    assert ({path: path.stat().st_mtime_ns for path in (*layout.pki.iterdir(), layout.kubeconfig)}, rows()) == before
