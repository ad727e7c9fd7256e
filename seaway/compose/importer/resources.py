"""Converts resources, replicas and placement: `deploy`, and the older keys for the same."""

import re
from collections.abc import Callable, Iterable

from seaway.compose.importer import amounts, images, key_reader, plan
from seaway.kubernetes.api import quantity
from seaway.model import application

DEFAULT_MEMORY = "256Mi"
"""Reserved for an unknown program. The model's smaller default is for programs whose memory was measured."""

MIN_GUESSED_LIMIT = "8Gi"
"""Docker has no limit, so a limit that no key states is far above what a program usually needs: it only ends a leak."""

MIN_SHARED_LIMIT = "4Gi"
"""The same of a known program that needs 1Gi or more: a JVM or a database takes a share of its limit at once."""

UNKNOWN_DISK = "10Gi"
"""Logs and writable folders of an unknown program. Docker has no limit."""

_STATED_MEMORY = re.compile(
    r"-Xmx(?P<heap>[0-9]+[kmg])\b|--max[-_]old[-_]space[-_]size[= ](?P<node>[0-9]+)"
    r"|\b(?:innodb[-_]buffer[-_]pool[-_]size|shared_buffers|maxmemory)[= ]+(?P<cache>[0-9]+[kmg])b?\b",
    re.IGNORECASE,
)
_MEMCACHED_MEMORY = re.compile(r"(?:^|\s)(?:-m|--memory-limit)[= ]?([0-9]+)\b")

GPU_RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/i915"}
"""Resources of the vendors' device plugins, by compose driver."""

_CONSTRAINT = re.compile(r"\s*([\w.\-/]+)\s*(==|!=)\s*(.+?)\s*")
_LABELS = {
    "node.hostname": "kubernetes.io/hostname",
    "node.platform.arch": "kubernetes.io/arch",
    "node.platform.os": "kubernetes.io/os",
}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_UNSUPPORTED_LIMITS = {
    "blkio_config": "block I/O weight",
    "cpu_count": "the CPU count of Windows",
    "cpu_percent": "the CPU share of Windows",
    "cpu_period": "the CFS period",
    "cpu_quota": "the CFS quota",
    "cpu_rt_period cpu_rt_runtime": "real-time scheduling",
    "cpu_shares": "a weight without a unit",
    "cpuset": "CPU pinning",
    "mem_swappiness memswap_limit": "swapping",
    "oom_kill_disable": "the OOM killer",
    "oom_score_adj": "the OOM score",
    "pids_limit": "the number of processes",
    "storage_opt": "the size of a container's layer",
    "ulimits": "process limits",
}

Amount = tuple[str, key_reader.KeyReader, str]
"""An amount, with the reader and the key that state it."""


def convert(service: plan.ServicePlan) -> None:
    keys = service.keys
    resources = keys.enter("deploy").enter("resources")
    limits, reservations = resources.enter("limits"), resources.enter("reservations")
    limit = _find_amount(amounts.to_cpu, (limits, "cpus"), (keys, "cpus"))
    request = _find_amount(amounts.to_cpu, (reservations, "cpus"))
    if limit:
        service.set(("resources", "cpuLimit"), *limit)
        default = quantity.parse(application.Resources().cpu)
        if request is None and quantity.parse(limit[0]) < default:
            service.builder.set(("resources", "cpu"), limit[0], limit[1].locate(limit[2]))
    if request:
        service.set(("resources", "cpu"), *request)
    memory_limit = _find_amount(amounts.to_size, (limits, "memory"), (keys, "mem_limit"))
    memory_request = _find_amount(amounts.to_size, (reservations, "memory"), (keys, "mem_reservation"))
    _convert_memory(service, memory_limit, memory_request)
    for names, subject in _UNSUPPORTED_LIMITS.items():
        keys.drop(names, f"the node controls {subject}")
    limits.drop("pids", "the node controls the number of processes")
    reservations.drop("generic_resources", "resources of a swarm", "use `gpus`")
    _convert_devices(service, reservations)


def _find_amount(
    read_amount: Callable[[str | None], str | None], *keys: tuple[key_reader.KeyReader, str]
) -> Amount | None:
    """The first key with a valid amount. The others are dropped."""
    first = None
    for reader, key in keys:
        amount = read_amount(reader.get_text(key))
        if amount and first is None:
            first = amount, reader, key
        elif re.fullmatch(r"[0.]+[a-z]*", reader.get_text(key) or ""):
            reader.keep(key, "0 is no limit")
        else:
            reader.drop(key, "another key states it, or it is not a valid amount")
    return first


