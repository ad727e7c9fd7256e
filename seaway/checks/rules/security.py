"""What a process may do if somebody else takes it over.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Any

from seaway.checks import check, check_context

ALLOWED_VOLUMES = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
"""What `restricted` allows; of the node's own files there is a check apart."""

SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
"""https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls"""

SELINUX_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")

BASELINE_HINT = "remove `security: baseline` from {}, or waive this check for it"


@check.for_containers("SEC-01", "A container is refused where it would run as root", check.STRICT_FOR_RELEASES)
def run_as_non_root(container: check_context.Container) -> check_context.Findings:
    """Root in a container is root on the node as soon as it finds a way out."""
    if container.get_security_setting("runAsNonRoot") is not True:
        remedy = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding("securityContext.runAsNonRoot", "is not true", remedy)


@check.for_containers(
    "SEC-02",
    "A container has a user id that no node has",
    check.warn_everywhere("public images come with a user below 10000, and their files belong to it"),
)
def user_id(container: check_context.Container) -> check_context.Findings:
    """Users of a node have ids below 10000: a process that finds a way out would be one of them."""
    id_ = container.get_security_setting("runAsUser")
    if id_ is None or id_ < 10000:
        wrong = "is not set" if id_ is None else f"{id_} may be the id of a user of the node"
        remedy = f"set {container.get_model_path('user')} to 10001 or more, if the image can do with that"
        yield container.make_finding("securityContext.runAsUser", wrong, remedy)


@check.for_containers("SEC-03", "No process gains more rights than the one that started it", check.STRICT_FOR_RELEASES)
def privilege_escalation(container: check_context.Container) -> check_context.Findings:
    """A setuid program that is forgotten in the image makes root of anybody."""
    if container.get_security_setting("allowPrivilegeEscalation") is not False:
        remedy = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding("securityContext.allowPrivilegeEscalation", "is not false", remedy)


@check.for_containers("SEC-04", "No container is privileged", check.NODE_ACCESS)
def privileged(container: check_context.Container) -> check_context.Findings:
    """A privileged container has the node's devices: it is root on the node."""
    if container.get_security_setting("privileged"):
        yield container.make_finding("securityContext.privileged", "is true", "remove it")


@check.for_containers("SEC-05", "The file system is read-only", check.STRICT_FOR_RELEASES)
def read_only_root(container: check_context.Container) -> check_context.Findings:
    """What breaks in cannot install itself, and what a program writes is lost with its pod anyway."""
    if container.get_security_setting("readOnlyRootFilesystem") is not True:
        remedy = f"name the folders that it writes to in {container.get_model_path('writable')}"
        yield container.make_finding("securityContext.readOnlyRootFilesystem", "is not true", remedy)


@check.for_containers("SEC-06", "A container has none of root's capabilities", check.STRICT_FOR_RELEASES)
def capabilities(container: check_context.Container) -> check_context.Findings:
    """Docker leaves 14 of root's rights to every container, as that to write raw packets; few programs need one."""
    said: dict[str, list[str]] = container.get_security_setting("capabilities") or {}
    path = "securityContext.capabilities"
    if "ALL" not in said.get("drop", []):
        remedy = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding(f"{path}.drop", "does not say ALL", remedy)
    if more := [name for name in said.get("add", []) if name != "NET_BIND_SERVICE"]:
        yield container.make_finding(f"{path}.add", f"gives {', '.join(more)}", "remove it; ports below 1024 need none")


@check.for_containers("SEC-07", "System calls that no program needs are closed", check.STRICT_FOR_RELEASES)
def seccomp_profile(container: check_context.Container) -> check_context.Findings:
    """Most ways out of a container began with a system call that the runtime's own profile refuses."""
    profile: dict[str, str] = container.get_security_setting("seccompProfile") or {}
    kind = profile.get("type")
    if kind not in ("RuntimeDefault", "Localhost"):
        wrong = "is not set" if kind is None else f"{kind} allows every system call"
        yield container.make_finding("securityContext.seccompProfile.type", wrong, "set it to RuntimeDefault")


@check.for_pods("SEC-08", "No pod is in a namespace of its node", check.NODE_ACCESS)
def host_namespaces(pod: check_context.Pod) -> check_context.Findings:
    """It would see the node's processes, memory or network cards, and every pod's with them."""
    for name in ("hostPID", "hostIPC", "hostNetwork"):
        if pod.spec.get(name):
            yield pod.make_finding(name, "is true", "remove it")


@check.for_containers("SEC-09", "No container takes a port of its node", check.NODE_ACCESS)
def host_port(container: check_context.Container) -> check_context.Findings:
    """It goes round the Service and the network policies, and only one pod a node can have the port."""
    for port in container.manifest.get("ports", []):
        if port.get("hostPort"):
            wrong = f"takes port {port['hostPort']} of the node"
            yield container.make_finding(
                "ports.hostPort", wrong, f"remove it, and say `publish: true` in {container.pod.model_path}"
            )


