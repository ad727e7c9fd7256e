"""Start, inspect and stop the cluster of a checkout."""

import dataclasses
import fcntl
import hashlib
import json
import os
import shutil
import socket
import string
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dev.cluster import (
    addons,
    certificates,
    client,
    components,
    images,
    machine,
    namespace,
    network,
    processes,
    remains,
    toolchain,
)
from dev.cluster import layout as layouts
from seaway.files import private

READY_TIMEOUT = 180.0  # seconds until all components must be ready
MAX_RESTARTS = 5  # `up` fails when a component that was never ready restarts this often
Print = Callable[[str], None]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of `status`. `pid` is the process id on the host, `since` is Unix time."""

    name: str
    state: str
    pid: int | None = None
    since: float | None = None
    restarts: int = 0
    address: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the component works at this moment."""
        return self.state == "ready"


def find_layout(root: Path) -> layouts.Layout:
    """Return the layout of a checkout, with the address number of its last start."""
    layout = layouts.Layout(root=root.resolve())
    number = layout.data / "number"
    return dataclasses.replace(layout, number=int(number.read_text())) if number.exists() else layout


@contextmanager
def lock_cluster(layout: layouts.Layout) -> Generator[None]:
    """Allow one command at a time to change a checkout's cluster. Other commands wait."""
    private.make_folder(layout.data)
    # Beside the data folder: `wipe` deletes the data while it holds the lock.
    descriptor = os.open(layout.seaway / "cluster.lock", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running(layout: layouts.Layout) -> bool:
    """Return whether the supervisor runs and responds."""
    recorded = processes.load(layout)
    if "init" not in recorded or not all(process.is_alive for process in recorded.values()):
        return False
    return client.is_answering(layout, f"unix:{layout.control}", seconds=5)


def up(root: Path, print_line: Print) -> None:
    """Start the components that do not run, and wait until all are ready."""
    start = time.monotonic()
    problems = machine.find_problems() + layouts.find_path_problems(root.resolve())
    if problems:
        raise layouts.CannotRunError("\n".join(problems))
    with lock_cluster(find_layout(root)):
        layout = find_layout(root)
        if not is_running(layout):
            layout = _start(layout)
        for row in list_status(layout):
            if row.state == "stopped":
                client.send_command(layout, "start", row.name)
        _wait_until_ready(layout, print_line, start)
        print_line(f"ready in {time.monotonic() - start:.1f} s: {layout.server}, KUBECONFIG={layout.kubeconfig}")


def down(root: Path) -> None:
    """Stop every process, and remove every mount, rule and cgroup. The data is kept."""
    layout = find_layout(root)
    with lock_cluster(layout):
        remains.remove(layout)


def wipe(root: Path) -> None:
    """Stop the cluster and delete its data: images, volumes, certificates and all objects."""
    layout = find_layout(root)
    with lock_cluster(layout):
        remains.remove(layout)
        shutil.rmtree(layout.data)
        layout.kubeconfig.unlink(missing_ok=True)


def list_status(layout: layouts.Layout) -> list[Row]:
    """List the current state of all components. Empty if the cluster is stopped."""
    recorded = processes.load(layout)
    if "init" not in recorded:
        return []
    try:
        result: dict[str, Any] = client.send_command(layout, "status")
    except OSError:
        return []
    host_ids = processes.map_namespace_ids(recorded["init"])
    rows = [dataclasses.replace(Row(**fields), pid=host_ids.get(fields["pid"])) for fields in result["components"]]
    rows.append(Row(name="node", state="ready" if _is_node_ready(layout) else "not ready", address=layout.address))
    return rows + [
        Row(name=name, state="ready" if _is_addon_ready(layout, name) else "not ready") for name in addons.list_addons()
    ]


def forward_port(layout: layouts.Layout, node_port: int) -> str:
    """Forward a local port to a node port of the cluster, and return its URL."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(layout.forwarder))
        connection.sendall(f"{node_port}\n".encode())
        with connection.makefile() as response:
            port = response.readline().strip()
    if not port:
        raise layouts.CannotRunError(
            f"{node_port}: not a port number; a Service of type NodePort has a port from 30000 to 32767"
        )
    return f"http://127.0.0.1:{port}"


def format_exec_command(layout: layouts.Layout, command: list[str]) -> list[str]:
    """Return the command line that runs a command in the cluster's namespaces and in the current folder."""
    init = processes.load(layout)["init"]
    return ["nsenter", f"--target={init.pid}", "--mount", "--net", "--pid", f"--wd={Path.cwd()}", "--", *command]


def _start(layout: layouts.Layout) -> layouts.Layout:
    remains.remove(layout)
    for folder in (layout.run, layout.data / "config", layout.data / "volumes", layout.logs):
        folder.mkdir(parents=True, exist_ok=True)
    for log in layout.logs.glob("*.log"):
        log.rename(log.with_suffix(".log.1"))
    try:
        pause = images.list_images()["pause"].reference
        with network.lock_network():
            layout = dataclasses.replace(layout, number=network.choose_number(layout))
            certificates.write(layout)
            components.write_config(layout, pause=pause, mtu=network.find_mtu())
            components.list_components(layout)  # reports a missing program now, not later in a log
            _write_builder(layout)
            (layout.data / "number").write_text(str(layout.number))
            machine.make_cgroups(layout)
            _launch(layout)
    except BaseException:
        remains.remove(layout)
        raise
    return layout


def _launch(layout: layouts.Layout) -> None:
    """Start the supervisor in new namespaces. It waits until it is recorded and its network is linked."""
    # `unshare` ignores SIGTERM. Its SIGKILL ends its child, and then the kernel ends the namespaces.
    unshare = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
    host_network = os.open("/proc/self/ns/net", os.O_RDONLY)
    supervisor = (sys.executable, "-m", "dev.cluster.supervisor", str(layout.root), str(layout.number))
    with (layout.logs / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [*unshare, *supervisor, str(host_network)],
            cwd=layout.root,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(host_network,),
        )
    os.close(host_network)
    outer = processes.find_process(process.pid)
    if outer is None:
        raise layouts.FailedError(f"the supervisor ended immediately; see {layout.logs}/supervisor.log")
    processes.save(layout, unshare=outer)
    end = time.monotonic() + 10
    while (init := processes.find_child(outer)) is None:
        if time.monotonic() > end or not outer.is_alive:
            raise layouts.FailedError(f"cannot create namespaces; see {layout.logs}/supervisor.log")
        time.sleep(0.01)
    processes.save(layout, unshare=outer, init=init)
    network.connect(layout, init.pid)
    assert process.stdin  # noqa: S101 - stdin is a pipe
    process.stdin.write(b"go\n")
    process.stdin.close()
    process.returncode = 0  # the supervisor outlives this process
    while not client.is_answering(layout, f"unix:{layout.control}"):
        if time.monotonic() > end or not init.is_alive:
            raise layouts.FailedError(f"the supervisor does not respond:\n{_read_log_tail(layout, 'supervisor')}")
        time.sleep(0.02)


def _wait_until_ready(layout: layouts.Layout, print_line: Print, start: float) -> None:
    """Print components as they become ready. Load images and apply manifests as soon as that is possible."""
    ready: set[str] = set()
    loaded = False
    apply = ("apply", "--server-side", "--force-conflicts")
    all_images = images.list_images()
    text = _render_manifests(layout, {name: image.reference for name, image in all_images.items()})
    # In the folder of the sockets: objects that an earlier start applied may no longer exist.
    stamp = layout.run / "applied"
    definitions, late = _join(addons.list_definitions()), _join(addons.list_late_manifests())
    digest = hashlib.sha256(f"{definitions}{text}{late}".encode()).hexdigest()
    applied = stamp.exists() and stamp.read_text() == digest
    while True:
        rows = list_status(layout)
        if not rows:
            raise layouts.FailedError(f"the supervisor ended:\n{_read_log_tail(layout, 'supervisor')}")
        for row in rows:
            if row.is_ready and row.name not in ready:
                ready.add(row.name)
                print_line(f"  {row.name:<24} ready  {time.monotonic() - start:5.1f} s")
            if row.restarts >= MAX_RESTARTS and not row.is_ready and row.name not in ready:
                raise layouts.FailedError(f"{row.name} does not start:\n{_read_log_tail(layout, row.name)}")
        if applied and all(row.is_ready for row in rows):
            return
        if not loaded and "containerd" in ready:
            for image in all_images.values():
                images.load(layout, image)
            loaded = True
        if not applied and "kube-apiserver" in ready:
            for command in addons.list_network_commands():
                network.run(*format_exec_command(layout, command))
            _run_kubectl(layout, *apply, text=definitions)
            _run_kubectl(layout, *apply, text=text)
            _run_kubectl(layout, "wait", "--for=condition=Established", "--timeout=30s", text=definitions)
            _run_kubectl(layout, *apply, text=late)
            _run_kubectl(
                layout, "delete", "--ignore-not-found", "--wait=false", text=_join(addons.list_missing_manifests())
            )
            stamp.write_text(digest)
            applied = True
            continue  # the rows show the add-ons before the change
        if time.monotonic() - start > READY_TIMEOUT:
            not_ready = [row.name for row in rows if not row.is_ready]
            raise layouts.FailedError(
                f"not ready after {READY_TIMEOUT:.0f} s: {', '.join(not_ready)}; logs are in {layout.logs}"
            )
        time.sleep(0.1)


def _render_manifests(layout: layouts.Layout, references: dict[str, str]) -> str:
    # Without an upstream, the DNS server starts and resolves only names of the cluster.
    upstream = "forward . /etc/resolv.conf" if "nameserver" in namespace.format_resolv_conf() else ""
    variables = {name.replace("-", "_"): reference for name, reference in references.items()}
    variables |= {"volumes": str(layout.data / "volumes"), "dns": layouts.DNS_ADDRESS, "upstream": upstream}
    variables |= {"address": layout.address, "node": layouts.NODE}
    texts = (string.Template(path.read_text()).substitute(variables) for path in addons.list_manifests())
    return "\n---\n".join(texts)


def _join(files: list[Path]) -> str:
    return "\n---\n".join(path.read_text() for path in files)


def _run_kubectl(layout: layouts.Layout, *words: str, text: str) -> None:
    if not text:
        return
    command = [str(toolchain.find_program("kubectl")), "--kubeconfig", str(layout.kubeconfig), *words, "--filename=-"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if result.returncode:
        raise layouts.FailedError(f"the API server rejected the manifests of the add-ons:\n{result.stderr}")


def _write_builder(layout: layouts.Layout) -> None:
    """Write a buildx builder with a constant name into the checkout's own Docker configuration."""
    instances = layout.seaway / "docker" / "buildx" / "instances"
    instances.mkdir(parents=True, exist_ok=True)
    node = {"Name": "seaway0", "Endpoint": f"unix://{layout.buildkitd}", "Platforms": None, "Flags": None}
    instance = {
        "Name": "seaway",
        "Driver": "remote",
        "Nodes": [{**node, "DriverOpts": None, "Files": None}],
        "Dynamic": False,
    }
    (instances / "seaway").write_text(json.dumps(instance))


def _format_start_time(layout: layouts.Layout) -> str:
    """Return the start time of the cluster in the format of the API. etcd still contains pods from before the start."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(layout.record.stat().st_mtime))


def _is_node_ready(layout: layouts.Layout) -> bool:
    node = client.get_object(layout, f"/api/v1/nodes/{layouts.NODE}") or {}
    conditions: list[dict[str, str]] = node.get("status", {}).get("conditions", [])
    return any(
        entry["type"] == "Ready"
        and entry["status"] == "True"
        and entry["lastHeartbeatTime"] >= _format_start_time(layout)
        for entry in conditions
    )


def _is_addon_ready(layout: layouts.Layout, app: str) -> bool:
    """Return whether a pod of this add-on is ready, with containers that started after the cluster."""
    pods = client.get_object(layout, f"/api/v1/namespaces/kube-system/pods?labelSelector=app%3D{app}") or {}
    for pod in pods.get("items", []):
        containers: list[dict[str, Any]] = pod["status"].get("containerStatuses", [])
        started = [container["state"].get("running", {}).get("startedAt", "") for container in containers]
        all_ready = containers and all(container["ready"] for container in containers)
        if all_ready and min(started) >= _format_start_time(layout):
            return True
    return False


def _read_log_tail(layout: layouts.Layout, name: str) -> str:
    path = layout.logs / f"{name}.log"
    lines = path.read_text(errors="replace").splitlines()[-10:] if path.exists() else []
    return "\n".join([f"{path}:", *lines])
