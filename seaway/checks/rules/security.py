"""Limits of what a compromised process can do.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from typing import Any

from seaway.checks import check, check_context
from seaway.model.defaults import image_profiles

ALLOWED_VOLUMES = (
    "configMap",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
"""The volume types that `restricted` allows, except an inline `csi`: its driver decides what it mounts. Another check
covers hostPath."""

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
STORE_HINT = "store the data in a store"


@check.for_containers("SEC-01", "A container cannot run as root", check.STRICT_FOR_RELEASES)
def run_as_non_root(container: check_context.Container) -> check_context.Findings:
    """Root in a container is root on the node once it escapes."""
    if container.get_security_setting("runAsNonRoot") is not True:
        hint = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding("securityContext.runAsNonRoot", "is not true", hint)


@check.for_containers(
    "SEC-02",
    "A container has a user id that no user of the node has",
    check.warn_everywhere("public images have users below 10000, and their files belong to these users"),
)
def user_id(container: check_context.Container) -> check_context.Findings:
    """Users of a node have ids below 10000: a process that escapes would act as one of them. A known public image keeps
    the user that its files belong to."""
    if container.get_security_setting("runAsGroup") == 0:
        hint = "remove it, and let the group of the image own the files"
        yield container.make_finding("securityContext.runAsGroup", "0 is the group of root", hint)
    id_ = container.get_security_setting("runAsUser")
    image = (container.container_spec.image if container.container_spec else None) or ""
    profile = image_profiles.find_profile(image)
    if profile and id_ is not None and id_ == profile.get_user(image_profiles.split_image_name(image)[1]):
        return
    if id_ is None or id_ < 10000:
        message = "is not set" if id_ is None else f"{id_} can be the id of a user of the node"
        hint = f"set {container.get_model_path('user')} to 10001 or more, if the image supports it"
        yield container.make_finding("securityContext.runAsUser", message, hint)


@check.for_containers("SEC-03", "A process cannot gain privileges", check.STRICT_FOR_RELEASES)
def privilege_escalation(container: check_context.Container) -> check_context.Findings:
    """A forgotten setuid program in the image makes any user root."""
    if container.get_security_setting("allowPrivilegeEscalation") is not False:
        hint = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding("securityContext.allowPrivilegeEscalation", "is not false", hint)


@check.for_containers("SEC-04", "No container is privileged", check.NODE_ACCESS)
def privileged(container: check_context.Container) -> check_context.Findings:
    """A privileged container has access to the devices of the node: it is root on the node."""
    if container.get_security_setting("privileged"):
        yield container.make_finding("securityContext.privileged", "is true", "remove it")
    windows_options: dict[str, Any] = container.get_security_setting("windowsOptions") or {}
    if windows_options.get("hostProcess"):
        path = "securityContext.windowsOptions.hostProcess"
        yield container.make_finding(path, "runs the process on the node", "remove it")


@check.for_containers("SEC-05", "The root file system is read-only", check.STRICT_FOR_RELEASES)
def read_only_root(container: check_context.Container) -> check_context.Findings:
    """An attacker cannot install programs, and files written there would be lost with the pod."""
    if container.get_security_setting("readOnlyRootFilesystem") is not True:
        hint = f"list the folders that it writes to in {container.get_model_path('writable')}"
        yield container.make_finding("securityContext.readOnlyRootFilesystem", "is not true", hint)


@check.for_containers("SEC-06", "A container has no capabilities of root", check.STRICT_FOR_RELEASES)
def capabilities(container: check_context.Container) -> check_context.Findings:
    """Docker leaves 14 capabilities of root to every container, for example to write raw packets; few programs need
    one."""
    declared: dict[str, list[str]] = container.get_security_setting("capabilities") or {}
    path = "securityContext.capabilities"
    if "ALL" not in declared.get("drop", []):
        hint = BASELINE_HINT.format(container.pod.model_path)
        yield container.make_finding(f"{path}.drop", "does not contain ALL", hint)
    if added := [name for name in declared.get("add", []) if name != "NET_BIND_SERVICE"]:
        yield container.make_finding(f"{path}.add", f"adds {', '.join(added)}", "remove it; ports below 1024 need none")


@check.for_containers("SEC-07", "Unneeded system calls are blocked", check.STRICT_FOR_RELEASES)
def seccomp_profile(container: check_context.Container) -> check_context.Findings:
    """Most container escapes began with a system call that the default profile of the runtime blocks."""
    profile: dict[str, str] = container.get_security_setting("seccompProfile") or {}
    kind = profile.get("type")
    if kind not in ("RuntimeDefault", "Localhost"):
        message = "is not set" if kind is None else f"{kind} allows every system call"
        yield container.make_finding("securityContext.seccompProfile.type", message, "set it to RuntimeDefault")


@check.for_pods("SEC-08", "No pod shares a namespace with its node", check.NODE_ACCESS)
def host_namespaces(pod: check_context.Pod) -> check_context.Findings:
    """It could see the processes, memory or network interfaces of the node, and of all its pods."""
    for name in ("hostPID", "hostIPC", "hostNetwork"):
        if pod.spec.get(name):
            yield pod.make_finding(name, "is true", "remove it")


@check.for_containers("SEC-09", "No container uses a port of its node", check.NODE_ACCESS)
def host_port(container: check_context.Container) -> check_context.Findings:
    """It bypasses Services and network policies, and only one pod per node can use the port."""
    for port in container.manifest.get("ports", []):
        if port.get("hostPort"):
            hint = f"remove it, and set `publish: true` in {container.pod.model_path}"
            yield container.make_finding("ports.hostPort", f"uses port {port['hostPort']} of the node", hint)


@check.for_pods("SEC-10", "No pod mounts files of its node", check.NODE_ACCESS)
def host_path(pod: check_context.Pod) -> check_context.Findings:
    """Write access to files of the node, or to the socket of its container runtime, gives root access to the node."""
    for volume in pod.spec.get("volumes", []):
        if "hostPath" in volume:
            message = f"mounts {volume['hostPath']['path']} of the node"
            yield pod.make_finding(f"volumes[{volume['name']}].hostPath", message, STORE_HINT)


@check.for_pods("SEC-11", "A pod mounts only its own volumes", check.NODE_ACCESS)
def volume_types(pod: check_context.Pod) -> check_context.Findings:
    """Its own disks, configuration and secrets. Every other type of volume reaches into the node or a network."""
    for volume in pod.spec.get("volumes", []):
        for kind in volume.keys() - {"name", "hostPath", *ALLOWED_VOLUMES}:
            yield pod.make_finding(f"volumes[{volume['name']}].{kind}", f"{kind} is not allowed", STORE_HINT)


@check.for_pods("SEC-12", "The protections of the kernel and the runtime stay on", check.NODE_ACCESS)
def kernel_settings(pod: check_context.Pod) -> check_context.Findings:
    """An unsafe sysctl affects every pod of the node. A container without AppArmor, with another SELinux type or with
    the full /proc can escape more easily. With shared processes, a sidecar can read the variables and files of every
    other container."""
    pod_context: dict[str, Any] = pod.spec.get("securityContext", {})
    for sysctl in pod_context.get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            path = f"securityContext.sysctls[{sysctl['name']}]"
            yield pod.make_finding(path, "affects the whole node", "remove it")
    if pod.spec.get("shareProcessNamespace") and len(pod.running_containers) > 1:
        yield pod.make_finding("shareProcessNamespace", "shows each container the processes of the others", "remove it")
    annotations: dict[str, str] = pod.template["metadata"].get("annotations", {})
    for name, content in annotations.items():
        if ("apparmor" in name or "seccomp" in name) and content == "unconfined":
            path = f"{pod.template_path}.metadata.annotations[{name}]"
            yield pod.make_object_finding(path, "unconfined turns the protection off", "remove it")
    for container in pod.containers:
        for mount in container.manifest.get("volumeMounts", []):
            if mount.get("mountPropagation", "None") != "None":
                path = f"volumeMounts[{mount['mountPath']}].mountPropagation"
                yield container.make_finding(path, "shares mounts with the node", "remove it")
    contexts = {
        f"{container.spec_key}[{container.manifest['name']}].": container.security_context
        for container in pod.containers
    }
    for path, security in {"": pod_context, **contexts}.items():
        if security.get("procMount", "Default") != "Default":
            message = f"{security['procMount']} shows all of /proc"
            yield pod.make_finding(f"{path}securityContext.procMount", message, "remove it")
        if security.get("appArmorProfile", {}).get("type") == "Unconfined":
            message = "Unconfined turns AppArmor off"
            yield pod.make_finding(f"{path}securityContext.appArmorProfile.type", message, "remove it")
        options: dict[str, str] = security.get("seLinuxOptions", {})
        if options.get("type", "") not in SELINUX_TYPES or options.get("user") or options.get("role"):
            message = "does not confine the container as SELinux does"
            yield pod.make_finding(f"{path}securityContext.seLinuxOptions", message, "remove it")


@check.for_containers(
    "SEC-13", "Every container has a security context, init containers included", check.STRICT_FOR_RELEASES
)
def security_context(container: check_context.Container) -> check_context.Findings:
    """An init container sees the same volumes and the same network as the main one."""
    if not container.security_context:
        yield container.make_finding("securityContext", "is not set", "set it as on the main container")


@check.for_application("SEC-14", "The namespace rejects unsafe pods", check.STRICT_FOR_RELEASES)
def pod_security_labels(context: check_context.CheckContext) -> check_context.Findings:
    """The API server then applies the same rules to pods that are created by hand."""
    prefix = "pod-security.kubernetes.io"
    allowed = {"enforce": ("restricted", "baseline"), "warn": ("restricted",), "audit": ("restricted",)}
    for namespace in context.list_objects("Namespace"):
        labels = namespace.manifest["metadata"].get("labels", {})
        for mode, levels in allowed.items():
            level = labels.get(f"{prefix}/{mode}")
            if level not in levels:
                message = "is not set" if level is None else f"{level} admits every pod"
                path = f"metadata.labels[{prefix}/{mode}]"
                yield check_context.make_finding(namespace, path, message, f"set it to {levels[0]}")


@check.for_containers(
    "SEC-15",
    "A container does not listen on a port below 1024",
    check.warn_everywhere("public web servers listen on 80, and a pod may do so without root"),
)
def low_port(container: check_context.Container) -> check_context.Findings:
    """Those ports are reserved for root, and an SSH server on 22 is an unmonitored entry point."""
    for port in container.manifest.get("ports", []):
        if port["containerPort"] < 1024:
            hint = f"let the program listen on a higher port, as 8000, and set {container.get_model_path('port')}"
            yield container.make_finding("ports.containerPort", f"{port['containerPort']} is reserved for root", hint)