@check.for_pods("SEC-10", "No pod sees the files of its node", check.NODE_ACCESS)
def host_path(pod: check_context.Pod) -> check_context.Findings:
    """Whoever may write to the node's files, or to the socket of its container runtime, is root on it."""
    for volume in pod.spec.get("volumes", []):
        if "hostPath" in volume:
            wrong = f"is {volume['hostPath']['path']} of the node"
            yield pod.make_finding(f"volumes[{volume['name']}].hostPath", wrong, "let a store keep the data")


@check.for_pods("SEC-11", "A pod mounts only what belongs to it", check.NODE_ACCESS)
def volume_types(pod: check_context.Pod) -> check_context.Findings:
    """Disks, configuration and secrets of its own; every other kind of volume reaches into the node or a network."""
    for volume in pod.spec.get("volumes", []):
        for kind in volume.keys() - {"name", "hostPath", *ALLOWED_VOLUMES}:
            yield pod.make_finding(
                f"volumes[{volume['name']}].{kind}", f"{kind} is none of them", "let a store keep the data"
            )


@check.for_pods("SEC-12", "What the kernel and the runtime keep closed stays closed", check.NODE_ACCESS)
def kernel_settings(each: check_context.Pod) -> check_context.Findings:
    """A setting of the kernel that is not the pod's alone is every pod's of the node; and a container without AppArmor,
    with another SELinux type or with all of /proc is half-way out."""
    pod: dict[str, Any] = each.spec.get("securityContext", {})
    for one in pod.get("sysctls", []):
        if one["name"] not in SAFE_SYSCTLS:
            path = f"securityContext.sysctls[{one['name']}]"
            yield each.make_finding(path, "is a setting of the whole node", "remove it")
    for path, said in (
        ("", pod),
        *((f"{one.spec_key}[{one.manifest['name']}].", one.security_context) for one in each.containers),
    ):
        if said.get("procMount", "Default") != "Default":
            yield each.make_finding(
                f"{path}securityContext.procMount", f"{said['procMount']} shows all of /proc", "remove it"
            )
        if said.get("appArmorProfile", {}).get("type") == "Unconfined":
            wrong = "Unconfined turns AppArmor off"
            yield each.make_finding(f"{path}securityContext.appArmorProfile.type", wrong, "remove it")
        options: dict[str, str] = said.get("seLinuxOptions", {})
        if options.get("type", "") not in SELINUX_TYPES or options.get("user") or options.get("role"):
            wrong = "is not how SELinux confines a container"
            yield each.make_finding(f"{path}securityContext.seLinuxOptions", wrong, "remove it")


@check.for_containers(
    "SEC-13", "Every container says what it may do, those before the main one too", check.STRICT_FOR_RELEASES
)
def security_context(container: check_context.Container) -> check_context.Findings:
    """The forgotten one is the way in: an init container sees the same volumes and the same network."""
    if not container.security_context:
        yield container.make_finding("securityContext", "is not set", "write it as that of the main container")


@check.for_application("SEC-14", "The namespace refuses pods that are not safe", check.STRICT_FOR_RELEASES)
def pod_security_labels(context: check_context.CheckContext) -> check_context.Findings:
    """Whatever somebody applies by hand is then held to the same rules, by the API server."""
    prefix = "pod-security.kubernetes.io"
    wanted = {"enforce": ("restricted", "baseline"), "warn": ("restricted",), "audit": ("restricted",)}
    for each in context.list_objects("Namespace"):
        labels = each.manifest["metadata"].get("labels", {})
        for mode, levels in wanted.items():
            level = labels.get(f"{prefix}/{mode}")
            if level not in levels:
                wrong = "is not set" if level is None else f"{level} lets every pod in"
                path = f"metadata.labels[{prefix}/{mode}]"
                yield check_context.make_finding(each, path, wrong, f"set it to {levels[0]}")


@check.for_containers(
    "SEC-15",
    "A container listens on no port below 1024",
    check.warn_everywhere("public web servers listen on 80, and a pod of its own may do so without being root"),
)
def low_port(container: check_context.Container) -> check_context.Findings:
    """Those ports were meant for root, and 22 is a way in that nobody watches."""
    for port in container.manifest.get("ports", []):
        if port["containerPort"] < 1024:
            wrong = f"{port['containerPort']} is one of root's ports"
            remedy = f"let the program listen above, as on 8000, and say so in {container.get_model_path('port')}"
            yield container.make_finding("ports.containerPort", wrong, remedy)
