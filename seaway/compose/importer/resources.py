"""How many pods, how big, where: `deploy`, and the older keys that say the same."""

import re
from collections.abc import Callable

from seaway.compose.importer import amounts, images, key_reader, service_builder
from seaway.kubernetes.api import quantity

DEFAULT_MEMORY = "256Mi"
"""For a program that nobody says the size of. Docker has no limit; the model's own default is for what is measured."""

DEFAULT_CPU = "100m"
_CONSTRAINT = re.compile(r"\s*([\w.\-/]+)\s*(==|!=)\s*(.+?)\s*")
_LABELS = {
    "node.hostname": "kubernetes.io/hostname",
    "node.platform.arch": "kubernetes.io/arch",
    "node.platform.os": "kubernetes.io/os",
}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
UNSUPPORTED_LIMITS = {
    "blkio_config": "the weight of disks",
    "cpu_count": "Windows' count of processors",
    "cpu_percent": "Windows' share of processors",
    "cpu_period": "the period of a share",
    "cpu_quota": "the quota of a period",
    "cpu_rt_period": "real-time scheduling",
    "cpu_rt_runtime": "real-time scheduling",
    "cpu_shares": "a weight without a unit",
    "cpuset": "the choice of processors",
    "mem_swappiness": "swapping",
    "memswap_limit": "swapping",
    "oom_kill_disable": "the end of what takes too much memory",
    "oom_score_adj": "the order in which a full node ends programs",
    "pids_limit": "the number of processes",
    "storage_opt": "the size of a container's layer",
    "ulimits": "limits of a process",
}


def convert(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, image: str | None) -> None:
    """What is set aside, and the limits."""
    deploy = keys.enter("deploy")
    limits, asked = deploy.enter("resources").enter("limits"), deploy.enter("resources").enter("reservations")
    most = _find_amount(amounts.to_cpu, (limits, "cpus"), (keys, "cpus"))
    least = _find_amount(amounts.to_cpu, (asked, "cpus"))
    if most:
        builder.set(("resources", "cpuLimit"), most[0], most[1].locate(most[2]))
        most[1].keep(most[2], f"cpuLimit: {most[0]}", into="resources.cpuLimit")
        if least is None and quantity.parse(most[0]) < quantity.parse(DEFAULT_CPU):
            builder.set(("resources", "cpu"), most[0], most[1].locate(most[2]))
    if least:
        builder.set(("resources", "cpu"), least[0], least[1].locate(least[2]))
        least[1].keep(least[2], f"cpu: {least[0]}", into="resources.cpu")
    _convert_memory(keys, builder, limits, asked, image)
    for key, what in UNSUPPORTED_LIMITS.items():
        keys.drop(key, f"{what}: the node's business")
    for each in (limits, asked):
        each.drop("pids", "the number of processes is the node's business")
        each.drop("generic_resources", "what a swarm calls so, a cluster does not have", "use `gpus`")
    _convert_devices(keys, asked, builder)
    for each in (keys, limits, asked):
        for key in ("cpus", "memory", "mem_limit", "mem_reservation"):
            each.drop(key, "another key says it, or it says nothing")


ReadAmount = Callable[[str | None], str | None]


def _find_amount(
    read_amount: ReadAmount, *keys: tuple[key_reader.KeyReader, str]
) -> tuple[str, key_reader.KeyReader, str] | None:
    """The first of some keys that says an amount: it, and where it was said."""
    return next(((amount, each, key) for each, key in keys if (amount := read_amount(each.get_text(key)))), None)


