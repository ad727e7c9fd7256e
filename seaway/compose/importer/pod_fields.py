"""What Kubernetes has a field for, and the model no word: it goes into `raw`."""

from seaway.compose.importer import amounts, key_reader, naming, service_builder

SAFE_SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
)


def convert(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    """What Kubernetes has, and the model has no word for."""
    for key, field in (("tty", "tty"), ("stdin_open", "stdin")):
        if keys.is_true(key):
            builder.container[field] = True
        keys.keep(key, f"{field} of the container" if keys.is_true(key) else "", into="raw")
    if hostname := keys.get_text("hostname"):
        builder.pod_spec["hostname"] = naming.to_dns_label(hostname.partition(".")[0], max_length=63)
        same = builder.pod_spec["hostname"] == hostname
        keys.keep("hostname", into="raw") if same else keys.approximate(
            "hostname", f"{builder.pod_spec['hostname']}, which is a name of DNS", into="raw"
        )
    keys.drop("domainname", "a pod has the domain of its namespace")
    if size := amounts.to_size(keys.get_text("shm_size")):
        builder.pod_spec["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
        builder.container["volumeMounts"] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
        keys.keep("shm_size", f"{size} of memory at /dev/shm, which count as the container's", into="raw")
    keys.drop("shm_size", "is no amount of bytes", "write it as 64m")
    groups: list[int] = []
    for number, text in enumerate(keys.get_texts("group_add") or []):
        if text.isdecimal():
            groups.append(int(text))
            keys.keep(f"group_add.{number}", "supplementalGroups of the pod", into="raw")
        else:
            why = f"which number {text} has, only the image knows"
            keys.drop(f"group_add.{number}", why, "write the number that `id -G` prints")
    if groups:
        builder.pod_spec.setdefault("securityContext", {})["supplementalGroups"] = groups
    for name, node in keys.get_scalars("annotations").items():
        builder.annotations[name] = node.text
        keys.record_member("annotations", name, "kept", "annotation of the pod", "", "raw")
    _convert_sysctls(keys, builder)
    if keys.is_true("init"):
        builder.pod_spec["shareProcessNamespace"] = True
        keys.keep("init", "shareProcessNamespace of the pod, whose first process collects what ends", into="raw")
    keys.keep("init")
    for number, said in enumerate(keys.enter_sequence("post_start")):
        _convert_hook(said, keys, builder, first=not number)


def _convert_hook(
    hook: key_reader.KeyReader, keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, *, first: bool
) -> None:
    command = hook.get_texts("command")
    if first and command:
        builder.container["lifecycle"] = {"postStart": {"exec": {"command": command}}}
        hook.keep("command", "lifecycle.postStart of the container", into="raw")
    hook.drop("command", "a container has one", "write them as one command")
    if hook.is_true("privileged"):
        hook.drop("privileged", "it has the rights of the program")
    for key in ("privileged", "per_replica"):
        hook.keep(key)
    for key in ("user", "working_dir", "environment"):
        hook.drop(key, "it runs as the program does, with its variables", "say it in the command")


def _convert_sysctls(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    """https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls"""
    listed = [(f"sysctls.{name}", name, node.text) for name, node in keys.get_scalars("sysctls").items()]
    for number, text in enumerate(keys.get_texts("sysctls") or []):
        name, _, value = text.partition("=")
        listed.append((f"sysctls.{number}", name, value))
    safe: list[dict[str, str]] = []
    for key, name, value in listed:
        plain = key == f"sysctls.{name}"
        if name == "net.ipv4.ip_unprivileged_port_start" or name in SAFE_SYSCTLS:
            if name in SAFE_SYSCTLS:
                safe.append({"name": name, "value": value})
            keys.record_member("sysctls", name, "kept", "", "", "raw") if plain else keys.keep(key, into="raw")
        else:
            why = "is one of the node's, which no pod may change"
            keys.record_member("sysctls", name, "dropped", why, "set it on the nodes") if plain else keys.drop(key, why)
    if safe:
        builder.pod_spec.setdefault("securityContext", {})["sysctls"] = safe
