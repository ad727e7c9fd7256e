"""Converts keys that only Kubernetes has fields for. They go to `raw`."""

from seaway.compose.importer import amounts, health, key_reader, naming, plan
from seaway.compose.loader import tree
from seaway.model import secret_patterns

SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
)
"""https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls"""


def convert(service: plan.ServicePlan) -> None:
    keys, pod, container = service.keys, service.builder.pod_spec, service.builder.container
    for key, field in (("tty", "tty"), ("stdin_open", "stdin")):
        if keys.is_true(key):
            container[field] = True
        keys.keep(key, f"{field} of the container" if keys.is_true(key) else "", into="raw")
    _convert_host_name(service)
    keys.drop("domainname", "a pod has the domain of its namespace")
    if size := amounts.to_size(keys.get_text("shm_size")):
        service.builder.add_volume({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}})
        service.builder.add_mount({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108
        keys.keep("shm_size", f"{size} of memory at /dev/shm, which counts as the container's", into="raw")
    else:
        keys.drop("shm_size", "is not a valid size", "write it as 64m")
    _convert_groups(service)
    for name, node in keys.get_scalars("annotations").items():
        add_annotation(service, "annotations", name, node.text)
    _convert_sysctls(service)
    if keys.is_true("init"):
        pod["shareProcessNamespace"] = True
        keys.keep("init", "shareProcessNamespace of the pod: its first process reaps the others", into="raw")
    else:
        keys.keep("init")
    for number, hook in enumerate(keys.enter_sequence("post_start")):
        _convert_hook(service, hook, first=not number)


def add_annotation(service: plan.ServicePlan, key: str, name: str, text: str) -> None:
    """An annotation of the pod from an annotation or a label."""
    if secret_patterns.contains_credentials(text):
        message = "contains a password or a token, and everybody who may list the pods can read it"
        service.keys.drop((key, name), message, "set a variable of `environment`, and let the program read that")
    else:
        service.builder.annotations[name] = text
        service.keys.keep((key, name), "annotation of the pod", into="raw")


def _convert_host_name(service: plan.ServicePlan) -> None:
    """The host name. Before a pod is ready, its own name is in /etc/hosts only; that of a store is in the DNS."""
    keys, pod = service.keys, service.builder.pod_spec
    if hostname := keys.get_text("hostname"):
        label = naming.to_dns_label(hostname.partition(".")[0], max_length=63)
        message, kept = f"{label}: host names are DNS labels", {label: ""}
        if service.kind == "stores":
            label, kept = f"{service.dns_name}-0", dict[str, str]()
            message = f"{label}: a store has the name of its pod"
        else:
            pod["hostname"] = label
        hint = "write the name in the program's own configuration" if "." in hostname or not kept else ""
        keys.approximate("hostname", message, hint, kept=kept, into="raw")
    elif service.kind == "services" and service.names_itself():
        pod["hostname"] = service.dns_name
    if service.kind != "stores":
        return
    if service.names_itself():
        service.builder.set(("raw", "Service"), {"spec": {"publishNotReadyAddresses": True}})
    elif service.main_port is not None and any(other.is_proxy() for other in service.plans.values()):
        # A proxy looks up an address once: it must be that of a Service, and not that of a pod.
        service.builder.set(("raw", "Service"), {"spec": {"clusterIP": None}})


def _convert_groups(service: plan.ServicePlan) -> None:
    groups: list[int] = []
    for key, text in service.keys.list_entries("group_add"):
        if text.isdecimal():
            groups.append(int(text))
            service.keys.keep(key, "supplementalGroups of the pod", into="raw")
        else:
            service.keys.drop(key, f"only the image knows the id of {text}", "write the id that `id -G` prints")
    if groups:
        service.builder.pod_spec.setdefault("securityContext", {})["supplementalGroups"] = groups


def _convert_hook(service: plan.ServicePlan, hook: key_reader.KeyReader, *, first: bool) -> None:
    words = tree.list_scalars(hook.mapping, "command")
    if first and words:
        command = health.format_words(service, words)
        service.builder.container["lifecycle"] = {"postStart": {"exec": {"command": command}}}
        hook.keep("command", "lifecycle.postStart of the container", into="raw")
    else:
        hook.drop("command", "a container has one hook", "write one command")
    hook.drop("privileged", "it has the rights of the container", kept={"false": ""})
    message = "it runs like the container, with its variables"
    hook.drop("user working_dir environment", message, "set it in the command")


def _convert_sysctls(service: plan.ServicePlan) -> None:
    keys = service.keys
    safe: list[dict[str, str]] = []
    for name, node in keys.get_scalars("sysctls").items():
        key = ("sysctls", name)
        if name in SAFE_SYSCTLS:
            safe.append({"name": name, "value": node.text})
            keys.keep(key, into="raw")
        elif name == "net.ipv4.ip_unprivileged_port_start":
            keys.keep(key, "set by the container runtime")
        else:
            keys.drop(key, "belongs to the node, and pods cannot change it", "set it on the nodes")
    if safe:
        service.builder.pod_spec.setdefault("securityContext", {})["sysctls"] = safe
