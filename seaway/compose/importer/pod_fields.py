"""What Kubernetes has a field for, and the model no word: it goes into `raw`."""

from seaway.compose.importer import amounts, key_reader, naming, service_builder

SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_syncookies",
)


def convert(one: key_reader.Part, made: service_builder.Draft) -> None:
    """What Kubernetes has, and the model has no word for."""
    for key, field in (("tty", "tty"), ("stdin_open", "stdin")):
        if one.true(key):
            made.container[field] = True
        one.kept(key, f"{field} of the container" if one.true(key) else "", into="raw")
    if hostname := one.text("hostname"):
        made.pod["hostname"] = naming.label(hostname.partition(".")[0], longest=63)
        same = made.pod["hostname"] == hostname
        one.kept("hostname", into="raw") if same else one.approximated(
            "hostname", f"{made.pod['hostname']}, which is a name of DNS", into="raw"
        )
    one.dropped("domainname", "a pod has the domain of its namespace")
    if size := amounts.size(one.text("shm_size")):
        made.pod["volumes"] = [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": size}}]
        made.container["volumeMounts"] = [{"name": "shm", "mountPath": "/dev/shm"}]  # noqa: S108
        one.kept("shm_size", f"{size} of memory at /dev/shm, which count as the container's", into="raw")
    one.dropped("shm_size", "is no amount of bytes", "write it as 64m")
    groups: list[int] = []
    for number, text in enumerate(one.texts("group_add") or []):
        if text.isdecimal():
            groups.append(int(text))
            one.kept(f"group_add.{number}", "supplementalGroups of the pod", into="raw")
        else:
            why = f"which number {text} has, only the image knows"
            one.dropped(f"group_add.{number}", why, "write the number that `id -G` prints")
    if groups:
        made.pod.setdefault("securityContext", {})["supplementalGroups"] = groups
    for name, node in one.scalars("annotations").items():
        made.annotations[name] = node.text
        one.named("annotations", name, "kept", "annotation of the pod", "", "raw")
    _sysctls(one, made)
    if one.true("init"):
        made.pod["shareProcessNamespace"] = True
        one.kept("init", "shareProcessNamespace of the pod, whose first process collects what ends", into="raw")
    one.kept("init")
    for number, said in enumerate(one.items("post_start")):
        _hook(said, one, made, first=not number)


def _hook(said: key_reader.Part, one: key_reader.Part, made: service_builder.Draft, *, first: bool) -> None:
    command = said.texts("command")
    if first and command:
        made.container["lifecycle"] = {"postStart": {"exec": {"command": command}}}
        said.kept("command", "lifecycle.postStart of the container", into="raw")
    said.dropped("command", "a container has one", "write them as one command")
    if said.true("privileged"):
        said.dropped("privileged", "it has the rights of the program")
    for key in ("privileged", "per_replica"):
        said.kept(key)
    for key in ("user", "working_dir", "environment"):
        said.dropped(key, "it runs as the program does, with its variables", "say it in the command")


def _sysctls(one: key_reader.Part, made: service_builder.Draft) -> None:
    """https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls"""
    listed = [(f"sysctls.{name}", name, node.text) for name, node in one.scalars("sysctls").items()]
    for number, text in enumerate(one.texts("sysctls") or []):
        name, _, value = text.partition("=")
        listed.append((f"sysctls.{number}", name, value))
    safe: list[dict[str, str]] = []
    for key, name, value in listed:
        plain = key == f"sysctls.{name}"
        if name == "net.ipv4.ip_unprivileged_port_start" or name in SAFE:
            if name in SAFE:
                safe.append({"name": name, "value": value})
            one.named("sysctls", name, "kept", "", "", "raw") if plain else one.kept(key, into="raw")
        else:
            why = "is one of the node's, which no pod may change"
            one.named("sysctls", name, "dropped", why, "set it on the nodes") if plain else one.dropped(key, why)
    if safe:
        made.pod.setdefault("securityContext", {})["sysctls"] = safe