def _convert_memory(service: plan.ServicePlan, limit: Amount | None, request: Amount | None) -> None:
    """The reservation is the request. Without a limit, a large one is guessed."""
    keys, path, limit_path = service.keys, ("resources", "memory"), ("resources", "memoryLimit")
    if limit:
        service.set(limit_path if request and request[0] != limit[0] else path, *limit)
        if request and request[0] != limit[0]:
            service.set(path, *request)
        elif request:
            request[1].keep(request[2])
        return
    known = images.find_memory(service.base_image)
    by_command = _find_stated_memory(service, service.list_command_texts())
    env = keys.get_scalars("environment").items()
    texts = [*(node.text for _, node in env), *(service.project.find_text(name) or "" for name in service.list_files())]
    sizes = [amounts.to_size(node.text) for name, node in env if _is_memory(name)]
    by_environment = max([_find_stated_memory(service, texts), *filter(None, sizes)], key=quantity.parse)
    size = max(known or DEFAULT_MEMORY, by_command, key=quantity.parse)
    if request:
        size = request[0]
        service.set(path, *request)
    else:
        service.builder.set(path, size)
    # A variable or a file may be meant for another program: it raises the limit, and reserves nothing.
    largest = 2 * max(map(quantity.parse, (size, by_command, by_environment)))
    takes_share = known is not None and quantity.parse(known) >= quantity.parse("1Gi")
    smallest = quantity.parse(MIN_SHARED_LIMIT if takes_share else MIN_GUESSED_LIMIT)
    limit_size = quantity.format_size(max(smallest, largest))
    service.builder.set(limit_path, limit_size)
    message = f"may use {limit_size} of memory, and reserves {size}; compose states no limit"
    kind = "added" if known else "approximated"
    keys.note(kind, message, "set deploy.resources.limits.memory", into="resources.memoryLimit")


def _is_memory(name: str) -> bool:
    """Whether a variable is named like an amount of memory: MEMORY, or HEAP_SIZE."""
    return bool(re.search(r"(?:^|_)(?:MEMORY|MEM|HEAP|BUFFER_POOL)(?:_|$)", name, re.IGNORECASE))


def _find_stated_memory(service: plan.ServicePlan, texts: Iterable[str]) -> str:
    """The largest heap or cache that its texts state, with room for other memory of a heap; 0: they state none."""
    sizes = [amounts.to_size("1k")]
    text = "\n".join(texts)
    for match in _STATED_MEMORY.finditer(text):
        sizes.append(amounts.to_size(match["heap"] or match["cache"] or f"{match['node']}m"))
    if images.get_short_name(service.base_image or "") == "memcached":
        sizes += [amounts.to_size(f"{number}m") for number in _MEMCACHED_MEMORY.findall(text)]
    return max(filter(None, sizes), key=quantity.parse)


def convert_disk(service: plan.ServicePlan) -> None:
    """The size of writable folders of an unknown program."""
    if service.profile is None:
        service.builder.set(("resources", "disk"), UNKNOWN_DISK)
        message = f"may write {UNKNOWN_DISK} of logs and files outside of its volumes; Docker has no limit"
        service.keys.note("approximated", message, "mount a volume for larger files", into="resources.disk")


def _convert_devices(service: plan.ServicePlan, reservations: key_reader.KeyReader) -> None:
    """GPUs, which have two keys; their counts are added."""
    total, path, into = 0, ("resources", "gpu"), "resources.gpu"
    for parent, key in ((reservations, "devices"), (service.keys, "gpus")):
        for number, device in enumerate(parent.enter_sequence(key)):
            capabilities = device.get_texts("capabilities") or []
            if key != "gpus" and not any(name == "gpu" or name.startswith("nvidia") for name in capabilities):
                parent.refuse(f"{key}.{number}", "a device belongs to one machine", "use `gpus`")
                continue
            text = device.get_text("count") or "1"
            count = int(text) if text.isdecimal() and int(text) else 1
            total += count
            resource = GPU_RESOURCES.get(device.get_text("driver") or "nvidia")
            is_default = resource in (None, GPU_RESOURCES["nvidia"])
            gpu = total if is_default else {"count": total, "resource": resource}
            service.builder.set(path, gpu, device.mapping.location)
            for name in device.mapping.pairs:
                if name == "capabilities" or (name == "driver" and resource):
                    device.keep(name, resource or "a GPU", into=into)
                elif name == "count" and text.isdecimal():
                    device.keep(name, f"{count}", into=into)
                else:
                    device.approximate((name,), f"{count} of any type", into=into)