def _convert_memory(
    keys: key_reader.KeyReader,
    builder: service_builder.ServiceBuilder,
    limits: key_reader.KeyReader,
    reservations: key_reader.KeyReader,
    image: str | None,
) -> None:
    most = _find_amount(amounts.to_size, (limits, "memory"), (keys, "mem_limit"))
    least = _find_amount(amounts.to_size, (reservations, "memory"), (keys, "mem_reservation"))
    if most:
        builder.set(("resources", "memory"), most[0], most[1].locate(most[2]))
        most[1].keep(most[2], f"memory: {most[0]}", into="resources.memory")
        if least:
            same = least[0] == most[0]
            how = (
                "" if same else f"{most[0]} is set aside, which is the limit: a pod never depends on what others leave"
            )
            (least[1].keep(least[2]) if same else least[1].approximate(least[2], how, into="resources.memory"))
        return
    size = _find_java_heap(keys) or images.find_memory(image) or DEFAULT_MEMORY
    if least and quantity.parse(least[0]) > quantity.parse(size):
        size = least[0]
    builder.set(("resources", "memory"), size, least[1].locate(least[2]) if least else builder.location)
    remedy = "say deploy.resources.limits.memory"
    if least:
        how = f"{size} is set aside, and is the limit too: a pod never depends on what others leave"
        least[1].approximate(least[2], how, remedy, into="resources.memory")
    else:
        keys.note("added", f"may use {size} of memory; compose has no limit", remedy, into="resources.memory")


def _find_java_heap(keys: key_reader.KeyReader) -> str | None:
    """Twice what Java is told that its heap may be: the rest is code, threads and buffers."""
    texts = [node.text for node in keys.get_scalars("environment").values()]
    texts += [*(keys.get_texts("command") or []), *(keys.get_texts("entrypoint") or [])]
    found = [amounts.to_size(said[1]) for text in texts if (said := re.search(r"-Xmx([0-9]+[kKmMgG])\b", text))]
    sizes = [quantity.parse(size) for size in found if size]
    return quantity.format_size(2 * max(sizes)) if sizes else None


GPU_RESOURCES = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "intel": "gpu.intel.com/i915"}
"""What the device plugins of the makers call their processors."""


def _convert_devices(
    keys: key_reader.KeyReader, reservations: key_reader.KeyReader, builder: service_builder.ServiceBuilder
) -> None:
    """Graphics processors, in either of the two ways; all that are asked for together."""
    total = 0
    for parent, key in ((reservations, "devices"), (keys, "gpus")):
        if parent.get_text(key) == "all":
            builder.set(("resources", "gpu"), 1, parent.locate(key))
            parent.approximate(key, "one, and not all of a node", "say a count", into="resources.gpu")
            continue
        for number, each in enumerate(parent.enter_sequence(key)):
            kinds, count = each.get_texts("capabilities") or [], each.get_text("count") or "1"
            if key == "gpus" or any(kind == "gpu" or kind.startswith("nvidia") for kind in kinds):
                whole = int(count) if count.isdecimal() and int(count) else 1
                total += whole
                kind = GPU_RESOURCES.get(each.get_text("driver") or "nvidia")
                plain = kind in (None, GPU_RESOURCES["nvidia"])
                builder.set(
                    ("resources", "gpu"), total if plain else {"count": total, "resource": kind}, each.mapping.location
                )
                each.keep("capabilities", "a graphics processor", into="resources.gpu")
                each.keep("driver", kind or "", into="resources.gpu") if kind else None
                for name in each.mapping.pairs:
                    if name == "count" and count.isdecimal():
                        each.keep(name, f"{whole}", into="resources.gpu")
                    each.approximate(name, f"{whole} of whatever kind", into="resources.gpu")
            else:
                parent.refuse(f"{key}.{number}", "a device is one machine's", "use `gpus`")


