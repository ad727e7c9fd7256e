"""What the API server says of objects without keeping them: every field known, every pod let in."""

import http
import ssl
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from dev import project
from dev.cluster import node
from seaway.kubernetes.api import kinds

Manifest = Mapping[str, Any]


def pod(owner: Manifest, spec: Manifest) -> dict[str, Any]:
    """As a controller makes one. Pod Security looks at pods; a Deployment of forbidden ones is let in.

    The account is not made by a dry run, and the reference names a class of a cluster that this one is not.
    """
    kept = {key: value for key, value in spec.items() if key not in {"serviceAccountName", "priorityClassName"}}
    names = [claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", ())]
    claimed = [{"name": name, "persistentVolumeClaim": {"claimName": f"{name}-0"}} for name in names]
    kept |= {"volumes": [*spec.get("volumes", ()), *claimed]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "one-"}, "spec": kept}


def pods(manifests: Iterable[Manifest]) -> Iterator[dict[str, Any]]:
    """One of each workload."""
    for each in manifests:
        if (template := kinds.find_pod_template(each)) is not None:
            yield pod(each, template["spec"])


def server() -> httpx.Client:
    """The API server of the checkout's cluster, asked directly: a `kubectl` for each object takes a hundred times as
    long."""
    layout = node.find(project.ROOT)
    context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
    context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
    return httpx.Client(base_url=layout.server, verify=context, timeout=30)


def said(client: httpx.Client, manifest: Manifest, home: str) -> Iterator[str]:
    """What a server has against an object in the namespace ``home``: refusals and warnings; nothing is kept."""
    named = {**manifest, "metadata": {**manifest["metadata"], "namespace": home}}
    path = kinds.build_path(manifest["kind"], home)
    answer = client.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=named)
    what = f"{manifest['kind']}/{manifest['metadata'].get('name', '')}"
    if answer.status_code != http.HTTPStatus.CREATED:
        yield f"{what}: {answer.json()['message']}"
    yield from (f"{what}: {text}" for text in answer.headers.get_list("warning"))
