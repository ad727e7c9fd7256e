"""Start, follow, look at and stop the cluster of one checkout."""

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
    toolchain,
)
from dev.cluster import layout as layouts
from seaway.model import private

READY_TIMEOUT = 180.0  # seconds for everything to become ready
MAX_RESTARTS = 5  # restarts of something that was never ready, before `up` gives up
Print = Callable[[str], None]


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of `status`. `pid` is the host's number, `since` Unix time."""

    name: str
    state: str
    pid: int | None = None
    since: float | None = None
    restarts: int = 0
    address: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether it does its work at this moment."""
        return self.state == "ready"


def find_layout(root: Path) -> layouts.Layout:
    """The layout of the checkout in this folder, with the address number of its last start."""
    layout = layouts.Layout(root=root.resolve())
    number = layout.data / "number"
    return dataclasses.replace(layout, number=int(number.read_text())) if number.exists() else layout


@contextmanager
def lock_cluster(layout: layouts.Layout) -> Generator[None]:
    """One command at a time changes a checkout's cluster; a second waits for the first."""
    private.make_folder(layout.data)
    # Beside the data, not in it: `wipe` deletes the data while it holds the lock.
    descriptor = os.open(layout.seaway / "cluster.lock", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running(layout: layouts.Layout) -> bool:
    """Whether the supervisor lives and answers."""
    recorded = processes.load(layout)
    if "init" not in recorded or not all(process.is_alive for process in recorded.values()):
        return False
    return client.is_answering(layout, f"unix:{layout.control}", seconds=5)


def up(root: Path, print_line: Print) -> None:
    """Start what does not run and wait until all is ready. Nothing changes where all is well."""
    began = time.monotonic()
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
        _wait_until_ready(layout, print_line, began)
        print_line(f"ready in {time.monotonic() - began:.1f} s: {layout.server}, KUBECONFIG={layout.kubeconfig}")


def down(root: Path) -> None:
    """End every process, mount and trace of it. The data stays."""
    layout = find_layout(root)
    with lock_cluster(layout):
        _stop(layout)


def wipe(root: Path) -> None:
    """`down`, and the data goes too: images, volumes, certificates, everything that was in the cluster."""
    layout = find_layout(root)
    with lock_cluster(layout):
        _stop(layout)
        shutil.rmtree(layout.data)
        layout.kubeconfig.unlink(missing_ok=True)


def list_status(layout: layouts.Layout) -> list[Row]:
    """What runs, as it is at this moment; empty where the cluster is down."""
    recorded = processes.load(layout)
    if "init" not in recorded:
        return []
    try:
        answer: dict[str, Any] = client.send_command(layout, "status")
    except OSError:
        return []
    outside = processes.map_namespace_ids(recorded["init"])
    rows = [dataclasses.replace(Row(**entry), pid=outside.get(entry["pid"])) for entry in answer["components"]]
    rows.append(Row(name="node", state="ready" if _is_node_ready(layout) else "not ready", address=layout.address))
    return rows + [
        Row(name=name, state="ready" if _is_addon_ready(layout, name) else "not ready") for name in addons.list_addons()
    ]


def forward_port(layout: layouts.Layout, node_port: int) -> str:
    """The address on the host's loopback at which a node port of the cluster answers."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(layout.forwarder))
        connection.sendall(f"{node_port}\n".encode())
        with connection.makefile() as answer:
            port = answer.readline().strip()
    if not port:
        raise layouts.CannotRunError(f"{node_port}: not a port; a Service of type NodePort has one from 30000 to 32767")
    return f"http://127.0.0.1:{port}"


def format_exec_command(layout: layouts.Layout, command: list[str]) -> list[str]:
    """The command line that runs a command in the cluster's namespaces, in the current folder."""
    init = processes.load(layout)["init"]
    return ["nsenter", f"--target={init.pid}", "--mount", "--net", "--pid", f"--wd={Path.cwd()}", "--", *command]


def _start(layout: layouts.Layout) -> layouts.Layout:
    _stop(layout)
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
            components.list_components(layout)  # a missing program is an error now, not a line in a log
            _write_builder(layout)
            (layout.data / "number").write_text(str(layout.number))
            machine.make_cgroups(layout)
            _launch(layout)
    except BaseException:
        _stop(layout)
        raise
    return layout


def _launch(layout: layouts.Layout) -> None:
    """Start the supervisor in new namespaces; it waits until it is recorded and its network is linked."""
    # `unshare` ignores SIGTERM; its SIGKILL ends its child, and with that child the kernel ends the namespaces.
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
        raise layouts.FailedError(f"the supervisor ended at once; see {layout.logs}/supervisor.log")
    processes.save(layout, unshare=outer)
    end = time.monotonic() + 10
    while (init := processes.find_child(outer)) is None:
        if time.monotonic() > end or not outer.is_alive:
            raise layouts.FailedError(f"no new namespaces; see {layout.logs}/supervisor.log")
        time.sleep(0.01)
    processes.save(layout, unshare=outer, init=init)
    network.connect(layout, init.pid)
    assert process.stdin  # noqa: S101 - we asked for a pipe
    process.stdin.write(b"go\n")
    process.stdin.close()
    process.returncode = 0  # it outlives us
    while not client.is_answering(layout, f"unix:{layout.control}"):
        if time.monotonic() > end or not init.is_alive:
            raise layouts.FailedError(f"the supervisor does not answer:\n{_read_log_tail(layout, 'supervisor')}")
        time.sleep(0.02)


def _stop(layout: layouts.Layout) -> None:
    """Clean up exactly what is left, after a proper start, a crash or half of either."""
    if not layout.run.exists():
        return  # made first and removed last: without it there is nothing else
    recorded = processes.load(layout)
    for process in recorded.values():
        processes.kill(process)
    for name, process in recorded.items():
        # The first process of a namespace is gone only after all others in it.
        if not processes.wait_until_ended(process, seconds=30):
            raise layouts.FailedError(f"{name}: process {process.pid} does not end; look at /proc/{process.pid}/stack")
    with network.lock_network():
        network.disconnect(layout)
    machine.remove_cgroups(layout)
    shutil.rmtree(layout.run)


def _wait_until_ready(layout: layouts.Layout, print_line: Print, start: float) -> None:
    """Tell what becomes ready, and do what only can be done then: load our images, apply our manifests."""
    seen: set[str] = set()
    loaded = False
    made = images.list_images()
    text = _render_manifests(layout, {name: image.reference for name, image in made.items()})
    # Kept with the sockets: what an earlier life applied may not be there any more.
    stamp = layout.run / "applied"
    digest = hashlib.sha256(text.encode()).hexdigest()
    applied = stamp.exists() and stamp.read_text() == digest
    while True:
        rows = list_status(layout)
        if not rows:
            raise layouts.FailedError(f"the supervisor ended:\n{_read_log_tail(layout, 'supervisor')}")
        for row in rows:
            if row.is_ready and row.name not in seen:
                seen.add(row.name)
                print_line(f"  {row.name:<24} ready  {time.monotonic() - start:5.1f} s")
            if row.restarts >= MAX_RESTARTS and not row.is_ready and row.name not in seen:
                raise layouts.FailedError(f"{row.name} does not start:\n{_read_log_tail(layout, row.name)}")
        if applied and all(row.is_ready for row in rows):
            return
        if not loaded and "containerd" in seen:
            for image in made.values():
                images.load(layout, image)
            loaded = True
        if not applied and "kube-apiserver" in seen:
            for command in addons.list_network_commands():
                network.run(*format_exec_command(layout, command))
            _run_kubectl(layout, "apply", "--server-side", "--force-conflicts", text=text)
            _run_kubectl(layout, "delete", "--ignore-not-found", "--wait=false", text=_render_missing_manifests())
            stamp.write_text(digest)
            applied = True
            continue  # what the rows say of the add-ons is older
        if time.monotonic() - start > READY_TIMEOUT:
            late = [row.name for row in rows if not row.is_ready]
            raise layouts.FailedError(
                f"not ready after {READY_TIMEOUT:.0f} s: {', '.join(late)}; logs are in {layout.logs}"
            )
        time.sleep(0.1)


def _render_manifests(layout: layouts.Layout, references: dict[str, str]) -> str:
    # Without an upstream the DNS server knows the cluster's names only: better than a server that does not start.
    upstream = "forward . /etc/resolv.conf" if "nameserver" in namespace.format_resolv_conf() else ""
    values = {name.replace("-", "_"): reference for name, reference in references.items()}
    values |= {"volumes": str(layout.data / "volumes"), "dns": layouts.DNS_ADDRESS, "upstream": upstream}
    values |= {"address": layout.address, "node": layouts.NODE}
    texts = (string.Template(path.read_text()).substitute(values) for path in addons.list_manifests())
    return "\n---\n".join(texts)


def _render_missing_manifests() -> str:
    """What an earlier `up` may have applied, for which the toolchain has no part now. Only kinds and names matter."""
    return "\n---\n".join(path.read_text() for path in addons.list_missing_manifests())


def _run_kubectl(layout: layouts.Layout, *words: str, text: str) -> None:
    if not text:
        return
    command = [str(toolchain.find_program("kubectl")), "--kubeconfig", str(layout.kubeconfig), *words, "--filename=-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise layouts.FailedError(f"the cluster's own manifests were refused:\n{done.stderr}")


def _write_builder(layout: layouts.Layout) -> None:
    """A buildx builder of constant name in a Docker configuration of our own; the user's is left alone."""
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
    """When this life of the cluster began, in the API's own form. etcd still tells of pods of the life before."""
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
    """Whether a pod of this add-on is ready, with containers that were started in this life."""
    pods = client.get_object(layout, f"/api/v1/namespaces/kube-system/pods?labelSelector=app%3D{app}") or {}
    for pod in pods.get("items", []):
        containers: list[dict[str, Any]] = pod["status"].get("containerStatuses", [])
        started = [entry["state"].get("running", {}).get("startedAt", "") for entry in containers]
        if containers and all(entry["ready"] for entry in containers) and min(started) >= _format_start_time(layout):
            return True
    return False


def _read_log_tail(layout: layouts.Layout, name: str) -> str:
    path = layout.logs / f"{name}.log"
    lines = path.read_text(errors="replace").splitlines()[-10:] if path.exists() else []
    return "\n".join([f"{path}:", *lines])