def convert_deploy(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder, kind: str) -> None:
    """How many pods and how they change. What a job has of it is read with the job."""
    said = keys.enter("deploy")
    number, parent, key = said.get_text("replicas"), said, "replicas"
    if number is None:
        number, parent, key = keys.get_text("scale"), keys, "scale"
    each_node = said.get_text("mode") == "global" or _get_label(keys, "kompose.controller.type") == "daemonset"
    if kind == "services":
        if each_node:
            builder.set(("daemonSet",), True, said.locate("mode"))  # noqa: FBT003 - a value that is written
            said.keep("mode", "daemonSet", into="daemonSet")
            parent.drop(key, "one pod on every node")
        elif not _convert_autoscaling(keys, builder):
            whole = int(number) if number and number.isdecimal() else 1
            builder.set(("scale",), max(whole, 1), parent.locate(key) if number else builder.location)
            if whole:
                parent.keep(key, into="scale")
            else:
                parent.approximate(key, "1: a service runs", "leave it out, or give it a profile", into="scale")
    elif number is not None:
        (parent.keep(key) if number == "1" else parent.approximate(key, f"1: a {kind[:-1]} is one pod"))
    keys.drop("scale", "deploy.replicas says it")
    if each_node:
        said.approximate("mode", f"a {kind[:-1]} is one pod")
    said.keep("mode", f"a {kind[:-1]}", into="run" if kind == "jobs" else "")
    said.keep("replicas")
    said.approximate("endpoint_mode", "one address for all pods") if said.get_text("endpoint_mode") == "dnsrr" else None
    said.keep("endpoint_mode", "one address for all pods")
    _convert_placement(said.enter("placement"), builder, kind)
    for key in ("update_config", "rollback_config"):
        for name in said.enter(key).mapping.pairs:
            how = "one pod more at a time, each healthy before the next; what fails changes nothing more"
            said.enter(key).approximate(name, how)
    said.drop("labels", "labels of a swarm's service; nothing here reads them")


def _convert_autoscaling(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> bool:
    most = _get_label(keys, "kompose.hpa.replicas.max")
    least = _get_label(keys, "kompose.hpa.replicas.min") or "1"
    if most is None or not most.isdecimal() or not least.isdecimal() or int(most) <= max(int(least), 1):
        return False
    place = keys.locate("labels")
    builder.set(("scale", "min"), max(int(least), 1), place)
    builder.set(("scale", "max"), int(most), place)
    for name in ("cpu", "memory"):
        share = _get_label(keys, f"kompose.hpa.{name}")
        if share and share.isdecimal():
            builder.set(("scale", name), f"{share}%", place)
    keys.enter("deploy").drop("replicas", "an autoscaler chooses: kompose.hpa says so")
    return True


def _get_label(keys: key_reader.KeyReader, name: str) -> str | None:
    found = keys.get_scalars("labels").get(name)
    return found.text if found else None


def _convert_placement(placement: key_reader.KeyReader, builder: service_builder.ServiceBuilder, kind: str) -> None:
    for number, text in enumerate(placement.get_texts("constraints") or []):
        key, found = f"constraints.{number}", _CONSTRAINT.fullmatch(text)
        name = found[1] if found else ""
        label = name.removeprefix("node.labels.") if name.startswith("node.labels.") else _LABELS.get(name)
        if found and found[2] == "==" and label:
            builder.set(("nodeSelector", label), _ARCHITECTURES.get(found[3], found[3]), placement.locate(key))
            placement.keep(key, f"nodes with {label}", into="nodeSelector")
        else:
            placement.drop(key, "nodes are chosen by labels that they have", "write `node.labels.<label> == <value>`")
    if placement.get_text("max_replicas_per_node") == "1" and kind == "services":
        builder.set(("spread",), "require", placement.locate("max_replicas_per_node"))
        placement.keep("max_replicas_per_node", "spread: require", into="spread")
    placement.approximate("max_replicas_per_node", "pods prefer different nodes; nobody counts them")
    placement.approximate("preferences", "pods prefer different zones and nodes")


def convert_platform(keys: key_reader.KeyReader, builder: service_builder.ServiceBuilder) -> None:
    """Nodes of an architecture."""
    parts = (keys.get_text("platform") or "").split("/")
    if len(parts) > 1:
        builder.set(
            ("nodeSelector", "kubernetes.io/arch"), _ARCHITECTURES.get(parts[1], parts[1]), keys.locate("platform")
        )
        how = "the nodes have it; what is built, is built for seaway:platform"
        keys.approximate("platform", how, into="nodeSelector") if keys.has("build") else keys.keep(
            "platform", into="nodeSelector"
        )
    else:
        keys.drop("platform", "names no architecture", "write it as linux/amd64")
