"""The API server accepts every field and pod of the examples. In examples/everything, every field has its effect."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev import dry_run, kubectl, project
from seaway.manifests import objects, preview
from seaway.model import settings
from seaway.project import environments, load
from tests import golden

pytestmark = pytest.mark.cluster

NAMESPACE = "everything-examples"


def render_example(example: str) -> list[objects.ReleaseObject]:
    if example != "reference":
        return golden.build_objects(example)
    stack = settings.Settings(stack="test", context="test", publish="ingress", ingress=settings.Ingress())
    return preview.render_objects(
        environments.Environment.create(load.load_application(project.ROOT / "docs" / "reference.yaml"), stack)
    )


@pytest.mark.parametrize("example", [*golden.EXAMPLES, "reference"])
def test_api_server_accepts_every_object_and_pod_strictly(example: str) -> None:
    namespace, *manifests = [manifest.manifest for manifest in render_example(example)]
    assert namespace["kind"] == "Namespace"
    home = f"strict-{example}"
    labels = namespace["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = list(dry_run.list_pods(manifests))
    assert pods, "an example without pods shows nothing"
    words = (
        "create",
        "--warnings-as-errors",
        "--dry-run=server",
        "--validate=strict",
        "--output=name",
        "--namespace",
        home,
        "--filename",
        "-",
    )
    kubectl.run("create", "--filename", "-", stdin=namespace | {"metadata": {"name": home, "labels": labels}})
    try:
        kubectl.run("wait", "--for=create", "serviceaccount/default", "--namespace", home, "--timeout=30s")
        namespaced = [manifest | {"metadata": manifest["metadata"] | {"namespace": home}} for manifest in manifests]
        output = kubectl.run(*words, stdin={"apiVersion": "v1", "kind": "List", "items": namespaced + pods})
        assert len(output.splitlines()) == len(namespaced) + len(pods)
    finally:
        kubectl.run("delete", "namespace", home, "--wait=false")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[project.Project]:
    folder = tmp_path_factory.mktemp("everything")
    checkout = project.Project.create(
        folder, application=project.ROOT / "examples" / "everything", stack="examples", publish="nodePort"
    )
    try:
        checkout.up()
        yield checkout
    finally:
        kubectl.delete_namespaces(NAMESPACE)


def read_page(everything: project.Project) -> dict[str, Any]:
    """Return the page of the board from outside."""
    ports = everything.get_objects("service", "board", "-n", NAMESPACE)["spec"]["ports"]
    (port,) = (port_["nodePort"] for port_ in ports if port_["name"] == "main")
    address = project.run_cluster("forward", str(port)).stdout.strip()
    return httpx.get(address, timeout=10).raise_for_status().json()


def test_every_field_has_its_effect(everything: project.Project) -> None:
    text = read_page(everything)
    assert text.pop("ticks") >= 1
    first = text.pop("visitor")
    assert text == {
        "title": "Notices",
        "greeting": "Good evening",
        "edition": "evening",
        "logLevel": "debug",
        "user": 10002,
        "folder": "/var/cache/board",
        "colour": "teal",
        "motd": "Be kind.\n",
        "sessionKey": 32,
        "licence": 12,
        "journal": ["prepared", "announced"],
    }
    assert read_page(everything)["visitor"] == first + 1


def test_other_ports_answer(everything: project.Project) -> None:
    program = (
        "import socket, urllib.request\n"
        "print(urllib.request.urlopen('http://127.0.0.1:9090').read().decode().split()[0])\n"
        "beacon = socket.socket(type=socket.SOCK_DGRAM)\n"
        "beacon.settimeout(5)\n"
        "beacon.sendto(b'?', ('127.0.0.1', 9999))\n"
        "print(beacon.recv(9).decode().strip())\n"
    )
    output = everything.kubectl(
        "exec", "-n", NAMESPACE, "deployment/board", "-c", "board", "--", "python3", "-c", program
    )
    assert output.stdout.splitlines() == ["board_requests_total", "here"]


def test_agent_uses_the_kubernetes_api_with_its_own_token(everything: project.Project) -> None:
    lines = everything.kubectl("logs", "-n", NAMESPACE, "daemonset/agent").stdout.splitlines()
    assert lines[0] == "the theme is grey"
    assert lines[-1].endswith(" pods")


def test_job_on_demand_runs_on_request(everything: project.Project) -> None:
    everything.kubectl("create", "job", "--from=cronjob/audit", "audit-1", "-n", NAMESPACE)
    try:
        everything.kubectl("wait", "--for=condition=complete", "job/audit-1", "-n", NAMESPACE, "--timeout=60s")
        assert read_page(everything)["journal"][-1] == "audited"
    finally:
        everything.kubectl("delete", "job", "audit-1", "-n", NAMESPACE)


def list_pods_by_owner(everything: project.Project) -> dict[str, set[str]]:
    """Return the names of the pods of each workload."""
    names: dict[str, set[str]] = {}
    for pod in everything.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"]:
        labels = pod["metadata"]["labels"]
        names.setdefault(labels["app.kubernetes.io/name"], set()).add(pod["metadata"]["uid"])
    return names


def test_changed_value_rolls_only_pods_that_use_it_and_secrets_are_not_printed(
    everything: project.Project,
) -> None:
    before = list_pods_by_owner(everything)
    counter = everything.folder / "app" / "counter" / "counter.py"
    counter.write_text(counter.read_text() + "\n# another line\n")
    value = b"a-value-that-nobody-may-see"
    everything.set_secret("SESSION_KEY", value.decode())
    output = everything.up().output
    after = list_pods_by_owner(everything)
    assert {name for name in before if before[name] != after[name]} == {"board", "counter"}
    assert before.keys() == after.keys() >= {"agent", "journal"}

    output += everything.kubectl("get", "events", "-n", NAMESPACE, "-o", "json").stdout
    for workload in ("deployment/board", "deployment/counter", "statefulset/journal"):
        output += everything.kubectl("logs", workload, "-n", NAMESPACE, "--all-containers").stdout
    written = [file.read_bytes() for file in (everything.folder / ".seaway" / "state").rglob("*") if file.is_file()]
    assert any(b"ciphertext" in content for content in written), "the state was read"
    for form in (value, base64.b64encode(value)):
        assert not any(form in content for content in (output.encode(), *written))


def test_python_program_with_the_same_application_changes_nothing(everything: project.Project) -> None:
    everything.preview("-c", "seaway:app=app/app.py", "--expect-no-changes")
    everything.preview("--expect-no-changes")
