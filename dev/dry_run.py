"""Validates manifests by a strict dry run on an API server: that of the checkout's cluster, or of a kubeconfig."""

import contextlib
import http
import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from dev import environment
from seaway.files import roots
from seaway.kubernetes.api import kinds
from seaway.manifests import preview
from seaway.model import settings
from seaway.project import environments, load

Manifest = Mapping[str, Any]

LEVELS = ("restricted", "baseline", "privileged")
"""The levels of Pod Security, the strictest first."""

STACK = settings.Settings(
    stack="test", context="test", registry="registry.example.com", publish="ingress", ingress=settings.Ingress()
)


def render_application(file: Path, root: Path) -> tuple[str, Sequence[Manifest]]:
    """Return the level of Pod Security and the objects of an app.yaml, which reads files below ``root`` only."""
    app = load.load_application(file, root=roots.Root(root))
    namespace, *manifests = [
        resource.manifest for resource in preview.render_objects(environments.Environment.create(app, STACK))
    ]
    return namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], manifests


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


def open_client(kubeconfig: Path = environment.KUBECONFIG) -> httpx.Client:
    """Return a client of the API server: a `kubectl` for each object would take a hundred times as long."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    context.load_cert_chain(user["client-certificate"], user["client-key"])
    return httpx.Client(base_url=cluster["server"], verify=context, timeout=30)


@contextlib.contextmanager
def open_namespaces(
    prefix: str, levels: Sequence[str] = LEVELS, kubeconfig: Path = environment.KUBECONFIG
) -> Generator[httpx.Client]:
    """Open a client of an API server with a namespace PREFIX-LEVEL for each level of Pod Security."""
    label = "pod-security.kubernetes.io/"
    with open_client(kubeconfig) as client:
        for level in levels:
            labels = {f"{label}enforce": level, f"{label}warn": level}
            body = {"metadata": {"name": f"{prefix}-{level}", "labels": labels}}
            client.post("/api/v1/namespaces", json=body).raise_for_status()
        try:
            for level in levels:
                # A controller creates it otherwise, if one runs.
                account = {"metadata": {"name": "default"}}
                client.post(f"/api/v1/namespaces/{prefix}-{level}/serviceaccounts", json=account)
            yield client
        finally:
            for level in levels:
                client.delete(f"/api/v1/namespaces/{prefix}-{level}")


def list_problems(client: httpx.Client, manifest: Manifest, namespace: str) -> Iterator[str]:
    """Return the errors and warnings of the API server for a manifest in a namespace. Creates nothing."""
    body = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    path = kinds.build_path(manifest["kind"], namespace)
    response = client.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=body)
    label = f"{manifest['kind']}/{manifest['metadata'].get('name', '')}"
    if response.status_code != http.HTTPStatus.CREATED:
        yield f"{label}: {response.json()['message']}"
    yield from (f"{label}: {warning}" for warning in response.headers.get_list("warning"))
