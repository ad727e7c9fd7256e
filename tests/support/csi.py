"""Storage that expands volumes: our driver (dev/cluster/modules/csi-driver), and Kubernetes' controllers."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

from dev import project
from dev.cluster import layout as layouts
from dev.cluster import node, toolchain

PROVISIONER = "memory.csi.seaway.local"
ONLINE, OFFLINE = "memory", "memory-offline"
"""Storage classes. A volume of the second one grows only when its pod starts again."""

OBJECTS = "\n---\n".join(
    [
        f"""\
apiVersion: storage.k8s.io/v1
kind: CSIDriver
metadata: {{name: {PROVISIONER}}}
spec: {{attachRequired: false, fsGroupPolicy: File}}
""",
        *(
            f"""\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: {name}}}
provisioner: {PROVISIONER}
allowVolumeExpansion: true
parameters: {parameters}
"""
            for name, parameters in ((ONLINE, "{}"), (OFFLINE, '{offline: "1"}'))
        ),
    ]
)


@contextlib.contextmanager
def run_driver() -> Iterator[None]:
    """Run the driver in the cluster's namespaces, as a process of the node."""
    layout = node.find_layout(project.ROOT)
    folder = layout.run / "csi"
    controller = [f"--csi-address={folder}/csi.sock", f"--kubeconfig={layout.kubeconfig}"]
    programs = {
        "csi-driver": [
            f"--name={PROVISIONER}",
            f"--node={layouts.NODE}",
            f"--folder={folder}",
            f"--registry={layout.run}/kubelet/plugins_registry",
        ],
        "csi-provisioner": [*controller, "--feature-gates=Topology=false"],
        "csi-resizer": controller,
    }
    apply(OBJECTS)
    with contextlib.ExitStack() as stack:
        for program, arguments in programs.items():
            log = stack.enter_context((layout.logs / f"{program}.log").open("w"))
            command = node.format_exec_command(layout, [str(toolchain.find_program(program)), *arguments])
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            stack.callback(_stop, process)
        _wait_until_registered()
        yield


def apply(text: str) -> None:
    """Apply manifests with kubectl."""
    layout = node.find_layout(project.ROOT)
    command = [str(toolchain.find_program("kubectl")), f"--kubeconfig={layout.kubeconfig}", "apply", "--filename=-"]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)


def _wait_until_registered() -> None:
    layout = node.find_layout(project.ROOT)
    command = [
        str(toolchain.find_program("kubectl")),
        f"--kubeconfig={layout.kubeconfig}",
        "get",
        "csinodes",
        "-o",
        "yaml",
    ]
    end = time.monotonic() + 60
    while PROVISIONER not in subprocess.run(command, text=True, check=True, capture_output=True).stdout:
        assert time.monotonic() < end, "the kubelet did not register the driver"
        time.sleep(0.5)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()
