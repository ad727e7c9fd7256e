"""What can go wrong with a rollout, injected on the real cluster: the list.

``python -m dev.faults`` runs it and writes docs/failures.md.
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
"""Seconds that a rollout may take in these runs; the product's default is 300."""

Application = dict[str, Any]
Injection = Callable[[project.Project], AbstractContextManager[None]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Args:
        cause: the id under which it must be told; none: it must not fail the rollout.
        injected: how, for the table.
        change: what becomes of the application, in place.
        around: what is done to the cluster before the rollout, and undone after it.
        waits: it can heal, so it fails at the deadline only.
        mend: arguments of the `pulumi up` that puts everything right again.
        refused: text with which it is refused before anything is changed.
    """

    cause: str | None
    injected: str
    change: Callable[[Application, Path], None]
    around: Injection = lambda _: nullcontext()
    waits: bool = False
    mend: tuple[str, ...] = ()
    refused: str | None = None


def web(**fields: Any) -> Callable[[Application, Path], None]:
    """Fields of the service web."""

    def change(app: Application, folder: Path) -> None:
        app["services"]["web"] |= fields

    return change


def image(reference: str) -> Callable[[Application, Path], None]:
    """Another image for web."""

    def change(app: Application, folder: Path) -> None:
        del app["services"]["web"]["build"]
        app["services"]["web"]["image"] = reference

    return change


def python(program: str) -> Callable[[Application, Path], None]:
    """Another program for web."""
    return web(command=["python3", "-c", program])


def foreign_binary(app: Application, folder: Path) -> None:
    """An image whose program is for another processor."""
    built = folder / "foreign"
    built.mkdir(exist_ok=True)
    # The header of an ELF file for 64-bit ARM, and nothing behind it: the kernel looks no further.
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00\x01\x00\x00\x00" + bytes(40)
    program = built / "program"
    program.write_bytes(header)
    program.chmod(0o755)
    base = "ARG BASE_IMAGE=python:3.12-slim\nFROM ${BASE_IMAGE}\n"
    (built / "Dockerfile").write_text(base + 'COPY program /program\nCMD ["/program"]\n')
    app["services"]["web"] |= {"build": "./foreign"}


def failing_migration(app: Application, folder: Path) -> None:
    app["jobs"]["migrate"]["command"] = ["python3", "-c", "raise SystemExit('the schema is newer than this release')"]


def store_without_class(app: Application, folder: Path) -> None:
    """A second store, whose volume nobody provides."""
    app["stores"]["cache"] = {
        "image": "postgres:17",
        "port": 5433,
        "user": 999,
        "command": ["sleep", "infinity"],
        "health": {"readiness": ["true"], "startPeriod": 10},
        "volume": {"path": "/data", "size": "1Gi"},
    }


@contextlib.contextmanager
def quota(shop: project.Project) -> Generator[None]:
    """No pod more than there are."""
    running = len(shop.get_objects("pods", "-n", NAMESPACE, "--field-selector=status.phase=Running")["items"])
    shop.kubectl("create", "quota", "full", f"--hard=pods={running}", "-n", NAMESPACE)
    try:
        yield
    finally:
        shop.kubectl("delete", "quota", "full", "-n", NAMESPACE)


@contextlib.contextmanager
def stricter(shop: project.Project) -> Generator[None]:
    """Somebody tightens the namespace's Pod Security level behind the stack's back."""
    label = "pod-security.kubernetes.io/enforce"
    before = shop.get_objects("namespace", NAMESPACE)["metadata"]["labels"][label]
    shop.kubectl("label", "namespace", NAMESPACE, f"{label}=restricted", "--overwrite")
    try:
        yield
    finally:
        shop.kubectl("label", "namespace", NAMESPACE, f"{label}={before}", "--overwrite")


@contextlib.contextmanager
def no_secret(shop: project.Project) -> Generator[None]:
    """Somebody deletes the Secret of a job. (A node keeps a copy of it for as long as one of its pods runs there.)"""
    _delete(shop, "secret", "migrate")
    yield


@contextlib.contextmanager
def no_file(shop: project.Project) -> Generator[None]:
    """Somebody stops a service and deletes its ConfigMap."""
    shop.kubectl("scale", "deployment", "worker", "--replicas=0", "-n", NAMESPACE)
    pods = ["pod", "-l", "app.kubernetes.io/name=worker"]
    shop.kubectl("wait", "--for=delete", *pods, "-n", NAMESPACE, "--timeout=60s")
    _delete(shop, "configmap", "worker")
    yield


def _delete(shop: project.Project, kind: str, owner: str) -> None:
    for each in shop.get_objects(kind, "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={owner}")["items"]:
        shop.kubectl("delete", kind, each["metadata"]["name"], "-n", NAMESPACE)


@contextlib.contextmanager
def no_default_class(shop: project.Project) -> Generator[None]:
    """No storage class is the default one."""
    key = "storageclass.kubernetes.io/is-default-class"
    shop.kubectl("annotate", "storageclass", "local-path", f"{key}=false", "--overwrite")
    try:
        yield
    finally:
        shop.kubectl("annotate", "storageclass", "local-path", f"{key}=true", "--overwrite")


@contextlib.contextmanager
def late_node(shop: project.Project) -> Generator[None]:
    """No room for a new pod for 15 seconds: as when a node pool grows."""
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
def closed_registry(shop: project.Project) -> Generator[None]:
    """A registry on the node that asks for a login."""
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
        injected="`image: Web:2`: no image can be called that",
        change=image("Web:2"),
        refused="is no image reference",
    ),
    Fault(
        cause=None,
        injected="`user: 0`: root",
        change=web(user=0),
        refused="0 is root",
    ),
    Fault(
        cause="image-not-found",
        injected="`image:` with a tag that the registry does not have",
        change=image("registry.localhost:5000/nobody/nothing:1"),
    ),
    Fault(
        cause="image-not-authorised",
        injected="`image:` in a registry that asks for a login",
        change=image("127.0.0.1:5999/private/web:1"),
        around=closed_registry,
    ),
    Fault(
        cause="config-missing",
        injected="the Secret of `migrate` deleted by hand, then a change of `migrate`",
        change=lambda app, _: app["jobs"]["migrate"].update(env={"CHANGED": "1"}),
        around=no_secret,
        mend=("--refresh",),
    ),
    Fault(
        cause="config-missing",
        injected="`worker` stopped and its ConfigMap deleted by hand, then a change of `worker`",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "1"}),
        around=no_file,
        mend=("--refresh",),
    ),
    Fault(
        cause="quota",
        injected="a quota that has no room for one pod more",
        change=web(env={"TITLE": "Full"}),
        around=quota,
    ),
    Fault(
        cause="pod-security",
        injected="the namespace's Pod Security level tightened by hand, then a change of a `baseline` service",
        change=lambda app, _: app["services"]["worker"].update(env={"CHANGED": "1"}),
        around=stricter,
    ),
    Fault(
        cause="wrong-architecture",
        injected="a program for another processor in the image",
        change=foreign_binary,
    ),
    Fault(
        cause="crash-loop",
        injected="`command:` that ends with exit code 3",
        change=python("import sys; print('cannot read /etc/web.toml'); sys.exit(3)"),
    ),
    Fault(
        cause="out-of-memory",
        injected="a program that takes 1 GB, with `memory: 64Mi`",
        change=python("data = bytearray(10**9)"),
    ),
    Fault(
        cause="job-failed",
        injected="a migration that ends with exit code 1",
        change=failing_migration,
    ),
    Fault(
        cause="unschedulable",
        injected="`resources: {cpu: 100}`",
        change=web(resources={"cpu": "100", "memory": "64Mi"}),
        waits=True,
    ),
    Fault(
        cause="volume-unbound",
        injected="a new store where no storage class is the default",
        change=store_without_class,
        around=no_default_class,
        waits=True,
    ),
    Fault(
        cause="not-ready",
        injected="`health: {readiness: /nope, liveness: /healthz}`: the page answers 404",
        change=web(health={"ready": "/nope", "live": "/healthz", "startup": 10}),
        waits=True,
    ),
    Fault(
        cause="registry-unreachable",
        injected="`image:` in a registry that does not run",
        change=image("127.0.0.1:5998/web:1"),
        waits=True,
    ),
    Fault(
        cause=None,
        injected="one crash, then it runs (the database was not up yet)",
        change=python(CRASH_ONCE),
    ),
    Fault(
        cause=None,
        injected="no room for 15 seconds (a node pool grows)",
        change=web(env={"TITLE": "Later"}),
        around=late_node,
    ),
)


def prepared(shop: project.Project) -> None:
    """What the faults need from the start: a service that asks for a laxer Pod Security level, and a short deadline."""
    file = shop.folder / "app" / "app.yaml"
    app = yaml.safe_load(file.read_text())
    app["services"]["worker"]["security"] = "baseline"
    # A deadline is never shorter than what the start may take.
    app["services"]["web"]["health"] = {"readiness": "/healthz", "liveness": "/healthz", "startPeriod": 10}
    file.write_text(yaml.safe_dump(app, sort_keys=False))


def changed(shop: project.Project, fault: Fault) -> str:
    """The application's file with the fault in it; returns the text of before."""
    file = shop.folder / "app" / "app.yaml"
    before = file.read_text()
    app = yaml.safe_load(before)
    fault.change(app, file.parent)
    file.write_text(yaml.safe_dump(app, sort_keys=False))
    return before
