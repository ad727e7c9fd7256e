"""Faults of the cluster: each context manager changes it before a rollout, and restores it afterwards."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Generator

from dev import project


def get_namespace(shop: project.Project) -> str:
    """The namespace of the stack."""
    return f"shop-{shop.stack}"


@contextlib.contextmanager
def fill_quota(shop: project.Project) -> Generator[None]:
    """Add a quota without room for another pod."""
    running = len(shop.get_objects("pods", "-n", get_namespace(shop), "--field-selector=status.phase=Running")["items"])
    shop.kubectl("create", "quota", "full", f"--hard=pods={running}", "-n", get_namespace(shop))
    try:
        yield
    finally:
        shop.kubectl("delete", "quota", "full", "-n", get_namespace(shop))


@contextlib.contextmanager
def limit_range(shop: project.Project) -> Generator[None]:
    """Add a LimitRange: containers need a limit of 100Mi or more."""
    limits = {"limits": [{"type": "Container", "min": {"memory": "100Mi"}}]}
    manifest = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bigger"}, "spec": limits}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(manifest, file)
        file.flush()
        shop.kubectl("apply", "-f", file.name, "-n", get_namespace(shop))
    try:
        yield
    finally:
        shop.kubectl("delete", "limitrange", "bigger", "-n", get_namespace(shop))


@contextlib.contextmanager
def delete_service_account(shop: project.Project) -> Generator[None]:
    _delete(shop, "serviceaccount", "worker")
    yield


@contextlib.contextmanager
def delete_deployment(shop: project.Project) -> Generator[None]:
    _delete(shop, "deployment", "worker")
    yield


@contextlib.contextmanager
def tighten_pod_security(shop: project.Project) -> Generator[None]:
    """Tighten the namespace's Pod Security level outside the stack."""
    label = "pod-security.kubernetes.io/enforce"
    before = shop.get_objects("namespace", get_namespace(shop))["metadata"]["labels"][label]
    shop.kubectl("label", "namespace", get_namespace(shop), f"{label}=restricted", "--overwrite")
    try:
        yield
    finally:
        shop.kubectl("label", "namespace", get_namespace(shop), f"{label}={before}", "--overwrite")


@contextlib.contextmanager
def delete_secret(shop: project.Project) -> Generator[None]:
    """Delete the Secret of a job. (A node keeps a copy of a Secret while a pod that mounts it runs there.)"""
    _delete(shop, "secret", "migrate")
    yield


@contextlib.contextmanager
def delete_config_map(shop: project.Project) -> Generator[None]:
    """Stop a service and delete its ConfigMap."""
    shop.kubectl("scale", "deployment", "worker", "--replicas=0", "-n", get_namespace(shop))
    pods = ["pod", "-l", "app.kubernetes.io/name=worker"]
    shop.kubectl("wait", "--for=delete", *pods, "-n", get_namespace(shop), "--timeout=60s")
    _delete(shop, "configmap", "worker")
    yield


def _delete(shop: project.Project, kind: str, owner: str) -> None:
    for manifest in shop.get_objects(kind, "-n", get_namespace(shop), "-l", f"app.kubernetes.io/name={owner}")["items"]:
        shop.kubectl("delete", kind, manifest["metadata"]["name"], "-n", get_namespace(shop))


@contextlib.contextmanager
def remove_default_class(shop: project.Project) -> Generator[None]:
    """Make the default storage class an ordinary class."""
    key = "storageclass.kubernetes.io/is-default-class"
    shop.kubectl("annotate", "storageclass", "local-path", f"{key}=false", "--overwrite")
    try:
        yield
    finally:
        shop.kubectl("annotate", "storageclass", "local-path", f"{key}=true", "--overwrite")


@contextlib.contextmanager
def taint_node(shop: project.Project) -> Generator[None]:
    """Taint the node for 15 seconds, as when a node pool grows."""
    node = shop.get_objects("nodes")["items"][0]["metadata"]["name"]
    shop.kubectl("taint", "node", node, "grows=soon:NoSchedule", "--overwrite")
    untaint = ["kubectl", "--context", "seaway-dev", "taint", "node", node, "grows=soon:NoSchedule-"]
    later = subprocess.Popen(
        ["sh", "-c", 'sleep 15; exec "$@"', "sh", *untaint],
        env=shop.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        later.wait(timeout=60)


GUARD = """
import base64, http.server
class Closed(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_HEAD = do_GET
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", 5999), Closed).serve_forever()
"""


@contextlib.contextmanager
def run_closed_registry(shop: project.Project) -> Generator[None]:
    """Run a registry on the node that requires a login."""
    command = ["python3", "-m", "dev.cluster", "exec", "timeout", "180", "python3", "-c", GUARD]
    running = subprocess.Popen(command, cwd=project.ROOT, env=shop.env)
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=10)