def convert_deploy(service: plan.ServicePlan) -> None:
    """Replicas and updates. `order` converts the restart policy."""
    keys, kind = service.keys, service.kind
    deploy, noun = keys.enter("deploy"), kind[:-1]
    reader, key = (deploy, "replicas") if deploy.get_text("replicas") is not None else (keys, "scale")
    on_each_node = deploy.get_text("mode") == "global" or service.labels.get("kompose.controller.type") == "daemonset"
    if on_each_node and kind == "services" and not service.is_switched_off():
        service.builder.set("daemonSet", True, deploy.locate("mode"))  # noqa: FBT003 - a field
        reader.drop(key, "one pod on every node")
        deploy.keep("mode", "daemonSet", into="daemonSet")
    else:
        _convert_replicas(service, reader, key)
        if on_each_node:
            deploy.approximate("mode", f"a {noun} is one pod")
        else:
            deploy.keep("mode", f"a {noun}", into="run" if kind == "jobs" else "")
    if reader is deploy:
        keys.drop("scale", "deploy.replicas states it")
    outcome = "approximated" if deploy.get_text("endpoint_mode") == "dnsrr" else "kept"
    deploy.record("endpoint_mode", outcome, "one address for all pods")
    _convert_placement(service, deploy.enter("placement"))
    for section in ("update_config", "rollback_config"):
        for name in deploy.get_names(section):
            message = "one additional pod at a time, each healthy before the next; a failure stops the rollout"
            deploy.approximate((section, name), message)


def _convert_replicas(service: plan.ServicePlan, reader: key_reader.KeyReader, key: str) -> None:
    kind, text = service.kind, reader.get_text(key)
    if kind == "jobs" and service.is_switched_off():
        service.builder.set("run", "on-demand", reader.locate(key))
        reader.keep(key, "runs only on demand", into="run")
    elif kind != "services":
        reader.approximate(key, f"1: a {kind[:-1]} is one pod", kept={"1": ""})
    elif _convert_autoscaling(service):
        reader.drop(key, "the labels kompose.hpa.* define an autoscaler")
    else:
        count = int(text) if text and text.isdecimal() else 1
        service.builder.set("scale", count, reader.locate(key) if text else None)
        reader.keep(key, into="scale")


def _convert_autoscaling(service: plan.ServicePlan) -> bool:
    builder, labels = service.builder, service.labels
    largest, smallest = labels.get("kompose.hpa.replicas.max", ""), labels.get("kompose.hpa.replicas.min") or "1"
    if not largest.isdecimal() or not smallest.isdecimal() or int(largest) <= max(int(smallest), 1):
        return False
    location = service.keys.locate("labels")
    builder.set(("scale", "min"), max(int(smallest), 1), location)
    builder.set(("scale", "max"), int(largest), location)
    for name in ("cpu", "memory"):
        share = labels.get(f"kompose.hpa.{name}", "")
        if share.isdecimal():
            builder.set(("scale", name), f"{share}%", location)
    return True


def _convert_placement(service: plan.ServicePlan, placement: key_reader.KeyReader) -> None:
    for key, text in placement.list_entries("constraints"):
        match = _CONSTRAINT.fullmatch(text)
        name = match[1] if match else ""
        label = name.removeprefix("node.labels.") if name.startswith("node.labels.") else _LABELS.get(name)
        if match and match[2] == "==" and label:
            node = _ARCHITECTURES.get(match[3], match[3])
            service.builder.set(("nodeSelector", label), node, placement.locate(key))
            placement.keep(key, f"nodes with {label}", into="nodeSelector")
        else:
            placement.drop(key, "nodes are selected by their labels", "write `node.labels.<label> == <value>`")
    key = "max_replicas_per_node"
    if placement.get_text(key) == "1" and service.kind == "services":
        service.set("spread", "require", placement, key)
    else:
        placement.approximate(key, "pods prefer different nodes, without a limit per node")
    placement.approximate("preferences", "pods prefer different zones and nodes")


def convert_platform(service: plan.ServicePlan) -> None:
    keys = service.keys
    parts = (keys.get_text("platform") or "").split("/")
    if len(parts) < 2:
        keys.drop("platform", "names no architecture", "write it as linux/amd64")
        return
    architecture = _ARCHITECTURES.get(parts[1], parts[1])
    service.builder.set(("nodeSelector", "kubernetes.io/arch"), architecture, keys.locate("platform"))
    if keys.has("build"):
        message = "for the nodes; seaway:platform is the platform of builds"
        keys.approximate("platform", message, into="nodeSelector")
    else:
        keys.keep("platform", into="nodeSelector")
