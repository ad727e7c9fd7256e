"""Faults of a rollout that are injected on the real cluster.

``python -m dev.faults`` injects them and writes docs/failures.md.
"""

import contextlib
import dataclasses
import subprocess
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import yaml

from dev import project

NAMESPACE = "shop-faults"
DEADLINE = 70
"""Seconds: the rollout timeout of these runs. The product's default is 300."""

Application = dict[str, Any]
Injection = Callable[[project.Project], AbstractContextManager[None]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of a rollout.

    Args:
        cause: the id of the expected cause. None if the rollout must not fail.
        injected: description for the table.
        change: changes the application in place.
        around: changes the cluster before the rollout, and restores it afterwards.
        waits: the fault can heal, so the rollout fails only at the deadline.
        repair: arguments of the `pulumi up` that restores the stack.
        rejected: text of the error if the fault is rejected before the rollout.
    """

    cause: str | None
    injected: str
    change: Callable[[Application, Path], None]
    around: Injection = lambda _: nullcontext()
    waits: bool = False
    repair: tuple[str, ...] = ()
    rejected: str | None = None


def change_web(**fields: Any) -> Callable[[Application, Path], None]:
    """Change fields of the service web."""

    def change(app: Application, folder: Path) -> None:
        app["services"]["web"] |= fields

    return change


def change_image(reference: str) -> Callable[[Application, Path], None]:
    """Change the image of web."""

    def change(app: Application, folder: Path) -> None:
        del app["services"]["web"]["build"]
        app["services"]["web"]["image"] = reference

    return change


def change_program(program: str) -> Callable[[Application, Path], None]:
    """Change the program of web to a Python script."""
    return change_web(command=["python3", "-c", program])


def use_foreign_binary(app: Application, folder: Path) -> None:
    """Build an image with a program for another processor."""
    context = folder / "foreign"
    context.mkdir(exist_ok=True)
    # Only the header of an ELF file for 64-bit ARM: the kernel reads no further.
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)
    program = context / "program"
    program.write_bytes(header)
    program.chmod(0o755)
    base = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"
    (context / "Dockerfile").write_text(base + 'COPY program /program\nCMD ["/program"]\n')
    app["services"]["web"] |= {"build": "./foreign"}


def fail_migration(app: Application, folder: Path) -> None:
    app["jobs"]["migrate"]["command"] = ["python3", "-c", "raise SystemExit('the schema is newer than this release')"]


def add_store(app: Application, folder: Path) -> None:
    """Add a second store with a volume."""
    app["stores"]["cache"] = {
        "image": "postgres:17",
        "port": 5433,
        "user": 999,
        "command": ["sleep", "infinity"],
        "health": {"readiness": ["true"], "startPeriod": 10},
        "volume": {"path": "/data", "size": "1Gi"},
    }


@contextlib.contextmanager
def fill_quota(shop: project.Project) -> Generator[None]:
    """Add a quota without room for another pod."""
    running = len(shop.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"])
    shop.kubectl("create", "quota", "full", f"--hard=pods={running}", "-n", NAMESPACE)
    try:
        yield
    finally:
        shop.kubectl("delete", "quota", "full", "-n", NAMESPACE)


@contextlib.contextmanager
def tighten_pod_security(shop: project.Project) -> Generator[None]:
    """Tighten the namespace's Pod Security level outside the stack."""
    label = "pod-security.kubernetes.io/enforce"
    before = shop.get_objects("namespace", NAMESPACE)["metadata"]["labels"][label]
    shop.kubectl("label", "namespace", NAMESPACE, f"{label}=restricted", "--overwrite")
    try:
        yield
    finally:
        shop.kubectl("label", "namespace", NAMESPACE, f"{label}={before}", "--overwrite")


@contextlib.contextmanager
def delete_secret(shop: project.Project) -> Generator[None]:
    """Delete the Secret of a job. (A node keeps a copy of a Secret while a pod that mounts it runs there.)"""
    _delete(shop, "secret", "migrate")
    yield


@contextlib.contextmanager
def delete_config_map(shop: project.Project) -> Generator[None]:
    """Stop a service and delete its ConfigMap."""
    shop.kubectl("scale", "deployment", "worker", "--replicas=0", "-n", NAMESPACE)
    pods = ["pod", "-l", "app.kubernetes.io/name=worker"]
    shop.kubectl("wait", "--for=delete", *pods, "-n", NAMESPACE, "--timeout=60s")
    _delete(shop, "configmap", "worker")
    yield


def _delete(shop: project.Project, kind: str, owner: str) -> None:
    for manifest in shop.get_objects(kind, "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={owner}")["items"]:
        shop.kubectl("delete", kind, manifest["metadata"]["name"], "-n", NAMESPACE)


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


CRASH_ONCE = """
import os, runpy, sys
if not os.path.exists("/tmp/once"):
    open("/tmp/once", "w").close()
    sys.exit("no database yet")
runpy.run_path("web.py", run_name="__main__")
"""

FAULTS = (
    Fault(
        cause=None,
        injected="`image: Web:2`: an invalid image name",
        change=change_image("Web:2"),
        rejected="image reference",
    ),
    Fault(
        cause=None,
        injected="`user: 0`: root",
        change=change_web(user=0),
        rejected="root",
    ),
    Fault(
        cause="image-not-found",
        injected="`image:` with a tag that is not in the registry",
        change=change_image("registry.localhost:5000/nobody/nothing:1"),
    ),
    Fault(
        cause="image-not-authorised",
        injected="`image:` in a registry that requires a login",
        change=change_image("127.0.0.1:5999/private/web:1"),
        around=run_closed_registry,
    ),
    Fault(
        cause="config-missing",
        injected="the Secret of `migrate` deleted manually, then a change of `migrate`",
        change=lambda app, _: app["jobs"]["migrate"].update(env={"CHANGED": "1"}),
        around=delete_secret,
        repair=("--refresh",),
    ),
    Fault(
        cause="config-missing",
        injected="`worker` stopped and its ConfigMap deleted manually, then a change of `worker`",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "1"}),
        around=delete_config_map,
        repair=("--refresh",),
    ),
    Fault(
        cause="quota",
        injected="a quota without room for another pod",
        change=change_web(env={"TITLE": "Full"}),
        around=fill_quota,
    ),
    Fault(
        cause="pod-security",
        injected="the namespace's Pod Security level tightened manually, then a change of a `baseline` service",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "1"}),
        around=tighten_pod_security,
    ),
    Fault(
        cause="wrong-architecture",
        injected="a program for another processor in the image",
        change=use_foreign_binary,
    ),
    Fault(
        cause="crash-loop",
        injected="`command:` that exits with code 3",
        change=change_program("import sys; print('cannot read /etc/web.toml'); sys.exit(3)"),
    ),
    Fault(
        cause="out-of-memory",
        injected="a program that uses 1 GB, with `memory: 64Mi`",
        change=change_program("memory = bytearray(10**9)"),
    ),
    Fault(
        cause="job-failed",
        injected="a migration that exits with code 1",
        change=fail_migration,
    ),
    Fault(
        cause="unschedulable",
        injected="`resources: {cpu: 100}`",
        change=change_web(resources={"cpu": "100", "memory": "64Mi"}),
        waits=True,
    ),
    Fault(
        cause="volume-unbound",
        injected="a new store without a default storage class",
        change=add_store,
        around=remove_default_class,
        waits=True,
    ),
    Fault(
        cause="not-ready",
        injected="`health: {readiness: /nope, liveness: /healthz}`: the page returns 404",
        change=change_web(health={"readiness": "/nope", "liveness": "/healthz", "startPeriod": 10}),
        waits=True,
    ),
    Fault(
        cause="registry-unreachable",
        injected="`image:` in a registry that does not run",
        change=change_image("127.0.0.1:5998/web:1"),
        waits=True,
    ),
    Fault(
        cause=None,
        injected="one crash, then it runs (the database was not ready)",
        change=change_program(CRASH_ONCE),
    ),
    Fault(
        cause=None,
        injected="no room for 15 seconds (a node pool grows)",
        change=change_web(env={"TITLE": "Later"}),
        around=taint_node,
    ),
)


def prepare_shop(shop: project.Project) -> None:
    """Prepare the application: a service with a lower Pod Security level, and a short deadline."""
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    app["services"]["worker"]["security"] = "baseline"
    # A deadline is never shorter than the start period.
    app["services"]["web"]["health"] = {"readiness": "/healthz", "liveness": "/healthz", "startPeriod": 10}
    file.write_text(yaml.safe_dump(app, sort_keys=False))


def inject_fault(shop: project.Project, fault: Fault) -> str:
    """Write the application's file with the fault, and return the previous text."""
    file = shop.folder / "app" / "app.yaml"
    before = file.read_text()
    app = yaml.safe_load(before)
    fault.change(app, file.parent)
    file.write_text(yaml.safe_dump(app, sort_keys=False))
    return before
