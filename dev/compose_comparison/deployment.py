"""Deploys converted objects to the checkout's cluster, and checks readiness and published ports."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import environment, kubectl, project
from dev.compose_comparison import projects, tools
from seaway.compose.loader import loader
from seaway.files import roots
from seaway.syntax import nodes

READY_TIMEOUT = 60
"""Seconds. The images are already on the node."""

Objects = Sequence[Mapping[str, Any]]


def deploy_project(client: httpx.Client, name: str, tool: str, files: Sequence[Path]) -> str:
    """Deploy the objects that a tool converts. Returns "yes" if they work, or the reason why they do not."""
    conversion = tools.convert(tool, files)
    if conversion.rejection or conversion.crash or not conversion.objects:
        return "no objects"
    namespace, ports = f"{name}-{tool}", list_published_ports(files)
    env = environment.prepare_environment()
    try:
        _apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, namespace, env)
        objects = list(_adapt_objects(conversion.objects, namespace))
        error = _apply({"apiVersion": "v1", "kind": "List", "items": objects}, namespace, env)
        if error:
            return f"not applied: {error}"
        end = time.monotonic() + READY_TIMEOUT
        while problems := [*_list_not_ready(client, namespace), *_list_unreachable(client, namespace, ports)]:
            if time.monotonic() > end:
                return "; ".join(problems)
            time.sleep(1)
        return "yes"
    finally:
        kubectl.delete_namespaces(namespace)


def list_published_ports(files: Sequence[Path]) -> Mapping[str, set[int]]:
    """Return the published TCP ports of each service's container."""
    root = nodes.to_plain(
        loader.load(files, within=roots.Root(files[0].parent), profiles=["*"], environment=projects.ENVIRONMENT).root
    )
    published = {
        name: {
            int(port["target"])
            for port in service.get("ports", ())
            if port["protocol"] == "tcp" and "published" in port
        }
        for name, service in root["services"].items()
    }
    return {name: ports for name, ports in published.items() if ports}


def _adapt_objects(objects: Objects, namespace: str) -> Iterator[Mapping[str, Any]]:
    """Set the namespace, and use the images of this cluster."""
    config: Mapping[str, Any] = yaml.safe_load((project.ROOT / "Pulumi.dev.yaml").read_text())["config"]
    text = json.dumps([manifest for manifest in objects if manifest["kind"] != "Namespace"])
    for image, override in config["seaway:imageOverrides"].items():
        text = text.replace(json.dumps(image), json.dumps(override))
    for manifest in json.loads(text):
        manifest["metadata"]["namespace"] = namespace
        yield manifest


def _apply(manifest: Mapping[str, Any], namespace: str, env: Mapping[str, str]) -> str:
    """Apply a manifest, and return the error of kubectl, or an empty text."""
    file = environment.STATE / f"applied-{namespace}.json"
    file.write_text(json.dumps(manifest))
    command = ("kubectl", "--context", "seaway-dev", "apply", "--filename", str(file))
    result = project.run_command(*command, cwd=project.ROOT, env=env)
    file.unlink()
    # The error is published on a page, so it must not contain a path of this machine.
    return result.stderr.strip().splitlines()[0].replace(str(file), file.name) if result.exit_code else ""


def _list_not_ready(client: httpx.Client, namespace: str) -> Iterator[str]:
    for path, field in (
        ("apps/v1/namespaces/{}/deployments", "availableReplicas"),
        ("apps/v1/namespaces/{}/statefulsets", "readyReplicas"),
        ("batch/v1/namespaces/{}/jobs", "succeeded"),
    ):
        for workload in client.get(f"/apis/{path.format(namespace)}").json()["items"]:
            replicas = 1 if field == "succeeded" else workload["spec"].get("replicas", 1)
            if workload["status"].get(field, 0) < replicas:
                yield f"{path.rpartition('/')[2]} {workload['metadata']['name']}: not ready"
    for pod in client.get(f"/api/v1/namespaces/{namespace}/pods").json()["items"]:
        has_owner = bool(pod["metadata"].get("ownerReferences"))
        states = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
        if not has_owner and pod["status"]["phase"] != "Succeeded" and states.get("Ready") != "True":
            yield f"pod {pod['metadata']['name']}: not ready"


def _list_unreachable(client: httpx.Client, namespace: str, published: Mapping[str, set[int]]) -> Iterator[str]:
    """List the services without any published port that answers at a Service."""
    all_ports = {port for ports in published.values() for port in ports}
    answered: set[int] = set()
    pods: Objects = client.get(f"/api/v1/namespaces/{namespace}/pods").json()["items"]
    for service in client.get(f"/api/v1/namespaces/{namespace}/services").json()["items"]:
        for port in service["spec"].get("ports", ()):
            if (number := _find_target_port(service, port, pods)) in all_ports:
                path = f"/api/v1/namespaces/{namespace}/services/{service['metadata']['name']}:{port['port']}/proxy/"
                if client.get(path).status_code not in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE):
                    answered.add(number)
    yield from (f"{name}: no published port answers" for name, ports in published.items() if not ports & answered)


def _find_target_port(service: Mapping[str, Any], port: Mapping[str, Any], pods: Objects) -> int:
    """Return the container port for a port of a Service; 0 if no pod has a port with this name."""
    target = port.get("targetPort", port["port"])
    selector: Mapping[str, str] = service["spec"].get("selector") or {}
    named: dict[str, int] = {
        container_port.get("name"): container_port["containerPort"]
        for pod in pods
        if selector.items() <= pod["metadata"].get("labels", {}).items()
        for container in pod["spec"]["containers"]
        for container_port in container.get("ports", ())
    }
    return target if isinstance(target, int) else named.get(target, 0)
