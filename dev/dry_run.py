"""Validates manifests by a strict dry run on the API server of the checkout's cluster."""

import http
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from dev import project
from dev.cluster import node
from seaway.kubernetes.api import kinds

Manifest = Mapping[str, Any]


def list_pods(manifests: Iterable[Manifest]) -> Iterator[dict[str, Any]]:
    """Return a pod for each workload: the admission of Pod Security rejects pods, not Deployments."""
    for manifest in manifests:
        if (template := kinds.find_pod_template(manifest)) is not None:
            yield _make_pod(manifest, template["spec"])


def _make_pod(workload: Manifest, pod_spec: Manifest) -> dict[str, Any]:
    # A dry run creates no service account, and the cluster may not have the priority class.
    spec = {key: field for key, field in pod_spec.items() if key not in {"serviceAccountName", "priorityClassName"}}
    names = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", ())]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-0"}} for name in names]
    spec |= {"volumes": [*spec.get("volumes", ()), *volumes]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "pod-"}, "spec": spec}


def open_client() -> httpx.Client:
    """Return a client of the API server: a `kubectl` for each object would take a hundred times as long."""
    layout = node.find_layout(project.ROOT)
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
    return httpx.Client(base_url=layout.server, verify=context, timeout=30)


def list_problems(client: httpx.Client, manifest: Manifest, namespace: str) -> Iterator[str]:
    """Return the errors and warnings of the API server for a manifest in a namespace. Creates nothing."""
    body = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    path = kinds.build_path(manifest["kind"], namespace)
    response = client.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=body)
    label = f"{manifest['kind']}/{manifest['metadata'].get('name', '')}"
    if response.status_code != http.HTTPStatus.CREATED:
        yield f"{label}: {response.json()['message']}"
    yield from (f"{label}: {warning}" for warning in response.headers.get_list("warning"))
